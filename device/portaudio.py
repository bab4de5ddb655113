"""Sound devices through PyAudio (PortAudio): finding them by name, opening a stream, noticing that one has died, closing it.

PortAudio lists the devices once, when the first stream of a process opens; `rescan` makes it look again.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from assistant.errors import DeviceError

CLOSE_SECONDS = 1.0
STALL_SECONDS = 0.5
"""A stream that has not called back for this long is dead. PortAudio calls every 20 to 40 ms; on a busy machine 80."""

RETRY_SECONDS = 0.25
"""A lost device is tried again this often."""

USUAL_RATES = (48000, 44100)
"""What every sound card can do, tried last."""

Notice = Callable[[str], None]
"""Told "lost" and "back", in the event loop."""


def ignore(_state: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device as PortAudio sees it. rate: its default, Hz."""

    index: int
    name: str
    inputs: int
    outputs: int
    rate: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stream should be. name: part of the device's name, "" = the default; rate: Hz, if it can; block_s: per callback."""

    name: str
    rate: int
    block_s: float
    capture: bool


def _pyaudio() -> ModuleType:
    try:
        import pyaudio
    except ModuleNotFoundError as error:
        raise DeviceError(
            "sound devices need PyAudio: apt install portaudio19-dev gcc python3-dev, then pip install 'edge-assistant[audio]'"
        ) from error
    _hush_alsa()
    return pyaudio  # type: ignore[no-any-return]


@cache
def _hush_alsa() -> None:
    """Stop ALSA from writing to standard error inside PortAudio's callback thread.

    It reports every underrun there. When standard error is a pipe that nobody reads, the write blocks and with it the thread: the
    loudspeaker is dead and the stream cannot even be closed. ALSA wants another handler, NULL would bring back its own; the
    interpreter's Py_IsInitialized does nothing, needs no lock and outlives the callbacks.
    """
    try:
        alsa = ctypes.CDLL("libasound.so.2")
    except OSError:
        return  # no ALSA on this system
    alsa.snd_lib_error_set_handler(ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p))


@contextmanager
def _quietly() -> Iterator[None]:
    """JACK and PortAudio write to file descriptor 2 whatever they look for and do not find: not while we probe devices."""
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


Callback = Callable[[bytes | None, int], bytes | None]
"""Called by PortAudio's thread with the captured bytes (None for a loudspeaker) and the number of frames; returns what to play,
one channel, which then sounds on all."""

_OPEN: list[Stream] = []
_LIBRARY_LOCK = threading.Lock()
"""PortAudio is not thread-safe."""


class Stream:
    """One open PortAudio stream of int16 frames, at the rate and in the channels wanted if the device can, else at its own.

    Args:
        wanted: which device, and how.
        callback: moves the samples; must be quick and must not raise.
        busy: while this says True, `rescan` leaves the stream alone.

    Raises:
        DeviceError: no such device, or it cannot be opened.
    """

    def __init__(self, wanted: Wanted, callback: Callback, busy: Callable[[], bool]) -> None:
        self._callback, self.busy = callback, busy
        self._library = _pyaudio()
        self.closed = False
        """True after close or rescan."""
        self._called_at = time.monotonic()
        with _LIBRARY_LOCK:
            with _quietly():
                self._system = self._library.PyAudio()
            try:
                self.device = _choose(self._system, wanted.name, capture=wanted.capture)
                self._stream = self._open_somehow(wanted)
            except DeviceError:
                self._system.terminate()
                raise
            _OPEN.append(self)

    def _open_somehow(self, wanted: Wanted) -> Any:
        most = self.device.inputs if wanted.capture else self.device.outputs
        failure: Exception | None = None
        for rate in dict.fromkeys((wanted.rate, self.device.rate, *USUAL_RATES)):
            for channels in dict.fromkeys((1, min(2, most), most)):
                self.rate, self.channels = rate, channels
                try:
                    with _quietly():
                        return self._open(wanted)
                except (OSError, ValueError) as error:
                    failure = error
        raise DeviceError(f"cannot open {self.device.name!r}: {failure}; is another program using it?") from failure

    def _open(self, wanted: Wanted) -> Any:
        index = self.device.index
        side = {"input": True, "input_device_index": index} if wanted.capture else {"output": True, "output_device_index": index}
        return self._system.open(
            format=self._library.paInt16,
            channels=self.channels,
            rate=self.rate,
            frames_per_buffer=int(self.rate * wanted.block_s),
            stream_callback=self._called,
            **side,
        )

    def _called(self, data: bytes | None, frames: int, _time: object, _status: int) -> tuple[bytes | None, int]:
        if self.closed:
            return None, 1  # paComplete: left behind by close(), and the device answers after all
        self._called_at = time.monotonic()
        sound = self._callback(data, frames)
        if sound is not None and self.channels > 1:
            sound = np.repeat(np.frombuffer(sound, np.int16), self.channels).tobytes()
        return sound, 0  # paContinue

    @property
    def alive(self) -> bool:
        """True while PortAudio calls back."""
        return not self.closed and time.monotonic() - self._called_at < STALL_SECONDS

    def close(self) -> None:
        """Let go of the device; a sound server that does not answer is left behind after CLOSE_SECONDS. From any thread."""
        with _LIBRARY_LOCK:
            if self.closed:
                return
            self.closed = True
            _OPEN.remove(self)
            closing = threading.Thread(target=self._close, daemon=True)
            closing.start()
            closing.join(CLOSE_SECONDS)

    def _close(self) -> None:
        with suppress(OSError):  # the device went away: PortAudio says so once more
            self._stream.stop_stream()  # waits without holding the interpreter's lock, which close() alone does not
        self._stream.close()
        self._system.terminate()


def rescan() -> bool:
    """Close every stream, so that the next one to open sees the devices of now; False when a busy stream forbids it."""
    streams = list(_OPEN)
    if any(stream.busy() for stream in streams):
        return False
    for stream in streams:
        stream.close()
    return True
