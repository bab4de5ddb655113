"""The home: devices, rooms, and what state they are in. `MemoryHome` keeps it in memory, declared in a TOML file.

Another home (MQTT, Home Assistant) is one class with the methods of the Protocol `Home`; nothing else needs to know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from assistant import spoken
from assistant.devices import ATTRIBUTES, RANGES, STATES, Entity, State, select
from assistant.errors import SkillError
from assistant.events import Action, SlotValue
from assistant.home_file import read_home

__all__ = ["Entity", "Home", "MemoryHome", "State", "load_home", "select"]


class Home(Protocol):
    """What the assistant can see and change. Entity ids are stable; names are unique, aliases included."""

    @property
    def entities(self) -> tuple[Entity, ...]:
        """All devices. A new tuple object whenever they change: understanding rebuilds its lists when it sees one."""
        ...

    @property
    def areas(self) -> tuple[str, ...]:
        """All rooms, aliases not included."""
        ...

    @property
    def here(self) -> str:
        """The room the assistant stands in; "" = not known. "Turn on the lights" means those of this room."""
        ...

    def state(self, entity_id: str) -> State:
        """The state of one device. Raises KeyError for an unknown id. Fast: from memory."""
        ...

    def snapshot(self) -> dict[str, dict[str, SlotValue]]:
        """A copy of all states, entity id -> attribute -> value, for showing before and after."""
        ...

    async def apply(self, action: Action) -> None:
        """Set one attribute of one device. Raises SkillError with a sentence to speak when that is not possible."""
        ...


class MemoryHome:
    """A home kept in memory. entities and states: from `assistant.home_file.load_home`; states are completed with defaults."""

    def __init__(self, entities: Sequence[Entity], *, here: str = "", states: Mapping[str, State] | None = None) -> None:
        self._entities = tuple(entities)
        self._here = here
        given = states or {}
        self._states: dict[str, dict[str, SlotValue]] = {
            entity.id: {**ATTRIBUTES[entity.domain], **given.get(entity.id, {})} for entity in self._entities
        }
        for entity in self._entities:
            for attribute in given.get(entity.id, {}):
                _follow(entity.domain, self._states[entity.id], attribute)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """All devices."""
        return self._entities

    @property
    def areas(self) -> tuple[str, ...]:
        """All rooms that have a device, in the order of the file."""
        return tuple(dict.fromkeys(entity.area for entity in self._entities if entity.area))

    @property
    def here(self) -> str:
        """The room the assistant stands in."""
        return self._here

    def add(self, entity: Entity) -> None:
        """One more device, in its default state."""
        self._states[entity.id] = dict(ATTRIBUTES[entity.domain])
        self._entities = (*self._entities, entity)

    def state(self, entity_id: str) -> State:
        """The state of one device."""
        return MappingProxyType(self._states[entity_id])

    def snapshot(self) -> dict[str, dict[str, SlotValue]]:
        """A copy of all states."""
        return {entity_id: dict(state) for entity_id, state in self._states.items()}

    async def apply(self, action: Action) -> None:
        """Set one attribute. A light given a brightness goes on, a cover's position and state move together, and so on."""
        entity = next((entity for entity in self._entities if entity.id == action.target), None)
        if entity is None:
            raise SkillError("That device is not in this home any more.")
        state = self._states[entity.id]
        if action.attribute not in ATTRIBUTES[entity.domain] or entity.domain == "sensor":
            raise SkillError(f"I cannot do that with the {entity.name}.")
        _check(entity, action)
        state[action.attribute] = action.value
        _follow(entity.domain, state, action.attribute)


def _check(entity: Entity, action: Action) -> None:
    """Refuse a value that the device cannot take."""
    if action.attribute == "state" and action.value not in STATES[entity.domain]:
        raise SkillError(f"I cannot do that with the {entity.name}.")
    if action.attribute in RANGES:
        low, high = RANGES[action.attribute]
        if not isinstance(action.value, (int, float)) or not low <= action.value <= high:
            limits = f"from {spoken.number(low)} to {spoken.number(high)}"
            raise SkillError(f"The {entity.name} takes a {action.attribute.replace('_', ' ')} {limits}.")


def _follow(domain: str, state: dict[str, SlotValue], attribute: str) -> None:
    """What else changes with an attribute: physics of the pretended devices."""
    if domain == "light" and attribute in ("brightness", "color", "color_temperature"):
        state["state"] = "off" if state["brightness"] == 0 else "on"
    elif domain == "light" and attribute == "state" and state["state"] == "on" and state["brightness"] == 0:
        state["brightness"] = 100
    elif domain == "fan" and attribute == "speed":
        state["state"] = "off" if state["speed"] == 0 else "on"
    elif domain == "cover":
        if attribute == "position":
            state["state"] = "closed" if state["position"] == 0 else "open"
        else:
            state["position"] = 100 if state["state"] == "open" else 0
    elif domain == "climate" and attribute == "temperature":
        state["state"] = "on"
    elif domain == "vacuum":
        if attribute == "area":
            state["state"] = "cleaning"
        else:
            state["area"] = ""


def load_home(path: Path | None = None) -> MemoryHome:
    """The home of a TOML file; None = the default home, assistant/home.toml. Raises ConfigError with file, place and fix."""
    declared = read_home(path)
    return MemoryHome(declared.entities, here=declared.here, states=declared.states)
