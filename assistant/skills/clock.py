"""The time and the date."""

from __future__ import annotations

from assistant import spoken
from assistant.skills import NoSlots, Reply, Services, skill


@skill("HassGetCurrentTime")
async def current_time(slots: NoSlots, services: Services) -> Reply:
    """What time it is."""
    return Reply(f"It's {spoken.clock_time(services.clock.now())}.")


@skill("HassGetCurrentDate")
async def current_date(slots: NoSlots, services: Services) -> Reply:
    """What day it is."""
    return Reply(f"Today is {spoken.date(services.clock.now())}.")
