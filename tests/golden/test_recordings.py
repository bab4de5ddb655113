"""Whole event lists over real recordings: fifty people's voices, real engines, audio time.

`pytest tests/golden --update-golden` writes the lists anew; the difference is then read and committed like code.

On one processor the same sound gives the same events, to the byte. Between processors int8 networks round differently, which may
turn one word of a text: so against the written lists every event, its turn and its moment must be equal, texts may differ in
WORD_ERRORS of their words, and scores by SCORE. What was only guessed while the person still spoke is not compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import jiwer
import numpy as np
import pytest
import soundfile

from assistant import app
from assistant.caller import WAKE_PAUSE_SECONDS, Room, speak_wake_word
from assistant.config import Config, IntentConfig, folders
from assistant.engines.tts_pico import PicoTts
from assistant.events import Event, TurnMeasured, to_json
from assistant.replay import Replay

FOLDER = Path(__file__).parent
ORDERS = 6
"""The first recordings of the set by name; the wake word is spoken in front of them."""


@pytest.fixture(scope="module")
def engines(registry: Any, tmp_path_factory: pytest.TempPathFactory) -> app.Engines:
    place = tmp_path_factory.mktemp("golden")
    config = Config(intent=IntentConfig(engine=""))  # whether its weights are installed must not matter here
    return app.load_engines(config, folders().model_copy(update={"state": place, "config": place}))


def hear(engines: app.Engines, file: Path) -> list[dict[str, Any]]:
    recording, rate = soundfile.read(file, dtype="float32")
    assert rate == 16000
    wake = speak_wake_word(PicoTts("en-GB"), engines.wake.phrase)
    pause = np.zeros(int(WAKE_PAUSE_SECONDS * rate), np.float32)
    room = Room()
    sound = room.hear(np.concatenate([np.zeros(rate, np.float32), wake, pause, recording, np.zeros(rate, np.float32)]))
    seen: list[Event] = []
    engines.brain.forget()
    replay = Replay([sound])
    anyio.run(app.on_recording(engines, Config(), replay, None, [seen.append]).replay)
    return [json.loads(to_json(event)) for event in seen if not isinstance(event, TurnMeasured)]


SCORE = 0.1
WORD_ERRORS = 0.2
"""One word in five: these orders have about ten words."""


def outline(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What must be the same on every processor: all but guesses and the words of the text."""
    kept = [{key: value for key, value in event.items() if key != "text" or event["event"] == "Replied"} for event in events]
    return [event for event in kept if event["event"] != "PartialTranscript"]


def nearly(event: dict[str, Any]) -> dict[str, Any]:
    return {key: pytest.approx(value, abs=SCORE) if key in {"confidence", "score"} else value for key, value in event.items()}


def words(events: list[dict[str, Any]]) -> str:
    (text,) = (event["text"] for event in events if event["event"] == "FinalTranscript")
    return " ".join("".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.lower()).split())


@pytest.mark.parametrize("number", range(ORDERS))
def test_recording(engines: app.Engines, shared_data: Path, number: int, request: pytest.FixtureRequest) -> None:
    file = sorted((shared_data / "audio/commands").rglob("*.flac"))[number]
    events = hear(engines, file)
    assert events == hear(engines, file), "the same sound, other events"
    golden = FOLDER / f"order-{number}.jsonl"
    if request.config.getoption("--update-golden"):
        golden.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events), "utf-8")
    written = [json.loads(line) for line in golden.read_text("utf-8").splitlines()]
    assert outline(events) == [nearly(event) for event in outline(written)]
    assert jiwer.wer(words(written), words(events)) <= WORD_ERRORS
