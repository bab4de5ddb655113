"""What must not become a command: sentences about other things (`bench false-commands`), no speech at all (`bench no-speech`)."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.caller import Floats, Room, speak
from assistant.engines import CAPTURE_RATE, TtsEngine, VadEngine
from assistant.errors import ConfigError
from assistant.events import Samples
from assistant.intervals import wilson
from assistant.spoken import words
from assistant.understanding import Understanding

NOT_COMMANDS = frozenset(
    words("Clarify MissingDevice Unsupported RestNotUnderstood NoReferent NothingBefore Greeting Thanks Goodbye Help WhoAreYou")
)
"""Intents that change nothing and cost a sentence of reply at most."""

AROUND = (0.3, 0.4)
"""Seconds of silence before and after what is said, as the ear passes them on (its preroll and its silence)."""

PIECE_SECONDS = 5.0
LEVELS = (0.003, 0.03, 0.3)
"""Standard deviations of the noises as shares of full scale: a quiet room, a loud one, right at the microphone."""


def is_command(understanding: Understanding, text: str) -> bool:
    """Whether something would be done."""
    return any(intent.name not in NOT_COMMANDS for intent in understanding.understand(text).intents)


def read_sentences(path: Path) -> list[str]:
    """Sentences of a file: .txt, one a line; .jsonl with "sentence" or "text" (SLURP); .json {part: [[text, label]]} (CLINC)."""
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".jsonl":
            entries = [json.loads(line) for line in text.splitlines() if line.strip()]
            return [str(entry["sentence"] if "sentence" in entry else entry["text"]) for entry in entries]
        if path.suffix == ".json":
            return [str(entry[0]) for part in json.loads(text).values() for entry in part]
        return [line.strip() for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise ConfigError(
            f"{path} holds no sentences: {type(error).__name__}; see `assistant bench false-commands --help`"
        ) from error


def other_sentences(files: Sequence[Path], understanding: Understanding, count: int, seed: int) -> tuple[list[str], int]:
    """`count` sentences that are no command as they are written, the same share of every file; and how many were left out."""
    chosen: list[str] = []
    commands = 0
    for place, path in enumerate(files):
        found = list(dict.fromkeys(read_sentences(path)))
        random.Random(seed).shuffle(found)
        wanted = count * (place + 1) // len(files) - len(chosen)
        for sentence in found:
            if not wanted:
                break
            if understanding.understand(sentence).intents:
                commands += 1
                continue
            chosen.append(sentence)
            wanted -= 1
    return chosen, commands


@dataclass(slots=True)
class Tally:
    """How many of n sounds became what they must not. examples: what was said and what was heard."""

    name: str
    n: int = 0
    wrong: int = 0
    examples: list[dict[str, str]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The row as plain values."""
        share = [round(bound, 4) for bound in wilson(self.wrong, self.n)] if self.n else None
        return {"name": self.name, "n": self.n, "wrong": self.wrong, "wrong_95": share, "examples": self.examples}


def say_sentences(
    sentences: Sequence[str],
    voices: Mapping[str, TtsEngine],
    hear: Callable[[Samples], str],
    understanding: Understanding,
    room: Room,
) -> Iterator[dict[str, Tally]]:
    """The tallies by voice so far, after each sentence; the voices take turns."""
    tallies = {name: Tally(name) for name in voices}
    before, after = (np.zeros(int(seconds * CAPTURE_RATE), np.float32) for seconds in AROUND)
    for place, sentence in enumerate(sentences):
        name = list(voices)[place % len(voices)]
        heard = hear(room.hear(np.concatenate([before, speak(voices[name], sentence), after])))
        tally = tallies[name]
        tally.n += 1
        if is_command(understanding, heard):
            tally.wrong += 1
            tally.examples.append({"said": sentence, "heard": heard})
        yield tallies


