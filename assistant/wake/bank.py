"""Embeddings of ordinary sound that come with the package: what every word is learned and checked against.

negatives.npz is made by models/wake/build_bank.py; its card is docs/wake.md. Each number of an embedding is one byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.caller import Floats

FILE = Path(__file__).parent / "negatives.npz"
RANGE = 4.0
"""Standard deviations that 127 steps stand for."""


@dataclass(frozen=True, slots=True)
class Bank:
    """learn, check: embeddings of different recordings, (k, 96); what the check part is, in words."""

    learn: Floats
    check: Floats
    about: str


def load_bank() -> Bank:
    """The bank of the package."""
    with np.load(FILE) as stored:
        mean, deviation = stored["mean"], stored["deviation"]
        learn, check = (np.asarray(stored[part] * (deviation * (RANGE / 127)) + mean, np.float32) for part in ("learn", "check"))
        return Bank(learn, check, str(stored["about"]))


def save_bank(file: Path, bank: Bank) -> None:
    """Write a bank; values beyond RANGE standard deviations are clipped."""
    mean, deviation = bank.learn.mean(0), bank.learn.std(0) + np.float32(1e-3)

    def small(values: Floats) -> npt.NDArray[np.int8]:
        steps = np.rint((values - mean) / deviation * (127 / RANGE))
        return np.asarray(np.clip(steps, -127, 127), np.int8)

    with file.open("wb") as sink:
        np.savez_compressed(
            sink, mean=mean, deviation=deviation, learn=small(bank.learn), check=small(bank.check), about=np.array(bank.about)
        )
