"""The doctor's examination of microphone and loudspeaker: listens to the room, then plays a chirp and looks for its echo."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import numpy as np

from assistant.config import AudioConfig
from assistant.errors import DeviceError
from assistant.events import Samples
from device.audio import MicrophoneSettings, PyAudioMicrophone, PyAudioSpeaker, sound_devices
from device.probe_sound import RATE, Echo, Quality, measure_echo, probe, quality
from device.probes import Finding

ROOM_SECONDS = 2.0
TAIL_SECONDS = 1.5
"""How long to listen after the probe: the longest delay that is found."""

NOISY_DB, DEAF_DB, CLIPPING_SHARE = -45.0, -84.0, 0.001
"""A noise floor above -45 dB drowns quiet speech; below -84 dB (2 steps of 16 bits) nothing arrives."""

MIXER = "alsamixer"
LITTLE_CANCELLED_DB = 6.0


def examine_sound(audio: AudioConfig, *, silent: bool) -> Iterator[Finding]:
    """The findings about both. silent: play nothing, so no echo is measured."""
    try:
        devices = sound_devices()
        room, echo = anyio.run(_listen, audio, silent)
    except DeviceError as error:
        yield Finding("sound", "fault", str(error), "assistant devices")
        return
    rates = sorted({device.rate for device in devices if device.inputs})
    yield judge_room(quality(room), rates)
    if echo is not None:
        yield judge_echo(measure_echo(echo))


async def _listen(audio: AudioConfig, silent: bool) -> tuple[Samples, Samples | None]:
    """What the room sounds like, and what is heard from the moment the chirps are handed to the loudspeaker."""
    microphone = PyAudioMicrophone(MicrophoneSettings(audio.input))
    try:
        await _hear(microphone, 0.5)  # a device settles
        room = await _hear(microphone, ROOM_SECONDS)
        if silent:
            return room, None
        speaker = PyAudioSpeaker(audio.output, RATE)
        try:
            return room, await _hear_chirps(microphone, speaker)
        finally:
            speaker.close()
    finally:
        microphone.close()


async def _hear_chirps(microphone: PyAudioMicrophone, speaker: PyAudioSpeaker) -> Samples:
    sound = probe()
    await _hear(microphone, 0.3)  # what was captured before the loudspeaker was open
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speaker.play, sound, RATE)
        heard = await _hear(microphone, len(sound) / RATE + TAIL_SECONDS)
    return heard


async def _hear(microphone: PyAudioMicrophone, seconds: float) -> Samples:
    pieces: list[Samples] = []
    while sum(map(len, pieces)) < seconds * RATE:
        chunk = await microphone.read()
        if chunk is None:
            break
        pieces.append(chunk.samples)
    return np.concatenate([*pieces, np.zeros(0, np.int16)])


def judge_room(heard: Quality, rates: list[int]) -> Finding:
    """The finding about the microphone. rates: of the devices, Hz."""
    detail = (
        f"level {heard.level_db:.0f} dB, noise floor {heard.noise_db:.0f} dB, device rate {'/'.join(map(str, rates)) or '?'} Hz"
    )
    if heard.dead or heard.level_db < DEAF_DB:
        return Finding("microphone", "fault", f"{detail}: nothing arrives; is it muted?", MIXER)
    if heard.clipped > CLIPPING_SHARE:
        return Finding("microphone", "warning", f"{detail}; {100 * heard.clipped:.1f} % of samples clip: lower the gain", MIXER)
    if heard.noise_db > NOISY_DB:
        return Finding("microphone", "warning", f"{detail}: the room or the input is noisy", MIXER)
    return Finding("microphone", "ok", detail)


def judge_echo(echo: Echo) -> Finding:
    """The finding about the loudspeaker and its echo."""
    if not echo.heard:
        return Finding("loudspeaker", "warning", "the microphone does not hear it: headphones, muted, or another room?", MIXER)
    detail = f"echo after {echo.delay_ms:.0f} ms at {echo.gain_db:.0f} dB, {echo.cancelled_db:.0f} dB of it cancelled"
    if echo.cancelled_db < LITTLE_CANCELLED_DB:
        return Finding("loudspeaker", "warning", f"{detail}: it distorts or something else is loud", MIXER)
    return Finding("loudspeaker", "ok", detail)
