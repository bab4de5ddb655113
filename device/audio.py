"""Microphone and loudspeaker: what the pipeline hears and speaks through, and what brings them back after a re-plug.

PortAudio calls back from a thread of its own; the callbacks only move samples, so nothing that the assistant computes can make it
lose sound: the microphone keeps the last RING_SECONDS, drops the oldest and counts what it dropped.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr

from assistant.errors import DeviceError
from assistant.events import AudioChunk, Samples
from device.echo_path import EchoPath, FarEnd
from device.portaudio import SoundDevice, Stream, Wanted, rescan, sound_devices

__all__ = ["MicrophoneSettings", "PyAudioMicrophone", "PyAudioSpeaker", "SoundDevice", "sound_devices"]

log = logging.getLogger(__name__)

CAPTURE_RATE = 16000
CAPTURE_BLOCK_SECONDS = 0.02
PLAY_BLOCK_SECONDS = 0.04
"""Sound per callback. PortAudio keeps two blocks ahead on the way out: with 2 x 20 ms PulseAudio ran dry 750 to 1200 times
in 12 s on 2 cores with 3 busy processes, with 2 x 30 ms or more never (docs/audio.md)."""

NOTHING: Samples = np.zeros(0, np.int16)
EMPTY = AudioChunk(samples=NOTHING, rate=CAPTURE_RATE)
RING_SECONDS = 2.0
QUEUED_SECONDS = 0.3
"""How much sound the loudspeaker takes ahead of time."""

CLIPPING_SHARE = 0.005
"""Of a piece of sound at full scale, above which it is no mere click: 1 in 200."""

TELL_SECONDS = 60.0
"""Clipping is logged this often at the most."""

RETRY_SECONDS = 0.25
RESCAN_SECONDS = 1.0
"""A lost device is tried again this often, and looked for under new names this often: together below 2 s."""

Notice = Callable[[str], None]
"""Told "lost" and "back", in the event loop."""


def _ignore(_state: str) -> None:
    """Nobody wants to know."""


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
        self, settings: MicrophoneSettings = MicrophoneSettings(), notice: Notice = _ignore, echo: EchoPath | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings, self._notice, self._echo = settings, notice, echo
        self._lock = threading.Lock()
        self._ring: deque[tuple[bytes, Samples]] = deque()  # what was captured, what was played in that time
        self._arrived = asyncio.Event()
        self._lost = False
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
        self._loop.call_soon_threadsafe(self._arrived.set)

    async def read(self) -> AudioChunk | None:
        """See Microphone.read."""
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
        if not self._lost and not self._stream.closed:
            self._lost = True
            self._notice("lost")
            log.warning("the microphone %r has gone; waiting for it to come back", self._stream.device.name)
        await asyncio.to_thread(self._reopen)
        await asyncio.sleep(max(0.0, began + RETRY_SECONDS - time.monotonic()))
        return AudioChunk(samples=np.zeros(int((time.monotonic() - began) * CAPTURE_RATE), np.int16), rate=CAPTURE_RATE)

    def _reopen(self) -> None:
        self._stream.close()
        if time.monotonic() - self._rescanned_at >= RESCAN_SECONDS:
            self._rescanned_at = time.monotonic()
            rescan()
        try:
            self._open()
        except DeviceError:
            log.debug("the microphone is not back yet")

    def close(self) -> None:
        """Let go of the device."""
        self._stream.close()


def one_channel(frames: Samples, channels: int, channel: int) -> Samples:
    """One channel of interleaved sound, shape (n * channels,) -> (n,); -1 = the mean, one that is not there = the last."""
    if channels == 1:
        return frames
    table = frames.reshape(-1, channels)  # (n, channels)
    if channel < 0:
        return np.asarray(table.mean(axis=1), np.int16)
    return np.asarray(table[:, min(channel, channels - 1)], np.int16, order="C")


class PyAudioSpeaker:
    """A loudspeaker. Open it inside the running event loop. A stream that died is opened anew by the next `play`.

    Args:
        name: the device's name or part of it; "" = the default.
        rate: Hz of the voice that will mostly speak.
        notice: told when it is lost and when it is back.
        far_end: is given everything that is played, and the silence between.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(self, name: str = "", rate: int = 24000, notice: Notice = _ignore, far_end: FarEnd | None = None) -> None:
        self._far_end = far_end
        self._rate = rate
        self._loop = asyncio.get_running_loop()
        self._wanted_device = Wanted(name, rate, PLAY_BLOCK_SECONDS, capture=False)
        self._notice = notice
        self._lock = threading.Lock()
        self._queue: deque[Samples] = deque()
        self._queued = 0
        self._played = asyncio.Event()
        self._stream = Stream(self._wanted_device, self._wanted, self._busy)
        self._rate = self._stream.rate

    def _busy(self) -> bool:
        return self._queued > 0 and self._stream.alive

    def _wanted(self, _data: bytes | None, frames: int) -> bytes:
        block = np.zeros(frames, np.int16)
        filled = 0
        with self._lock:
            while self._queue and filled < frames:
                piece = self._queue.popleft()
                part = piece[: frames - filled]
                block[filled : filled + len(part)] = part
                filled += len(part)
                if len(part) < len(piece):
                    self._queue.appendleft(piece[len(part) :])
            self._queued -= filled
        if filled:
            self._loop.call_soon_threadsafe(self._played.set)
        if self._far_end is not None:
            self._far_end.write(block, self._rate)
        return block.tobytes()

    async def play(self, samples: Samples, rate: int) -> None:
        """See Speaker.play."""
        if not self._stream.alive:
            await self._revive()
        own = self._stream.rate
        samples = samples if rate == own else soxr.resample(samples, rate, own)
        with self._lock:
            self._queue.append(samples)
            self._queued += len(samples)
        await self._wait_until_at_most(int(QUEUED_SECONDS * own))

    async def drain(self) -> None:
        """See Speaker.drain."""
        await self._wait_until_at_most(0)

    def flush(self) -> None:
        """See Speaker.flush."""
        with self._lock:
            self._queue.clear()
            self._queued = 0

    async def _wait_until_at_most(self, samples: int) -> None:
        while True:
            self._played.clear()
            if self._queued <= samples:
                return
            try:
                await asyncio.wait_for(self._played.wait(), timeout=RETRY_SECONDS)
            except asyncio.TimeoutError:
                if not self._stream.alive:
                    await self._revive()

    async def _revive(self) -> None:
        """Open a dead stream anew; what is queued sounds then. Raises DeviceError after RING_SECONDS in vain."""
        lost = not self._stream.closed
        if lost:
            self._notice("lost")
            log.warning("the loudspeaker %r has stopped; opening it anew", self._stream.device.name)
        await asyncio.to_thread(self._stream.close)
        deadline = time.monotonic() + RING_SECONDS
        while True:
            try:
                self._stream = await asyncio.to_thread(Stream, self._wanted_device, self._wanted, self._busy)
                self._rate = self._stream.rate
                break
            except DeviceError as error:
                if time.monotonic() > deadline:
                    self.flush()
                    raise DeviceError("the loudspeaker has gone: plug it in again, or see `assistant devices`") from error
                await asyncio.to_thread(rescan)
                await asyncio.sleep(RETRY_SECONDS)
        if lost:
            self._notice("back")

    def close(self) -> None:
        """Let go of the device."""
        self._stream.close()
