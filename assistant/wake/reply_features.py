"""What the network for words in replies sees: the spectrum of what the echo canceller left, beside that of what it took away."""

from __future__ import annotations

import numpy as np

from assistant.engines.speech_embedding import FFT, STEP, Floats, frame_window, mel_filters
from assistant.events import Samples

BANDS = 40
LOW_HZ, HIGH_HZ = 60.0, 7600.0
"""The hiss of "stop" lies above 4 kHz."""

FLOOR = 100.0
"""Added to a band's power: a little below the noise of a quiet microphone, 16-bit steps squared."""

MIDDLE, SPREAD = 4.5, 1.2
"""Mean and deviation, about, of the logarithm (base 10) of a band's power."""

COLUMNS = 2 * BANDS
SILENCE = (float(np.log10(FLOOR)) - MIDDLE) / SPREAD
"""The value of a band in which nothing sounds."""


class ReplyFeatures:
    """Turns both streams into columns, one every 10 ms; how they are cut into pieces does not matter."""

    _pending: Floats

    def __init__(self) -> None:
        self._filters, self._taper = mel_filters(BANDS, LOW_HZ, HIGH_HZ), frame_window()
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._pending = np.zeros((2, 0), np.float32)

    def feed(self, left: Samples, echo: Samples) -> Floats:
        """As many samples of either, int16, (n,), 16 kHz. Returns (k, COLUMNS), float32: first what is left, then the echo."""
        self._pending = np.concatenate([self._pending, np.stack([left, echo]).astype(np.float32)], axis=1)
        count = (self._pending.shape[1] - FFT + STEP) // STEP
        if count <= 0:
            return np.zeros((0, COLUMNS), np.float32)
        used = self._pending[:, : (count - 1) * STEP + FFT]
        frames = np.lib.stride_tricks.sliding_window_view(used, FFT, axis=1)[:, ::STEP] * self._taper  # (2, k, 512)
        spectrum = np.fft.rfft(frames)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._filters  # (2, k, BANDS)
        self._pending = self._pending[:, count * STEP :]
        columns = (np.log10(power + FLOOR) - MIDDLE) / SPREAD
        return np.asarray(columns.transpose(1, 0, 2).reshape(count, COLUMNS), np.float32)
