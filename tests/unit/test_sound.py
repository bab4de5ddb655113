"""Phrases that sound alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.commands import check_file
from assistant.commands.sound import NEAR, alike, distance


@pytest.mark.parametrize(
    ("one", "other"),
    [("light", "night"), ("fifty", "fifteen"), ("bedroom", "bathroom"), ("write", "right"), ("heater", "theater")],
)
def test_near(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one) < NEAR


@pytest.mark.parametrize(
    ("one", "other"), [("lamp", "fan"), ("dark", "light"), ("on", "off"), ("single", "double"), ("espresso", "latte")]
)
def test_far(one: str, other: str) -> None:
    assert distance(one, other) > NEAR


def test_only_the_words_that_differ_count() -> None:
    assert list(alike(["turn on the lamp in the kitchen", "turn on the fan in the kitchen"])) == []
    assert list(alike(["start the red light now", "start the red night now"])) == [
        ("start the red light now", "start the red night now")
    ]
    assert list(alike(["coffee", "iced coffee"])) == []


def test_the_check_warns(tmp_path: Path) -> None:
    file = tmp_path / "rooms.yaml"
    lists = "lists:\n  room: [bedroom, bathroom]\n"
    file.write_text(f'commands:\n  Visit:\n    sentences: ["visit the {{room}}"]\n    reply: Yes\n{lists}', "utf-8")
    problems = check_file(file)
    assert [(problem.line, problem.serious) for problem in problems] == [(6, False)]
    assert "bedroom" in problems[0].message and "bathroom" in problems[0].message
