"""Commands for another time: how they are read, kept, done, listed and cancelled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from assistant.app import Assistant
from assistant.intents import Intent, packed, unpacked
from assistant.timers import Timer, command_name
from tests.unit.clocks import HandClock
from tests.unit.talk import Talk


class Home(Talk):
    """`later` lets time pass and does what is due."""

    def later(self, **time: float) -> list[Timer]:
        self.clock.move(timedelta(**time).total_seconds())
        done = self.timers.due()
        for timer in done:
            anyio.run(self.brain.carry_out, unpacked(timer.command()[1]))
            self.timers.rung(timer)
        return done

    def state(self, device: str) -> object:
        return self.home.state(device)["state"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_it_is_done_when_it_is_due_and_once(home: Home) -> None:
    assert home.reply("Turn on the TV in ten minutes.") == "I will turn on the tv in ten minutes."
    assert home.later(minutes=9) == [] and home.state("media_player.tv") == "off"
    assert len(home.later(minutes=1.1)) == 1 and home.state("media_player.tv") == "on"
    assert home.later(days=1) == [] and home.timers.active() == []


def test_for_a_while(home: Home) -> None:
    text = "The bedroom fan is on. I will turn the bedroom fan off again in ten minutes."
    assert home.reply("turn on the fan for ten minutes") == text
    assert home.state("fan.bedroom_fan") == "on"
    home.later(minutes=10.1)
    assert home.state("fan.bedroom_fan") == "off"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("at seven pm turn on the kitchen light", "I will turn on the kitchen light at seven PM today."),
        ("turn the heating on at half past six tomorrow", "I will turn on the heater at six thirty AM tomorrow."),
        ("turn on the heater tomorrow at half past six", "I will turn on the heater at six thirty AM tomorrow."),
        ("in an hour close the blinds", "I will close the blinds in one hour."),
        (
            "turn off the kitchen light and the fan in ten minutes",
            "I will turn off the kitchen light and the fan",
        ),
        (
            "turn on the kitchen light and turn it off in five minutes",
            "The kitchen light is on. I will turn off the kitchen",
        ),
        ("set the desk lamp to fifty percent at nine pm", "I will set the desk lamp to 50 percent at nine PM today."),
        ("could you turn the fan off in about twenty minutes", "I will turn off the bedroom fan in twenty minutes."),
        (
            "turn on the tv in an hour and the fan in two hours",
            "I will turn on the tv in one hour. I will turn on",
        ),
        ("lock the front door at ten pm", "I will lock the front door at ten PM today."),
        ("unlock the front door at ten pm", "I only unlock the front door at once, when you say so."),
        ("open the garage door in five minutes", "I only open the garage door at once, when you say so."),
        ("lock the front door for an hour", "I cannot do that later or for a while."),
        ("turn the kitchen light red for five minutes", "I cannot do that later or for a while."),
        ("turn on the sauna in ten minutes", "I do not know any sauna."),
        ("turn it off in ten minutes", "I am not sure which device you mean."),
    ],
)
def test_what_is_said(home: Home, text: str, reply: str) -> None:
    assert home.reply(text).startswith(reply)


def test_a_pronoun_means_what_was_meant_when_it_was_said(home: Home) -> None:
    home.say("turn on the desk lamp")
    assert home.reply("turn it off in ten minutes") == "I will turn off the desk lamp in ten minutes."
    home.say("turn on the kitchen light")
    home.later(minutes=11)
    assert home.state("light.desk_lamp") == "off" and home.state("light.kitchen_light") == "on"


def test_what_is_done_meanwhile_does_not_disturb_a_dialogue(home: Home) -> None:
    home.say("turn on the tv in one minute")
    home.say("turn on the desk lamp")
    assert home.reply("unlock the front door") == "Do you want me to unlock the front door?"
    home.later(minutes=2)
    assert home.reply("yes") == "The front door is unlocked."


def test_it_is_listed_and_cancelled(home: Home) -> None:
    assert home.reply("what is planned") == "Nothing is planned."
    home.say("turn off the tv at ten pm")
    home.say("turn off the heater at eleven pm")
    assert (
        home.reply("what have you planned")
        == "I will turn off the tv at ten PM today and turn off the heater at eleven PM today."
    )
    assert home.reply("how much time is left") == "No timer is running."
    assert home.reply("cancel all planned commands") == "OK, I will not turn off the tv or turn off the heater."
    assert home.reply("cancel the plans") == "Nothing is planned."


def test_which_one_is_asked_before_it_is_kept(home: Home) -> None:
    assert home.reply("turn on the bathroom fan in ten minutes") == "There is no bathroom fan here. Did you mean the bedroom fan?"
    assert home.reply("yes") == "I will turn on the bedroom fan in ten minutes."
    assert home.state("fan.bedroom_fan") == "off"
    home.later(minutes=11)
    assert home.state("fan.bedroom_fan") == "on"


def test_what_could_not_be_done_is_said(home: Home) -> None:
    due = home.clock.now()
    timer = home.timers.add(due, kind="command", name=command_name("turn off the tv", packed([Intent("HassTurnOff")])))
    assert timer.announcement() == "I was to turn off the tv at ten AM, and could not."


@pytest.mark.parametrize(("minutes", "done"), [(0, True), (14, True), (16, False)])
def test_what_the_power_was_off_for_is_not_done_hours_later(home: Home, minutes: int, done: bool) -> None:
    carried: list[Intent] = []

    class Carries:
        async def carry_out(self, intents: tuple[Intent, ...]) -> bool:
            carried.extend(intents)
            return True

    assistant = object.__new__(Assistant)
    assistant.pipeline, assistant._timers = Carries(), home.timers  # type: ignore[assignment]
    home.say("turn off the tv in one minute")
    home.clock.move(60 + 60 * minutes)
    assert anyio.run(assistant._carry_out, home.timers.due()[0]) is done
    assert [intent.name for intent in carried] == ["HassTurnOff"] * done


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '[["HassTurnOn"]]', "null"])
def test_what_is_not_packed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no packed intents"):
        unpacked(text)
    assert Timer(1, "command", text, HandClock().now(), 0.0).command() == ("", "")


def test_intents_outlive_packing() -> None:
    intents = (Intent("HassLightSet", {"name": "lamp", "brightness": 40}), Intent("HassTurnOff", {"area": "kitchen"}))
    assert [(one.name, dict(one.slots)) for one in unpacked(packed(intents))] == [(one.name, dict(one.slots)) for one in intents]
