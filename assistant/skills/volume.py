"""The assistant's own loudspeaker: louder, quieter, mute. Other players are in home_control."""

from __future__ import annotations

from dataclasses import dataclass

from assistant import spoken
from assistant.events import Action
from assistant.skills import NoSlots, Reply, Services, skill

STEP = 15
"""Percent of "louder" and "quieter": clearly heard, not startling."""

LOWEST = 5
"""Percent that "quieter" stops at, so that the assistant does not fall silent by accident."""


@dataclass(frozen=True, slots=True)
class Level:
    """level: percent."""

    level: int


@dataclass(frozen=True, slots=True)
class Change:
    """direction: "up" or "down"; amount: percent."""

    direction: str
    amount: int = STEP


@dataclass(frozen=True, slots=True)
class Mute:
    """mute: 1 = silent."""

    mute: int


@skill("VolumeSet")
async def set_volume(slots: Level, services: Services) -> Reply:
    """To a level."""
    return _set(slots.level, services)


@skill("VolumeChange")
async def change_volume(slots: Change, services: Services) -> Reply:
    """Louder or quieter."""
    now = services.volume.get()
    if slots.direction == "up":
        return _set(min(100, now + slots.amount), services)
    return _set(max(min(now, LOWEST), now - slots.amount), services)


@skill("VolumeMute")
async def mute(slots: Mute, services: Services) -> Reply:
    """Silent, or heard again."""
    if slots.mute:
        services.volume.set(0)
        return Reply("", actions=(Action("volume", "percent", 0),))
    return _set(services.volume.get() or 50, services)


@skill("VolumeGet")
async def get_volume(slots: NoSlots, services: Services) -> Reply:
    """How loud it is."""
    return Reply(f"The volume is at {spoken.percent(services.volume.get())}.")


def _set(percent: int, services: Services) -> Reply:
    services.volume.set(percent)
    return Reply(f"The volume is at {spoken.percent(percent)}.", actions=(Action("volume", "percent", percent),))
