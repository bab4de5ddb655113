"""The assistant on real devices: `assistant run` and `assistant say`."""

from __future__ import annotations

import signal
from collections.abc import Iterable

import anyio
from rich.console import Console

from assistant import app
from assistant.config import Config, Folders
from assistant.events import Samples
from assistant.ports import Edges
from device.audio import PyAudioMicrophone, PyAudioSpeaker


async def run_live(config: Config, folders: Folders, observer: app.Observer) -> None:
    """Listen to the microphone until Ctrl-C or SIGTERM. Raises DeviceError, ModelError, ConfigError."""
    engines = await anyio.to_thread.run_sync(app.load_engines, config, folders)
    speaker = PyAudioSpeaker(config.audio.output, engines.tts.rate)
    microphone = PyAudioMicrophone(config.audio.input)
    assistant = app.Assistant(engines, config, Edges(microphone, speaker), [observer])
    Console(stderr=True).print(f"Listening. Say “{engines.wake.phrase}”, then your request. Ctrl-C ends.")
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_signal, tasks.cancel_scope)
            await assistant.run()
            tasks.cancel_scope.cancel()
    finally:
        speaker.flush()
        microphone.close()
        speaker.close()


async def _until_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


async def say(config: Config, folders: Folders, text: str) -> None:
    """Speak a text on the loudspeaker."""
    voice = app.make_tts(config, app.make_registry(folders))
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
