"""The assistant on real devices: `assistant run` and `assistant say`."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from assistant import app, factory
from assistant.config import Config, Folders
from assistant.daemon import Daemon, Home, Sound
from assistant.events import Samples
from device.audio import MicrophoneSettings, PyAudioMicrophone, PyAudioSpeaker
from device.echo_path import EchoPath


async def run_live(config: Config, home: Home, observer: app.Observer) -> None:
    """Listen to the microphone until Ctrl-C or SIGTERM. Raises DeviceError, ModelError, ConfigError."""
    console = Console(stderr=True)

    def began(phrase: str) -> None:
        console.print(f"Listening. Say “{phrase}”, then your request. Ctrl-C ends.")

    await Daemon(home, open_sound, observer, began).run(config)


def open_sound(config: Config, engines: app.Engines) -> Sound:
    """The loudspeaker of the settings, and how to open their microphone. Raises DeviceError."""
    audio = config.audio
    settings = MicrophoneSettings(audio.input, audio.channel)
    echo = EchoPath() if audio.echo_cancellation else None
    speaker = PyAudioSpeaker(audio.output, engines.tts.rate, far_end=echo.far_end if echo else None)
    return Sound(speaker, lambda: PyAudioMicrophone(settings, echo=echo), echo_free=echo is not None)


async def say(config: Config, folders: Folders, text: str) -> None:
    """Speak a text on the loudspeaker."""
    voice = factory.make_tts(config, factory.make_registry(folders))
    await play(config, voice.synthesize(text), voice.rate)


async def play(config: Config, chunks: Iterable[Samples], rate: int) -> None:
    """Play sound on the loudspeaker of the settings, to its end."""
    speaker = PyAudioSpeaker(config.audio.output, rate)
    try:
        for chunk in chunks:
            await speaker.play(chunk, rate)
        await speaker.drain()
    finally:
        speaker.close()
