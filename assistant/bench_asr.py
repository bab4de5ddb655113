"""`assistant bench asr`: word and character error rates on any folder of recordings with transcripts."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.audiofile import read_audio
from assistant.bench_latency import percentile
from assistant.engines import CAPTURE_RATE
from assistant.engines.spelling import words_of
from assistant.errors import AudioFileError, ConfigError
from assistant.events import Samples

AUDIO = (".wav", ".flac", ".ogg", ".opus", ".mp3")
RESAMPLES = 1000
"""Bootstrap samples of recordings for the 95 % interval (Efron 1979; percentile method)."""

Hear = Callable[[Samples], str]


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what is said in it."""

    path: Path
    text: str


@dataclass(slots=True)
class Errors:
    """One recogniser's errors, a number for each recording."""

    engine: str
    word_errors: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    letter_errors: list[int] = field(default_factory=list)
    letters: list[int] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def summary(self) -> dict[str, Any]:
        """The row as plain values; the rates over all words, intervals over recordings."""
        return {
            "engine": self.engine,
            "n": len(self.words),
            "words": sum(self.words),
            "wer": round(sum(self.word_errors) / max(1, sum(self.words)), 4),
            "wer_95": _interval(self.word_errors, self.words),
            "cer": round(sum(self.letter_errors) / max(1, sum(self.letters)), 4),
            "cer_95": _interval(self.letter_errors, self.letters),
            "cpu_ms_p50": round(percentile(self.cpu_ms, 0.5), 1),
            "cpu_seconds_per_second": round(sum(self.cpu_ms) / 1000 / max(1e-9, self.seconds), 4),
        }


def _interval(errors: Sequence[int], sizes: Sequence[int]) -> list[float]:
    random = np.random.default_rng(0)
    chosen = random.integers(0, len(errors), (RESAMPLES, len(errors)))
    rates = np.array(errors)[chosen].sum(1) / np.maximum(1, np.array(sizes)[chosen].sum(1))
    return [round(float(bound), 4) for bound in np.quantile(rates, [0.025, 0.975])]


def find_clips(folder: Path) -> list[Clip]:
    """Recordings with transcripts: NAME.txt beside NAME.wav, or one .tsv or .jsonl in the folder. Raises ConfigError."""
    listed = [clip for path in sorted((*folder.glob("*.tsv"), *folder.glob("*.jsonl"))) for clip in _listed(path)]
    if listed:
        return listed
    audio = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO)
    beside = [
        Clip(path, path.with_suffix(".txt").read_text("utf-8").strip()) for path in audio if path.with_suffix(".txt").is_file()
    ]
    if not beside:
        raise ConfigError(
            f"{folder} has no transcripts: put NAME.txt beside NAME.wav, or a .tsv (path, sentence) or .jsonl (audio, text) in it"
        )
    return beside


def _listed(path: Path) -> Iterator[Clip]:
    """The lines of a list whose columns are called path, file or audio, and sentence or text."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = (
            [json.loads(line) for line in file if line.strip()]
            if path.suffix == ".jsonl"
            else list(csv.DictReader(file, delimiter="\t"))
        )
    for line in lines:
        audio = next((line[key] for key in ("path", "file", "audio", "audio_filepath") if line.get(key)), None)
        text = next((line[key] for key in ("sentence", "text", "transcript") if line.get(key)), None)
        if audio is None or text is None:
            raise ConfigError(f"{path}: every line needs path and sentence (or audio and text)")
        yield Clip(path.parent / audio, str(text))


def run(clips: Sequence[Clip], engines: Mapping[str, Hear]) -> Iterator[list[Errors]]:
    """The rows so far, after each recording. Raises ConfigError without jiwer, AudioFileError."""
    try:
        import jiwer
    except ModuleNotFoundError as error:
        raise ConfigError("word error rates need the Python package 'jiwer': pip install 'edge-assistant[bench]'") from error
    rows = {engine: Errors(engine) for engine in engines}
    for clip in clips:
        sound = read_audio(clip.path)
        said = " ".join(words_of(clip.text))
        if not said:
            raise AudioFileError(f"{clip.path}: its transcript is empty")
        for engine, hear in engines.items():
            row, began = rows[engine], time.process_time()
            heard = " ".join(words_of(hear(sound)))
            row.cpu_ms.append((time.process_time() - began) * 1000)
            row.seconds += len(sound) / CAPTURE_RATE
            by_words, by_letters = jiwer.process_words(said, heard), jiwer.process_characters(said, heard)
            row.word_errors.append(by_words.substitutions + by_words.deletions + by_words.insertions)
            row.words.append(len(said.split()))
            row.letter_errors.append(by_letters.substitutions + by_letters.deletions + by_letters.insertions)
            row.letters.append(len(said))
        yield list(rows.values())
