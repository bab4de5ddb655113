"""Timers: set, ask, list, lengthen, shorten, cancel. They are kept on the disk; writing happens in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from anyio import to_thread

from assistant import spoken
from assistant.errors import SkillError
from assistant.events import Action
from assistant.intents import Intent, Question
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.timers import Kind, Timer, reminder_name


@dataclass(frozen=True, slots=True)
class NewTimer:
    """seconds: how long; name: "" or such as "pasta", with remind = 1 what to remind of."""

    seconds: float
    name: str = ""
    remind: int = 0


@dataclass(frozen=True, slots=True)
class WhichTimer:
    """One by name or by the length it was set to, or by id, as a question has it; all = 1 for all; nothing = the only one."""

    name: str = ""
    seconds: float = 0.0
    all: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """seconds: how much more, or less with less = 1; of which timer: its name, or its id, as a question has it."""

    seconds: float
    name: str = ""
    less: int = 0
    id: int = 0


@skill("TimerSet")
async def set_timer(slots: NewTimer, services: Services) -> Reply:
    """Start one."""
    due = services.clock.now() + timedelta(seconds=slots.seconds)
    name = reminder_name(slots.name) if slots.remind else slots.name
    add = partial(services.timers.add, due, kind="timer", name=name, length_s=slots.seconds)
    timer = await to_thread.run_sync(add)
    action = Action(f"timer:{timer.id}", "seconds", slots.seconds)
    if timer.task():
        return Reply(f"I will remind you {name} in {spoken.duration(slots.seconds)}.", actions=(action,))
    named = spoken.article(f"{slots.name} timer") if slots.name else "a timer"
    text = f"I set {named} for {spoken.duration(slots.seconds)}."
    return Reply(text, actions=(action,))


@skill("TimerAsk")
async def ask_length(slots: NoSlots, services: Services) -> Reply:
    """A timer without a length."""
    return Reply("For how long?", expects_answer=True, question=Question(completes="set a timer for"))


@skill("TimerLeft")
async def time_left(slots: WhichTimer, services: Services) -> Reply:
    """How much time is left, for one or for all."""
    running, paused = await waiting(services, "timer"), await to_thread.run_sync(services.timers.paused)
    if not running and not paused:
        return Reply("No timer is running.")
    chosen = _chosen(running + paused, slots) if slots.name or slots.seconds else running + paused
    now = services.clock.now()
    left = [(timer, spoken.duration((timer.due - now).total_seconds())) for timer in chosen]
    if len(left) == 1:
        has = "is paused with" if left[0][0].paused else "has"
        return Reply(f"The {left[0][0].title()} {has} {left[0][1]} left.")
    told = [f"the {timer.title()} has {length}{' and is paused' if timer.paused else ''}" for timer, length in left]
    counted = f"{spoken.number(len(left)).capitalize()} timers are {'set' if paused else 'running'}"
    return Reply(f"{counted}: {spoken.listing(told)}{'' if chosen[-1].paused else ' left'}.")


@skill("TimerPause")
async def pause_timer(slots: WhichTimer, services: Services) -> Reply:
    """Let one wait; asks when it is not clear which."""
    running = await waiting(services, "timer")
    if not running:
        return Reply("No timer is running.")
    timer = _one(_chosen(running, slots), Intent("TimerPause"))
    if isinstance(timer, Reply):
        return timer
    left = -services.timers.late_s(timer)
    if not await to_thread.run_sync(services.timers.pause, timer):
        return Reply("No timer is running.")  # it has just rung
    return Reply(f"The {timer.title()} is paused with {spoken.duration(left)} left.", actions=(_paused(timer, 1),))


@skill("TimerResume")
async def resume_timer(slots: WhichTimer, services: Services) -> Reply:
    """Let one that was paused go on; asks when it is not clear which."""
    paused = await to_thread.run_sync(services.timers.paused)
    if not paused:
        return Reply("No timer is paused.")
    timer = _one(_chosen(paused, slots), Intent("TimerResume"))
    if isinstance(timer, Reply):
        return timer
    left = -services.timers.late_s(timer)
    await to_thread.run_sync(services.timers.go_on, timer)
    return Reply(f"The {timer.title()} goes on with {spoken.duration(left)} left.", actions=(_paused(timer, 0),))


def _paused(timer: Timer, paused: int) -> Action:
    return Action(f"timer:{timer.id}", "paused", paused)


@skill("TimerCancel")
async def cancel_timer(slots: WhichTimer, services: Services) -> Reply:
    """Stop one or all, paused ones too; asks when it is not clear which."""
    running = await waiting(services, "timer") + await to_thread.run_sync(services.timers.paused)
    if not running:
        return Reply("No timer is running.")
    chosen = running if slots.all else _chosen(running, slots)
    if not slots.all:
        one = _one(chosen, Intent("TimerCancel"))
        if isinstance(one, Reply):
            return one
        chosen = [one]
    actions = await cancel_all(chosen, services)
    said = f"The {chosen[0].title()} is" if len(chosen) == 1 else f"{spoken.all_of(len(chosen), 'timers')} are"
    return Reply(f"{said} cancelled.", actions=actions)


@skill("TimerChange")
async def change_timer(slots: Change, services: Services) -> Reply:
    """Let one ring later or sooner; asks when it is not clear which."""
    running = await waiting(services, "timer")
    if not running:
        return Reply("No timer is running.")
    again = Intent("TimerChange", {"seconds": slots.seconds, "less": slots.less})
    timer = _one(_chosen(running, WhichTimer(slots.name, id=slots.id)), again)
    if isinstance(timer, Reply):
        return timer
    more = -slots.seconds if slots.less else slots.seconds
    left = -services.timers.late_s(timer) + more
    if left <= 0:
        raise SkillError(f"The {timer.title()} has only {spoken.duration(left - more)} left.")
    due = timer.due + timedelta(seconds=more)
    if not await to_thread.run_sync(services.timers.move, timer, due, max(left, timer.length_s + more)):
        return Reply("No timer is running.")  # it has just rung
    action = Action(f"timer:{timer.id}", "seconds", left)
    return Reply(f"The {timer.title()} has {spoken.duration(left)} left now.", actions=(action,))


async def cancel_all(timers: list[Timer], services: Services) -> tuple[Action, ...]:
    """Cancel timers, alarms or commands; what was done, as replies tell it. Raises SkillError when it cannot be saved."""
    for timer in timers:
        await to_thread.run_sync(services.timers.cancel, timer.id)
    return tuple(Action(f"{timer.kind}:{timer.id}", "cancelled", 1) for timer in timers)


def which(timers: list[Timer], then: Callable[[Timer], Intent]) -> Reply:
    """Ask which of several timers or alarms is meant. then: what is done with it."""
    options = {timer.title(): (then(timer),) for timer in timers}
    names = spoken.listing([f"the {title}" for title in options], "or")
    return Reply(f"Which one: {names}?", expects_answer=True, question=Question(options=options))


async def waiting(services: Services, kind: Kind) -> list[Timer]:
    """The timers, alarms or commands that are still to come, the next one first."""
    active = await to_thread.run_sync(services.timers.active)
    return [timer for timer in active if timer.kind == kind]


def _chosen(running: list[Timer], slots: WhichTimer) -> list[Timer]:
    """The timers that fit an id, a name or a length. Raises SkillError when none does."""
    if slots.id:
        found, trouble = [timer for timer in running if timer.id == slots.id], "That timer is over."
    elif slots.name:
        found, trouble = (
            [timer for timer in running if slots.name.lower() in (timer.name.lower(), timer.task())],
            "There is no timer of that name.",
        )
    elif slots.seconds:
        found, trouble = [timer for timer in running if timer.length_s == slots.seconds], "There is no timer of that length."
    else:
        return running
    if not found:
        raise SkillError(trouble)
    return found


def _one(timers: list[Timer], again: Intent) -> Timer | Reply:
    """The timer that is meant, or the question which; the answer says `again` with its id."""
    if _differ(timers):
        return which(timers, lambda timer: replace(again, slots={**again.slots, "id": timer.id}))
    return timers[0]


def _differ(timers: list[Timer]) -> bool:
    """Whether a question can tell them apart; else the one that rings first is meant."""
    return len({timer.title() for timer in timers}) > 1
