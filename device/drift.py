"""Two clocks: how much faster the loudspeaker's runs than the microphone's, and sound taken at times between its samples.

A USB microphone beside a loudspeaker on another chip drifts by 10 to 100 parts per million, about a sample a second. The room's
answer then moves while the filter learns it, and the filter is always a little late, worst for high tones. Two answers learnt
some time apart tell by how much they moved: the phase of their cross-spectrum rises with frequency by the delay between them,
found by weighted least squares (the phase-slope estimator; G. C. Carter, "Coherence and time delay estimation", Proc. IEEE 75
(1987), 236-255). What is found is integrated until nothing moves any more.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from assistant.events import Samples

TAPS, PHASES = 32, 512
"""Of the interpolation: samples that count, and steps between two of them."""

KAISER = 8.0
"""Shape of the window over the interpolation's sinc: 80 dB of stop band."""

EVERY_BLOCKS = 16
"""Blocks of played sound between two looks, 0.26 s."""

SETTLED_LOOKS = 3
"""Looks at a new answer before it is compared with anything: it is being learnt."""

GAIN = 0.25
"""Share of a measured drift that is believed at once."""

BINS = slice(8, 200)
"""Of the answers' spectra, 250 Hz to 6.2 kHz: below, nothing moves visibly; above, little is known."""

MOST = 300e-6
"""No two clocks differ by more."""

JUMP = 2.0
"""Samples: an answer that moved by more between two looks is another one."""


class ClockDrift:
    """Finds how much the room's answer moves with time.

    Args:
        block: samples per block of the filter; its spectra have block + 1 bins.
    """

    def __init__(self, block: int) -> None:
        self.rate = 0.0
        """Samples by which the echo comes later with every sample, -MOST..MOST."""
        self._block = block
        self._bins = np.arange(block + 1, dtype=np.float32)[BINS]
        self._answers: deque[npt.NDArray[np.complex64]] = deque(maxlen=2)
        self.forget()

    def forget(self) -> None:
        """The filter begins anew: what it learns first is compared with nothing. The rate stays, as clocks do."""
        self._answers.clear()
        self._blocks, self._looks = 0, 0

    def learnt(self, answer: npt.NDArray[np.complex64]) -> None:
        """A block with sound from the loudspeaker has been learnt from. answer: the room's spectra, (partitions, block + 1)."""
        self._blocks += 1
        if self._blocks % EVERY_BLOCKS:
            return
        self._answers.append(answer[:, BINS].copy())
        self._looks += 1
        if self._looks > SETTLED_LOOKS:
            moved = self._moved(*self._answers)
            if abs(moved) > JUMP:
                self.forget()
                return
            self.rate = float(np.clip(self.rate + GAIN * moved / (EVERY_BLOCKS * self._block), -MOST, MOST))

    def _moved(self, before: npt.NDArray[np.complex64], now: npt.NDArray[np.complex64]) -> float:
        """By how many samples the answer came later."""
        cross = (now * before.conj()).sum(0)
        weights = self._bins * np.abs(cross)
        slope = float((weights * np.angle(cross)).sum()) / (float((weights * self._bins).sum()) + 1e-12)
        return -slope * self._block / np.pi


def _sincs() -> npt.NDArray[np.float32]:
    """Interpolation filters, (PHASES, TAPS): row p gives the value p / PHASES of a sample after the one at TAPS // 2 - 1."""
    at = np.arange(TAPS) - TAPS // 2 + 1 - np.arange(PHASES)[:, None] / PHASES
    window = np.i0(KAISER * np.sqrt(np.maximum(0, 1 - (at / (TAPS // 2)) ** 2)))
    taps = np.sinc(at) * window
    return np.asarray(taps / taps.sum(1, keepdims=True), np.float32)


_SINCS = _sincs()


def between(sound: Samples, position: float, count: int) -> Samples:
    """`count` samples of `sound`, int16, from a position between its samples on.

    At whole positions these are the samples themselves. TAPS // 2 samples before and after must exist.
    """
    whole = int(np.floor(position))
    phase = int((position - whole) * PHASES)
    if phase == 0:
        return sound[whole : whole + count]
    needed = sound[whole - TAPS // 2 + 1 : whole + count + TAPS // 2].astype(np.float32)
    values = np.lib.stride_tricks.sliding_window_view(needed, TAPS)[:count] @ _SINCS[phase]
    taken: Samples = np.clip(np.rint(values), -32768, 32767).astype(np.int16)
    return taken
