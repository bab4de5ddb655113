"""Commands for later: kept on the disk until they are due, listed, cancelled. The assistant does them without a word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from anyio import to_thread

from assistant import spoken
from assistant.errors import SkillError
from assistant.events import Action
from assistant.intents import Question, unpacked
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.skills.alarms import NewAlarm, moment, times
from assistant.skills.home_control import asks_first
from assistant.skills.timers import cancel_all, waiting
from assistant.timers import command_name


@dataclass(frozen=True, slots=True)
class Kept:
    """command: its words; then: its packed intents; seconds: from now, or a time and perhaps days as for an alarm."""

    command: str
    then: str
    seconds: float = 0.0
    time: str = ""
    either: int = 0
    day: str = ""
    part: str = ""
    every: str = ""


@skill("Later")
async def keep(slots: Kept, services: Services) -> Reply:
    """Keep a command until its time. What asks before it is done at once cannot be kept: nobody might be there to answer."""
    for intent in unpacked(slots.then):
        if asks_first(intent, services.home):
            raise SkillError(f"I only {slots.command} at once, when you say so.")
    now = services.clock.now()
    if slots.seconds:
        due, days = now + timedelta(seconds=slots.seconds), ""
    else:
        due, days = times(NewAlarm(slots.time, slots.either, slots.day, slots.part, every=slots.every), now)
    add = partial(services.timers.add, due, kind="command", name=command_name(slots.command, slots.then), days=days)
    timer = await to_thread.run_sync(add)
    said = f"in {spoken.duration(slots.seconds)}" if slots.seconds else f"at {moment(timer, now)}"
    action = Action(f"command:{timer.id}", "due", due.isoformat(timespec="seconds"))
    return Reply(f"I will {slots.command} {said}.", actions=(action,))


@dataclass(frozen=True, slots=True)
class Timeless:
    """command: its words, with the days on which it is wanted."""

    command: str


@skill("LaterAsk")
async def ask_time(slots: Timeless, services: Services) -> Reply:
    """A command for every day without a time."""
    return Reply("At what time?", expects_answer=True, question=Question(completes=f"{slots.command} at"))


@skill("LaterList")
async def list_kept(slots: NoSlots, services: Services) -> Reply:
    """What is to be done, and when."""
    kept, now = await waiting(services, "command"), services.clock.now()
    if not kept:
        return Reply("Nothing is planned.")
    told = [f"{one.title()} at {moment(one, now)}" for one in kept]
    return Reply(f"I will {spoken.listing(told)}.")


@skill("LaterCancel")
async def cancel_kept(slots: NoSlots, services: Services) -> Reply:
    """Forget all of it."""
    kept = await waiting(services, "command")
    if not kept:
        return Reply("Nothing is planned.")
    actions = await cancel_all(kept, services)
    return Reply(f"OK, I will not {spoken.listing([one.title() for one in kept], 'or')}.", actions=actions)
