"""The loudspeaker: what the pipeline speaks through. A stream that died is opened anew when there is something to play."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque

import numpy as np
import soxr

from assistant.errors import DeviceError
from assistant.events import Samples
from device.echo_path import FarEnd
from device.enduring import Enduring
from device.portaudio import RETRY_SECONDS, Notice, Stream, Wanted, ignore, rescan

log = logging.getLogger(__name__)

PLAY_BLOCK_SECONDS = 0.04
"""Sound per callback. PortAudio keeps two blocks ahead on the way out: with 2 x 20 ms PulseAudio ran dry 750 to 1200 times
in 12 s on 2 cores with 3 busy processes, with 2 x 30 ms or more never (docs/audio.md)."""

QUEUED_SECONDS = 0.3
"""How much sound the loudspeaker takes ahead of time."""

PATIENCE_SECONDS = 2.0
"""A loudspeaker that has gone is waited for this long before a reply is given up."""


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

    def __init__(self, name: str = "", rate: int = 24000, notice: Notice = ignore, far_end: FarEnd | None = None) -> None:
        self._far_end = far_end
        self._rate = rate
        self._loop = asyncio.get_running_loop()
        self._wanted_device = Wanted(name, rate, PLAY_BLOCK_SECONDS, capture=False)
        self._notice = notice
        self._lock = threading.Lock()
        self._queue: deque[Samples] = deque()
        self._queued = 0
        self._played = asyncio.Event()
        self._reviving = Enduring(self._revive)
        self._closed = False
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
            await self._reviving.result()
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
                    await self._reviving.result()

    async def _revive(self) -> None:
        """Open a dead stream anew; what is queued sounds then. Raises DeviceError after PATIENCE_SECONDS in vain."""
        lost = not self._stream.closed
        if lost:
            self._notice("lost")
            log.warning("the loudspeaker %r has stopped; opening it anew", self._stream.device.name)
        await asyncio.to_thread(self._stream.close)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                await asyncio.to_thread(self._reopen)
                break
            except DeviceError as error:
                if time.monotonic() > deadline:
                    self.flush()
                    raise DeviceError("the loudspeaker has gone: plug it in again, or see `assistant devices`") from error
                await asyncio.to_thread(rescan)
                await asyncio.sleep(RETRY_SECONDS)
        if lost:
            self._notice("back")

    def _reopen(self) -> None:
        """In a worker thread."""
        self._stream = Stream(self._wanted_device, self._wanted, self._busy)
        self._rate = self._stream.rate
        if self._closed:  # in the meantime
            self._stream.close()

    def close(self) -> None:
        """Let go of the device, at once or as soon as an attempt to open it anew is over."""
        self._closed = True
        self._reviving.cancel()
        self._stream.close()
