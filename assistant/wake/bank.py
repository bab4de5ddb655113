"""Embeddings of ordinary sound that come with the package: what every word is learned and checked against.

negatives.npz is made by models/wake/build_bank.py, spoken.npz by models/wake/speak_hours.py; their card is models/wake/CARD.md.
Each number of an embedding is one byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.caller import Floats

FILE = Path(__file__).parent / "negatives.npz"
SPOKEN_FILE = Path(__file__).parent / "spoken.npz"
"""Hours of synthetic speech, half of it in noisy rooms and beside talkers."""

RANGE = 4.0
"""Standard deviations at which values are clipped."""

FINE, COARSE = 127, 15
"""Steps that RANGE stands for. Coarse ones compress to half the size; their error is 0.08 deviations, far less than between two
recordings of the same sentence."""


@dataclass(frozen=True, slots=True)
class Bank:
    """learn, check: embeddings of different recordings, (k, 96); what the check part is, in words."""

    learn: Floats
    check: Floats
    about: str


def load_bank() -> Bank:
    """The smaller file alone: for lessons that bring their own hours."""
    with np.load(FILE) as stored:
        learn, check = (_unpacked(stored, part, FINE) for part in ("learn", "check"))
        return Bank(learn, check, str(stored["about"]))


def load_whole_bank() -> Bank:
    """All that comes with the package: what words are learned from that are enrolled on the device."""
    bank = load_bank()
    with np.load(SPOKEN_FILE) as stored:
        return Bank(np.concatenate([bank.learn, _unpacked(stored, "learn", COARSE)]), bank.check, bank.about)


def save_bank(file: Path, bank: Bank) -> None:
    """Write a bank; values beyond RANGE standard deviations are clipped."""
    mean, deviation = _scale(bank.learn)
    learn, check = (_packed(values, mean, deviation, FINE) for values in (bank.learn, bank.check))
    with file.open("wb") as sink:
        np.savez_compressed(sink, mean=mean, deviation=deviation, learn=learn, check=check, about=np.array(bank.about))


def save_spoken(file: Path, learn: Floats) -> None:
    """Write embeddings, (k, 96), as load_whole_bank reads them: coarsely."""
    mean, deviation = _scale(learn)
    with file.open("wb") as sink:
        np.savez_compressed(sink, mean=mean, deviation=deviation, learn=_packed(learn, mean, deviation, COARSE))


def _scale(values: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of every number."""
    return values.mean(0), values.std(0) + np.float32(1e-3)


def _packed(values: Floats, mean: Floats, deviation: Floats, steps: int) -> npt.NDArray[np.int8]:
    return np.asarray(np.clip(np.rint((values - mean) / deviation * (steps / RANGE)), -steps, steps), np.int8)


def _unpacked(stored: np.lib.npyio.NpzFile, part: str, steps: int) -> Floats:
    return np.asarray(stored[part] * (stored["deviation"] * (RANGE / steps)) + stored["mean"], np.float32)
