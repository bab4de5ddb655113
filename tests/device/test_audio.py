"""Microphone and loudspeaker on a real sound server: PulseAudio with null sinks as sound cards."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.errors import DeviceError
from device.audio import MicrophoneSettings, PyAudioMicrophone, PyAudioSpeaker, one_channel, sound_devices
from tests.device.replug import replug, stall

pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")
RATE = 16000


def tone(seconds: float, frequency: float = 440.0) -> np.ndarray:
    return (np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE) * 12000).astype(np.int16)


def pitch(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * RATE / len(sound))


def test_devices_are_listed(sound_card: None) -> None:
    assert any(device.inputs and device.outputs for device in sound_devices())


def test_the_microphone_hears_what_sounds_in_the_room(sound_card: None) -> None:
    async def listen() -> np.ndarray:
        microphone = PyAudioMicrophone()
        play = ["pacat", "--device=room", "--rate=16000", "--channels=1", "--format=s16le", "--raw"]
        player = subprocess.Popen(play, stdin=subprocess.PIPE)
        assert player.stdin
        player.stdin.write(tone(1.9).tobytes())  # less than a pipe holds: does not block
        player.stdin.close()
        heard: list[np.ndarray] = []
        with anyio.move_on_after(2.5):
            while True:
                chunk = await microphone.read()
                assert chunk is not None and chunk.rate == RATE and chunk.samples.dtype == np.int16
                heard.append(chunk.samples)
        assert microphone.dropped_seconds == 0
        microphone.close()
        player.kill()
        return np.concatenate(heard)

    sound = anyio.run(listen)
    loud = sound[np.abs(sound) > 1000]
    assert len(loud) > RATE / 2, "the tone did not come through"
    start = int(np.flatnonzero(np.abs(sound) > 1000)[0])
    assert pitch(sound[start : start + RATE]) == pytest.approx(440, abs=3)


def test_a_reader_that_stalls_loses_the_oldest_sound_and_knows_how_much(sound_card: None) -> None:
    async def stall() -> tuple[float, int]:
        microphone = PyAudioMicrophone()
        await microphone.read()
        await anyio.sleep(3.0)
        chunk = await microphone.read()
        assert chunk is not None
        microphone.close()
        return microphone.dropped_seconds, len(chunk.samples)

    dropped, kept = anyio.run(stall)
    assert dropped == pytest.approx(1.0, abs=0.5)
    assert kept == pytest.approx(2 * RATE, rel=0.1)


def test_the_loudspeaker_plays_and_flush_is_silence_at_once(sound_card: None, tmp_path: Path) -> None:
    async def speak() -> tuple[np.ndarray, float]:
        speaker = PyAudioSpeaker()
        record = [
            "parec",
            "--device=speaker.monitor",
            "--rate=16000",
            "--channels=1",
            "--format=s16le",
            "--raw",
            "--latency-msec=20",
        ]
        recording = tmp_path / "played.raw"
        recorder = subprocess.Popen(record, stdout=recording.open("wb"))
        await anyio.sleep(0.5)
        async with anyio.create_task_group() as tasks:

            async def play() -> None:
                for start in range(0, 5 * RATE, RATE // 5):
                    await speaker.play(tone(5.0)[start : start + RATE // 5], RATE)

            began = time.monotonic()
            tasks.start_soon(play)
            await anyio.sleep(1.0)
            tasks.cancel_scope.cancel()
            speaker.flush()
            flushed = time.monotonic() - began
            await speaker.drain()
        await anyio.sleep(1.0)
        recorder.terminate()
        recorder.wait()
        speaker.close()
        return np.fromfile(recording, np.int16), flushed

    sound, flushed = anyio.run(speak)
    sounded = (np.abs(sound) > 1000).sum() / RATE  # gaps of a server that was kept waiting do not count
    late = "PortAudio holds 0.08 s, the server about 0.2 s"
    assert 0 < sounded < flushed + 0.35, f"{sounded:.2f} s sounded; flush came after {flushed:.2f} s; {late}"


def test_a_device_that_is_not_there_is_named_with_the_choices(sound_card: None) -> None:
    async def open_it() -> None:
        with pytest.raises(DeviceError, match="no microphone called 'no such thing'"):
            PyAudioMicrophone(MicrophoneSettings("no such thing"))

    anyio.run(open_it)


def test_a_microphone_that_is_unplugged_and_returns_is_heard_again(sound_card: None) -> None:
    """`python -m tests.device.replug 50` does it fifty times."""
    times = anyio.run(replug, 5)
    assert max(times) < 2.0, times


def test_a_microphone_that_hangs_is_noticed_and_heard_again(sound_card: None) -> None:
    times = anyio.run(stall, 2)
    assert max(times) < 2.0, times


def test_a_microphone_that_clips_is_told_of_and_counted(sound_card: None, caplog: pytest.LogCaptureFixture) -> None:
    async def listen() -> float:
        microphone = PyAudioMicrophone()
        play = ["pacat", "--device=room", "--rate=16000", "--channels=1", "--format=s16le", "--raw", "--latency-msec=20"]
        player = subprocess.Popen(play, stdin=subprocess.PIPE)
        assert player.stdin
        player.stdin.write(np.clip(tone(1.5).astype(int) * 8, -32768, 32767).astype(np.int16).tobytes())
        player.stdin.close()
        with anyio.move_on_after(3.0):
            while True:
                await microphone.read()
        microphone.close()
        player.kill()
        return microphone.clipped_seconds

    assert anyio.run(listen) > 0.2
    assert "turn its gain down" in caplog.text


def test_one_of_several_channels_is_heard_or_their_mean() -> None:
    frames = np.array([1, 10, 100, 3, 30, 300], np.int16)  # (2 frames, 3 channels)
    assert list(one_channel(frames, 3, 1)) == [10, 30]
    assert list(one_channel(frames, 3, 7)) == [100, 300]
    assert list(one_channel(frames, 3, -1)) == [37, 111]
    assert list(one_channel(frames, 1, 0)) == list(frames)
