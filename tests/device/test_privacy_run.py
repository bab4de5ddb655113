"""The whole assistant at work, with microphone and camera: no file, no log line and no output holds what was said or seen.

Python's own opening of files, sockets and programs is watched by an audit hook; what native libraries might write is found by
comparing every folder the process could write to before and after.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.caller import Room, request
from assistant.engines.tts_pico import PicoTts
from assistant.recording import make_key, read_key, recordings, unseal

pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")
cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (extra: camera)")

PCM = ["--rate=16000", "--channels=1", "--format=s16le", "--raw", "--latency-msec=20"]
WORDS = (b"kitchen", b"xylophone", b"light is on")
RUN = """
import os, sys
def watch(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+"):
        os.write(2, f"SEEN write {arguments[0]}\\n".encode())
    elif event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "sqlite3.connect"):
        os.write(2, f"SEEN {event} {arguments[-1]}\\n".encode())
sys.addaudithook(watch)
from assistant.cli import main
main()
"""


def film(path: Path) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (160, 120))
    for number in range(25):
        writer.write(np.full((120, 160, 3), number, np.uint8))
    writer.release()


def files_below(*folders: Path) -> dict[Path, bytes]:
    paths = (path for folder in folders for path in folder.rglob("*") if "data" not in path.parts)
    return {path: path.read_bytes() for path in paths if path.is_file()}


def converse(home: Path, env: dict[str, str]) -> str:
    """Run the assistant, say something to it and ask it something in writing; its output and log."""
    film(home / "film.avi")
    command = [sys.executable, "-c", RUN, "-v", "--set", f"camera.source={home / 'film.avi'}", "run", "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=home)

    def ctl(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "assistant.cli", "ctl", *arguments, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    try:
        deadline = time.monotonic() + 60
        while ctl("status").get("status", {}).get("state") != "asleep" and time.monotonic() < deadline:
            time.sleep(0.3)
        said = Room().hear(request(PicoTts("en-GB"), "okay nabu", "Turn on the kitchen light.").sound)
        for _ in range(3):  # a busy machine may tear a hole into the sound
            subprocess.run(["pacat", "--device=room", *PCM], input=said.tobytes() + bytes(96000), check=True)
            if "is on" in ctl("ask", "is the kitchen light on").get("reply", ""):
                break
        assert "is on" in ctl("ask", "is the kitchen light on")["reply"], "it must have worked, or this test shows nothing"
        ctl("ask", "who plays the xylophone")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        return output.decode(errors="replace")
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("recording", [False, True], ids=["not recording", "recording"])
def test_nothing_said_or_seen_is_left(recording: bool, sound_card: None, private_home: Path, registry: Any) -> None:
    for folder in ("config", "tmp"):
        (private_home / folder).mkdir()
    if recording:
        make_key(private_home / "config" / "recording.key")
        (private_home / "config" / "assistant.toml").write_text("[recording]\nenabled = true\n")
    env = {**os.environ, "HOME": str(private_home), "TMPDIR": str(private_home / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    before = files_below(private_home, Path("/dev/shm"))
    output = converse(private_home, env)
    assert "kitchen" not in output.lower() and "xylophone" not in output.lower(), "words reached the log"
    places = ["state/timers.sqlite", "cache/", *(["state/recordings/"] if recording else [])]
    own = tuple(str(private_home / place) for place in places)
    seen = [line.removeprefix("SEEN ").split(" ", 1) for line in output.splitlines() if line.startswith("SEEN ")]
    assert seen, "the hook saw nothing at all"
    for kind, target in seen:
        assert kind in ("write", "sqlite3.connect", "socket.connect"), (kind, target)
        harmless = target == "/dev/null" or target.endswith("control.sock") or (recording and target.isdecimal())
        assert harmless or target.startswith(own), (kind, target)
    after = files_below(private_home, Path("/dev/shm"))
    new = {path: content for path, content in after.items() if before.get(path) != content}
    system = [Path("/dev/shm/jack_db-0")]  # PortAudio's JACK client keeps its list of servers there
    allowed = system + [private_home / place for place in ("state", "cache", "film.avi", ".config", ".cache")]
    for path, content in new.items():
        assert not any(word in content.lower() for word in WORDS), path
        assert any(path.is_relative_to(place) for place in allowed), path
        assert path.suffix not in {".wav", ".flac", ".raw", ".jpg", ".png", ".avi"} or path.name == "film.avi", path
    kept = recordings(private_home / "state")
    assert bool(kept) is recording
    if recording:
        secret = read_key(private_home / "config" / "recording.key")
        texts = [str(unseal(path.read_bytes(), secret, path.name).events).lower() for path in kept]
        assert any("xylophone" in text or "kitchen" in text for text in texts), "the recordings must hold what was said"
