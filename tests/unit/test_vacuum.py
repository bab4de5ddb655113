"""A robot vacuum cleaner: what is said to it and about it, and a home without one."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.brain import Brain
from assistant.events import Action
from assistant.home import Entity, MemoryHome
from assistant.timers import Timers
from assistant.understanding.grammar import COLORS, Grammar
from tests.unit.clocks import HandClock

ROOMS = [
    Entity("light.lamp", "living room lamp", "light", "living room"),
    Entity("light.kitchen", "kitchen light", "light", "kitchen"),
]
ROBOT = Entity("vacuum.robot", "roomba", "vacuum", "hallway")
START, DOCK, KITCHEN = (
    Action("vacuum.robot", "state", "cleaning"),
    Action("vacuum.robot", "state", "docked"),
    Action("vacuum.robot", "area", "kitchen"),
)


def ask(folder: Path, text: str, *entities: Entity) -> tuple[str, tuple[Action, ...]]:
    clock = HandClock()
    home = MemoryHome([*ROOMS, *entities], here="living room")
    brain = Brain(home=home, timers=Timers(folder / "timers.sqlite", clock), clock=clock)
    outcome = anyio.run(brain.act, brain.understand(text))
    return outcome.reply.text, outcome.reply.actions


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Start the Roomba.", START),
        ("Turn on the roomba", START),
        ("Start the vacuum cleaner", START),
        ("Vacuum the floor", START),
        ("Could you please clean up?", START),
        ("Vacuum the kitchen.", KITCHEN),
        ("Have the roomba clean the kitchen", KITCHEN),
        ("Clean in here", Action("vacuum.robot", "area", "living room")),
        ("Stop the roomba", DOCK),
        ("Turn the roomba off", DOCK),
        ("Stop cleaning", DOCK),
        ("Send the roomba home", DOCK),
        ("Send the vacuum back to its dock", DOCK),
        ("Tell the roomba to go home", DOCK),
    ],
)
def test_it_is_sent_out_and_home(tmp_path: Path, text: str, action: Action) -> None:
    assert ask(tmp_path, text, ROBOT)[1] == (action,)


@pytest.mark.parametrize("text", ["Start the Roomba", "Turn on the vacuum", "Vacuum the kitchen", "Clean up", "Stop cleaning"])
def test_a_home_without_one_does_nothing(tmp_path: Path, text: str) -> None:
    assert ask(tmp_path, text)[1] == ()


def test_what_it_does_is_told() -> None:
    home = MemoryHome([*ROOMS, ROBOT])
    anyio.run(home.apply, KITCHEN)
    assert dict(home.state("vacuum.robot")) == {"state": "cleaning", "area": "kitchen"}
    anyio.run(home.apply, DOCK)
    assert dict(home.state("vacuum.robot")) == {"state": "docked", "area": ""}


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("Is the roomba cleaning?", "No, the roomba is docked."),
        ("Is the roomba on?", "No, the roomba is docked."),
        ("Is the roomba charging?", "Yes, the roomba is docked."),
        ("What is the roomba doing?", "The roomba is docked."),
        ("Vacuum the kitchen", "The roomba is cleaning the kitchen."),
    ],
)
def test_it_is_asked_after(tmp_path: Path, text: str, reply: str) -> None:
    assert ask(tmp_path, text, ROBOT)[0] == reply


def test_the_colors_are_those_of_the_sentences() -> None:
    values = Grammar(ROOMS, ["kitchen"]).loaded.intents.slot_lists["color"].values  # type: ignore[attr-defined]
    assert {str(entry.value_out) for entry in values} == set(COLORS.values())
