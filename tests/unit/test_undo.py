"""Taking back the last change."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.events import Action
from tests.unit.talk import Talk


class Home(Talk):
    def set(self, *actions: Action) -> None:
        for action in actions:
            anyio.run(self.home.apply, action)


@pytest.fixture
def talk(tmp_path: Path) -> Home:
    return Home(tmp_path)


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
def test_everything_is_as_before(talk: Home, change: str, busy: bool) -> None:
    if busy:
        talk.set(
            Action("light.kitchen_light", "brightness", 30),
            Action("fan.bedroom_fan", "speed", 70),
            Action("cover.blinds", "position", 20),
            Action("climate.heater", "temperature", 23.0),
        )
    before = talk.home.snapshot()
    talk.reply(change)
    changed = talk.home.snapshot()
    if changed == before:
        assert talk.reply("undo that") == "There is nothing that I can take back."
        return
    assert talk.reply("undo that").endswith("as before.")
    assert talk.home.snapshot() == before
    talk.reply("undo")
    assert talk.home.snapshot() == changed, "taking back can be taken back"


def test_a_question_between_does_not_matter(talk: Home) -> None:
    before = talk.home.snapshot()
    talk.reply("turn on the kitchen light")
    talk.reply("what time is it")
    assert talk.reply("that was wrong") == "The kitchen light is as before."
    assert talk.home.snapshot() == before


def test_a_door_is_not_unlocked_by_taking_back(talk: Home) -> None:
    talk.set(Action("lock.front_door", "state", "unlocked"))
    talk.reply("lock the front door")
    assert talk.reply("undo") == "The front door stays locked. If it is to be unlocked again, say so."
    assert talk.home.state("lock.front_door")["state"] == "locked"


def test_a_garage_door_is_not_opened_further_by_taking_back(talk: Home) -> None:
    talk.say("set the garage door to 60 percent")
    assert talk.reply("yes") == "The garage door is sixty percent open."
    assert talk.reply("set the garage door to 20 percent") == "The garage door is twenty percent open."  # less needs no yes
    assert talk.reply("undo") == "The garage door stays as it is. If it is to open further, say so."
    assert talk.home.state("cover.garage_door")["position"] == 20


def test_a_garage_door_opens_as_far_as_was_asked(talk: Home) -> None:
    assert talk.reply("open the garage door by 10 percent") == "Do you want me to open the garage door?"
    assert talk.reply("yes") == "The garage door is ten percent open."


def test_nothing_was_changed_or_all_is_forgotten(talk: Home) -> None:
    assert talk.reply("undo") == "There is nothing that I can take back."
    talk.reply("turn on the kitchen light")
    talk.brain.forget()
    assert talk.reply("undo") == "There is nothing that I can take back."
    assert talk.home.state("light.kitchen_light")["state"] == "on"


def test_again_repeats_the_command_not_the_taking_back(talk: Home) -> None:
    talk.reply("turn on the kitchen light")
    talk.reply("undo")
    assert talk.reply("again") == "The kitchen light is on."
