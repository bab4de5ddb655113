"""Nothing seen is stored, logged or sent; a taught name keeps numbers, never a picture. And eyes work in a spoken turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from assistant.caller import Room, request
from assistant.engines.tts_pico import PicoTts
from tests.test_privacy import watched


@pytest.fixture
def photo(private_home: Path, shared_data: Path, fetch: Any) -> Path:
    pytest.importorskip("cv2")
    fetch("yolox-nano")
    return shared_data / "vision/coco128_train/images/000000000643.jpg"  # a television


def test_looking_stores_logs_and_sends_nothing(private_home: Path, photo: Path) -> None:
    watched(private_home, "ask", "what time is it")  # weights that are installed are prepared once
    seen, output, log = watched(private_home, "-v", "ask", "turn that off", "--image", str(photo), "--json")
    events = {entry["event"]: entry for entry in map(json.loads, output.splitlines())}
    assert events["IntentParsed"]["referent"] == "tv" and events["IntentParsed"]["used_image"] is True
    assert events["ImageTaken"]["width"] == 500 and "pixels" not in output
    allowed = (str(private_home / "state" / "timers.sqlite"), "/dev/null")
    assert [entry for entry in seen if entry[0] != "write" or entry[1] not in allowed] == []
    assert "tv" not in log.lower()


def test_a_taught_name_keeps_no_picture(private_home: Path, photo: Path) -> None:
    watched(private_home, "ask", "remember this as my trinket", "--image", str(photo))
    kept = private_home / "state" / "learned_names.json"
    assert json.loads(kept.read_text())["things"][0]["name"] == "trinket" and kept.stat().st_size < 4000
    others = [path for path in private_home.rglob("*") if path.is_file() and not path.is_relative_to(private_home / "data")]
    assert all(b"trinket" not in path.read_bytes() for path in others if path != kept)
    assert watched(private_home, "ask", "what is this", "--image", str(photo))[1].strip() == "That is the trinket."
    assert "learned" in watched(private_home, "forget")[1] and not kept.exists()


def test_a_spoken_request_about_what_is_in_view(private_home: Path, photo: Path, registry: Any) -> None:
    wav = private_home / "request.wav"
    soundfile.write(wav, np.asarray(Room().hear(request(PicoTts("en-GB"), "okay nabu", "What is this?").sound)), 16000)
    _, output, _ = watched(private_home, "listen", str(wav), "--image", str(photo), "--json")
    events = [json.loads(line) for line in output.splitlines()]
    names = [entry["event"] for entry in events]
    assert names.index("SpeechStarted") < names.index("ImageTaken") < names.index("SpeechEnded"), "the frame of when speech began"
    assert next(entry["text"] for entry in events if entry["event"] == "Replied") == "That is a tv."
