"""What every voice's sound goes through on its way to the loudspeaker: trim, level, limit, cut into chunks.

A synthesiser leaves 50 to 320 ms of silence in front of every sentence and up to 480 ms behind it. The person waits through the
first; so both are cut, and the pause between sentences is ours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from assistant.events import Samples

Floats = npt.NDArray[np.float32]

CHUNK_SECONDS = 0.2
"""Longest piece an engine yields, so that an interruption never waits longer (TtsEngine)."""

LEAD_SECONDS = 0.010
"""Silence kept in front of the first audible sample: the soft onset of an "h" lies there."""

TRAIL_SECONDS = 0.100
"""Kept after the last audible sample: the voice's own decay."""

AUDIBLE = 256
"""Sample value at which sound begins, after gain: -42 dB of full scale. hibari's and Piper's silence lies below 60; the softest
onset measured (the "f" of "fifty", hibari) passes it within 20 ms of rising out of that floor."""

KNEE = 0.7
CEILING = 0.95
"""The limiter leaves samples below KNEE alone and bends louder ones so that none passes CEILING (share of full scale)."""

FADE_SECONDS = 0.005
"""Length of the ramps at the cuts, so that they do not click."""


def polish(sound: Floats, rate: int, gain_db: float) -> Samples:
    """A synthesiser's sentence made ready to play: levelled, then trimmed.

    sound: float32, (n,), in -1..1. rate: Hz. gain_db: what this voice needs to be as loud as the others. Returns int16; empty if
    all is silent.
    """
    return _trim(level(sound, gain_db), rate)


def level(sound: Floats, gain_db: float) -> Samples:
    """Fixed gain, soft limiter, 16 bits. The same sample always gives the same result, so sentences do not pump."""
    louder = sound * np.float32(10 ** (gain_db / 20))
    size = np.abs(louder)
    bent = KNEE + (CEILING - KNEE) * np.tanh((size - KNEE) / (CEILING - KNEE))
    limited = np.where(size <= KNEE, louder, np.copysign(bent, louder))
    samples: Samples = np.round(limited * 32767).astype(np.int16)
    return samples


def _trim(samples: Samples, rate: int) -> Samples:
    """Cut the silence at both ends to LEAD_SECONDS and TRAIL_SECONDS."""
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    if not len(loud):
        return samples[:0]
    start = max(0, int(loud[0]) - int(LEAD_SECONDS * rate))
    end = min(len(samples), int(loud[-1]) + 1 + int(TRAIL_SECONDS * rate))
    cut: Samples = samples[start:end].copy()
    ramp = np.linspace(0, 1, min(int(FADE_SECONDS * rate), len(cut)), dtype=np.float32)
    if start > 0:
        cut[: len(ramp)] = cut[: len(ramp)] * ramp
    cut[len(cut) - len(ramp) :] = cut[len(cut) - len(ramp) :] * ramp[::-1]
    return cut


def silence(seconds: float, rate: int) -> Samples:
    """A pause: int16 zeros."""
    return np.zeros(int(seconds * rate), np.int16)


def chunks(samples: Samples, rate: int) -> Iterator[Samples]:
    """Pieces of at most CHUNK_SECONDS, in order; views of `samples`."""
    step = int(CHUNK_SECONDS * rate)
    for start in range(0, len(samples), step):
        yield samples[start : start + step]
