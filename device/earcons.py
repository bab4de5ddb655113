"""The short sounds that say without words what the assistant does: awake, done, error, timer. Made here, from sines.

Two partials an octave apart with a soft attack and an exponential decay, as of a struck bar; rising = it begins, falling = it
went wrong. Peaks at -14 dB of full scale: audible beside speech, below it.
"""

from __future__ import annotations

import numpy as np

from assistant.events import Samples

NOTES: dict[str, tuple[tuple[float, float], ...]] = {
    "awake": ((659.3, 0.09), (880.0, 0.12)),
    "done": ((880.0, 0.12),),
    "error": ((392.0, 0.14), (311.1, 0.22)),
    "timer": ((880.0, 0.14), (1108.7, 0.14), (1318.5, 0.22)) * 2,
}
"""For each sound its notes: Hz (equal temperament, A = 440 Hz) and seconds."""

PEAK = 0.2
ATTACK_SECONDS = 0.008
DECAYS = 5.0
"""Time constants per note: it has fallen to 1/150 when the next one begins, so nothing clicks."""

OCTAVE_SHARE = 0.3


def earcon(name: str, rate: int) -> Samples:
    """One of NOTES: int16, (n,), at `rate` Hz."""
    sound = np.concatenate([_note(frequency, seconds, rate) for frequency, seconds in NOTES[name]])
    samples: Samples = (sound * (PEAK * 32767 / np.abs(sound).max())).astype(np.int16)
    return samples


def _note(frequency: float, seconds: float, rate: int) -> np.ndarray:
    moments = np.arange(int(seconds * rate)) / rate
    shape = np.minimum(1, moments / ATTACK_SECONDS) * np.exp(-DECAYS * moments / seconds)
    wave = np.sin(2 * np.pi * frequency * moments) + OCTAVE_SHARE * np.sin(4 * np.pi * frequency * moments)
    return np.asarray(wave * shape)
