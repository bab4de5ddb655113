"""Commands for later: kept on the disk until they are due, listed, cancelled. The assistant does them without a word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from anyio import to_thread

from assistant import spoken
from assistant.errors import SkillError
from assistant.events import Action
from assistant.intents import unpacked
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.skills.alarms import NewAlarm, when
from assistant.skills.home_control import asks_first
from assistant.skills.timers import cancel_all, waiting
from assistant.timers import command_name


@dataclass(frozen=True, slots=True)
class Kept:
    """command: its words; then: its packed intents; seconds: from now, or a time as for an alarm."""

    command: str
    then: str
    seconds: float = 0.0
    time: str = ""
    either: int = 0
    day: str = ""
    part: str = ""


@skill("Later")
async def keep(slots: Kept, services: Services) -> Reply:
    """Keep a command until its time. What asks before it is done at once cannot be kept: nobody might be there to answer."""
    for intent in unpacked(slots.then):
        if asks_first(intent, services.home):
            raise SkillError(f"I only {slots.command} at once, when you say so.")
    now = services.clock.now()
    if slots.seconds:
        due = now + timedelta(seconds=slots.seconds)
        said = f"in {spoken.duration(slots.seconds)}"
    else:
        due = when(NewAlarm(slots.time, slots.either, slots.day, slots.part), now)
        said = f"at {spoken.clock_time(due)} {spoken.day(due, now)}"
    add = partial(services.timers.add, due, kind="command", name=command_name(slots.command, slots.then))
    timer = await to_thread.run_sync(add)
    action = Action(f"command:{timer.id}", "due", due.isoformat(timespec="seconds"))
    return Reply(f"I will {slots.command} {said}.", actions=(action,))


@skill("LaterList")
async def list_kept(slots: NoSlots, services: Services) -> Reply:
    """What is to be done, and when."""
    kept, now = await waiting(services, "command"), services.clock.now()
    if not kept:
        return Reply("Nothing is planned.")
    told = [f"{one.title()} at {spoken.clock_time(one.due)} {spoken.day(one.due, now)}" for one in kept]
    return Reply(f"I will {spoken.listing(told)}.")


@skill("LaterCancel")
async def cancel_kept(slots: NoSlots, services: Services) -> Reply:
    """Forget all of it."""
    kept = await waiting(services, "command")
    if not kept:
        return Reply("Nothing is planned.")
    actions = await cancel_all(kept, services)
    return Reply(f"OK, I will not {spoken.listing([one.title() for one in kept], 'or')}.", actions=actions)
