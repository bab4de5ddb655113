"""Alarms: at a time of day, listed, cancelled. A time that may be morning or evening means the next of the two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from anyio import to_thread

from assistant import repeating, spoken
from assistant.errors import SkillError
from assistant.events import Action, SlotValue
from assistant.intents import Intent, Question
from assistant.repeating import WEEKDAYS, first_time, in_local_time
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.skills.timers import cancel_all, waiting, which
from assistant.timers import Timer, reminder_name

EVENING_PARTS = ("afternoon", "evening", "night")


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """time: "07:30"; either: 1 when that may be morning or evening; day: "", "tomorrow", "friday"; part: "", "morning" ...
    seconds: from now, instead of a time; wake: 1 for "wake me", which means the morning; remind: 1 when name is what to remind
    of; every: on which days again, as
    repeating.py writes them, and perhaps a part of the day: "01234", "0123456 evening"."""

    time: str = ""
    either: int = 0
    day: str = ""
    part: str = ""
    seconds: float = 0.0
    name: str = ""
    wake: int = 0
    every: str = ""
    remind: int = 0


@dataclass(frozen=True, slots=True)
class WhichAlarm:
    """By time or day; all = 1 for all; nothing = the next one."""

    time: str = ""
    either: int = 0
    day: str = ""
    all: int = 0


@skill("AlarmSet")
async def set_alarm(slots: NewAlarm, services: Services) -> Reply:
    """Set one."""
    now = services.clock.now()
    due, days = (now + timedelta(seconds=slots.seconds), "") if slots.seconds else times(slots, now)
    name = reminder_name(slots.name) if slots.remind else slots.name
    add = partial(services.timers.add, due, kind="alarm", name=name, days=days)
    alarm = await to_thread.run_sync(add)
    about = f", {slots.name}" if slots.name else ""
    text = f"I set an alarm for {moment(alarm, now)}{about}."
    if alarm.task():
        text = f"I will remind you {name} at {moment(alarm, now)}."
    return Reply(text, actions=(Action(f"alarm:{alarm.id}", "due", due.isoformat(timespec="seconds")),))


@skill("AlarmAsk")
async def ask_time(slots: NoSlots, services: Services) -> Reply:
    """An alarm without a time."""
    return Reply("For what time?", expects_answer=True, question=Question(completes="set an alarm for"))


@skill("AlarmList")
async def list_alarms(slots: WhichAlarm, services: Services) -> Reply:
    """Which alarms are set."""
    alarms = await waiting(services, "alarm")
    now = services.clock.now()
    if slots.day:
        alarms = [alarm for alarm in alarms if _on_day(alarm, slots.day, now)]
    if not alarms:
        return Reply("No alarm is set.")
    told = [moment(alarm, now) for alarm in alarms]
    if len(told) == 1:
        return Reply(f"Your alarm is set for {told[0]}.")
    return Reply(f"{spoken.number(len(told)).capitalize()} alarms are set: for {spoken.listing(told)}.")


@dataclass(frozen=True, slots=True)
class NewTime:
    """The new time, as for a new alarm; id: of which alarm, as a question has it."""

    time: str = ""
    either: int = 0
    day: str = ""
    part: str = ""
    id: int = 0


@skill("AlarmChange")
async def change_alarm(slots: NewTime, services: Services) -> Reply:
    """Let one ring at another time; asks when there are several."""
    alarms = await waiting(services, "alarm")
    if slots.id:
        alarms = [alarm for alarm in alarms if alarm.id == slots.id]
    if not alarms:
        return Reply("No alarm is set.")
    if len(alarms) > 1:
        given: dict[str, SlotValue] = {"time": slots.time, "either": slots.either, "day": slots.day, "part": slots.part}
        return which(alarms, lambda alarm: Intent("AlarmChange", {**given, "id": alarm.id}))
    now, alarm = services.clock.now(), alarms[0]
    due = when(NewAlarm(slots.time, slots.either, slots.day, slots.part), now) if slots.day else _moved(alarm.due, slots, now)
    if not await to_thread.run_sync(services.timers.move, alarm, due, 0.0):
        return Reply("No alarm is set.")  # it has just rung
    action = Action(f"alarm:{alarm.id}", "due", due.isoformat(timespec="seconds"))
    return Reply(f"I moved the alarm to {moment(replace(alarm, due=due), now)}.", actions=(action,))


@skill("AlarmCancel")
async def cancel_alarm(slots: WhichAlarm, services: Services) -> Reply:
    """Take one or all away."""
    alarms = await waiting(services, "alarm")
    if not alarms:
        return Reply("No alarm is set.")
    chosen = alarms if slots.all else [alarm for alarm in alarms if _fits(alarm, slots, services.clock.now())][:1]
    if not chosen:
        raise SkillError("There is no alarm at that time.")
    actions = await cancel_all(chosen, services)
    every = f" {repeating.told(chosen[0].days)}" if chosen[0].days else ""
    said = f"The {chosen[0].title()}{every} is" if len(chosen) == 1 else f"{spoken.all_of(len(chosen), 'alarms')} are"
    return Reply(f"{said} cancelled.", actions=actions)


def when(slots: NewAlarm, now: datetime) -> datetime:
    """The moment that a time of day, perhaps with a day and a part of it, means; always in the future."""
    if not slots.time:
        raise SkillError("I understood that you want an alarm, but not for when.")
    hour, minute = (int(part) for part in slots.time.split(":"))
    either = bool(slots.either)
    part = "night" if slots.day == "tonight" else slots.part
    if part and hour <= 12:
        late = part in EVENING_PARTS and not (part == "night" and hour in (12, 1, 2, 3, 4))
        hour, either = hour % 12 + (12 if late else 0), False
    if either and (slots.wake or slots.day not in ("", "today")):
        hour, either = hour % 12, False
    day = _date(slots.day, now)
    moment = day.replace(hour=hour % 24, minute=minute, second=0, microsecond=0)
    step = timedelta(hours=12) if either else timedelta(days=7 if slots.day in WEEKDAYS else 1)
    while moment <= now:
        moment += step
    return in_local_time(moment)


def times(slots: NewAlarm, now: datetime) -> tuple[datetime, str]:
    """The first moment, and the days on which it is again, "" = never."""
    days, _, part = slots.every.partition(" ")
    wake = 1 if slots.every else slots.wake  # who wants it every day means the morning
    return first_time(when(replace(slots, part=slots.part or part, wake=wake), now), days), days


def moment(timer: Timer, now: datetime) -> str:
    """When it is, as it is said: "seven AM tomorrow", "seven AM every day"."""
    return f"{spoken.clock_time(timer.due)} {repeating.told(timer.days) if timer.days else spoken.day(timer.due, now)}"


def _on_day(alarm: Timer, day: str, now: datetime) -> bool:
    """Whether it rings on "today", "tonight", "tomorrow" or a day of the week."""
    if alarm.days:
        return str(_date(day, now).weekday()) in alarm.days
    return spoken.day(alarm.due, now).lower().endswith("today" if day == "tonight" else day)


def _date(day: str, now: datetime) -> datetime:
    if day in WEEKDAYS:
        return now + timedelta(days=(WEEKDAYS.index(day) - now.weekday()) % 7)
    return now + timedelta(days=1 if day == "tomorrow" else 0)


def _moved(due: datetime, slots: NewTime, now: datetime) -> datetime:
    """Another time on an alarm's own day, in the same half of it when that is not said; the next day if that is over."""
    noon = due.replace(hour=0 if slots.either and due.hour < 12 else 12 if slots.either else 0, minute=0, second=0, microsecond=0)
    start = noon - timedelta(seconds=1)
    moment = when(NewAlarm(slots.time, slots.either, part=slots.part), start)
    return moment if moment > now else when(NewAlarm(slots.time, slots.either, part=slots.part), now)


def _fits(alarm: Timer, slots: WhichAlarm, now: datetime) -> bool:
    if slots.day and not _on_day(alarm, slots.day, now):
        return False
    if not slots.time:
        return True
    said = f"{alarm.due:%H:%M}"
    hour, minute = (int(part) for part in slots.time.split(":"))
    return said == slots.time or (bool(slots.either) and said == f"{(hour + 12) % 24:02d}:{minute:02d}")
