"""`assistant bench commands`: how many recorded commands become the right intent in noise, as Picovoice's benchmark counts.

A folder with recordings and labels.json ({file: {"intent": name, "slots": {slot: words}}}), a command file, a recording of noise.
Mixing as in Picovoice's mix.py: speech and noise are scaled so that their loudest 2,048-sample frames stand in the SNR, the noise
begins anywhere (here seeded), and the mix has a peak of 0.5. Acceptance as in their engine.py: the intent and every labelled slot
are right, other slots do not matter; the strict count wants exactly the labelled slots and one intent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.audiofile import read_audio
from assistant.bench_latency import percentile
from assistant.caller import SPEECH_PEAK, Floats, peak_energy
from assistant.commands import CommandFile
from assistant.commands.running import command_sentences
from assistant.config import EarConfig
from assistant.engines import CAPTURE_RATE, VAD_FRAME, VadEngine
from assistant.errors import AudioFileError
from assistant.events import Samples
from assistant.home import load_home
from assistant.intervals import wilson
from assistant.understanding import Understanding

TALKERS = 12
"""Voices of the babble: other recordings of the same folder, each as loud as the others."""

Hear = Callable[[Samples], str]
"""An utterance -> its text."""


@dataclass(frozen=True, slots=True)
class Order:
    """One recording and what is labelled. sound: float32, (n,), 16 kHz, peak SPEECH_PEAK."""

    name: str
    sound: Floats
    intent: str
    slots: Mapping[str, str]


@dataclass(slots=True)
class Row:
    """What one recogniser made of one condition. words: every labelled value stands in the text. Times in milliseconds."""

    engine: str
    condition: str
    n: int = 0
    accepted: int = 0
    strict: int = 0
    words: int = 0
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)
    wrong: list[dict[str, str]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The row as plain values."""
        return {
            "engine": self.engine,
            "condition": self.condition,
            "n": self.n,
            "accepted": self.accepted,
            "acceptance": round(self.accepted / self.n, 4),
            "acceptance_95": [round(bound, 4) for bound in wilson(self.accepted, self.n)],
            "strict": round(self.strict / self.n, 4),
            "strict_95": [round(bound, 4) for bound in wilson(self.strict, self.n)],
            "all_values_in_text": round(self.words / self.n, 4),
            "cpu_ms_p50": round(percentile(self.cpu_ms, 0.5), 1),
            "cpu_ms_p95": round(percentile(self.cpu_ms, 0.95), 1),
            "wall_ms_p50": round(percentile(self.wall_ms, 0.5), 1),
            "wall_ms_p95": round(percentile(self.wall_ms, 0.95), 1),
        }


