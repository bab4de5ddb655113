"""Microphone and camera behind their privacy switches, as the pipeline sees them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import anyio
import numpy as np

from assistant.engines import CAPTURE_RATE
from assistant.events import AudioChunk, Samples
from assistant.ports import Camera, Image, Microphone

SILENT_SECONDS = 0.02
"""Length of the pieces of silence heard while the microphone is off."""

GATHERED_SECONDS = 0.06
"""While only the wake word is listened for, sound is gathered for so long before it is looked at: waking up four times as often
costs more than listening does."""

SILENCE_DB = -96.0
"""Digital silence on the meter: below one step of 16 bits."""


class OpenMicrophone(Microphone, Protocol):
    """A microphone that can be let go of."""

    def close(self) -> None:
        """Let go of the device."""
        ...


def level_db(samples: Samples) -> float:
    """Loudness of int16 samples (n,) in dB below full scale (root mean square); SILENCE_DB for digital silence."""
    if len(samples) == 0:
        return SILENCE_DB
    power = float(np.mean(np.square(samples.astype(np.float32)))) / 32768.0**2
    return max(SILENCE_DB, 10 * math.log10(power)) if power > 0 else SILENCE_DB


class SwitchedMicrophone:
    """A microphone that is closed while it is switched off; the pipeline then hears silence.

    Args:
        open_microphone: opens the device; called anew each time it is switched on.
        off: is it switched off now? Asked before every read.
        heard: told of every piece of sound while it is on.
    """

    def __init__(
        self,
        open_microphone: Callable[[], OpenMicrophone],
        off: Callable[[], bool],
        heard: Callable[[Samples], None] | None = None,
    ) -> None:
        self._open, self._off, self._heard = open_microphone, off, heard
        self._inner: OpenMicrophone | None = None
        self._lost = 0.0  # by those that were closed
        self.dropped_seconds = 0.0
        self.level = SILENCE_DB
        """Loudness of the last piece, dB below full scale."""
        self.resting: Callable[[], bool] = lambda: False
        """Is only the wake word listened for? Then sound comes in larger pieces."""
        if not off():
            self._inner = open_microphone()

    @property
    def listening(self) -> bool:
        """Is the device open?"""
        return self._inner is not None

    async def read(self) -> AudioChunk | None:
        """See Microphone.read. Raises DeviceError."""
        if self.resting() and self._inner is not None and not self._off():
            await anyio.sleep(GATHERED_SECONDS)
        if self._off():
            self.close()
            await anyio.sleep(SILENT_SECONDS)
            self.level = SILENCE_DB
            return AudioChunk(samples=np.zeros(int(SILENT_SECONDS * CAPTURE_RATE), np.int16), rate=CAPTURE_RATE)
        if self._inner is None:
            self._inner = self._open()
        chunk = await self._inner.read()
        self.dropped_seconds = self._lost + self._inner.dropped_seconds
        if chunk is not None and self._off():  # switched off while this piece was on its way
            chunk = AudioChunk(samples=np.zeros_like(chunk.samples), rate=chunk.rate)
        if chunk is not None and self._heard is not None:
            self._heard(chunk.samples)
        self.level = level_db(chunk.samples) if chunk is not None else SILENCE_DB
        return chunk

    def close(self) -> None:
        """Let go of the device."""
        if self._inner is not None:
            self._lost += self._inner.dropped_seconds
            self._inner.close()
            self._inner = None


class _Picture(Protocol):
    """What a device's frame offers."""

    @property
    def pixels(self) -> np.ndarray: ...


class FrameSource(Protocol):
    """What device.camera offers."""

    def latest(self) -> _Picture | None:
        """The newest frame, or None."""
        ...


class DeviceCamera(Camera):
    """A device's frames as the pipeline's Camera."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    def latest(self) -> Image | None:
        """See Camera.latest."""
        frame = self._source.latest()
        if frame is None:
            return None
        height, width = frame.pixels.shape[:2]
        return Image(pixels=frame.pixels, width=width, height=height)
