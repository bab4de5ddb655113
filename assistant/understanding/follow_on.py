"""Sentences that only make sense after another: "and the fan", "what about the bedroom?", "no, the desk lamp", "no, ten minutes".

After "turn on the kitchen light", "and the bedroom" is "turn on the bedroom light": what is said stands in the command before,
where its like stood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from assistant.intents import Intent
from assistant.spoken import words
from assistant.understanding.context import Context
from assistant.understanding.misheard import PRONOUN
from assistant.understanding.quantities import digits, measures
from assistant.understanding.split import VERBS, Splitter
from assistant.understanding.targets import NOT_DONE
from assistant.understanding.text import LIST_VERBS, without_fillers

_PLACE = r"(?:(?:(?:the )?ones? )?(?:in|for|with|at) )?"
_ALSO = re.compile(
    r"(?:(?:and|also|plus|then|now|as well as)(?: ,)? )*(?:(?:(?:do )?the )?same (?:for|with|in|to) |(?:what|how) about )?"
    rf"{_PLACE}(?P<named>.+?)(?:(?: ,)? (?:too|as well|also|please))*"
)
_JOINED = re.compile(r"(?:(?:the )?ones? )?(?:in|for) (?P<named>.+)")
_THING = re.compile(
    rf"(?:(?:and|also|now|then) )?(?P<verb>{LIST_VERBS}) (?:off )?(?P<things>.+?)(?: (?:to|on|from|off)(?: it)?)?(?: too)?"
)
_MORE = re.compile(r"(?:and|also|plus) (?P<one>\S+(?: \S+){0,2})|(?P<other>\S+(?: \S+){0,2}) (?:too|as well|also)")
_MORE_BEHIND = re.compile(
    rf"(?P<verb>{LIST_VERBS}) (?P<things>.+?) (?P<where>(?:to|on|from|off) (?:\S+ ){{1,3}}list)(?: ,)?"
    r" and (?P<more>\S+(?: \S+){0,2})"
)
_NO_THING = frozenset(
    (*VERBS, *words("i you he she it we they that this a the can could would will no yes not so thanks thank then now also good"))
)
"""Words that begin no thing for a list."""

_ANOTHER = re.compile(r"(?:another|one|a second)(?: one| timer| alarm)? (?:for|at) (?P<value>.+)")
_ARTICLE = re.compile(r"(?:(?<!\S)all )?(?:(?<!\S)(?:the|my|our|both) )?$")
_MARKED = re.compile(
    r"(?:and|also|plus|then|now|as well as|same|do|the same|what about|how about) .+|.+ (?:too|as well|also)(?:(?: ,)? please)?"
)
"""How it must begin or end: the bare name of a device is no sequel."""

_WRONG = r"(?:no|know|sorry|oops|wrong|not that|i (?:mean|meant|said)|actually|rather)"
_RATHER = re.compile(
    rf"(?:(?:{_WRONG}|nope|not that one)(?: ,)? )+"
    rf"(?:(?<=, )|(?<= )(?=the |my |in |for ))(?:i (?:mean|meant|said) )?{_PLACE}(?P<named>.+?)(?:(?: ,)? (?:instead|please))*"
)

_VALUE = re.compile(rf"(?P<prefix>(?:{_WRONG}(?: ,)? )+|make (?:it|that) )(?:(?:to|at|for) )?(?P<value>.+?)(?: instead| please)*")
_MEASURES = (re.compile(r"\d+ durationseconds"), re.compile(r"\b\d+(?: percent| degrees?)?(?! (?:durationseconds|clocktime))\b"))
_UNITS = (3600, 60, 1)
_MEASURED = re.compile(r"(\d+) (durationseconds|clocktime)")
_SHARE = re.compile(r"\d+ (?:percent|degrees?)")
_OPPOSITES = (("on", "off"), ("up", "down"), ("open", "close"), ("lock", "unlock"))
_BY_SO_MUCH = frozenset({"Adjust", "TimerChange", "VolumeChange", "HassSetVolumeRelative"})
"""Intents that, done again with another value, would come on top of what was done."""

_NO_VALUES = frozenset({"name", "area", "domain", "question", "state"})

Explain = Callable[[str], tuple[Intent, ...]]
"""A command's text -> its intents, () when it is none."""


