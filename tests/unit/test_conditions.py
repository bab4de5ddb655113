"""Commands that wait for something to happen are not done, and not done at once."""

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
        "turn on the kitchen light if it's dark",
        "turn on the kitchen light when i come home",
        "If it gets dark, turn on the kitchen light.",
        "when the timer ends turn off the tv",
        "whenever someone rings, turn on the light",
        "turn on the kitchen light at sunset",
        "turn off the kitchen light before i go to bed",
        "leave the room and turn off the kitchen light as soon as i am gone",
        "turn on the kitchen light every hour",
        "turn on the kitchen light every ten minutes",
        "turn off the tv after the news",
    ],
)
def test_is_not_done(understanding: Understanding, text: str) -> None:
    names = [intent.name for intent in understanding.understand(text).intents]
    assert "NotOnEvent" in names and not any(name.startswith("Hass") for name in names)


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("turn on the kitchen light when you can", ["HassTurnOn"]),
        ("if you don't mind, turn on the kitchen light", ["HassTurnOn"]),
        ("turn off the tv after ten minutes", ["Later"]),
        ("turn on the fan until ten o'clock", ["HassTurnOn", "Later"]),
        ("keep the fan on for ten minutes", ["HassTurnOn", "Later"]),
        ("turn on the kitchen light once more", ["HassTurnOn"]),
        ("turn on the fan and when it gets hot turn on the heater", ["HassTurnOn", "NotOnEvent"]),
    ],
)
def test_what_only_sounds_like_it(understanding: Understanding, text: str, intents: list[str]) -> None:
    assert [intent.name for intent in understanding.understand(text).intents] == intents


@pytest.mark.parametrize(
    "text", ["what happens if i turn on the light", "when is dinner ready", "when will i get paid next", "call me if it rains"]
)
def test_what_holds_no_command_is_no_such(understanding: Understanding, text: str) -> None:
    assert "NotOnEvent" not in [intent.name for intent in understanding.understand(text).intents]
