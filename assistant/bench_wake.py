"""Wake word engines side by side on the same sound: what each misses at the same rate of false accepts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.audiofile import open_audio, read_audio
from assistant.caller import Floats, Room, speak_wake_word
from assistant.engines import CAPTURE_RATE, ScoringWake, TtsEngine
from assistant.events import Samples
from assistant.intervals import poisson, wilson
from assistant.wake.rates import at_threshold, events, point_at

RATES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""False accepts per hour at which misses are reported."""

BEFORE, AFTER = 2 * CAPTURE_RATE, CAPTURE_RATE
"""Samples of the room heard before a word and after it."""

QUIET = 2e-4
"""Faint noise behind recordings that are not mixed with any: deviation as a share of full scale."""

SOUND_FILES = {".wav", ".flac", ".ogg"}
PACES = ((1.0, 1.0), (0.9, 0.8), (0.85, 1.15), (1.15, 0.85), (1.0, 1.2))
"""Speed and pitch of the synthetic callers."""


@dataclass(frozen=True, slots=True)
class Said:
    """A word as it is heard, int16 (n,), with the room around it."""

    sound: Samples


def in_room(words: Sequence[Floats], noise: Floats | None, snr_db: float | None) -> list[Said]:
    """Each word between silences in a room. words: float32 (n,), 16 kHz. Without noise the room is quiet."""
    if noise is None:
        noise, snr_db = np.random.default_rng(0).standard_normal(10 * CAPTURE_RATE).astype(np.float32) * np.float32(QUIET), None
    room = Room(noise, snr_db)
    before, after = np.zeros(BEFORE, np.float32), np.zeros(AFTER, np.float32)
    return [Said(room.hear(np.concatenate([before, word, after]))) for word in words]


def recorded(folder: Path) -> list[Floats]:
    """All recordings below a folder: float32 (n,), 16 kHz."""
    return [np.asarray(read_audio(path) / np.float32(32768), np.float32) for path in sound_files([folder])]


def synthetic(phrase: str, voices: dict[str, Callable[[float, float], TtsEngine]]) -> list[Floats]:
    """The phrase by every voice at every pace and pitch of PACES."""
    return [speak_wake_word(make(*pace), phrase) for make in voices.values() for pace in PACES]


def sound_files(folders: Sequence[Path]) -> list[Path]:
    """The sound files below some folders (or the files themselves), sorted."""
    return sorted(
        path
        for folder in folders
        for path in (folder.rglob("*") if folder.is_dir() else [folder])
        if path.suffix.lower() in SOUND_FILES
    )


@dataclass(frozen=True, slots=True)
class Heard:
    """What one engine made of it. said: highest score of each word; peaks: of other sound; cpu: share of a core."""

    said: list[float]
    peaks: list[float]
    hours: float
    threshold: float
    cpu: float


def listen(engine: ScoringWake, said: Sequence[Said], others: Sequence[Path], tick: Callable[[], None]) -> Heard:
    """Run one engine over everything. tick is called after every word and every file."""
    highest, peaks, samples = [], [], 0
    began = time.process_time()
    for word in said:
        engine.reset()
        highest.append(max(engine.scores(word.sound), default=0.0))
        samples += len(word.sound)
        tick()
    heard = 0
    apart = max(1, round(CAPTURE_RATE / engine.step))
    for path in others:
        engine.reset()
        scores: list[float] = []
        for piece in _pieces(path):
            scores += engine.scores(piece)
            heard += len(piece)
        peaks += events(np.array(scores, np.float64), 0.0, apart)[:100]
        tick()
    cpu = (time.process_time() - began) * CAPTURE_RATE / max(1, samples + heard)
    return Heard(highest, sorted(peaks, reverse=True), heard / CAPTURE_RATE / 3600, engine.threshold, cpu)


def _pieces(path: Path) -> Iterator[Samples]:
    """A recording after two seconds of silence, which every engine needs before it answers."""
    yield (np.random.default_rng(0).standard_normal(BEFORE) * 8).astype(np.int16)
    yield from open_audio(path)


def summary(heard: Heard) -> dict[str, Any]:
    """Numbers for people and programs: misses at RATES and at the engine's own threshold, each with its 95 % interval."""
    points = {}
    for rate in RATES:
        found = point_at(rate, heard.said, heard.peaks, heard.hours)
        points[f"{rate:g}"] = _row(found.misses, found.said, found.accepts, found.hours, found.threshold)
    own = at_threshold(heard.threshold, heard.said, heard.peaks, heard.hours)
    return {
        "said": len(heard.said),
        "hours": round(heard.hours, 3),
        "no_rate_below_per_hour": round(3 / heard.hours, 2) if heard.hours else None,
        "at_own_threshold": _row(own.misses, own.said, own.accepts, own.hours, own.threshold),
        "at_false_accepts_per_hour": points,
        "processor_share": round(heard.cpu, 5),
    }


def _row(misses: int, said: int, accepts: int, hours: float, threshold: float) -> dict[str, Any]:
    low, high = poisson(accepts, hours)
    return {
        "threshold": round(threshold, 6),
        "miss": round(misses / max(1, said), 4),
        "miss_95": [round(bound, 4) for bound in wilson(misses, said)],
        "false_accepts": accepts,
        "per_hour_95": [round(low, 2), round(high, 2) if hours else None],
    }
