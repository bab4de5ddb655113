"""Commands for another time, taken apart: "turn off the tv in ten minutes", "the fan on for an hour", "at ten close the blinds",
"every evening at eight turn on the lights".

The texts are cleaned and hold measures (quantities.py): "in 600 durationseconds", "at 10420 clocktime".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from assistant.devices import SWITCHABLE
from assistant.events import SlotValue
from assistant.home import Home, select
from assistant.intents import Intent
from assistant.repeating import EVERY_DAY, WEEKDAYS, WEEKEND, WORKDAYS
from assistant.understanding.grammar import spoken_form
from assistant.understanding.misheard import PRONOUN, about_pronoun
from assistant.understanding.quantities import EITHER_HALF, clock_slots
from assistant.understanding.targets import devices_of

_DAYS = "|".join(("today", "tonight", "tomorrow", *WEEKDAYS))
_PARTS = "morning|afternoon|evening|night"
_ABOUT = "(?:about |around |roughly |another )?"
_IN = rf"(?:in|after) {_ABOUT}(?P<seconds>\d+) durationseconds(?: from now)?"
_AT = (
    rf"(?:(?P<day>{_DAYS}) )?(?:(?P<part>{_PARTS}) )?(?:(?:at|by|around) )?"
    r"(?:(?P<clock>\d+) clocktime|(?:(?<=at )|(?<=until )|(?<=till ))(?P<hour>[1-9]|1\d|2[0-3]))"
    rf"(?: (?P<late_day>{_DAYS}))?(?: (?P<late_part>{_PARTS}))?"
)
_FOR = rf"for {_ABOUT}(?P<length>\d+) durationseconds"
_EVERY = re.compile(
    rf"(?:^|(?<= ))(?:on )?(?:every (?:single )?(?P<each>day|{_PARTS}|weekday|workday|weekend|{'|'.join(WEEKDAYS)})"
    rf"|(?P<plural>weekdays|workdays|weekends|{'|'.join(f'{day}s' for day in WEEKDAYS)})|daily)(?= |$)"
)
_DAYS_NAMED = {
    **{day: str(place) for place, day in enumerate(WEEKDAYS)},
    "weekday": WORKDAYS,
    "workday": WORKDAYS,
    "weekend": WEEKEND,
}
"""Names of days -> those days; others mean every day."""

_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"(?P<command>.+?) {_FOR}",
        rf"(?P<command>.+?) (?P<until>until|till) {_AT}",
        rf"(?P<command>.+?) {_IN}",
        rf"{_IN} (?P<command>.+)",
        rf"(?P<command>.+?) {_AT}",
        rf"{_AT} (?P<command>.+)",
    )
)


@dataclass(frozen=True, slots=True)
class Later:
    """command: what is to be done. when: the slots seconds, or time, either, day, part and every; {} = on some days, at no time
    that is said. lasting: now, and undone then."""

    command: str
    when: Mapping[str, SlotValue]
    lasting: bool = False


def taken_apart(text: str) -> tuple[Later, ...]:
    """The ways to read a text as a command with a time; () when none is said in it."""
    once, every = _without_days(text)
    found = (form.fullmatch(once) for form in _FORMS)
    ways = [_later({name: value for name, value in match.groupdict().items() if value}) for match in found if match]
    if not every:
        return tuple(ways)
    daily = [replace(way, when={**way.when, "every": every}) for way in ways if "time" in way.when and not way.lasting]
    return (*daily, Later(_bare(once), {}))


def _without_days(text: str) -> tuple[str, str]:
    """A text without its "every day", and which days these are, perhaps with a part of the day: "0123456 evening"."""
    found = _EVERY.search(text)
    if found is None:
        return text, ""
    named = (found["each"] or found["plural"] or "day").removesuffix("s")
    part = f" {named}" if named in _PARTS.split("|") else ""
    return " ".join(f"{text[: found.start()]} {text[found.end() :]}".split()), _DAYS_NAMED.get(named, EVERY_DAY) + part


def _bare(command: str) -> str:
    return re.sub(r" (?:and|then|,)$|^(?:and|then|,) ", "", command)


def _later(parts: dict[str, str]) -> Later:
    command = _bare(parts["command"])
    if "length" in parts:
        kept = re.fullmatch(r"(?:keep|leave) (.+ (?:on|off))", command)  # "keep the fan on for an hour"
        return Later(f"turn {kept[1]}" if kept else command, {"seconds": int(parts["length"])}, lasting=True)
    if "seconds" in parts:
        return Later(command, {"seconds": int(parts["seconds"])})
    code = int(parts["clock"]) if "clock" in parts else int(parts["hour"]) * 60 + (EITHER_HALF if int(parts["hour"]) <= 12 else 0)
    time, either = clock_slots(code)
    day, part = parts.get("day") or parts.get("late_day", ""), parts.get("part") or parts.get("late_part", "")
    return Later(command, {"time": time, "either": int(either), "day": day, "part": part}, lasting="until" in parts)


def undone(intents: tuple[Intent, ...], home: Home) -> tuple[Intent, ...]:
    """What takes commands back, () when that is not known, or is not done unasked: a door that was locked for an hour."""
    domains = {
        entity.domain for intent in intents for name in devices_of(intent, home) for entity in select(home.entities, name=name)
    }
    if {intent.name for intent in intents} not in ({"HassTurnOn"}, {"HassTurnOff"}) or not domains <= set(SWITCHABLE):
        return ()
    other = "HassTurnOff" if intents[0].name == "HassTurnOn" else "HassTurnOn"
    return tuple(Intent(other, intent.slots) for intent in intents)


def told(then: tuple[Intent, ...], said: str, home: Home) -> str:
    """The words for commands at another time. said: as they were said, "" for what takes commands back."""
    name = str(then[0].slots.get("name", "")) if len(then) == 1 else ""
    way = {"HassTurnOn": "on", "HassTurnOff": "off"}.get(then[0].name, "")
    if not said:
        return f"turn {f'the {name}' if name else 'them'} {way} again"
    switched = way and any(entity.domain in SWITCHABLE for entity in select(home.entities, name=name))
    if name and switched and spoken_form(name) not in said:
        return f"turn {way} the {name}"
    return PRONOUN.sub(f"the {name}" if name else "them", said, count=1) if about_pronoun(said) else said
