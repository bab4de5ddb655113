"""The time and the date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from assistant import spoken
from assistant.skills import NoSlots, Reply, Services, skill


@skill("HassGetCurrentTime")
async def current_time(slots: NoSlots, services: Services) -> Reply:
    """What time it is."""
    return Reply(f"It's {spoken.clock_time(services.clock.now())}.")


@dataclass(frozen=True, slots=True)
class Day:
    """ahead: days from today; tomorrow is 1, yesterday -1."""

    ahead: int = 0


@skill("HassGetCurrentDate")
async def current_date(slots: Day, services: Services) -> Reply:
    """What day it is, was yesterday or will be tomorrow."""
    named = {-1: "Yesterday was", 1: "Tomorrow is"}.get(slots.ahead, "Today is")
    return Reply(f"{named} {spoken.date(services.clock.now() + timedelta(days=slots.ahead))}.")
