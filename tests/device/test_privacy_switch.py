"""The privacy switches and the indicator."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.errors import ConfigError, DeviceError
from assistant.events import AudioChunk
from assistant.switches import GATHERED_SECONDS, SILENCE_DB, SwitchedMicrophone, level_db
from device.indicator import IndicatorThread, make_indicator
from device.privacy import PrivacySwitch


def cli(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "assistant.cli", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_switch_holds_over_processes(private_home: Path) -> None:
    assert cli("privacy", "camera", "status") == "camera: on\n"
    assert cli("privacy", "camera", "off") == "camera: off\n"
    assert PrivacySwitch(private_home / "state", "camera").off
    assert cli("privacy", "status") == "camera: off\nmicrophone: on\n"
    cli("privacy", "camera", "on")
    assert not PrivacySwitch(private_home / "state", "camera").off


@pytest.mark.parametrize(("reading", "off"), [("0\n", False), ("1\n", True), ("", True), (None, True), ("\xff", True)])
def test_a_hardware_switch_wins_and_in_doubt_it_is_off(tmp_path: Path, reading: str | None, off: bool) -> None:
    gpio = tmp_path / "value"
    if reading is not None:
        gpio.write_text(reading, "latin-1")
    switch = PrivacySwitch(tmp_path, "camera", gpio)
    switch.turn(on=True)
    assert switch.off is off


def test_a_flag_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "privacy").write_text("a file where a folder should be")
    with pytest.raises(DeviceError, match="cannot write"):
        PrivacySwitch(tmp_path, "camera").turn(on=False)


class FakeMicrophone:
    """Loud sound; remembers whether it is open."""

    opened = 0

    def __init__(self) -> None:
        FakeMicrophone.opened += 1
        self.dropped_seconds = 0.0

    async def read(self) -> AudioChunk | None:
        self.dropped_seconds += 0.5
        return AudioChunk(samples=np.full(320, 9000, np.int16), rate=16000)

    def close(self) -> None:
        FakeMicrophone.opened -= 1


def test_a_microphone_that_is_off_is_closed_and_silent(tmp_path: Path) -> None:
    switch = PrivacySwitch(tmp_path, "microphone")
    heard: list[int] = []

    async def listen() -> None:
        microphone = SwitchedMicrophone(FakeMicrophone, lambda: switch.off, lambda samples: heard.append(len(samples)))
        chunk = await microphone.read()
        assert chunk is not None and chunk.samples.any() and microphone.level == pytest.approx(-11.2, abs=0.1)
        assert FakeMicrophone.opened == 1
        switch.turn(on=False)
        for _ in range(3):
            chunk = await microphone.read()
            assert chunk is not None and len(chunk.samples) and not chunk.samples.any()
        assert FakeMicrophone.opened == 0 and microphone.level == SILENCE_DB
        switch.turn(on=True)
        chunk = await microphone.read()
        assert chunk is not None and chunk.samples.any() and microphone.dropped_seconds == 1.0
        microphone.close()

    anyio.run(listen)
    assert heard == [320, 320], "sound was passed on while the microphone was off"


def test_a_microphone_switched_off_during_a_read_is_not_heard(tmp_path: Path) -> None:
    off = iter([False, False, True])

    async def listen() -> None:
        chunk = await SwitchedMicrophone(FakeMicrophone, lambda: next(off)).read()
        assert chunk is not None and not chunk.samples.any()

    anyio.run(listen)


def test_sound_is_gathered_only_while_the_wake_word_alone_is_listened_for() -> None:
    async def listen() -> None:
        microphone = SwitchedMicrophone(FakeMicrophone, lambda: False)
        began = time.monotonic()
        await microphone.read()
        assert time.monotonic() - began < GATHERED_SECONDS
        microphone.resting = lambda: True
        began = time.monotonic()
        await microphone.read()
        assert time.monotonic() - began >= GATHERED_SECONDS
        microphone.close()

    anyio.run(listen)


def test_a_microphone_switched_off_while_sound_is_gathered_is_not_heard() -> None:
    off = [False]

    async def listen() -> None:
        microphone = SwitchedMicrophone(FakeMicrophone, lambda: off[0])
        microphone.resting = lambda: True
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(switch_off)
            chunk = await microphone.read()
        assert chunk is not None and not chunk.samples.any() and not microphone.listening

    async def switch_off() -> None:
        off[0] = True

    anyio.run(listen)


def test_levels() -> None:
    assert level_db(np.zeros(10, np.int16)) == level_db(np.zeros(0, np.int16)) == SILENCE_DB
    sine = 32767 * np.sin(2 * np.pi * np.arange(16000) / 16)
    assert level_db(sine.astype(np.int16)) == pytest.approx(-3.01, abs=0.02)


def test_a_file_shows_the_state(tmp_path: Path) -> None:
    led = tmp_path / "brightness"
    thread = IndicatorThread(make_indicator("file", f"{led} asleep=0 *=255"))
    for state, value in (("listening", "255"), ("asleep", "0")):
        thread.show(state)
        for _ in range(200):
            if led.exists() and led.read_text() == value + "\n":
                break
            anyio.run(anyio.sleep, 0.01)
        assert led.read_text() == value + "\n"
    thread.close()


def test_a_program_shows_the_state_and_a_broken_one_does_no_harm(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = f"import sys; open({str(out)!r}, 'a').write(sys.argv[-1])"
    thread = IndicatorThread(make_indicator("command", f"{sys.executable} -c {json.dumps(code)}"))
    thread.show("speaking")
    thread.close(5.0)
    assert out.read_text() == "speaking"
    broken = IndicatorThread(make_indicator("command", "/no/such/program"))
    broken.show("speaking")
    broken.close(5.0)
    assert "/no/such/program" in broken.trouble


def test_an_unknown_indicator_names_the_choices() -> None:
    assert make_indicator("", "") is None
    with pytest.raises(ConfigError, match="command, file"):
        make_indicator("lava-lamp", "")
    with pytest.raises(ConfigError):
        make_indicator("file", "")
