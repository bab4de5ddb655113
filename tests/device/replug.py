"""Unplugs the microphone and plugs it in again, on the sound server of PULSE_SERVER: a null sink that is unloaded and loaded.

`python -m tests.device.replug 50` starts a server of its own and does it fifty times.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import suppress

import anyio
import numpy as np

from device.audio import PyAudioMicrophone
from tests.device.conftest import running_server

RATE = 16000
AWAY_SECONDS = 1.0
LOUD = 4000


def pactl(*words: str) -> str:
    return subprocess.run(["pactl", *words], check=True, capture_output=True, text=True).stdout.strip()


class UsbMicrophone:
    """A microphone that hears hiss, and can be unplugged: PulseAudio then ends whoever records from it."""

    def __init__(self) -> None:
        modules = pactl("list", "short", "modules").splitlines()
        pactl("unload-module", next(line.split()[0] for line in modules if "sink_name=room" in line))

    _module = ""
    _player: subprocess.Popen[bytes] | None = None

    def plug_in(self) -> None:
        self._module = pactl(
            "load-module", "module-null-sink", "sink_name=room", "norewinds=1"
        )  # norewinds: 50 ms latency, not 2 s
        pactl("set-default-source", "room.monitor")
        play = ["pacat", "--device=room", f"--rate={RATE}", "--channels=1", "--format=s16le", "--raw", "--latency-msec=20"]
        self._player = subprocess.Popen(play, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        threading.Thread(target=_hiss, args=[self._player], daemon=True).start()

    def unplug(self) -> None:
        pactl("unload-module", self._module)
        self.silence()

    def silence(self) -> None:
        assert self._player is not None
        self._player.kill()
        self._player.wait()


def _hiss(player: subprocess.Popen[bytes]) -> None:
    block = (np.random.default_rng(0).standard_normal(RATE) * 8000).astype(np.int16).tobytes()
    assert player.stdin is not None
    with suppress(OSError):
        while True:
            player.stdin.write(block)


async def heard(microphone: PyAudioMicrophone) -> None:
    """Returns when the microphone hears something loud."""
    while True:
        chunk = await microphone.read()
        assert chunk is not None
        if np.abs(chunk.samples.astype(int)).max(initial=0) > LOUD:
            return


async def stall(times: int) -> list[float]:
    """The same with a source that gives no sound for a while, as a USB device that hangs; asserts that it was noticed."""
    took: list[float] = []
    notices: list[str] = []
    usb = UsbMicrophone()
    usb.plug_in()
    microphone = PyAudioMicrophone(notice=notices.append)
    await heard(microphone)
    for number in range(times):
        pactl("suspend-sink", "room", "1")
        with anyio.move_on_after(AWAY_SECONDS + 1):
            while True:
                await microphone.read()
        assert notices == [*["lost", "back"] * number, "lost"], notices
        pactl("suspend-sink", "room", "0")
        returned = time.monotonic()
        with anyio.fail_after(10):
            await heard(microphone)
        took.append(time.monotonic() - returned)
    microphone.close()
    usb.silence()
    return took


async def replug(times: int) -> list[float]:
    """How long each time it took from the device's return to the first sound heard from it, seconds."""
    took: list[float] = []
    usb = UsbMicrophone()
    usb.plug_in()
    microphone = PyAudioMicrophone()
    await heard(microphone)
    for _ in range(times):
        await anyio.to_thread.run_sync(usb.unplug)
        with anyio.move_on_after(AWAY_SECONDS):
            while True:  # what was captured before may still come
                await microphone.read()
        returned = time.monotonic()
        await anyio.to_thread.run_sync(usb.plug_in)
        with anyio.fail_after(10):
            await heard(microphone)
        took.append(time.monotonic() - returned)
    microphone.close()
    usb.silence()
    return took


def main() -> None:
    """The number of times is the only argument."""
    with running_server():
        for what in (replug, stall):
            took = sorted(anyio.run(what, int(sys.argv[1])))
            late = sum(seconds > 2 for seconds in took)
            middle = took[len(took) // 2]
            print(f"{what.__name__}: n {len(took)}, longest {took[-1]:.2f} s, median {middle:.2f} s, above 2 s: {late}")


if __name__ == "__main__":
    main()
