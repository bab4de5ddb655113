"""What the engines for okay nabu hear of voices that nothing learned from, in quiet, in kitchen noise and in rooms, and what
wakes them falsely.

    python -m models.wake.conditions AUDIO_FOLDER

AUDIO_FOLDER as for models.wake.evaluate. Voices: Pico en-GB and en-US at five paces and pitches, Piper's joe at five paces (the
registry's piper-joe and the extra [piper]), each twice. Other sound: commands, every second recording of other words, the German
files that the bank does not learn from, and the noise alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from assistant import factory
from assistant.audiofile import read_audio
from assistant.bench_latency import read_noise
from assistant.bench_wake import PACES, QUIET
from assistant.caller import Floats, Room, speak_wake_word
from assistant.config import folders
from assistant.engines import CAPTURE_RATE, TtsEngine, WakeEngine
from assistant.engines.speech_embedding import FEATURES
from assistant.engines.tts_pico import PicoTts
from assistant.engines.tts_piper import PiperTts
from assistant.engines.wake_micro import MicroWake
from assistant.engines.wake_own import OwnWake
from assistant.engines.wake_verified import VerifiedWake
from assistant.events import Samples
from assistant.wake.sound import room
from assistant.wake.word import find_word
from models.wake.build_bank import LEARNED_FILES

PHRASE, MODEL = "okay nabu", "okay_nabu"
JOE_PACES = (1.0, 0.9, 1.1, 1.2, 0.85)
TIMES = 2
PLACES = {"clean": (None, False), "kitchen 15 dB": (15.0, False), "kitchen 9 dB": (9.0, False), "room": (None, True),
          "room, kitchen 15 dB": (15.0, True)}  # fmt: skip
"""Condition -> level of the kitchen noise, None = hardly any; whether in a simulated room."""


def calls() -> list[Floats]:
    """The word by every voice at every pace, TIMES times: float32 (n,), 16 kHz."""
    joe = next(factory.make_registry(folders()).path("piper-joe").glob("*.onnx"))
    voices: list[TtsEngine] = [PicoTts(name, *pace) for name in ("en-GB", "en-US") for pace in PACES]
    voices += [PiperTts(joe, pace) for pace in JOE_PACES]
    return [speak_wake_word(voice, PHRASE) for voice in voices * TIMES]


def scenes(words: list[Floats], kitchen: Floats) -> Iterator[tuple[str, list[Samples]]]:
    """(condition, every word with 2 s of the place before it and 1 s behind)."""
    random = np.random.default_rng(1)
    hiss = np.random.default_rng(0).standard_normal(10 * CAPTURE_RATE).astype(np.float32) * np.float32(QUIET)
    before, after = np.zeros(2 * CAPTURE_RATE, np.float32), np.zeros(CAPTURE_RATE, np.float32)
    for name, (snr_db, echoes) in PLACES.items():
        place = Room(hiss, None) if snr_db is None else Room(kitchen, snr_db, seed=3)
        sounds = [np.concatenate([before, word, after]) for word in words]
        yield name, [place.hear(room(sound, random) if echoes else sound) for sound in sounds]


def other_sound(folder: Path) -> list[Samples]:
    """Sound without the word."""
    files = sorted((folder / "commands").glob("*.flac"))
    files += [path for word in sorted((folder / "wake").iterdir()) for path in sorted(word.glob("*.flac"))[::2]]
    return [read_audio(path) for path in [*files, *sorted((folder / "speech_de").glob("*.ogg"))[LEARNED_FILES:]]]


def engines() -> dict[str, Callable[[], WakeEngine]]:
    """Name -> engine."""
    features, cache = factory.make_registry(folders()).path(FEATURES), folders().cache
    own = find_word(MODEL, folders().data)
    return {
        "micro 0.85": lambda: MicroWake(MODEL, 0.85, cache),
        "micro 0.7": lambda: MicroWake(MODEL, 0.7, cache),
        "own": lambda: OwnWake(own, features, cache),
        "verified 0.3": lambda: VerifiedWake(MicroWake(MODEL, 0.3, cache), OwnWake(own, features, cache)),
        "verified (default)": lambda: VerifiedWake(MicroWake(MODEL, factory.VERIFIED, cache), OwnWake(own, features, cache)),
    }


def heard(engine: WakeEngine, sound: Samples) -> int:
    """Detections in a sound that begins out of silence."""
    engine.reset()
    return len(engine.feed(np.concatenate([sound, np.zeros(CAPTURE_RATE // 2, np.int16)])))


def compare(folder: Annotated[Path, typer.Argument(help="with commands, wake, speech_de and noise")]) -> None:
    """Print how many words each engine hears in each place, and its false wakes."""
    kitchen = read_noise(next((folder / "noise").glob("*.flac")))
    words, others = calls(), other_sound(folder)
    said = dict(scenes(words, kitchen))
    noise = [(np.clip(kitchen / kitchen.std() * level, -1, 1) * 32767).astype(np.int16) for level in (0.01, 0.1)]
    hours = sum(map(len, others)) / CAPTURE_RATE / 3600
    table = Table(
        "engine", *said, f"false in {hours:.2f} h", "false in the noise alone, quiet and loud", title=f"of {len(words)}"
    )
    for name, make in engines().items():
        engine = make()
        cells = [str(sum(heard(engine, sound) > 0 for sound in sounds)) for sounds in said.values()]
        false = [str(sum(heard(engine, sound) for sound in part)) for part in (others, noise)]
        table.add_row(name, *cells, *false)
    Console(width=160).print(table)


if __name__ == "__main__":
    typer.run(compare)
