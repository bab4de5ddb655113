"""Microphone and loudspeaker that are lost and come back, on a PortAudio of our own: no sound server, no waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable

import anyio
import numpy as np
import pytest

import device.audio
import device.loudspeaker
from assistant.errors import DeviceError
from device.audio import PyAudioMicrophone, PyAudioSpeaker
from device.portaudio import SoundDevice, Wanted

BLOCK = np.full(320, 5000, np.int16)  # 20 ms


class FakeStream:
    """Stands for device.portaudio.Stream; opening waits until `Devices.answer` is set."""

    def __init__(self, devices: Devices, wanted: Wanted, callback: Callable[..., object]) -> None:
        devices.asked.set()
        assert devices.answer.wait(5)
        if devices.gone:
            raise DeviceError("no microphone found")
        self.device, self.rate, self.channels = SoundDevice(0, "fake", 1, 1, wanted.rate), wanted.rate, 1
        self.callback, self.alive, self.closed = callback, True, False
        devices.streams.append(self)

    def close(self) -> None:
        self.alive, self.closed = False, True


class Devices:
    """What is plugged in."""

    def __init__(self) -> None:
        self.streams: list[FakeStream] = []
        self.asked, self.answer = threading.Event(), threading.Event()
        self.answer.set()
        self.gone = False

    @property
    def open(self) -> list[FakeStream]:
        return [stream for stream in self.streams if not stream.closed]

    def hang(self) -> None:
        """The stream that is open stops calling back, and the next one does not open for now."""
        self.streams[-1].alive = False
        self.asked.clear()
        self.answer.clear()

    async def wait_until_asked(self) -> None:
        while not self.asked.is_set():
            await anyio.sleep(0.01)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    made = Devices()
    for module in (device.audio, device.loudspeaker):
        monkeypatch.setattr(module, "Stream", lambda wanted, callback, _busy: FakeStream(made, wanted, callback))
        monkeypatch.setattr(module, "rescan", lambda: True)
    return made


def test_a_read_that_is_cancelled_while_the_device_opens_leaves_one_stream(devices: Devices) -> None:
    notices: list[str] = []

    async def listen() -> None:
        microphone = PyAudioMicrophone(notice=notices.append)
        devices.hang()
        for _ in range(3):
            with anyio.move_on_after(0.3):
                await microphone.read()
        assert devices.asked.is_set() and notices == ["lost"]
        devices.answer.set()
        await microphone.read()  # the silence of the time that took
        assert len(devices.open) == 1
        devices.streams[-1].callback(BLOCK.tobytes(), len(BLOCK))
        chunk = await microphone.read()
        assert chunk is not None and np.array_equal(chunk.samples, BLOCK)
        devices.streams[-1].alive = False
        await microphone.read()
        microphone.close()

    anyio.run(listen)
    assert notices == ["lost", "back", "lost"]
    assert devices.open == []


def test_a_microphone_that_is_closed_while_it_opens_is_not_open_afterwards(devices: Devices) -> None:
    async def listen() -> None:
        microphone = PyAudioMicrophone()
        devices.hang()
        with anyio.move_on_after(0.4):
            await microphone.read()
        await devices.wait_until_asked()
        microphone.close()
        devices.answer.set()
        while len(devices.streams) < 2:
            await anyio.sleep(0.01)

    anyio.run(listen)
    assert devices.open == []


@pytest.mark.parametrize("gone", [False, True])
def test_a_microphone_that_a_rescan_closed_is_lost_only_when_it_has_gone(devices: Devices, gone: bool) -> None:
    notices: list[str] = []

    async def listen() -> None:
        microphone = PyAudioMicrophone(notice=notices.append)
        devices.streams[-1].close()
        devices.gone = gone
        await microphone.read()
        microphone.close()

    anyio.run(listen)
    assert notices == ["lost"] * gone


def test_a_reply_that_is_interrupted_while_the_loudspeaker_opens_leaves_one_stream(devices: Devices) -> None:
    async def speak() -> None:
        speaker = PyAudioSpeaker()
        devices.hang()
        with anyio.move_on_after(0.1):
            await speaker.play(BLOCK, 24000)
        await devices.wait_until_asked()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speaker.play, BLOCK, 24000)
            await anyio.sleep(0.1)
            devices.answer.set()
        assert len(devices.open) == 1
        speaker.close()

    anyio.run(speak)
    assert devices.open == []
