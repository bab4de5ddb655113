"""The vocabulary: every event is frozen, documented, and survives JSON."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from pathlib import Path

import pytest

from assistant import events
from assistant.events import EVENTS, Action, Event, Slot, from_json, to_json

EXAMPLES: dict[str, object] = {
    "int": 3,
    "float": 1.25,
    "str": '打开 kitchen "light"',
    "bool": True,
    "tuple[Slot, ...]": (Slot("name", "kitchen light"), Slot("brightness", 40)),
    "tuple[Action, ...]": (Action("kitchen_light", "power", "on"), Action("x", "brightness", 0.5)),
    "float | None": 12.5,
}


def example(cls: type[Event]) -> Event:
    hints = typing.get_type_hints(cls)
    values = {}
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        literal = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Literal else None
        values[field.name] = literal or EXAMPLES[str(field.type)]
    return cls(**values)


def test_the_table_holds_every_event_class() -> None:
    found = {name for name, cls in inspect.getmembers(events, inspect.isclass) if issubclass(cls, Event) and cls is not Event}
    assert found == set(EVENTS)


@pytest.mark.parametrize("cls", EVENTS.values(), ids=EVENTS)
def test_event(cls: type[Event]) -> None:
    event = example(cls)
    assert from_json(to_json(event)) == event
    assert "\n" not in to_json(event)
    assert cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(")
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.at = 2.0  # type: ignore[misc]
    assert not hasattr(event, "__dict__")


def test_unknown_events_and_fields_are_refused() -> None:
    with pytest.raises(KeyError):
        from_json('{"event": "Nonsense", "turn": 1, "at": 0.0}')
    with pytest.raises(TypeError):
        from_json('{"event": "TurnFinished", "turn": 1, "at": 0.0, "colour": "red"}')


def test_the_documented_interface_is_complete() -> None:
    text = (Path(__file__).parents[2] / "docs/events.md").read_text("utf-8")
    for name, cls in EVENTS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        for field in dataclasses.fields(cls):
            assert f"`{field.name}`" in row or field.name in {"turn", "at"}, f"docs/events.md: {name}.{field.name}"
