"""Microphone and loudspeaker (device/loudspeaker.py): what the pipeline hears and speaks through, back after a re-plug.

PortAudio calls back from a thread of its own; the callbacks only move samples, so nothing that the assistant computes can make it
lose sound: the microphone keeps the last RING_SECONDS, drops the oldest and counts what it dropped.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
import soxr

from assistant.errors import DeviceError
from assistant.events import AudioChunk, Samples
from device.echo_path import EchoPath
from device.enduring import Enduring
from device.loudspeaker import PyAudioSpeaker
from device.portaudio import RETRY_SECONDS, Notice, SoundDevice, Stream, Wanted, ignore, rescan, sound_devices

__all__ = ["MicrophoneSettings", "PyAudioMicrophone", "PyAudioSpeaker", "SoundDevice", "sound_devices"]

log = logging.getLogger(__name__)

CAPTURE_RATE = 16000
CAPTURE_BLOCK_SECONDS = 0.02
NOTHING: Samples = np.zeros(0, np.int16)
EMPTY = AudioChunk(samples=NOTHING, rate=CAPTURE_RATE)
RING_SECONDS = 2.0

CLIPPING_SHARE = 0.005
"""Of a piece of sound at full scale, above which it is no mere click: 1 in 200."""

TELL_SECONDS = 60.0
"""Clipping is logged this often at the most."""

RESCAN_SECONDS = 1.0
"""A lost device is looked for under new names this often, and tried every RETRY_SECONDS: together below 2 s."""


@dataclass(frozen=True, slots=True)
class MicrophoneSettings:
    """name: the device's name or part of it, "" = the default; channel: which one of several, -1 = their mean."""

    name: str = ""
    channel: int = 0


class PyAudioMicrophone:
    """A microphone: 16 kHz mono int16. Open it inside the running event loop.

    A microphone that is unplugged sounds like silence, in real time, until it is back.

    Args:
        settings: which device.
        notice: told when it is lost and when it is back.
        echo: takes the loudspeaker's sound out; its far end must be the loudspeaker's.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(
        self, settings: MicrophoneSettings = MicrophoneSettings(), notice: Notice = ignore, echo: EchoPath | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings, self._notice, self._echo = settings, notice, echo
        self._lock = threading.Lock()
        self._ring: deque[tuple[bytes, Samples]] = deque()  # what was captured, what was played in that time
        self._arrived = asyncio.Event()
        self._reading = Enduring(self._read)
        self._lost = self._closed = False
        self._rescanned_at = 0.0
        self.dropped_seconds = 0.0
        self.clipped_seconds = 0.0
        """Sound at full scale so far: what was louder than the device can say."""
        self._told_at = -TELL_SECONDS
        self._open()

    def _open(self) -> None:
        wanted = Wanted(self._settings.name, CAPTURE_RATE, CAPTURE_BLOCK_SECONDS, capture=True)
        self._ring.clear()
        self._rate = CAPTURE_RATE
        self._stream = Stream(wanted, self._captured, lambda: False)
        self._rate = self._stream.rate
        same = self._stream.rate == CAPTURE_RATE
        self._resampler = None if same else soxr.ResampleStream(self._stream.rate, CAPTURE_RATE, 1, dtype="int16")

    def _captured(self, data: bytes | None, frames: int) -> None:
        assert data is not None
        played = self._echo.far_end.take(round(frames * CAPTURE_RATE / self._rate)) if self._echo is not None else NOTHING
        with self._lock:
            self._ring.append((data, played))
            if len(self._ring) * CAPTURE_BLOCK_SECONDS > RING_SECONDS:
                self._ring.popleft()
                self.dropped_seconds += CAPTURE_BLOCK_SECONDS
        if not self._arrived.is_set():  # waking the loop costs more than all the rest
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def read(self) -> AudioChunk | None:
        """See Microphone.read. When it is cancelled, the next call returns what this one would have."""
        return await self._reading.result()

    async def _read(self) -> AudioChunk:
        while not len((chunk := await asyncio.to_thread(self._take) if self._ring else EMPTY).samples):
            self._arrived.clear()
            if self._ring:
                continue
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout=RETRY_SECONDS)
            except asyncio.TimeoutError:
                if not self._stream.alive:
                    return await self._away()
        if self._lost:
            self._lost = False
            self._notice("back")
        return chunk

    def _take(self) -> AudioChunk:
        with self._lock:
            pieces = [*self._ring]
            self._ring.clear()
        frames = np.frombuffer(b"".join(data for data, _ in pieces), np.int16)
        near = one_channel(frames, self._stream.channels, self._settings.channel)
        self._watch_level(near)
        if self._resampler is not None:
            near = self._resampler.resample_chunk(near)
        if self._echo is None:
            return AudioChunk(samples=near, rate=CAPTURE_RATE)
        return self._echo.clean(near, np.concatenate([played for _, played in pieces]))

    def _watch_level(self, near: Samples) -> None:
        clipped = int(np.count_nonzero((near == 32767) | (near == -32768)))
        self.clipped_seconds += clipped / self._rate
        if clipped > CLIPPING_SHARE * len(near) and time.monotonic() - self._told_at > TELL_SECONDS:
            self._told_at = time.monotonic()
            log.warning("the microphone %r is too loud and clips: turn its gain down", self._stream.device.name)

    async def _away(self) -> AudioChunk:
        """Try to get the device back; the silence of the time that took."""
        began = time.monotonic()
        if not self._stream.closed:  # otherwise a rescan closed it, and the device may well be there
            self._tell_lost()
        if not await asyncio.to_thread(self._reopen):
            self._tell_lost()
        await asyncio.sleep(max(0.0, began + RETRY_SECONDS - time.monotonic()))
        return AudioChunk(samples=np.zeros(int((time.monotonic() - began) * CAPTURE_RATE), np.int16), rate=CAPTURE_RATE)

    def _tell_lost(self) -> None:
        if not self._lost:
            self._lost = True
            self._notice("lost")
            log.warning("the microphone %r has gone; waiting for it to come back", self._stream.device.name)

    def _reopen(self) -> bool:
        """In a worker thread; True when the device could be opened, which a device that hangs can be, too."""
        self._stream.close()
        if time.monotonic() - self._rescanned_at >= RESCAN_SECONDS:
            self._rescanned_at = time.monotonic()
            rescan()
        try:
            self._open()
        except DeviceError:
            log.debug("the microphone is not back yet")
            return False
        if self._closed:  # in the meantime
            self._stream.close()
        return True

    def close(self) -> None:
        """Let go of the device, at once or as soon as an attempt to open it anew is over."""
        self._closed = True
        self._reading.cancel()
        self._stream.close()


def one_channel(frames: Samples, channels: int, channel: int) -> Samples:
    """One channel of interleaved sound, shape (n * channels,) -> (n,); -1 = the mean, one that is not there = the last."""
    if channels == 1:
        return frames
    table = frames.reshape(-1, channels)  # (n, channels)
    if channel < 0:
        return np.asarray(table.mean(axis=1), np.int16)
    return np.asarray(table[:, min(channel, channels - 1)], np.int16, order="C")
