"""Microphone and loudspeaker on audio time: a recording goes in, replies come out, nothing depends on the machine's speed.

Time is the sound read so far. In the normal case it stands still while the pipeline computes, so a file replays to the identical
list of events as fast as the machine can; with `realtime=True` it runs like a clock and the latencies are real ones.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator

import anyio
import anyio.lowlevel
import numpy as np
import soxr

from assistant.engines import CAPTURE_RATE, VAD_FRAME
from assistant.events import AudioChunk, Samples

CHUNK = 2 * VAD_FRAME
"""Samples per read: 64 ms."""

QUEUED_SECONDS = 0.3
"""How much sound the loudspeaker takes ahead of time."""

LONGEST_WAIT_SECONDS = 30.0
"""Silence appended at the most after the recording, while the assistant still listens or speaks."""

POLL_SECONDS = 0.0005


class Replay:
    """A recording as microphone, and a loudspeaker whose sound is kept.

    Args:
        sound: pieces of int16 mono at 16 kHz, any sizes.
        realtime: run like a clock instead of as fast as possible.
    """

    def __init__(self, sound: Iterable[Samples], *, realtime: bool = False) -> None:
        self._sound = _rechunked(sound)
        self._realtime = realtime
        self._position = 0  # samples read
        self._queue: list[Samples] = []  # what the loudspeaker has yet to play, at 16 kHz
        self._waiting_below = -1  # the loudspeaker wakes its waiter when at most this many samples are queued
        self._wake = anyio.Event()
        self._silence_left = int(LONGEST_WAIT_SECONDS * CAPTURE_RATE)
        self._started = math.nan
        self.dropped_seconds = 0.0
        self._played: list[tuple[int, Samples]] = []  # (position, what sounded there)
        self.computing: Callable[[], bool] = lambda: False
        """Set by app.py: is the pipeline working on something?"""
        self.resting: Callable[[], bool] = lambda: True
        """Set by app.py: has the pipeline nothing more to do?"""

    @property
    def started(self) -> float:
        """time.perf_counter() of audio second 0 (realtime only; NaN before the first read)."""
        return self._started

    @property
    def position(self) -> int:
        """Samples read so far."""
        return self._position

    async def read(self) -> AudioChunk | None:
        """See Microphone.read. Goes on with silence until the pipeline rests."""
        await self._pace()
        chunk = next(self._sound, None)
        if chunk is None:
            if self.resting() or self._silence_left <= 0:
                return None
            chunk = np.zeros(CHUNK, np.int16)
            self._silence_left -= CHUNK
        self._position += len(chunk)
        self._advance(len(chunk))
        return AudioChunk(samples=chunk, rate=CAPTURE_RATE)

    async def play(self, samples: Samples, rate: int) -> None:
        """See Speaker.play."""
        self._queue.append(soxr.resample(samples, rate, CAPTURE_RATE) if rate != CAPTURE_RATE else samples)
        await self._wait_until_at_most(int(QUEUED_SECONDS * CAPTURE_RATE))

    async def drain(self) -> None:
        """See Speaker.drain."""
        await self._wait_until_at_most(0)

    def flush(self) -> None:
        """See Speaker.flush."""
        self._queue.clear()

    def replies(self) -> Samples:
        """Everything the loudspeaker played up to now, aligned with the recording: int16, 16 kHz."""
        track = np.zeros(self._position, np.int16)
        for start, sound in self._played:
            track[start : start + len(sound)] = sound
        return track

    async def _pace(self) -> None:
        if self._realtime:
            if math.isnan(self._started):
                self._started = time.perf_counter()
            await anyio.sleep(max(0.0, self._started + (self._position + CHUNK) / CAPTURE_RATE - time.perf_counter()))
            return
        await anyio.lowlevel.checkpoint()
        while self.computing() and not self._speaker_waits():
            await anyio.sleep(POLL_SECONDS)

    def _queued(self) -> int:
        return sum(map(len, self._queue))

    def _speaker_waits(self) -> bool:
        return 0 <= self._waiting_below < self._queued()

    async def _wait_until_at_most(self, samples: int) -> None:
        self._waiting_below = samples
        try:
            while self._queued() > samples:
                self._wake = anyio.Event()
                await self._wake.wait()
        finally:
            self._waiting_below = -1

    def _advance(self, samples: int) -> None:
        if self._queue:
            queued = np.concatenate(self._queue)
            self._played.append((self._position - samples, queued[:samples]))
            self._queue = [queued[samples:]] if len(queued) > samples else []
        if self._waiting_below >= 0 and not self._speaker_waits():
            self._wake.set()


def _rechunked(pieces: Iterable[Samples]) -> Iterator[Samples]:
    rest = np.zeros(0, np.int16)
    for piece in pieces:
        rest = np.concatenate([rest, piece])
        while len(rest) >= CHUNK:
            yield rest[:CHUNK]
            rest = rest[CHUNK:]
    if len(rest):
        yield np.concatenate([rest, np.zeros(CHUNK - len(rest), np.int16)])
