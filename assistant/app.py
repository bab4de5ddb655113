"""The composition root: the engines (factory.py) and everything else, put together. Settings in, a working assistant out."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio

from assistant import factory
from assistant.acceleration import use_packages
from assistant.brain import Brain
from assistant.chimes import Chimes
from assistant.commands import MqttPublisher, NoPublisher
from assistant.config import Config, Folders
from assistant.ear import Ear, EarSettings
from assistant.engines import (
    AsrEngine,
    BiasableAsr,
    TtsEngine,
    VadEngine,
    WakeEngine,
)
from assistant.engines.memory import Tidy, share_one_pool
from assistant.events import Event
from assistant.grammar import ActiveGrammar
from assistant.home import MemoryHome, load_home
from assistant.intents import unpacked
from assistant.interject import Interjections, ReplyNetwork
from assistant.journal import Journal
from assistant.lists import LISTS_FILE, Lists
from assistant.pipeline import Pipeline
from assistant.ports import Camera, Edges, Microphone
from assistant.replay import Replay
from assistant.sight import Eyes, LearnedNames
from assistant.sight.learned import NAMES_FILE
from assistant.skills import Chat
from assistant.timers import SystemClock, Timer, Timers
from assistant.turn import Stages
from assistant.volume import SpeakingVolume, VolumeSpeaker
from assistant.wake.reply_words import STOP, ReplyWords
from device.earcons import earcon

log = logging.getLogger(__name__)


TIMER_CHECK_SECONDS = 0.25

RING_AGAIN_SECONDS = 5.0
"""After a ring that could not be heard, such as without a loudspeaker."""

TOO_LATE_SECONDS = 900.0
"""A command whose time is over for so long is not done any more; that it was not is said."""

Observer = Callable[[Event], None]


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


def make_brain(config: Config, home: MemoryHome, folders: Folders, volume: SpeakingVolume, *, sees: bool = False) -> Brain:
    """Understanding and skills over a home, the user's command files and the user's skills. sees: there is a camera."""
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
        eyes=make_eyes(config, folders) if sees else None,
        guesser=factory.make_intent(config, folders),
        chat=make_chat(config),
        lists=Lists(folders.state / LISTS_FILE),
    )
    for problem in brain.problems:
        log.warning("%s", problem)
    return brain


def make_eyes(config: Config, folders: Folders) -> Eyes:
    """The eyes; their models are loaded at the first look."""
    registry = factory.make_registry(folders)
    names = LearnedNames(folders.state / NAMES_FILE)
    return Eyes(lambda: factory.make_vision(config, registry), names, config.camera.area, factory.make_reader)


def make_chat(config: Config) -> Chat | None:
    """The language model of the settings, None when there is none. Raises ConfigError for an address outside this network."""
    chat = config.chat
    if not chat.url:
        return None
    from assistant.engines.chat_openai import OpenAiChat

    return OpenAiChat(chat.url, chat.model, sends_pictures=chat.send_pictures, timeout_s=chat.timeout_s)


@dataclass(frozen=True, slots=True)
class Engines:
    """The loaded engines; they can serve one assistant after another. stop_vad, reply_words: listen into replies."""

    wake: WakeEngine
    vad: VadEngine
    asr: AsrEngine
    tts: TtsEngine
    home: MemoryHome
    brain: Brain
    volume: SpeakingVolume
    stop_vad: VadEngine
    reply_words: ReplyWords | None = None


def load_engines(config: Config, folders: Folders, *, sees: bool = False) -> Engines:
    """Load everything, the slow parts side by side. sees: there is a camera. Raises ConfigError or ModelError."""
    share_one_pool()
    registry = factory.make_registry(folders)
    use_packages(config.runtime, folders.cache)
    home = load_home(home_file(config, folders))
    wake, vad, volume = factory.make_wake(config, registry, folders), factory.make_vad(config, registry), SpeakingVolume()
    with ThreadPoolExecutor(2) as pool:
        tts = pool.submit(factory.make_tts, config, registry)
        asr = pool.submit(factory.make_asr, config, registry, folders.cache)
        brain = make_brain(config, home, folders, volume, sees=sees)
    if config.asr.biased and isinstance(recogniser := asr.result(), BiasableAsr):
        recogniser.set_grammar(ActiveGrammar(brain))
    words = ReplyWords() if config.audio.echo_cancellation else None
    return Engines(wake, vad, asr.result(), tts.result(), home, brain, volume, factory.make_vad(config, registry), words)


class Assistant:
    """A whole assistant on given edges.

    Args:
        engines: the loaded engines.
        config: the settings.
        edges: microphone, loudspeaker, camera.
        observers: called with every event, in order; each must return at once.
    """

    def __init__(self, engines: Engines, config: Config, edges: Edges, observers: Sequence[Observer]) -> None:
        self._observers: Sequence[Observer] = [*observers, Tidy()]
        self.journal = Journal(self.publish)
        settings = EarSettings(**config.ear.model_dump(exclude={"vad"}))
        self.ear = Ear(engines.wake, engines.vad, settings)
        stages = Stages(self.ear, engines.asr, engines.brain, engines.tts, engines.wake.phrase)
        edges = replace(edges, speaker=VolumeSpeaker(edges.speaker, engines.volume))
        if edges.echo_free:
            listener = self._listener(engines, edges.microphone)
            edges = replace(edges, microphone=listener)
            self._observers = [*self._observers, listener]
        rate = engines.tts.rate
        self._chimes = Chimes(edges.speaker, partial(earcon, rate=rate), rate) if config.audio.earcons else None
        if self._chimes is not None:
            self._observers = [*self._observers, self._chimes]
        self.pipeline = Pipeline(stages, edges, self.publish)
        self._timers = engines.brain.timers

    def _listener(self, engines: Engines, microphone: Microphone) -> Interjections:
        told = {STOP: lambda score, ago: self._stop_speaking(), engines.wake.phrase: self.ear.call}
        network = None if engines.reply_words is None else ReplyNetwork(engines.reply_words, told)
        duck, phrase = engines.volume.duck, engines.wake.phrase
        return Interjections(microphone, engines.stop_vad, engines.asr, self._stop_speaking, duck, network, phrase)

    def _stop_speaking(self) -> None:
        self.pipeline.interrupt(self.ear.seconds)

    def publish(self, event: Event) -> None:
        """Tell every observer, the journal last, since it may answer with an event of its own."""
        for observer in self._observers:
            observer(event)
        self.journal(event)

    async def run(self) -> None:
        """Listen until the microphone ends; timers ring meanwhile. Raises DeviceError."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._ring_timers)
            if self._chimes is not None:
                tasks.start_soon(self._chimes.run)
            await self.pipeline.run()
            tasks.cancel_scope.cancel()

    async def replay(self) -> None:
        """Listen until the recording ends and everything is answered."""
        await self.pipeline.run()

    async def _ring_timers(self) -> None:
        while True:
            for timer in self._timers.due():
                if timer.kind == "command" and await self._carry_out(timer):
                    self._timers.rung(timer)
                    continue
                if self._chimes is not None:
                    self._chimes.ring()
                if await self.pipeline.announce(timer.announcement()):
                    self._timers.rung(timer)
                else:
                    await anyio.sleep(RING_AGAIN_SECONDS)
            await anyio.sleep(TIMER_CHECK_SECONDS)

    async def _carry_out(self, timer: Timer) -> bool:
        """Do a command whose time has come; False when it failed, or the time is long over: the power may have been off."""
        try:
            intents = unpacked(timer.command()[1])
        except ValueError:
            return False
        return self._timers.late_s(timer) < TOO_LATE_SECONDS and await self.pipeline.carry_out(intents)


def on_recording(
    engines: Engines, config: Config, replay: Replay, camera: Camera | None, observers: Sequence[Observer]
) -> Assistant:
    """An assistant that hears a recording instead of a microphone."""
    assistant = Assistant(engines, config, Edges(replay, replay, camera), observers)
    replay.computing = lambda: assistant.pipeline.computing
    replay.resting = lambda: assistant.pipeline.resting
    return assistant
