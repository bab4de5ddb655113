"""Taking back the last change."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.brain import Brain
from assistant.events import Action
from assistant.home import MemoryHome, load_home
from assistant.timers import Timers
from tests.unit.clocks import HandClock


class Talk:
    """A brain over the default home."""

    def __init__(self, folder: Path) -> None:
        clock = HandClock()
        self.home: MemoryHome = load_home()
        self.brain = Brain(home=self.home, timers=Timers(folder / "timers.sqlite", clock), clock=clock)

    def say(self, text: str) -> str:
        return anyio.run(self.brain.act, self.brain.understand(text)).reply.text

    def set(self, *actions: Action) -> None:
        for action in actions:
            anyio.run(self.home.apply, action)


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


CHANGES = [
    "set the living room lamp to 40 percent",
    "set the kitchen light to red",
    "turn on the kitchen light and the bedroom fan",
    "set the bedroom fan to 30 percent",
    "turn off everything",
    "turn on all the lights",
    "open the blinds halfway",
    "close the blinds",
    "make it warmer",
    "turn off the heater",
    "turn on the tv",
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("busy", [False, True])
def test_everything_is_as_before(talk: Talk, change: str, busy: bool) -> None:
    if busy:
        talk.set(
            Action("light.kitchen_light", "brightness", 30),
            Action("fan.bedroom_fan", "speed", 70),
            Action("cover.blinds", "position", 20),
            Action("climate.heater", "temperature", 23.0),
        )
    before = talk.home.snapshot()
    talk.say(change)
    changed = talk.home.snapshot()
    if changed == before:
        assert talk.say("undo that") == "There is nothing that I can take back."
        return
    assert talk.say("undo that").endswith("as before.")
    assert talk.home.snapshot() == before
    talk.say("undo")
    assert talk.home.snapshot() == changed, "taking back can be taken back"


def test_a_question_between_does_not_matter(talk: Talk) -> None:
    before = talk.home.snapshot()
    talk.say("turn on the kitchen light")
    talk.say("what time is it")
    assert talk.say("that was wrong") == "The kitchen light is as before."
    assert talk.home.snapshot() == before


def test_a_door_is_not_unlocked_by_taking_back(talk: Talk) -> None:
    talk.set(Action("lock.front_door", "state", "unlocked"))
    talk.say("lock the front door")
    assert talk.say("undo") == "The front door stays locked. If it is to be unlocked again, say so."
    assert talk.home.state("lock.front_door")["state"] == "locked"


def test_nothing_was_changed_or_all_is_forgotten(talk: Talk) -> None:
    assert talk.say("undo") == "There is nothing that I can take back."
    talk.say("turn on the kitchen light")
    talk.brain.forget()
    assert talk.say("undo") == "There is nothing that I can take back."
    assert talk.home.state("light.kitchen_light")["state"] == "on"


def test_again_repeats_the_command_not_the_taking_back(talk: Talk) -> None:
    talk.say("turn on the kitchen light")
    talk.say("undo")
    assert talk.say("again") == "The kitchen light is on."
