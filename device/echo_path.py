"""From the loudspeaker to the microphone: which of the played samples is in which of the captured ones, and the filter over both.

The loudspeaker's callback writes what it plays, the microphone's takes as much as it captured in the same time, so both run
side by side, whatever the sound server's buffers: a constant but unknown delay is between them. `DelayFinder` finds it (the
generalised cross-correlation with phase transform, C. Knapp and G. Carter, IEEE Trans. ASSP 24 (1976), 320-327), the filter
does the rest.
"""

from __future__ import annotations

import threading

import numpy as np
import soxr

from assistant.events import AudioChunk, Samples
from device.drift import TAPS, between
from device.echo import BLOCK, RATE, Block, EchoCanceller, EchoSettings

LONGEST_DELAY = 8192
"""Samples, 0.5 s: PortAudio 80 ms, a sound server's two buffers up to 300 ms, the capture 50."""

WINDOW = 2 * LONGEST_DELAY
"""Samples that are compared at once; half of them are new."""

MARGIN = 320
"""Samples, 20 ms: the filter begins this much before the delay found, as the direct sound need not be the strongest, and a sound
server that ran dry may come a little sooner afterwards."""

SOONEST, LATEST = float(MARGIN + TAPS), float(LONGEST_DELAY - TAPS)
"""Delays between which the drift of the clocks is followed: there must be samples on either side."""

LATER = 800
"""Samples, 50 ms: an echo that comes later by less is left to the filter; one that comes before the filter begins never is."""

SMOOTHING = 0.5
"""Recursive averaging of the cross-spectrum, per half window (0.5 s)."""

CONFIDENT = 8.0
"""A peak this many standard deviations above the correlation's mean is a delay."""

NOTHING: Samples = np.zeros(0, np.int16)
MOST_QUEUED = RATE // 2
"""What the microphone does not take is dropped beyond this: it is not running."""


class FarEnd:
    """What the loudspeaker plays, at 16 kHz, until the microphone takes it. Safe between the two callback threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: Samples = np.zeros(0, np.int16)
        self._resampler: soxr.ResampleStream | None = None
        self._rate = RATE

    def write(self, samples: Samples, rate: int) -> None:
        """The loudspeaker plays this now (its silence too): int16, (n,)."""
        if rate != self._rate:
            self._rate = rate
            self._resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="int16", quality="MQ")
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        with self._lock:
            self._queue = np.concatenate([self._queue, samples])[-MOST_QUEUED:]

    def take(self, count: int) -> Samples:
        """The next `count` samples, int16; zeros where the loudspeaker is late or does not run."""
        with self._lock:
            taken, self._queue = self._queue[:count], self._queue[count:]
        return np.concatenate([taken, np.zeros(count - len(taken), np.int16)]) if len(taken) < count else taken


class DelayFinder:
    """Finds how many samples later the loudspeaker's sound comes back in the microphone."""

    def __init__(self) -> None:
        self._near = np.zeros(WINDOW, np.float32)
        self._far = np.zeros(WINDOW, np.float32)
        self._fresh = 0
        self._cross = np.zeros(WINDOW + 1, np.complex128)

    def feed(self, near: Samples, far: Samples) -> int | None:
        """Both signals, the same length. Returns a delay when one was found just now."""
        self._near = np.concatenate([self._near, near.astype(np.float32)])[-WINDOW:]
        self._far = np.concatenate([self._far, far.astype(np.float32)])[-WINDOW:]
        self._fresh += len(near)
        if self._fresh < WINDOW // 2:
            return None
        self._fresh = 0
        return self._estimate()

    def _estimate(self) -> int | None:
        far = self._far.copy()
        far[WINDOW // 2 :] = 0  # the older half, which can be anywhere in the window of the microphone
        if float(np.abs(far).mean()) < 30:  # -60 dB: nothing was played
            return None
        spectrum = np.fft.rfft(self._near, 2 * WINDOW) * np.fft.rfft(far, 2 * WINDOW).conj()
        self._cross = SMOOTHING * self._cross + (1 - SMOOTHING) * spectrum / (np.abs(spectrum) + 1e-3)
        correlation = np.fft.irfft(self._cross)[:LONGEST_DELAY]
        peak = int(np.argmax(correlation))
        certain = float(correlation[peak]) > CONFIDENT * float(correlation.std()) + float(correlation.mean())
        return peak if certain else None


class EchoPath:
    """What stands between microphone and ear: removes the loudspeaker's sound.

    Args:
        settings: the filter's.
    """

    def __init__(self, settings: EchoSettings = EchoSettings()) -> None:
        self.far_end = FarEnd()
        self._filter = EchoCanceller(settings)
        self._finder = DelayFinder()
        self._delay: float | None = None  # moves with the clocks
        self._candidate: int | None = None
        self._near: Samples = np.zeros(0, np.int16)
        self._far: Samples = np.zeros(LONGEST_DELAY, np.int16)  # the past LONGEST_DELAY samples, then what belongs to _near

    @property
    def delay_ms(self) -> float | None:
        """The delay in use, milliseconds; None = not known yet."""
        return None if self._delay is None else self._delay * 1000 / RATE

    @property
    def drift_ppm(self) -> float:
        """How much faster the loudspeaker's clock runs than the microphone's, parts per million; 0 = not known, or equal."""
        return -self._filter.drift.rate * 1e6

    def clean(self, near: Samples, far: Samples) -> AudioChunk:
        """Take the echo out of captured sound.

        Args:
            near: int16, (n,), 16 kHz.
            far: int16, (about n,), what `far_end` gave for the same time.

        Returns:
            Whole blocks of 16 ms: what does not fill a block comes with the next call.
        """
        self._near = np.concatenate([self._near, near])
        self._far = np.concatenate([self._far, far])
        done: list[Block] = []
        while min(len(self._near), len(self._far) - LONGEST_DELAY) >= BLOCK:
            done.append(self._block())
        samples, left, echo = map(np.concatenate, zip(*done, strict=True)) if done else (NOTHING, NOTHING, NOTHING)
        return AudioChunk(samples=samples, rate=RATE, somebody=self._filter.somebody, left=left, echo=echo)

    def _block(self) -> Block:
        near, self._near = self._near[:BLOCK], self._near[BLOCK:]
        found = self._finder.feed(near, self._far[LONGEST_DELAY : LONGEST_DELAY + BLOCK])
        if found is not None:
            self._align(found)
        self._creep()
        back = max(0.0, (self._delay or 0.0) - MARGIN)
        clean = self._filter.process(near, between(self._far, LONGEST_DELAY - back, BLOCK))
        self._far = self._far[BLOCK:]
        return clean

    def _creep(self) -> None:
        """Follow the clocks' drift, as far as there are samples to interpolate between."""
        if self._delay is None or not SOONEST <= self._delay <= LATEST:
            self._filter.drift.rate = 0.0
        else:
            self._delay = min(max(self._delay + self._filter.drift.rate * BLOCK, SOONEST), LATEST)

    def _align(self, found: int) -> None:
        """Move to a delay that was found twice in a row; the first one counts at once, as there is nothing to lose."""
        confirmed = self._candidate is not None and abs(found - self._candidate) < MARGIN
        self._candidate = found
        if self._delay is None or (confirmed and not -MARGIN // 2 <= found - self._delay <= LATER):
            if self._delay is not None or found > MARGIN:
                self._filter.reset()
            self._delay = found
