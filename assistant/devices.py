"""What a device is: its names, its domain, what state each domain has and which values it takes. A leaf beside events.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from assistant.events import SlotValue

State = Mapping[str, SlotValue]
"""Attribute -> value, such as {"state": "on", "brightness": 40}. "state" is always there."""

ATTRIBUTES: Mapping[str, Mapping[str, SlotValue]] = MappingProxyType(
    {
        "light": {"state": "off", "brightness": 100, "color": "white", "color_temperature": 2700},
        "switch": {"state": "off"},
        "fan": {"state": "off", "speed": 100},
        "cover": {"state": "closed", "position": 0},
        "media_player": {"state": "off", "volume": 30, "muted": "no", "track": 1},
        "climate": {"state": "off", "temperature": 20.0, "current_temperature": 20.0},
        "lock": {"state": "locked"},
        "vacuum": {"state": "docked", "area": ""},
        "sensor": {"state": 20.0},
    }
)
"""domain -> attribute -> default value. The units: brightness, speed, position, volume in percent; temperatures in degrees C;
color_temperature in kelvin. cover position: 0 = closed, 100 = open. vacuum area: the room that is cleaned, "" = all."""

STATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("on", "off"),
        "switch": ("on", "off"),
        "fan": ("on", "off"),
        "cover": ("open", "closed"),
        "media_player": ("off", "on", "playing", "paused"),
        "climate": ("on", "off"),
        "lock": ("locked", "unlocked"),
        "vacuum": ("docked", "cleaning"),
    }
)
"""domain -> what its "state" may be. A sensor's state is any number or text."""

SWITCHABLE = ("light", "switch", "fan", "media_player", "climate")
"""The domains of "everything": doors, blinds, locks and vacuum cleaners are not among them."""

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "brightness": (0, 100),
        "speed": (0, 100),
        "position": (0, 100),
        "volume": (0, 100),
        "temperature": (5, 35),
        "color_temperature": (1000, 10000),
    }
)
"""attribute -> lowest and highest value that may be set."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One device. id: unique, such as "light.kitchen_light"; name: as people say it; area: the room, "" if none; aliases: other
    names; kind: what sort of its domain it is, such as "blind" or "garage" for a cover, "temperature" for a sensor."""

    id: str
    name: str
    domain: str
    area: str = ""
    aliases: tuple[str, ...] = ()
    kind: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it answers to, its own first."""
        return (self.name, *self.aliases)


def select(entities: Sequence[Entity], *, name: str = "", area: str = "", domain: str = "", kind: str = "") -> tuple[Entity, ...]:
    """The devices that fit everything given; "" = does not matter. name: any of a device's names, in lower case. domain "any":
    SWITCHABLE."""
    wanted = name.lower()
    return tuple(
        entity
        for entity in entities
        if (not wanted or wanted in (other.lower() for other in entity.names))
        and (not area or entity.area.lower() == area.lower())
        and (not domain or entity.domain == domain or (domain == "any" and entity.domain in SWITCHABLE))
        and (not kind or entity.kind == kind)
    )
