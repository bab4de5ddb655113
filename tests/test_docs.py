"""What the README tells people to type works as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

from assistant.caller import Room, request
from assistant.engines.tts_pico import PicoTts

ROOT = Path(__file__).parents[1]
NEEDS_MORE = {"run": "a microphone", "devices": "PyAudio", "demo": "run by .ci/run", "bench": "minutes"}
NEEDS_MORE |= {"service": "root", "ctl": "a running assistant", "watch": "a running assistant", "doctor": "a microphone"}


def commands() -> list[str]:
    """Every `assistant ...` line of the README's shell blocks, and every inline one, without comments."""
    text = (ROOT / "README.md").read_text("utf-8")
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.S))
    lines = [line.partition("#")[0].strip() for line in blocks.splitlines()]
    found = [line.removeprefix(".venv/bin/") for line in lines if line.removeprefix(".venv/bin/").startswith("assistant ")]
    found += [line for line in re.findall(r"`(assistant [^`]+)`", text) if "NAME" not in line]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("command", commands())
def test_command(command: str, private_home: Path, tmp_path: Path, registry: Any) -> None:
    words = shlex.split(command)
    subcommand = next(word for word in words[1:] if not word.startswith("-") and "=" not in word)
    for name in ("request.wav", "talk.wav"):
        soundfile.write(tmp_path / name, Room().hear(request(PicoTts("en-GB"), "okay nabu", "What time is it?").sound), 16000)
    if subcommand in NEEDS_MORE or "pull" in words:
        words = [*words[: words.index(subcommand) + 1], "--help"]
    done = subprocess.run(
        [sys.executable, "-m", "assistant.cli", *words[1:]],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout or "-o" in words or "say" in words


def test_the_readme_names_only_files_that_exist() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "BENCHMARKS.md", "docs/wake.md", "docs/commands.md"):
        path = ROOT / document
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{document} links to {link}"


def test_the_makefile_has_the_promised_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in ("setup", "demo", "test", "check", "bench"):
        assert re.search(rf"^{target}:", makefile, re.M)
