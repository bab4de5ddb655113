"""The names our TensorRT code uses exist in NVIDIA's own bindings, from JetPack 6's 10.3 to JetPack 7's 11.4."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

VERSIONS = ["10.3.0", "10.7.0", "10.13.3.9", "10.16.1.11", "11.4.0.106"]
CHILD = Path(__file__).with_name("bindings_child.py")
PACKAGE = "tensorrt_cu12_bindings"


@pytest.fixture(scope="session")
def bindings(tmp_path_factory: pytest.TempPathFactory):
    """(version) -> folder with that version's bindings, fetched with pip; 1.3 MB each, nothing is installed."""
    if sys.version_info[:2] not in ((3, 10), (3, 11), (3, 12)) or not shutil.which("gcc"):
        pytest.skip("needs Python 3.10 to 3.12 on x86-64 and gcc")
    home = tmp_path_factory.mktemp("bindings")

    def fetch(version: str) -> Path:
        folder = home / version
        if not folder.exists():
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            done = subprocess.run([*command, "-d", str(home / "wheels"), f"{PACKAGE}=={version}"], capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"cannot fetch {PACKAGE} {version}: {done.stderr.strip().splitlines()[-1:]}")
            wheel = next((home / "wheels").glob(f"{PACKAGE}-{version}-*.whl"))
            zipfile.ZipFile(wheel).extractall(folder)
        return folder

    return fetch


def run(folder: Path, *planted: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHILD), str(folder), *planted]
    return subprocess.run(command, capture_output=True, text=True, cwd=CHILD.parents[2], timeout=120)


@pytest.mark.parametrize("version", VERSIONS)
def test_our_code_fits_the_bindings(bindings, version: str) -> None:
    done = run(bindings(version))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-2:] == ["ok", version]


PLANTED = {
    "a precision flag that 11 removed": (
        "11.4.0.106",
        "engine.py",
        "    plan = builder.build",
        "    config.set_flag(trt.BuilderFlag.FP16)\n    plan = builder.build",
    ),
    "a layer that 10.3 lacks": (
        "10.3.0",
        "engine.py",
        "    plan = builder.build",
        "    network.add_kv_cache_update()\n    plan = builder.build",
    ),
    "bindings by number, gone since 10": ("10.3.0", "session_tensorrt.py", "engine.num_io_tensors", "engine.num_bindings"),
    "an enqueue of old": ("10.16.1.11", "session_tensorrt.py", "context.execute_async_v3(", "context.execute_async_v2("),
}


@pytest.mark.parametrize("what", PLANTED)
def test_planted_violations_turn_it_red(bindings, what: str) -> None:
    version, *planted = PLANTED[what]
    done = run(bindings(version), *planted)
    assert done.returncode != 0
    assert "AttributeError" in done.stderr, done.stderr[-500:]
