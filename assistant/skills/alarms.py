"""Alarms: at a time of day, listed, cancelled. A time that may be morning or evening means the next of the two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial

from anyio import to_thread

from assistant import spoken
from assistant.errors import SkillError
from assistant.events import Action, SlotValue
from assistant.intents import Intent, Question
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.skills.timers import cancel_all, waiting, which
from assistant.timers import Timer

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVENING_PARTS = ("afternoon", "evening", "night")


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """time: "07:30"; either: 1 when that may be morning or evening; day: "", "tomorrow", "friday"; part: "", "morning" ...
    seconds: from now, instead of a time; wake: 1 for "wake me", which means the morning; repeat: 1 for "every day"."""

    time: str = ""
    either: int = 0
    day: str = ""
    part: str = ""
    seconds: float = 0.0
    name: str = ""
    wake: int = 0
    repeat: int = 0


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
    if slots.repeat:
        raise SkillError("I cannot repeat alarms yet. I can set one for a single day.")
    now = services.clock.now()
    due = now + timedelta(seconds=slots.seconds) if slots.seconds else when(slots, now)
    add = partial(services.timers.add, due, kind="alarm", name=slots.name)
    alarm = await to_thread.run_sync(add)
    about = f", {slots.name}" if slots.name else ""
    text = f"I set an alarm for {spoken.clock_time(due)} {spoken.day(due, now)}{about}."
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
        alarms = [
            alarm
            for alarm in alarms
            if spoken.day(alarm.due, now).endswith(slots.day.capitalize()) or spoken.day(alarm.due, now) == slots.day
        ]
    if not alarms:
        return Reply("No alarm is set.")
    told = [f"{spoken.clock_time(alarm.due)} {spoken.day(alarm.due, now)}" for alarm in alarms]
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
    return Reply(f"I moved the alarm to {spoken.clock_time(due)} {spoken.day(due, now)}.", actions=(action,))


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
    said = f"The {chosen[0].title()} is" if len(chosen) == 1 else f"{spoken.all_of(len(chosen), 'alarms')} are"
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
    return _local(moment)


def _date(day: str, now: datetime) -> datetime:
    if day in WEEKDAYS:
        return now + timedelta(days=(WEEKDAYS.index(day) - now.weekday()) % 7)
    return now + timedelta(days=1 if day == "tomorrow" else 0)


def _local(moment: datetime) -> datetime:
    """The same time of day with the offset that holds on that day: clocks may change before it. Keeps a tz database zone."""
    if isinstance(moment.tzinfo, timezone) and moment.replace(tzinfo=None).astimezone().utcoffset() != moment.utcoffset():
        now_offset = datetime.now().astimezone().utcoffset()
        if now_offset == moment.utcoffset():
            return moment.replace(tzinfo=None).astimezone()
    return moment


def _moved(due: datetime, slots: NewTime, now: datetime) -> datetime:
    """Another time on an alarm's own day, in the same half of it when that is not said; the next day if that is over."""
    noon = due.replace(hour=0 if slots.either and due.hour < 12 else 12 if slots.either else 0, minute=0, second=0, microsecond=0)
    start = noon - timedelta(seconds=1)
    moment = when(NewAlarm(slots.time, slots.either, part=slots.part), start)
    return moment if moment > now else when(NewAlarm(slots.time, slots.either, part=slots.part), now)


def _fits(alarm: Timer, slots: WhichAlarm, now: datetime) -> bool:
    if slots.day and not spoken.day(alarm.due, now).lower().endswith(slots.day):
        return False
    if not slots.time:
        return True
    said = f"{alarm.due:%H:%M}"
    hour, minute = (int(part) for part in slots.time.split(":"))
    return said == slots.time or (bool(slots.either) and said == f"{(hour + 12) % 24:02d}:{minute:02d}")
