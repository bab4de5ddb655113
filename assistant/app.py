"""The composition root: the only file that knows every class. Settings in, a working assistant out."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from assistant.brain import Brain
from assistant.commands import MqttPublisher, NoPublisher
from assistant.config import Config, Folders
from assistant.ear import Ear, EarSettings
from assistant.engines import AsrEngine, BiasableAsr, TtsEngine, VadEngine, WakeEngine, engine_class
from assistant.events import Event
from assistant.grammar import ActiveGrammar
from assistant.home import MemoryHome, load_home
from assistant.journal import Journal
from assistant.pipeline import Pipeline
from assistant.ports import Camera, Edges
from assistant.registry import Registry
from assistant.replay import Replay
from assistant.timers import SystemClock, Timers
from assistant.turn import Stages
from assistant.volume import SpeakingVolume, VolumeSpeaker

log = logging.getLogger(__name__)

MIRROR = "EDGE_ASSISTANT_MIRROR"
TIMER_CHECK_SECONDS = 0.25
Observer = Callable[[Event], None]


def make_registry(folders: Folders) -> Registry:
    """The model registry over the user's data folder and the mirror of the environment."""
    return Registry(folders.data / "models", os.environ.get(MIRROR) or None)


def model_folder(registry: Registry, model: str) -> Path:
    """A model named in the settings: a folder that exists, or a registry entry. Raises ModelError."""
    path = Path(model).expanduser()
    return path if path.is_dir() else registry.path(model)


def make_wake(config: Config, registry: Registry) -> WakeEngine:
    """The wake word engine of the settings."""
    wake = config.wake
    engine = engine_class("wake", wake.engine)
    if wake.engine == "openwakeword":
        return engine(wake.model, registry.path("openwakeword-features"), wake.threshold)  # type: ignore[no-any-return]
    return engine(wake.model, wake.threshold)  # type: ignore[no-any-return]


def make_vad(config: Config, registry: Registry) -> VadEngine:
    """The voice activity engine of the settings."""
    engine = engine_class("vad", config.ear.vad)
    return engine(registry.path("silero-vad")) if config.ear.vad == "silero" else engine()  # type: ignore[no-any-return]


def make_asr(config: Config, registry: Registry, cache: Path) -> AsrEngine:
    """The recogniser of the settings."""
    engine = engine_class("asr", config.asr.engine)
    folder = model_folder(registry, config.asr.model)
    return engine(folder, cache) if config.asr.engine == "whisper" else engine(folder)  # type: ignore[no-any-return]


def make_tts(config: Config, registry: Registry) -> TtsEngine:
    """The voice of the settings."""
    tts = config.tts
    engine = engine_class("tts", tts.engine)
    voice: str | Path = tts.voice
    if tts.engine == "piper":
        voice = _piper_voice(registry, tts.voice)
    return engine(voice, tts.speed)  # type: ignore[no-any-return]


def _piper_voice(registry: Registry, voice: str) -> Path:
    path = Path(voice).expanduser()
    return path if path.suffix == ".onnx" else next(registry.path(voice).glob("*.onnx"))


def home_file(config: Config, folders: Folders) -> Path | None:
    """The home of the settings: the file named there, else home.toml in the configuration folder, else None = the example."""
    if config.home.file:
        return Path(config.home.file).expanduser()
    own = folders.config / "home.toml"
    return own if own.exists() else None


@contextmanager
def example_home(folders: Folders) -> Iterator[Folders]:
    """Folders without the user's home, timers, skills and commands, for demos and benches."""
    with tempfile.TemporaryDirectory(prefix="assistant-") as scratch:
        yield folders.model_copy(update={"state": Path(scratch), "config": Path(scratch)})


def make_brain(config: Config, home: MemoryHome, folders: Folders, volume: SpeakingVolume) -> Brain:
    """Understanding and skills over a home, the user's command files and the user's skills."""
    mqtt = config.mqtt
    clock = SystemClock()
    brain = Brain(
        home=home,
        timers=Timers(folders.state / "timers.sqlite", clock),
        clock=clock,
        volume=volume,
        publisher=MqttPublisher(mqtt.host, mqtt.port) if mqtt.host else NoPublisher(),
        skills_folder=folders.config / "skills",
        commands_folder=folders.config / "commands",
    )
    for problem in brain.problems:
        log.warning("%s", problem)
    return brain


@dataclass(frozen=True, slots=True)
class Engines:
    """The loaded engines; they can serve one assistant after another."""

    wake: WakeEngine
    vad: VadEngine
    asr: AsrEngine
    tts: TtsEngine
    home: MemoryHome
    brain: Brain
    volume: SpeakingVolume


def load_engines(config: Config, folders: Folders) -> Engines:
    """Load everything, the slow parts side by side. Raises ConfigError or ModelError."""
    registry = make_registry(folders)
    home = load_home(home_file(config, folders))
    wake, vad, volume = make_wake(config, registry), make_vad(config, registry), SpeakingVolume()
    with ThreadPoolExecutor(2) as pool:
        tts = pool.submit(make_tts, config, registry)
        asr = pool.submit(make_asr, config, registry, folders.cache)
        brain = make_brain(config, home, folders, volume)
    if config.asr.biased and isinstance(recogniser := asr.result(), BiasableAsr):
        recogniser.set_grammar(ActiveGrammar(brain))
    return Engines(wake, vad, asr.result(), tts.result(), home, brain, volume)


class Assistant:
    """A whole assistant on given edges.

    Args:
        engines: the loaded engines.
        config: the settings.
        edges: microphone, loudspeaker, camera.
        observers: called with every event, in order; each must return at once.
    """

    def __init__(self, engines: Engines, config: Config, edges: Edges, observers: Sequence[Observer]) -> None:
        self._observers = observers
        self.journal = Journal(self.publish)
        settings = EarSettings(**config.ear.model_dump(exclude={"vad"}))
        self.ear = Ear(engines.wake, engines.vad, settings)
        stages = Stages(self.ear, engines.asr, engines.brain, engines.tts, engines.wake.phrase)
        speaker = VolumeSpeaker(edges.speaker, engines.volume)
        self.pipeline = Pipeline(stages, replace(edges, speaker=speaker), self.publish)
        self._timers = engines.brain.timers

    def publish(self, event: Event) -> None:
        """Tell every observer, the journal last, since it may answer with an event of its own."""
        for observer in self._observers:
            observer(event)
        self.journal(event)

    async def run(self) -> None:
        """Listen until the microphone ends; timers ring meanwhile. Raises DeviceError."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._ring_timers)
            await self.pipeline.run()
            tasks.cancel_scope.cancel()

    async def replay(self) -> None:
        """Listen until the recording ends and everything is answered."""
        await self.pipeline.run()

    async def _ring_timers(self) -> None:
        while True:
            for timer in self._timers.due():
                await self.pipeline.announce(timer.announcement())
            await anyio.sleep(TIMER_CHECK_SECONDS)


def on_recording(
    engines: Engines, config: Config, replay: Replay, camera: Camera | None, observers: Sequence[Observer]
) -> Assistant:
    """An assistant that hears a recording instead of a microphone."""
    assistant = Assistant(engines, config, Edges(replay, replay, camera), observers)
    replay.computing = lambda: assistant.pipeline.computing
    replay.resting = lambda: assistant.pipeline.resting
    return assistant
