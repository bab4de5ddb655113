"""Reminders: the timers and alarms that say what to do. They are set by the skills of timers and alarms."""

from __future__ import annotations

from dataclasses import dataclass

from assistant import repeating, spoken
from assistant.errors import SkillError
from assistant.intents import Intent, Question
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.skills.alarms import moment
from assistant.skills.timers import WhichTimer, cancel_all, waiting, which
from assistant.timers import Timer


@dataclass(frozen=True, slots=True)
class Timeless:
    """name: what to remind of, as it was said; day, part, every: when, as for an alarm."""

    name: str
    day: str = ""
    part: str = ""
    every: str = ""


@skill("ReminderAsk")
async def ask_time(slots: Timeless, services: Services) -> Reply:
    """One without a time."""
    days, _, part = slots.every.partition(" ")
    every = f"every {part}" if part else repeating.told(days).lower() if days else ""
    day = " ".join(word for word in (slots.day, slots.part, every) if word)
    again = Question(completes=f"remind me to {slots.name} {day}".strip())
    return Reply("At what time?" if day else "When?", expects_answer=True, question=again)


@skill("ReminderList")
async def list_reminders(slots: NoSlots, services: Services) -> Reply:
    """What is to be remembered, and when."""
    reminders, now = await _reminders(services), services.clock.now()
    told = [f"{one.name} at {moment(one, now)}" for one in reminders]
    return Reply(f"I will remind you {spoken.listing(told)}." if told else "No reminder is set.")


@skill("ReminderCancel")
async def cancel_reminder(slots: WhichTimer, services: Services) -> Reply:
    """Forget one or all; asks when it is not clear which."""
    reminders = await _reminders(services)
    if not reminders:
        return Reply("No reminder is set.")
    chosen = [one for one in reminders if _fits(one, slots)]
    if not chosen:
        raise SkillError("There is no such reminder.")
    if len(chosen) > 1 and not slots.all:
        return which(chosen, lambda one: Intent("ReminderCancel", {"id": one.id}))
    actions = await cancel_all(chosen, services)
    return Reply(f"OK, I will not remind you {spoken.listing([one.name for one in chosen], 'or')}.", actions=actions)


async def _reminders(services: Services) -> list[Timer]:
    found = [one for kind in ("timer", "alarm") for one in await waiting(services, kind) if one.task()]
    return sorted(found, key=lambda one: one.due)


def _fits(one: Timer, slots: WhichTimer) -> bool:
    return (not slots.id or one.id == slots.id) and (not slots.name or one.task() == spoken.to_you(slots.name))