class Sequel:
    """What a sentence means after another. splitter: knows the home's names; explain: reads a command that stands for itself."""

    def __init__(self, splitter: Splitter, explain: Explain) -> None:
        self._splitter, self._explain = splitter, explain

    def read(self, text: str, context: Context) -> tuple[Intent, ...]:
        """The intents of a cleaned text such as "and the fan", "no, the bedroom" or "no, ten minutes"; () for any other."""
        before = next((intent for intent in reversed(context.last) if intent.text), None)
        if before is None:
            return ()
        named = self._named(text, before, context.changed)
        return named or self._another(text, before) or self._other_value(text, before) or self._bare_value(text)

    def _named(self, text: str, before: Intent, changed: bool) -> tuple[Intent, ...]:
        """The same with another device, which a correction puts in the place of the wrong one."""
        rather = _RATHER.fullmatch(text)
        found = rather or (_ALSO.fullmatch(text) if _MARKED.fullmatch(text) else None)
        named = self._splitter.named(found["named"]) if found is not None else ""
        if not named:
            return ()
        tried = [intents for form in instead(named, before.text, self._splitter) if (intents := self._explain(form))]
        fitting = [intents for intents in tried if intents[0].name not in NOT_DONE | {"Clarify"}]
        meant = next(iter([*fitting, *tried]), ())
        back = (Intent("Undo", text=text),) if rather is not None and changed and meant in fitting else ()
        return (*back, *meant)

    def _another(self, text: str, before: Intent) -> tuple[Intent, ...]:
        """ "and another for ten minutes": one more timer or alarm."""
        piece = re.sub(r"^(?:and|also|plus|now) (?:set )?", "", without_fillers(text))
        forms = another(piece, before.text) if before.name in ("TimerSet", "AlarmSet") else ()
        return next((intents for form in forms if (intents := self._explain(form))), ())

    def _other_value(self, text: str, before: Intent) -> tuple[Intent, ...]:
        """The same with another number, colour or time: the timer that was set is cancelled, the alarm is moved."""
        found = _VALUE.fullmatch(text)
        timed = before.name in ("TimerSet", "AlarmSet", "AlarmChange")
        if found is None or (found["prefix"].startswith("make") and not timed) or before.name in _BY_SO_MUCH:
            return ()
        value = found["value"].split()
        if len(value) > 1 and value[0] in VERBS:  # "actually, turn off the light" stands for itself
            return ()
        tried = (self._explain(form) for form in revised(found["value"], before))
        meant = next((intents for intents in tried if intents and intents[0].name not in NOT_DONE | {"Clarify"}), ())
        if before.name != "TimerSet" or not meant:
            return meant
        which = {key: before.slots[key] for key in (("name",) if "name" in before.slots else ("seconds",))}
        return (Intent("TimerCancel", which), *meant)

    def _bare_value(self, text: str) -> tuple[Intent, ...]:
        """ "50 percent", "halfway": of what was talked about."""
        said = measures(digits(without_fillers(text))).removeprefix("to ")
        intents = self._explain(f"set it to {said}") if _SHARE.fullmatch(said) else ()
        return () if any(intent.name in NOT_DONE for intent in intents) else intents


