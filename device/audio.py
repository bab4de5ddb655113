"""Microphone and loudspeaker through PyAudio (PortAudio).

PortAudio calls back from a thread of its own; the callbacks only move samples, so nothing that the assistant computes can make it
lose sound: the microphone keeps the last RING_SECONDS, drops the oldest and counts what it dropped.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import soxr

from assistant.errors import DeviceError
from assistant.events import AudioChunk, Samples

CAPTURE_RATE = 16000
BLOCK_SECONDS = 0.02
"""Sound per callback."""

RING_SECONDS = 2.0
CLOSE_SECONDS = 1.0
QUEUED_SECONDS = 0.3
"""How much sound the loudspeaker takes ahead of time."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device as PortAudio sees it. rate: its default, Hz."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate: int


def _pyaudio() -> ModuleType:
    try:
        import pyaudio
    except ModuleNotFoundError as error:
        raise DeviceError(
            "sound devices need PyAudio: apt install portaudio19-dev gcc python3-dev, then pip install 'edge-assistant[audio]'"
        ) from error
    return pyaudio  # type: ignore[no-any-return]


@contextmanager
def _quietly() -> Iterator[None]:
    """ALSA and JACK write to file descriptor 2 whatever they look for and do not find: not while we probe devices."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def sound_devices() -> list[SoundDevice]:
    """All sound devices. Raises DeviceError when PyAudio is not installed."""
    library = _pyaudio()
    with _quietly():
        system = library.PyAudio()
    try:
        return [_describe(system.get_device_info_by_index(index)) for index in range(system.get_device_count())]
    finally:
        system.terminate()


def _describe(info: dict[str, Any]) -> SoundDevice:
    return SoundDevice(
        index=int(info["index"]),
        name=str(info["name"]),
        inputs=int(info["maxInputChannels"]),
        outputs=int(info["maxOutputChannels"]),
        rate=int(info["defaultSampleRate"]),
    )


def _choose(system: Any, wanted: str, *, capture: bool) -> SoundDevice:
    """The device whose name contains `wanted` ("" = the default). Raises DeviceError that lists the choices."""
    kind = "microphone" if capture else "loudspeaker"
    try:
        if not wanted:
            info = system.get_default_input_device_info() if capture else system.get_default_output_device_info()
            return _describe(info)
    except OSError as error:
        raise DeviceError(
            f"no {kind} found: plug one in, or name one with --set audio.{'input' if capture else 'output'}=NAME"
        ) from error
    devices = [_describe(system.get_device_info_by_index(index)) for index in range(system.get_device_count())]
    usable = [device for device in devices if (device.inputs if capture else device.outputs)]
    for device in usable:
        if wanted.lower() in device.name.lower():
            return device
    raise DeviceError(f"no {kind} called {wanted!r}; there is: {', '.join(repr(device.name) for device in usable) or 'none'}")


class _Stream:
    """One open PortAudio stream, at the rate asked for if the device can, else at the device's own."""

    def __init__(self, wanted: str, rate: int, callback: Any, *, capture: bool) -> None:
        self._library = _pyaudio()
        with _quietly():
            self._system = self._library.PyAudio()
        self.device = _choose(self._system, wanted, capture=capture)
        failure: Exception | None = None
        for possible in dict.fromkeys((rate, self.device.rate)):
            self.rate = possible
            try:
                with _quietly():
                    self._stream = self._open(callback, capture)
                return
            except (OSError, ValueError) as error:
                failure = error
        self._system.terminate()
        raise DeviceError(f"cannot open {self.device.name!r}: {failure}; is another program using it?") from failure

    def _open(self, callback: Any, capture: bool) -> Any:
        side = (
            {"input": True, "input_device_index": self.device.index}
            if capture
            else {"output": True, "output_device_index": self.device.index}
        )
        block = int(self.rate * BLOCK_SECONDS)
        return self._system.open(
            format=self._library.paInt16,
            channels=1,
            rate=self.rate,
            frames_per_buffer=block,
            stream_callback=callback,
            **side,
        )

    def close(self) -> None:
        """Let go of the device; a sound server that does not answer is left behind after CLOSE_SECONDS."""
        closing = threading.Thread(target=self._close, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)

    def _close(self) -> None:
        self._stream.stop_stream()  # waits without holding the interpreter's lock, which close() alone does not
        self._stream.close()
        self._system.terminate()


class PyAudioMicrophone:
    """A microphone: 16 kHz mono int16. Open it inside the running event loop.

    Args:
        name: the device's name or part of it; "" = the default.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(self, name: str = "") -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._ring: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self.dropped_seconds = 0.0
        self._stream = _Stream(name, CAPTURE_RATE, self._captured, capture=True)
        same = self._stream.rate == CAPTURE_RATE
        self._resampler = None if same else soxr.ResampleStream(self._stream.rate, CAPTURE_RATE, 1, dtype="int16")

    def _captured(self, data: bytes, frames: int, _time: object, _status: int) -> tuple[None, int]:
        with self._lock:
            self._ring.append(data)
            if len(self._ring) * BLOCK_SECONDS > RING_SECONDS:
                self._ring.popleft()
                self.dropped_seconds += BLOCK_SECONDS
        self._loop.call_soon_threadsafe(self._arrived.set)
        return None, 0  # paContinue

    async def read(self) -> AudioChunk | None:
        """See Microphone.read. Raises DeviceError when the device has gone."""
        while True:
            with self._lock:
                data = b"".join(self._ring)
                self._ring.clear()
                self._arrived.clear()
            samples: Samples = np.frombuffer(data, np.int16)
            if self._resampler is not None:
                samples = self._resampler.resample_chunk(samples)
            if len(samples):
                return AudioChunk(samples=samples, rate=CAPTURE_RATE)
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout=RING_SECONDS)
            except asyncio.TimeoutError as error:
                raise DeviceError(f"the microphone {self._stream.device.name!r} is silent: was it unplugged?") from error

    def close(self) -> None:
        """Let go of the device."""
        self._stream.close()


class PyAudioSpeaker:
    """A loudspeaker. Open it inside the running event loop.

    Args:
        name: the device's name or part of it; "" = the default.
        rate: Hz of the voice that will mostly speak.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(self, name: str = "", rate: int = 24000) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._queue: deque[Samples] = deque()
        self._queued = 0
        self._played = asyncio.Event()
        self._stream = _Stream(name, rate, self._wanted, capture=False)

    def _wanted(self, _data: None, frames: int, _time: object, _status: int) -> tuple[bytes, int]:
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
        return block.tobytes(), 0  # paContinue

    async def play(self, samples: Samples, rate: int) -> None:
        """See Speaker.play."""
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
                await asyncio.wait_for(self._played.wait(), timeout=RING_SECONDS)
            except asyncio.TimeoutError as error:
                raise DeviceError(f"the loudspeaker {self._stream.device.name!r} has stopped: was it unplugged?") from error

    def close(self) -> None:
        """Let go of the device."""
        self._stream.close()
