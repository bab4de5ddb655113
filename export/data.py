"""Real inputs for calibration and for measuring tasks: sentences spoken by a voice that the assistant brings, recordings,
pictures.

Two disjoint halves: "calibration" sets the ranges of int8, "test" is measured. Recordings and pictures come from the folder in
EDGE_ASSISTANT_DATA (docs/export.md); without it the tasks that need them say so.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from assistant.audiofile import read_audio
from assistant.engines.tts_pico import PicoTts
from assistant.events import Samples

Split = Literal["calibration", "test"]

SENTENCES: dict[Split, tuple[str, ...]] = {
    "calibration": (
        "Turn off the lamp in the hall.",
        "Play some quiet music in the kitchen.",
        "Remind me to water the plants tomorrow morning.",
        "How warm is it in the nursery?",
        "Add bread and two bottles of milk to the shopping list.",
        "Close every window on the first floor before the rain comes.",
        "Call my sister.",
        "Is anybody at the front door?",
    ),
    "test": (
        "Turn on the kitchen light.",
        "Set the living room lamp to fifty percent.",
        "What time is it in the morning?",
        "Set a timer for twenty five minutes.",
        "The quick brown fox jumps over the lazy dog.",
        "Please lock the back door and switch the heating off.",
        "I would like a small coffee with milk and no sugar.",
        "She sells sea shells by the sea shore.",
        "Open the blinds a little when the sun comes up.",
        "Who was the first person to walk on the moon?",
        "The meeting on Thursday was moved to half past nine.",
        "Tell me a short story about a brave little mouse.",
        "It rained all night, and the river was high by dawn.",
        "Turn everything off and say good night.",
        "Where did I leave the big red umbrella?",
        "My favourite colour is green, but blue is fine as well.",
    ),
}
QUESTIONS: dict[Split, tuple[str, ...]] = {
    "calibration": (
        "What is that?",
        "Is there a bottle on the shelf?",
        "How many chairs can you see?",
        "Switch that one off.",
    ),
    "test": (
        "Turn that on.",
        "What am I holding?",
        "Is there a cup on the table?",
        "How many books are there?",
        "Make this one brighter.",
        "What is on the left of the chair?",
        "Do you see a cat?",
        "Put the thing next to the book on my list.",
    ),
}
VOICES = ("en-GB", "en-US")


@lru_cache(maxsize=2)
def spoken(split: Split) -> tuple[tuple[str, Samples], ...]:
    """(sentence, int16 mono 16 kHz) for every sentence of the half, in turn by a British and an American voice of SVOX Pico."""
    voices = [PicoTts(name) for name in VOICES]
    return tuple(
        (sentence, np.concatenate([*voices[place % 2].synthesize(sentence), np.zeros(4800, np.int16)]))
        for place, sentence in enumerate(SENTENCES[split])
    )


def folder() -> Path | None:
    """Where the recordings and pictures are; None = not here."""
    named = os.environ.get("EDGE_ASSISTANT_DATA")
    found = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    return found if found.is_dir() else None


@lru_cache(maxsize=2)
def recordings(split: Split, count: int) -> tuple[tuple[str, Samples], ...]:
    """(intent, int16 mono 16 kHz) of real spoken orders: even places for the test, odd ones for calibration; () without the
    data."""
    home = folder()
    labels = home / "audio/commands/labels.json" if home else Path("/nonexistent")
    if not labels.is_file():
        return ()
    files = sorted(labels.parent.glob("*.flac"))[split == "calibration" :: 2][:count]
    named = json.loads(labels.read_text("utf-8"))
    return tuple((json.dumps(named.get(file.name, {}), sort_keys=True), read_audio(file)) for file in files)


@lru_cache(maxsize=1)
def noise() -> Samples | None:
    """Kitchen noise, int16 mono 16 kHz; None without the data."""
    home = folder()
    file = home / "audio/noise/kitchen_first_half.flac" if home else None
    return read_audio(file) if file and file.is_file() else None


def in_noise(sound: Samples, share: float = 0.25) -> Samples:
    """The sound with kitchen noise of that share of its own level behind it; unchanged without the data."""
    behind = noise()
    if behind is None:
        return sound
    part = np.resize(behind, len(sound)).astype(np.float32)
    level = float(np.std(sound.astype(np.float32))) * share / max(1.0, float(np.std(part)))
    return np.clip(sound + part * level, -32768, 32767).astype(np.int16)


Boxes = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def pictures(split: Split, count: int) -> tuple[tuple[Path, Boxes], ...]:
    """(file, boxes) of COCO train photos; boxes (n, 5): class, centre x, centre y, width, height, 0..1. () without the data."""
    home = folder()
    if home is None or not (home / "vision/coco128_train").is_dir():
        return ()
    files = sorted((home / "vision/coco128_train/images").rglob("*.jpg"))[split == "calibration" :: 2][:count]
    found = []
    for file in files:
        label = next((home / "vision/coco128_train/labels").rglob(f"{file.stem}.txt"), None)
        rows = np.loadtxt(label, np.float32, ndmin=2) if label and label.stat().st_size else np.zeros((0, 5), np.float32)
        found.append((file, rows))
    return tuple(found)
