"""`assistant demo`: three spoken requests, one of them with a question back, as sound through the whole assistant."""

from __future__ import annotations

import time
from pathlib import Path

import anyio
import numpy as np
from rich.console import Console

from assistant import app
from assistant.audiofile import write_wav
from assistant.caller import Conversation, Room, Utterance, answer, request
from assistant.config import Config, Folders, HomeConfig
from assistant.console import EventPrinter, print_home
from assistant.engines import CAPTURE_RATE
from assistant.engines.tts_pico import PicoTts
from assistant.events import Action, Event, Samples, SkillRan
from assistant.replay import Replay

REQUESTS = (
    "Turn on the kitchen light and close the blinds.",
    "Set a timer for eight minutes.",
    "Unlock the front door.",
)
CONFIRMATION = "Yes, please."
EXPECTED = (
    ("light.kitchen_light", "state", "on"),
    ("cover.blinds", "state", "closed"),
    ("timer:", "seconds", 480.0),
    ("lock.front_door", "state", "unlocked"),
)
"""What must have happened at the end: start of the target, attribute, value."""


def run_demo(config: Config, folders: Folders, output: Path, *, play: bool) -> bool:
    """Run it; True when every action happened. The user's own home and timers are left alone."""
    console = Console()
    with app.example_home(folders) as elsewhere:
        example = config.model_copy(update={"home": HomeConfig()})
        began = time.perf_counter()
        engines = app.load_engines(example, elsewhere)
        console.print(f"Loaded wake word, voice activity, recogniser, skills and voice in {time.perf_counter() - began:.1f} s.")
        good, track = _converse(console, engines, example, output)
    console.print(f"Sound files are in {output.resolve()}")
    if play:
        from assistant import live

        anyio.run(live.play, config, [track], CAPTURE_RATE)
    return good


def _utterances(wake_phrase: str) -> list[Utterance]:
    caller = PicoTts("en-GB")
    spoken = [request(caller, wake_phrase, text) for text in REQUESTS]
    return [*spoken, answer(caller, CONFIRMATION)]


def _converse(console: Console, engines: app.Engines, config: Config, output: Path) -> tuple[bool, Samples]:
    """The conversation; True when all actions happened, and both sides of it as sound."""
    console.print(f"A caller (SVOX Pico, en-GB) says {len(REQUESTS)} requests in light noise, in real time.\n")
    before = engines.home.snapshot()
    conversation = Conversation(Room(), _utterances(engines.wake.phrase))
    replay = Replay(conversation.sound(), realtime=True)
    actions: list[Action] = []

    def note(event: Event) -> None:
        if isinstance(event, SkillRan):
            actions.extend(event.actions)

    anyio.run(app.on_recording(engines, config, replay, None, [conversation, EventPrinter(console), note]).replay)
    after = engines.home.snapshot()
    print_home(console, before, after)
    return _judge(console, actions), _write(output, conversation, replay)


def _judge(console: Console, actions: list[Action]) -> bool:
    """Say which of the expected actions happened."""
    good = True
    for target, attribute, value in EXPECTED:
        happened = any(
            (done.target.startswith(target), done.attribute, done.value) == (True, attribute, value) for done in actions
        )
        good = good and happened
        mark = "[bold green]✓[/]" if happened else "[bold red]✗ did not happen:[/]"
        console.print(f"{mark} {target} {attribute} = {value}", highlight=False)
    return good


def _write(output: Path, conversation: Conversation, replay: Replay) -> Samples:
    """Every reply, and the whole conversation, as WAV files. Returns the conversation: int16, 16 kHz."""
    output.mkdir(parents=True, exist_ok=True)
    spoken = replay.replies()
    for number, (start, end) in enumerate(conversation.replies, 1):
        write_wav(output / f"reply-{number}.wav", spoken[start:end], CAPTURE_RATE)
    heard = np.concatenate(conversation.heard)
    both = np.zeros(max(len(heard), len(spoken)), np.int32)
    both[: len(heard)] += heard
    both[: len(spoken)] += spoken
    track = np.clip(both, -32768, 32767).astype(np.int16)
    write_wav(output / "conversation.wav", track, CAPTURE_RATE)
    return track