def revised(value: str, before: Intent) -> Iterator[str]:
    """The command before with another value: "900 durationseconds" for "600 durationseconds", "blue" for "red"."""
    said, words = measures(digits(value)), before.text.split()
    if before.name.startswith("Alarm"):
        yield measures(digits(f"change the alarm to {value}"))
    if "seconds" in before.slots:  # "no, fifteen"
        said = _in_unit(said, int(before.slots["seconds"]))
    for measure in _MEASURES:
        if measure.fullmatch(said) and len(measure.findall(before.text)) == 1:
            yield measure.sub(said, before.text)
    for key, old in before.slots.items():
        if key not in _NO_VALUES and str(old) in words:
            yield before.text.replace(str(old), said)
    for pair in _OPPOSITES:
        for new, old in (pair, pair[::-1]):
            if said == new and old in words:
                yield " ".join(new if word == old else word for word in words)


def _in_unit(said: str, length: int) -> str:
    """A bare number in the unit of another length in seconds: "15" beside 600 is 900 seconds."""
    if not said.isdigit():
        return said
    return f"{int(said) * next(unit for unit in _UNITS if length % unit == 0)} durationseconds"


def another(piece: str, before: str) -> Iterator[str]:
    """ "another for 10" after "set a timer for 300 durationseconds": the whole command; nothing for others."""
    found, old = _ANOTHER.fullmatch(piece), _MEASURED.search(before)
    if found is None or old is None:
        return
    kind = "alarm" if re.search(r"\b(?:alarm|wake)\b", before) else "timer"
    value = measures(digits(f"{kind} for {found['value']}")).removeprefix(f"{kind} for ")
    yield f"set a {kind} for {_in_unit(value, int(old[1])) if old[2] == 'durationseconds' else value}"


def on_the_list(clause: str, before: Sequence[Intent]) -> str:
    """ "delete potatoes", "and milk" after something about a list: what it says with the list named; "" after anything else."""
    if not before or before[-1].name not in ("ListAdd", "ListRemove", "ListShow"):
        return ""
    named = f"{before[-1].slots['list']} list" if "list" in before[-1].slots else "list"
    if (found := _THING.fullmatch(clause)) is not None:
        things = str(before[-1].slots.get("item", "")) if found["things"] in ("it", "them", "that") else found["things"]
        adds = found["verb"] in ("add", "put")
        return f"{found['verb']} {things} {'to' if adds else 'from'} the {named}" if things else ""
    more = _MORE.fullmatch(clause) if before[-1].name == "ListAdd" else None
    thing = (more["one"] or more["other"]) if more is not None else ""
    return f"add {thing} to the {named}" if thing and thing.split()[0] not in _NO_THING else ""


def gathered(text: str) -> str:
    """ "put bread on the list and milk" -> "put bread and milk on the list"; anything else as it is."""
    found = _MORE_BEHIND.fullmatch(text)
    if found is None or found["more"].split()[0] in _NO_THING:
        return text
    return f"{found['verb']} {found['things']} and {found['more']} {found['where']}"


def joined(piece: str, before: str, splitter: Splitter) -> Iterator[str]:
    """The command before with what a piece after "and" names: "the one in the bedroom", "in the kitchen", "another for 10";
    nothing for others."""
    yield from another(piece, before)
    found = _JOINED.fullmatch(piece)
    if found is not None and (named := splitter.named(found["named"])):
        yield from instead(named, before, splitter)


def instead(named: str, before: str, splitter: Splitter) -> Iterator[str]:
    """The command before with `named` in the place of what it named, the likeliest first."""
    room = splitter.is_area(named)
    places = list(splitter.places(before))
    if room:
        for start, end in splitter.areas_in(before):
            yield f"{before[:start]}{named}{before[end:]}"
    if places and not room:
        start, end = places[-1]
        yield f"{_ARTICLE.sub('the ', before[:start], count=1)}{named}{before[end:]}"
    elif not room and PRONOUN.search(before):
        yield PRONOUN.sub(named, before, count=1)
    if room:
        yield f"{before} in the {named}"
    if room and places:
        start, end = places[-1]
        yield f"{before[:start]}{named} {before[start:end].rsplit(' ', 1)[-1]}{before[end:]}"
        yield f"{before[:start]}{named}{before[end:]}"