def noises(files: Sequence[Path], minutes: float, read: Callable[[Path], Floats]) -> Iterator[tuple[str, Samples]]:
    """(kind, PIECE_SECONDS of it) until every kind has had its share of `minutes`: synthetic sounds and pieces of recordings."""
    kinds: dict[str, Callable[[np.random.Generator], Floats]] = {**SYNTHETIC}
    for path in files:
        kinds[path.stem] = _pieces(read(path))
    for place in range(round(minutes * 60 / PIECE_SECONDS)):
        name = list(kinds)[place % len(kinds)]
        level = LEVELS[place // len(kinds) % len(LEVELS)]
        sound = kinds[name](np.random.default_rng(place))
        spread = float(sound.std())
        yield name, (np.clip(sound * (level / spread if spread else 1.0), -1, 1) * 32767).astype(np.int16)


def listen(
    pieces: Iterator[tuple[str, Samples]], vad: VadEngine, on: float, hear: Callable[[Samples], str]
) -> Iterator[dict[str, Any]]:
    """Per kind: pieces, pieces that the ear would take for speech, texts; after every piece."""
    found: dict[str, Any] = {}
    for name, sound in pieces:
        row = found.setdefault(
            name, {"kind": name, "seconds": 0.0, "pieces": 0, "taken_for_speech": 0, "texts": 0, "examples": []}
        )
        vad.reset()
        row["pieces"] += 1
        row["seconds"] += len(sound) / CAPTURE_RATE
        row["taken_for_speech"] += max(vad.feed(sound)) >= on
        text = hear(sound)
        row["texts"] += bool(text)
        row["examples"] += [text] if text else []
        yield found


def _pieces(recording: Floats) -> Callable[[np.random.Generator], Floats]:
    def piece(random_: np.random.Generator) -> Floats:
        start = int(random_.integers(len(recording)))
        return np.asarray(recording[(start + np.arange(SIZE)) % len(recording)], np.float32)

    return piece


SIZE = int(PIECE_SECONDS * CAPTURE_RATE)
_TIME = np.arange(SIZE) / CAPTURE_RATE


def _colored(power: float) -> Callable[[np.random.Generator], Floats]:
    """Noise whose energy falls with frequency to the given power: 0 white, 1 pink, 2 brown."""

    def noise(random_: np.random.Generator) -> Floats:
        spectrum = np.fft.rfft(random_.standard_normal(SIZE))
        spectrum[1:] /= np.arange(1, len(spectrum)) ** (power / 2)
        spectrum[0] = 0
        return np.asarray(np.fft.irfft(spectrum, SIZE), np.float32)

    return noise


def _silence(random_: np.random.Generator) -> Floats:
    return np.zeros(SIZE, np.float32)


def _hum(random_: np.random.Generator) -> Floats:
    """Mains hum and its harmonics over a little noise."""
    tones = sum(np.sin(2 * np.pi * 50 * harmonic * _TIME) / harmonic for harmonic in range(1, 12))
    return np.asarray(tones + 0.05 * random_.standard_normal(SIZE), np.float32)


def _clicks(random_: np.random.Generator) -> Floats:
    """Short decaying clicks at random times, as of dishes and keys."""
    sound = np.zeros(SIZE, np.float32)
    for start in random_.integers(0, SIZE - 2000, 12):
        tone = np.sin(2 * np.pi * random_.uniform(800, 5000) * _TIME[:2000])
        sound[start : start + 2000] += (tone * np.exp(-np.arange(2000) / 300)).astype(np.float32)
    return sound + 0.001 * random_.standard_normal(SIZE).astype(np.float32)


def _music(random_: np.random.Generator) -> Floats:
    """Chords of decaying tones with overtones, a bass line and a drum on every beat."""
    sound = np.zeros(SIZE)
    beat = int(CAPTURE_RATE * random_.uniform(0.3, 0.6))
    root = random_.uniform(110, 220)
    for start in range(0, SIZE - beat, beat):
        chord = root * 2 ** (random_.choice([0, 2, 4, 5, 7, 9]) / 12) * 2 ** (np.array([-12, 0, 4, 7, 12]) / 12)
        size = min(2 * beat, SIZE - start)
        time, decay = _TIME[:size], np.exp(-_TIME[:size] * 3)
        for pitch in chord:
            overtones = sum(np.sin(2 * np.pi * pitch * part * time) / part**1.5 for part in range(1, 7))
            sound[start : start + size] += overtones * decay
        drum = random_.standard_normal(size) * np.exp(-_TIME[:size] * 40)
        sound[start : start + size] += drum
    return np.asarray(sound, np.float32)


SYNTHETIC: dict[str, Callable[[np.random.Generator], Floats]] = {
    "digital silence": _silence,
    "white noise": _colored(0),
    "pink noise": _colored(1),
    "brown noise": _colored(2),
    "mains hum": _hum,
    "clicks": _clicks,
    "synthetic music": _music,
}