def read_orders(folder: Path, limit: int | None = None) -> list[Order]:
    """The recordings that labels.json names, by name. Raises AudioFileError."""
    path = folder / "labels.json"
    try:
        labels = json.loads(path.read_text("utf-8"))
        entries = [(name, labels[name]["intent"], labels[name]["slots"]) for name in sorted(labels)[:limit]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AudioFileError(f"{path} must hold {{file: {{intent, slots}}}}: {type(error).__name__}") from error
    return [
        Order(name, _levelled(read_audio(folder / name)), intent, {slot: str(value).strip() for slot, value in slots.items()})
        for name, intent, slots in entries
    ]


def _levelled(samples: Samples) -> Floats:
    sound = samples.astype(np.float32) / np.float32(32768)
    return np.asarray(sound * (SPEECH_PEAK / max(1e-4, float(np.abs(sound).max()))), np.float32)


def mixed(speech: Floats, noise: Floats, snr_db: float, random: np.random.Generator) -> Floats:
    """Speech in noise: float32, (n,), peak SPEECH_PEAK. The noise starts anywhere and goes round."""
    start = int(random.integers(len(noise)))
    part = noise[(start + np.arange(len(speech))) % len(noise)]
    gain = np.sqrt(peak_energy(speech) / (peak_energy(part) * 10 ** (snr_db / 10)))
    mix = speech + np.float32(gain) * part
    return np.asarray(mix * (SPEECH_PEAK / np.abs(mix).max()), np.float32)


def babble(orders: Sequence[Order], but: int, random: np.random.Generator) -> Floats:
    """Other people's orders at once, as long as order `but`, which is not among them."""
    others = [place for place in range(len(orders)) if place != but]
    total = np.zeros(len(orders[but].sound), np.float32)
    for place in random.choice(others, min(TALKERS, len(others)), replace=False):
        sound = orders[place].sound
        loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
        sound = sound[loud[0] : loud[-1] + 1]
        start = int(random.integers(len(sound)))
        total += sound[(start + np.arange(len(total))) % len(sound)] / np.sqrt((sound**2).mean())
    return total


def conditions(
    orders: Sequence[Order], noise: Floats | None, levels: Sequence[float], babble_levels: Sequence[float], seed: int
) -> Iterator[tuple[str, list[Samples]]]:
    """(name, every order as it is heard) for clean speech, each level of noise and each level of babble."""
    yield "clean", [int16(order.sound) for order in orders]
    for level in levels if noise is not None else ():
        random = np.random.default_rng([seed, int(10 * level)])
        assert noise is not None
        yield f"noise {level:g} dB", [int16(mixed(order.sound, noise, level, random)) for order in orders]
    for level in babble_levels:
        random = np.random.default_rng([seed, 1, int(10 * level)])
        sounds = [int16(mixed(order.sound, babble(orders, place, random), level, random)) for place, order in enumerate(orders)]
        yield f"babble {level:g} dB", sounds


def int16(sound: Floats) -> Samples:
    """float32 in -1..1 -> int16."""
    samples: Samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return samples


def spoken_part(vad: VadEngine, settings: EarConfig, sound: Samples) -> Samples:
    """From the preroll before the first voiced frame to the silence after the last, as the ear passes an utterance on."""
    vad.reset()
    voiced, on = [], False
    for probability in vad.feed(sound):
        on = probability >= (settings.speech_off if on else settings.speech_on)
        voiced.append(on)
    frames = np.flatnonzero(voiced)
    if not len(frames):
        return sound
    before, after = (milliseconds * CAPTURE_RATE // 1000 for milliseconds in (settings.preroll_ms, settings.silence_ms))
    return sound[max(0, int(frames[0]) * VAD_FRAME - before) : (int(frames[-1]) + 1) * VAD_FRAME + after]


class Judge:
    """Says what a text means in the example home. file: commands that are understood beside it."""

    def __init__(self, file: CommandFile | None) -> None:
        self.understanding = Understanding(load_home(), command_sentences([file] if file is not None else []))

    def count(self, row: Row, order: Order, text: str) -> None:
        """One answer more."""
        intents = self.understanding.understand(text).intents
        meant = [intent.slots for intent in intents if intent.name == order.intent]
        accepted = any(all(slots.get(slot) == value for slot, value in order.slots.items()) for slots in meant)
        row.n += 1
        row.accepted += accepted
        row.strict += len(intents) == 1 and bool(meant) and dict(meant[0]) == dict(order.slots)
        words = f" {self._plain(text)} "
        row.words += all(f" {self._plain(value)} " in words for value in order.slots.values())
        if not accepted:
            row.wrong.append({"file": order.name, "heard": text, "labelled": ", ".join(order.slots.values())})

    @staticmethod
    def _plain(text: str) -> str:
        from assistant.understanding.grammar import spoken_form

        return spoken_form(text.replace("oz", "ounce"))


def run_condition(
    name: str, orders: Sequence[Order], sounds: Sequence[Samples], engines: Mapping[str, Hear], judge: Judge
) -> Iterator[list[Row]]:
    """The rows of one condition so far, after each order; the engines take turns, so that a busy machine troubles all alike."""
    rows = {engine: Row(engine, name) for engine in engines}
    for order, sound in zip(orders, sounds, strict=True):
        for engine, hear in engines.items():
            wall, cpu = time.perf_counter(), time.process_time()
            text = hear(sound)
            rows[engine].cpu_ms.append((time.process_time() - cpu) * 1000)
            rows[engine].wall_ms.append((time.perf_counter() - wall) * 1000)
            judge.count(rows[engine], order, text)
        yield list(rows.values())
