"""Sentences with a command in them that nobody asked for."""

from __future__ import annotations

import pytest

from assistant.home import load_home
from assistant.understanding import Understanding


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return Understanding(load_home())


@pytest.mark.parametrize(
    "text",
    [
        "can you not turn off the light",
        "Don't turn off the light.",
        "Please do not turn the kitchen light off.",
        "I don't want you to turn off the kitchen light",
        "you should not open the garage door",
        "never unlock the front door",
        "stop turning on the lights",
        "stop the kitchen light from turning off",
        "I turned off the kitchen light",
        "somebody has opened the blinds",
        "leave the kitchen light on",
        "keep the front door locked",
        "leave the kitchen light as it is",
    ],
)
def test_is_left_alone(understanding: Understanding, text: str) -> None:
    assert [intent.name for intent in understanding.understand(text).intents] == ["Declined"]


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("why don't you turn on the kitchen light", ["HassTurnOn"]),
        ("turn on the kitchen light if you don't mind", ["HassTurnOn"]),
        ("stop playing", ["HassMediaPause"]),
        ("leave the tv on but turn off the kitchen light", ["Declined", "HassTurnOff"]),
        ("turn off the tv but not the kitchen light", ["HassTurnOff"]),
        ("stop the timer", ["TimerCancel"]),
        ("turn on the fan and don't turn off the kitchen light", ["HassTurnOn", "Declined"]),
        ("it's not warm enough, turn on the heater", ["HassTurnOn", "RestNotUnderstood"]),
        ("turn off all the lights but not the bedroom", ["HassTurnOff"] * 3),
    ],
)
def test_what_sounds_like_it_and_is_wanted(understanding: Understanding, text: str, intents: list[str]) -> None:
    assert [intent.name for intent in understanding.understand(text).intents] == intents


@pytest.mark.parametrize(
    "text", ["I left my phone at work", "I set the table", "don't open a bank account", "never play poker", "keep calm"]
)
def test_what_is_about_something_else_is_not_understood(understanding: Understanding, text: str) -> None:
    assert understanding.understand(text).intents == ()
