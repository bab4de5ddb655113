"""Nothing said is stored, logged or sent: every file opened for writing, every socket and every log line is watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant.caller import Room, request
from assistant.engines.tts_pico import PicoTts

WATCHER = """
import json, sys
seen = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+"):
        seen.append(["write", str(arguments[0])])
    elif event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        seen.append([event, str(arguments[:2])])
    elif event == "sqlite3.connect":
        seen.append(["write", str(arguments[0])])
sys.addaudithook(watch)
from assistant.cli import main
sys.argv = ["assistant", *json.loads(sys.argv[1])]
try:
    main()
except SystemExit as error:
    assert not error.code, error.code
print("WATCHED " + json.dumps(seen))
"""


def watched(home: Path, *arguments: str) -> tuple[list[list[str]], str, str]:
    """Run a command; what it wrote to and connected to, its output, its log."""
    env = {**os.environ, "EDGE_ASSISTANT_HOME": str(home), "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", WATCHER, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, cwd=home)
    assert done.returncode == 0, done.stderr
    output, _, seen = done.stdout.rpartition("WATCHED ")
    return json.loads(seen), output, done.stderr


@pytest.fixture
def spoken(private_home: Path, registry: Any) -> Path:
    path = private_home / "request.wav"
    soundfile.write(
        path, np.concatenate([Room().hear(request(PicoTts("en-GB"), "okay nabu", "Turn on the kitchen light.").sound)]), 16000
    )
    return path


def test_listening_stores_logs_and_sends_nothing_that_was_said(private_home: Path, spoken: Path) -> None:
    watched(private_home, "listen", str(spoken))  # the first run assembles the recogniser in the cache folder
    seen, output, log = watched(private_home, "-v", "listen", str(spoken), "--json")
    assert "kitchen" in output, "the command itself must work, or this test shows nothing"
    allowed = (str(private_home / "state" / "timers.sqlite"), "/dev/null")
    assert [entry for entry in seen if entry[0] != "write" or entry[1] not in allowed] == []
    assert "kitchen" not in log.lower() and "light" not in log.lower()


def test_no_file_holds_what_was_said_or_asked(private_home: Path, spoken: Path) -> None:
    watched(private_home, "listen", str(spoken))
    watched(private_home, "ask", "turn on the kitchen light and tell nobody about xylophones")
    for path in private_home.rglob("*"):
        if path.is_file() and not path.is_relative_to(private_home / "data") and path != spoken:
            content = path.read_bytes().lower()
            assert b"kitchen" not in content and b"xylophone" not in content, path
    sounds = [path for path in private_home.rglob("*") if path.suffix in {".wav", ".flac", ".ogg", ".raw", ".mp3"}]
    assert sounds == [spoken]


def test_a_failing_turn_does_not_put_words_into_the_log(private_home: Path) -> None:
    (private_home / "config" / "skills").mkdir(parents=True)
    (private_home / "config" / "skills" / "broken.py").write_text(
        "from dataclasses import dataclass\n"
        "from assistant.skills import Reply, Services, skill\n"
        "@dataclass(frozen=True)\n"
        "class Slots:\n"
        "    thing: str\n"
        "@skill('Break', sentences=['break the {thing}'], lists={'thing': ['xylophone', 'drum']})\n"
        "async def broken(slots: Slots, services: Services) -> Reply:\n"
        "    raise ValueError(slots.thing)\n"
    )
    _, output, log = watched(private_home, "ask", "break the xylophone")
    assert output.strip(), "a failing skill is answered with a sentence"
    assert "xylophone" not in log


@pytest.mark.parametrize("package", ["assistant.app", "device.audio", "export", "models"])
def test_onnx_runtime_reports_nothing_to_its_maker(package: str, tmp_path: Path) -> None:
    """Its telemetry writes an identifier to the temporary folder and the cache as soon as it is imported."""
    code = f"import {package}, onnxruntime, time; time.sleep(1)"
    env = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    env = {key: value for key, value in env.items() if key != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**env, "PYTHONDONTWRITEBYTECODE": "1"})
    assert list(tmp_path.rglob("*")) == []
