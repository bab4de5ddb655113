"""A disk that is full or cannot be written: a clear error, nothing half done. Needs root, to mount a small disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.config import folders


@pytest.fixture
def small_disk(tmp_path: Path, registry: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on a disk of 4 MB, with the user's models linked into it, as EDGE_ASSISTANT_HOME."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)], capture_output=True)
    if done.returncode:
        pytest.skip("this machine does not let us mount a disk")
    try:
        (tmp_path / "data").symlink_to(folders().data)
        monkeypatch.setenv("EDGE_ASSISTANT_HOME", str(tmp_path))
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "assistant.cli", *arguments], capture_output=True, text=True, timeout=120)


def test_no_room_for_the_recogniser(small_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    sound = tmp_path_factory.mktemp("sound") / "said.wav"
    assert run("--set", "tts.engine=pico", "--set", "tts.voice=en-GB", "say", "hello", "-o", str(sound)).returncode == 0
    done = run("transcribe", str(sound))
    assert done.returncode == 69, done.stderr
    assert str(small_disk) in done.stderr and len(done.stderr.splitlines()) <= 3
    assert sum(file.stat().st_size for file in (small_disk / "cache").rglob("*") if file.is_file()) < 1_000_000, (
        "a torso was left behind"
    )


def test_no_room_for_a_timer(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize))
    done = run("ask", "set a timer for five minutes")
    assert done.returncode == 0, done.stderr
    assert "cannot" in done.stdout.lower(), f"the user must hear that the timer was not set: {done.stdout}"


def test_a_disk_that_may_not_be_written(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "on" in run("ask", "turn on the kitchen light").stdout
    done = run("ask", "set a timer for five minutes")
    assert done.returncode == 0 and "cannot" in done.stdout.lower(), done.stdout + done.stderr
