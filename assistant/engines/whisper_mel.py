"""Whisper's input features: the log-mel spectrogram, computed while the sound arrives.

Definition (openai/whisper audio.py, `log_mel_spectrogram`): a 25 ms Hann window every 10 ms, power spectrum, 80 triangular
bands on Slaney's mel scale, log10, clipped at 8 (80 dB) below the loudest value, then (x + 4) / 4. The sound is mirrored for
half a window at its beginning and followed by silence. Only the clipping needs the whole utterance, so everything else is
done frame by frame.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from assistant.engines import CAPTURE_RATE
from assistant.events import Samples

Floats = npt.NDArray[np.float32]

MELS = 80
WINDOW = 400
"""Samples of one frame: 25 ms."""

HOP = 160
"""Samples from one frame to the next: 10 ms."""

FRAMES_PER_SECOND = CAPTURE_RATE // HOP

_HALF = WINDOW // 2
_BLOCK = 16
"""Frames computed together, always at the same places, so that the result does not depend on how the sound was cut into
chunks. 16 rows keep the matrix product below the size at which OpenBLAS starts threads."""

FLOOR = 1e-10
"""Smallest band power (openai/whisper audio.py); its log10 is what digital silence gives."""

RANGE = 8.0
"""log10 units kept below the loudest value (the same source)."""

_LOUD, _QUIET = 98, 10
"""Percentiles of the power of frames between which a sound's range lies."""

_SMOOTH = 10
"""Frames whose mean level is one value of that."""


class LogMel:
    """The spectrogram of one utterance that grows.

    capacity: seconds of sound that can be held; more is refused with ValueError. Holds 32 kB per second.
    """

    def __init__(self, capacity: float) -> None:
        self._logs = np.empty((int(capacity * FRAMES_PER_SECOND) + 2 * _BLOCK, MELS), np.float32)
        self._capacity = int(capacity * CAPTURE_RATE)
        self.reset()

    def reset(self) -> None:
        """Starts a new utterance."""
        self.samples = 0
        """Samples fed since the last reset."""
        self._done = 0  # frames in _logs
        self._waiting = np.empty(0, np.float32)  # sound from the start of frame _done on; the first frames lack their mirror

    def feed(self, samples: Samples) -> None:
        """More sound: int16, shape (n,)."""
        if self.samples + len(samples) > self._capacity:
            raise ValueError("more sound than the capacity")
        self.samples += len(samples)
        self._waiting = np.concatenate([self._waiting, samples.astype(np.float32) / 32768])
        if self._done == 0 and len(self._waiting) >= _BLOCK * HOP + _HALF:
            self._waiting = _mirrored(self._waiting)
        while self._is_mirrored() and len(self._waiting) >= _BLOCK * HOP + WINDOW - HOP:
            self._logs[self._done : self._done + _BLOCK] = _log_bands(self._waiting)
            self._done += _BLOCK
            self._waiting = self._waiting[_BLOCK * HOP :]

    def features(self, frames: int) -> Floats:
        """The model's input, float32, shape (80, frames): what was heard so far, then silence. Does not change the state."""
        logs = np.full((frames, MELS), np.log10(np.float32(FLOOR)), np.float32)
        kept = min(self._done, frames)
        logs[:kept] = self._logs[:kept]
        rest = self._waiting if self._is_mirrored() else _mirrored(self._waiting)
        for start in range(0, len(rest), _BLOCK * HOP):
            place = self._done + start // HOP
            block = _log_bands(_padded(rest[start : start + _BLOCK * HOP + WINDOW - HOP]))
            logs[place : place + _BLOCK] = block[: max(0, frames - place)]
        np.maximum(logs, logs.max() - np.float32(RANGE), out=logs)
        logs += np.float32(4.0)
        logs /= np.float32(4.0)
        return np.ascontiguousarray(logs.T)

    def range_db(self) -> float:
        """How far the loud parts stand above the quiet ones, dB; infinity for a sound of less than 0.25 s."""
        if self._done < _BLOCK:
            return math.inf
        power = np.log10(np.power(10, self._logs[: self._done]).sum(axis=1))
        levels = np.convolve(power, np.full(_SMOOTH, 1 / _SMOOTH), mode="valid")
        return 10 * float(np.percentile(levels, _LOUD) - np.percentile(levels, _QUIET))

    def _is_mirrored(self) -> bool:
        return self._done > 0 or len(self._waiting) > self.samples


def _mirrored(sound: Floats) -> Floats:
    """The sound with its first half window reflected in front; too short a sound is followed by silence first."""
    if len(sound) <= _HALF:
        sound = np.pad(sound, (0, _HALF + 1 - len(sound)))
    return np.concatenate([sound[_HALF:0:-1], sound])


def _padded(sound: Floats) -> Floats:
    return np.pad(sound, (0, _BLOCK * HOP + WINDOW - HOP - len(sound)))


def _log_bands(sound: Floats) -> Floats:
    """The first 16 frames of the sound: float32 (>= 2800,) -> (16, 80), log10 of the band powers."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[: _BLOCK * HOP : HOP]  # (16, 400)
    power = np.abs(np.fft.rfft(frames * _HANN, axis=1)).astype(np.float32) ** 2  # (16, 201)
    logs: Floats = np.log10(np.maximum(power @ BANDS, np.float32(FLOOR)))
    return logs


def _slaney_bands() -> Floats:
    """Triangles of equal area on Slaney's mel scale, 0 to 8000 Hz: (201 frequencies, 80 bands); librosa's `filters.mel`.

    The scale is linear up to 1000 Hz (200/3 Hz a mel) and logarithmic above (27 mels for a factor of 6.4).
    """
    linear_end, mel_width, log_step = 1000.0, 200.0 / 3, np.log(6.4) / 27
    knee = linear_end / mel_width
    top = knee + np.log(CAPTURE_RATE / 2 / linear_end) / log_step
    mels = np.linspace(0.0, top, MELS + 2)
    corners = np.where(mels < knee, mels * mel_width, linear_end * np.exp(log_step * (mels - knee)))
    frequencies = np.linspace(0.0, CAPTURE_RATE / 2, WINDOW // 2 + 1)
    rising = (frequencies[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - frequencies[:, None]) / (corners[2:] - corners[1:-1])
    bands: Floats = (np.maximum(0, np.minimum(rising, falling)) * 2 / (corners[2:] - corners[:-2])).astype(np.float32)
    return bands


_HANN: Floats = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
BANDS = _slaney_bands()
"""Of those triangles, (201, 80)."""
