"""What the engines for okay nabu hear of voices that nothing learned from, in quiet, in kitchen noise, in rooms and while others
talk on, and what wakes them falsely.

    python -m models.wake.conditions AUDIO_FOLDER CLINC150_JSON

AUDIO_FOLDER as for models.wake.evaluate. Voices: Pico en-GB and en-US at five paces and pitches, Piper's joe at five paces (the
registry's piper-joe and the extra [piper]), each twice. Other sound: commands, every second recording of other words, the German
files that the bank does not learn from; CLINC150's sentences by Pico's voices, as they are and in rooms with other voices and
noise (0 to 35 dB); and the noise alone.
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
from assistant.bench_endpoint import television
from assistant.bench_latency import read_noise
from assistant.bench_negatives import read_sentences
from assistant.bench_wake import PACES, QUIET
from assistant.caller import Floats, Room, speak, speak_wake_word
from assistant.config import Config, folders
from assistant.engines import CAPTURE_RATE, TtsEngine, WakeEngine
from assistant.engines.speech_embedding import FEATURES
from assistant.engines.tts_pico import PicoTts
from assistant.engines.tts_piper import PiperTts
from assistant.engines.wake_micro import MicroWake
from assistant.engines.wake_own import OwnWake
from assistant.events import Samples
from assistant.wake.sound import Surroundings, peak_energy, room
from assistant.wake.sound import heard as in_world
from assistant.wake.word import find_word
from models.wake.recordings import unlearned_speech
from models.wake.speak_hours import KEPT

PHRASE, MODEL = "okay nabu", "okay_nabu"
JOE_PACES = (1.0, 0.9, 1.1, 1.2, 0.85)
TIMES = 2
VOICES = ("en-GB", "en-US")
SENTENCES, TOGETHER = 1500, 6
PEAK = 8000
"""Of 32767, of the sentences as they are."""

PLACES = {"clean": ("", 0.0, False), "kitchen 15 dB": ("kitchen", 15.0, False), "kitchen 9 dB": ("kitchen", 9.0, False),
          "room": ("", 0.0, True), "room, kitchen 15 dB": ("kitchen", 15.0, True), "talk 20 dB": ("talk", 20.0, False),
          "talk 15 dB": ("talk", 15.0, False), "talk 10 dB": ("talk", 10.0, False)}  # fmt: skip
"""Condition -> what is heard beside the word, "" = hardly anything, and its level; whether in a simulated room."""

TELEVISION = 60
"""Sentences of those who talk on beside the word."""

OTHERS = ("recordings", "sentences", "sentences in noisy rooms", "kitchen noise, quiet and loud")


def calls() -> list[Floats]:
    """The word by every voice at every pace, TIMES times: float32 (n,), 16 kHz."""
    joe = next(factory.make_registry(folders()).path("piper-joe").glob("*.onnx"))
    voices: list[TtsEngine] = [PicoTts(name, *pace) for name in VOICES for pace in PACES]
    voices += [PiperTts(joe, pace) for pace in JOE_PACES]
    return [speak_wake_word(voice, PHRASE) for voice in voices * TIMES]


def scenes(words: list[Floats], beside: dict[str, Floats]) -> Iterator[tuple[str, list[Samples]]]:
    """(condition, every word with 2 s of the place before it and 1 s behind). beside: "kitchen" and "talk"."""
    random = np.random.default_rng(1)
    hiss = np.random.default_rng(0).standard_normal(10 * CAPTURE_RATE).astype(np.float32) * np.float32(QUIET)
    before, after = np.zeros(2 * CAPTURE_RATE, np.float32), np.zeros(CAPTURE_RATE, np.float32)
    for name, (sound, snr_db, echoes) in PLACES.items():
        place = Room(beside[sound], snr_db, seed=3) if sound else Room(hiss, None)
        said = [np.concatenate([before, word, after]) for word in words]
        yield name, [place.hear(room(part, random) if echoes else part) for part in said]


def beside_words(folder: Path, texts: Path, seed: int) -> dict[str, Floats]:
    """The kitchen, and people who talk on in sentences that nothing learned from: float32 (n,)."""
    speakers = [PicoTts(name, 0.9, 0.8) for name in VOICES]
    talkers = television(read_sentences(texts)[KEPT][:TELEVISION], speakers, seed)
    return {"kitchen": read_noise(next((folder / "noise").glob("*.flac"))), "talk": talkers}


def other_sound(folder: Path) -> list[Samples]:
    """Sound without the word."""
    files = sorted((folder / "commands").glob("*.flac"))
    files += [path for word in sorted((folder / "wake").iterdir()) for path in sorted(word.glob("*.flac"))[::2]]
    return [*map(read_audio, files), *unlearned_speech(folder)]


def talk(texts: Path, random: np.random.Generator) -> list[Samples]:
    """SENTENCES of CLINC150, some in one piece of sound, each piece as it is and somewhere in the world."""
    chosen = random.permutation(read_sentences(texts)[KEPT])[:SENTENCES]
    said = [
        speak(PicoTts(VOICES[random.integers(len(VOICES))], random.uniform(0.8, 1.25), random.uniform(0.75, 1.35)), text)
        for text in chosen
    ]
    around, found = Surroundings(said[: TOGETHER * 50], []), []
    for start in range(0, len(said), TOGETHER):
        parts = [
            np.append(sound, np.zeros(int(random.uniform(0.1, 0.6) * CAPTURE_RATE), np.float32))
            for sound in said[start : start + TOGETHER]
        ]
        sound = np.concatenate(parts)
        found += [sound * (PEAK / np.abs(sound).max()), in_world(sound, peak_energy(sound), around, random)]
    return [np.asarray(np.clip(sound, -32768, 32767), np.int16) for sound in found]


def engines() -> dict[str, Callable[[], WakeEngine]]:
    """Name -> engine."""
    registry, cache = factory.make_registry(folders()), folders().cache
    own = find_word(MODEL, folders().data)
    return {
        "micro 0.85": lambda: MicroWake(MODEL, 0.85, cache),
        "micro 0.7": lambda: MicroWake(MODEL, 0.7, cache),
        "own": lambda: OwnWake(own, registry.path(FEATURES), cache),
        "verified (default)": lambda: factory.make_wake(Config(), registry, folders()),
    }


def heard(engine: WakeEngine, sound: Samples) -> int:
    """Detections in a sound that begins out of silence."""
    engine.reset()
    return len(engine.feed(np.concatenate([sound, np.zeros(CAPTURE_RATE // 2, np.int16)])))


def compare(
    folder: Annotated[Path, typer.Argument(help="with commands, wake, speech_de and noise")],
    texts: Annotated[Path, typer.Argument(help="CLINC150's training and validation sentences")],
    seed: Annotated[int, typer.Option(help="of the sentences, voices and surroundings")] = 0,
    only: Annotated[list[str] | None, typer.Option(help="of the engines, as the table names them; repeatable")] = None,
) -> None:
    """Print how many words each engine hears in each place, and its false wakes."""
    words, others, beside = calls(), other_sound(folder), beside_words(folder, texts, seed)
    kitchen, said = beside["kitchen"], dict(scenes(words, beside))
    noise = [(np.clip(kitchen / kitchen.std() * level, -1, 1) * 32767).astype(np.int16) for level in (0.01, 0.1)]
    spoken = talk(texts, np.random.default_rng(seed))
    places = [others, spoken[::2], spoken[1::2], noise]
    hours = [
        f"false in {sum(map(len, part)) / CAPTURE_RATE / 3600:.2f} h of {what}" for what, part in zip(OTHERS, places, strict=True)
    ]
    table = Table("engine", *said, *hours, title=f"of {len(words)}")
    for name, make in engines().items():
        if only and name not in only:
            continue
        engine = make()
        cells = [str(sum(heard(engine, sound) > 0 for sound in sounds)) for sounds in said.values()]
        false = [str(sum(heard(engine, sound) for sound in part)) for part in places]
        table.add_row(name, *cells, *false)
    Console(width=160).print(table)


if __name__ == "__main__":
    typer.run(compare)
