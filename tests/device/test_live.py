"""`assistant run` on a real sound server: a request played into the room is answered on the loudspeaker; Ctrl-C ends it."""

from __future__ import annotations

import json
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

pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")
RATE = 16000
PCM = ["--rate=16000", "--channels=1", "--format=s16le", "--raw", "--latency-msec=20"]


def appears(file: Path, *words: str, seconds: float = 10.0) -> bool:
    """Does the file hold all of the words before the time is up?"""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        text = file.read_text()
        if all(word in text for word in words):
            return True
        time.sleep(0.1)
    return False


def test_a_request_in_the_room_is_answered(sound_card: None, private_home: Path, registry: Any, tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    complaints = tmp_path / "stderr.txt"
    with log.open("w") as output, complaints.open("w") as said_aloud, (tmp_path / "reply.raw").open("wb") as reply:
        command = [sys.executable, "-m", "assistant.cli", "run", "--json"]
        assistant = subprocess.Popen(command, stdout=output, stderr=said_aloud)
        recorder = subprocess.Popen(["parec", "--device=speaker.monitor", *PCM], stdout=reply)
        try:
            assert appears(complaints, "Listening", seconds=60), "the assistant ended before it listened"
            said = Room().hear(request(PicoTts("en-GB"), "okay nabu", "Turn on the kitchen light.").sound)
            sound = np.concatenate([said, np.zeros(3 * RATE, np.int16)])
            for _ in range(3):  # a busy machine may tear a hole into the sound: then the person says it again
                subprocess.run(["pacat", "--device=room", *PCM], input=sound.tobytes(), check=True)
                if appears(log, "SkillRan", "TurnFinished"):
                    break
            assistant.send_signal(signal.SIGINT)
            assert assistant.wait(timeout=10) == 0
        finally:
            assistant.kill()
            recorder.terminate()
            recorder.wait()
    events = [json.loads(line) for line in log.read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert "SkillRan" in kinds and "TurnFinished" in kinds, kinds
    assert not [event for event in events if event["event"] in ("AudioDropped", "StageFailed")], events
    sound = np.frombuffer((tmp_path / "reply.raw").read_bytes(), np.int16)
    assert np.abs(sound).max() > 3000, "the reply was not heard on the loudspeaker"
    assert len(complaints.read_text().splitlines()) < 5, "a sound library writes to standard error: that can block its thread"


def test_idle_is_measured_on_the_sound_card(sound_card: None, private_home: Path, registry: Any) -> None:
    command = [sys.executable, "-m", "assistant.cli", "bench", "idle", "--seconds", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert 0 < result["share"] < 1 and result["seconds"] >= 3 and result["wakes_per_second"] > 10
