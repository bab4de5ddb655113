"""Sentences that go on from the one before: the same with another device, or the right device instead of the wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.talk import Talk


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


@pytest.mark.parametrize(
    ("first", "then", "reply"),
    [
        ("turn on the kitchen light", "and the fan", "The bedroom fan is on."),
        ("turn on the kitchen light", "the fan too", "The bedroom fan is on."),
        ("turn on the kitchen light", "And now the TV as well, please.", "The TV is on."),
        ("turn on the lights in the kitchen", "what about the bedroom?", "All the lights in the bedroom are on."),
        ("turn on the kitchen light", "Same for the bedroom.", "All the lights in the bedroom are on."),
        ("set the bedroom lamp to 30 percent", "and the kitchen light", "The kitchen light is at thirty percent."),
        ("turn on the kitchen light", "and the one in the bedroom", "All the lights in the bedroom are on."),
        ("open the blinds", "halfway", "The blinds are fifty percent open."),
        ("is the kitchen light on", "and the fan?", "No, the bedroom fan is off."),
        ("what is the temperature in the bedroom", "and in the kitchen", "I have no thermometer in the kitchen."),
        ("turn on all lights", "and the fan", "The bedroom fan is on."),
        ("set the bedroom lamp to 30 percent", "no, fifty percent", "The bedroom lamp is at fifty percent."),
        ("set the bedroom lamp to 30 percent", "50 percent", "The bedroom lamp is at fifty percent."),
        ("make the bedroom lamp red", "no, blue", "The bedroom lamp is blue now."),
        ("turn off the bedroom lamp", "no, on", "The bedroom lamp is on."),
        ("set the heater to 21 degrees", "sorry, 19", "The heater is set to nineteen degrees."),
        ("set a timer for 50 minutes", "No, 15.", "The fifty minute timer is cancelled. I set a timer for fifteen minutes."),
        ("set a pasta timer for an hour", "make it two", "The pasta timer is cancelled. I set a pasta timer for two hours."),
        ("wake me at seven", "no, at eight", "I moved the alarm to eight AM tomorrow."),
        ("set a pasta timer for five minutes", "and another for ten", "I set a timer for ten minutes."),
        ("set a timer for an hour", "Another one for half an hour, please.", "I set a timer for thirty minutes."),
        ("wake me at seven am tomorrow", "and another for eight am tomorrow", "I set an alarm for eight AM tomorrow."),
        ("lock the front door", "no, unlock", "Do you want me to unlock the front door?"),
    ],
)
def test_the_same_with_another_device(talk: Talk, first: str, then: str, reply: str) -> None:
    assert talk.reply(first, then) == reply


def test_two_timers_in_a_sentence(talk: Talk) -> None:
    assert talk.reply("set a timer for five minutes and another for ten") == (
        "I set a timer for five minutes. I set a timer for ten minutes."
    )


def test_it_goes_on_and_on(talk: Talk) -> None:
    assert talk.reply("turn on all lights", "and the fan", "the tv as well") == "The TV is on."


def test_a_correction_takes_back_only_what_it_corrects(talk: Talk) -> None:
    before = talk.states()
    assert (
        talk.reply("turn on the kitchen light", "no, the bedroom lamp")
        == "The kitchen light is as before. The bedroom lamp is on."
    )
    assert talk.reply("No, I meant the fan.") == "The bedroom lamp is as before. The bedroom fan is on."
    assert {entity for entity, state in talk.states().items() if state != before[entity]} == {"fan.bedroom_fan"}


def test_a_correction_of_what_changed_nothing_takes_nothing_back(talk: Talk) -> None:
    talk.reply("turn on the kitchen light", "turn off the fan")  # the fan is off already
    assert talk.reply("no, the tv") == "The TV is off."
    assert talk.states()["light.kitchen_light"] == "on"


@pytest.mark.parametrize(
    "text", ["and the fan", "no, the fan", "the fan too", "what about the bedroom", "no, 50 percent", "30 percent"]
)
def test_without_a_command_before_it_does_nothing(talk: Talk, text: str) -> None:
    before = talk.states()
    talk.reply(text)
    assert talk.states() == before


@pytest.mark.parametrize(
    "text", ["the fan", "no", "and", "and the dishwasher", "no, leave the fan alone", "no light", "no, ten minutes"]
)
def test_what_is_no_sequel(talk: Talk, text: str) -> None:
    talk.reply("turn on the kitchen light")
    before = talk.states()
    talk.reply(text)
    assert talk.states() == before


def test_a_door_named_by_correction_is_still_asked_about(talk: Talk) -> None:
    talk.reply("open the blinds")
    assert talk.reply("no, the garage door").endswith("Do you want me to open the garage door?")
    assert talk.states()["cover.garage_door"] == "closed"


def test_a_new_command_after_no_stands_for_itself(talk: Talk) -> None:
    assert talk.reply("make the bedroom lamp red", "no, turn off the TV").endswith("The TV is off.")
    assert talk.reply("make the bedroom lamp red", "actually, turn on the fan") == "The bedroom fan is on."


def test_more_by_another_amount_is_not_done_on_top(talk: Talk) -> None:
    talk.reply("set a timer for ten minutes", "add five minutes to the timer")
    talk.reply("no, two minutes")
    assert talk.reply("how much time is left") == "The fifteen minute timer has fifteen minutes left."
