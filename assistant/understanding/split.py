"""Several commands in one sentence, taken apart without breaking names that contain "and".

clauses("turn off the fan and close the blinds")           -> ["turn off the fan", "close the blinds"]
clauses("turn on the kitchen light and the fan")           -> [the same]: one command, two devices
coordinated("turn on the kitchen light and the fan")       -> ["turn on kitchen light", "turn on fan"]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from assistant.spoken import words

VERBS = frozenset(
    words(
        "turn switch set open close shut lock unlock dim brighten make start stop pause resume play mute unmute "
        "cancel increase decrease raise lower put change toggle activate deactivate what what's whats which who when "
        "where how is are tell give wake remind add create remove delete skip next previous list show say repeat "
        "power bring adjust run volume louder quieter speak help pull heat cool warm check did do keep kill light "
        "timer alarm snooze ask send call press order buy book find search read write email text look get go play stream "
        "don't never leave take"
    )
)
"""Words that open a new command; others continue the one before ("... and the fan")."""

CONNECTOR = re.compile(
    r"(?: , )?(?: ?\b(?:and then|and also|and after that|after that|and afterwards|then|and|also|plus|but|followed by) )| , "
)
FILLER = re.compile(r"^(?:please|also|then|could you|can you|just|and)(?: |$)")

GENERIC = ("lights", "light", "lamps", "lamp", "fans", "fan", "blinds", "curtains", "doors", "heating", "music")
"""Nouns that may be coordinated with names."""

_TIMERS = re.compile(
    r"(?P<verb>(?:please )?(?:set|start|make|create)) (?:me )?(?:\d+ |both )?(?P<kind>timer|alarm)s (?:for|at) (?P<values>.+)"
)
_NUMBER = re.compile(r"[\d: ]+")
_LENGTHS = re.compile(r"\ban? (\d+) and an? (\d+) (second|minute|hour) timers?\b")

GUARD = "\x00"
"""Stands for the spaces of a name while a sentence is split."""


class Splitter:
    """Knows the home. names: spoken forms of all devices; areas: of all rooms; verbs: first words of the user's sentences."""

    def __init__(self, names: Iterable[str], areas: Iterable[str], verbs: Iterable[str] = ()) -> None:
        areas = sorted(set(areas), key=len, reverse=True)
        names = sorted(set(names), key=len, reverse=True)
        self._verbs = VERBS | set(verbs)
        self._joined = [name for name in names if " and " in name]
        items = [*names, *(f"{area} (?:{'|'.join(GENERIC)})" for area in map(re.escape, areas)), *map(re.escape, areas), *GENERIC]
        item = rf"(?:all )?(?:(?:the|my|our|both) )?({'|'.join(items)})"
        self._pair = re.compile(rf"(?<!\S){item}(?: , and | , | and ){item}(?!\S)")
        self._item = re.compile(item)
        self._place = re.compile(rf"(?<!\S){item}(?!\S)")
        self._area = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, areas)) or '(?!)'})(?!\S)")
        self._areas = frozenset(areas)

    def clauses(self, text: str) -> list[str]:
        """The commands of a cleaned text, in order; a list of one when there is only one."""
        for name in self._joined:
            text = re.sub(rf"(?<!\S){re.escape(name)}(?!\S)", name.replace(" ", GUARD), text)
        clauses: list[str] = []
        for segment, connector in _segments(text):
            first = re.split(f"[ {GUARD}]", segment)[0]
            if clauses and first not in self._verbs:
                clauses[-1] += f"{connector}{segment}"
            else:
                clauses.append(segment)
        return [clause.replace(GUARD, " ") for clause in clauses]

    def coordinated(self, clause: str) -> list[str]:
        """The clause once for each of the devices it names together; [] when it names none together."""
        pair = self._pair.search(clause)
        if pair is None:
            return []
        items = [pair[1], pair[2]]
        end = pair.end()
        while (more := re.compile(rf"(?: , and | , | and ){self._item.pattern}(?!\S)").match(clause, end)) is not None:
            items.append(more[1])
            end = more.end()
        noun = items[-1].rsplit(" ", 1)[-1]
        if noun in GENERIC and items[-1] not in self._areas:
            items = [f"{item} {noun}" if item in self._areas else item for item in items]
        return [f"{clause[: pair.start()]}{item}{clause[end:]}" for item in items]

    def named(self, phrase: str) -> str:
        """The device, kind of device or room that a phrase is, without its article; "" when it is none."""
        found = self._item.fullmatch(phrase)
        return found[1] if found is not None else ""

    def is_area(self, phrase: str) -> bool:
        """Whether a phrase is a room's name."""
        return phrase in self._areas

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a text names devices, kinds of devices or rooms, without their articles."""
        return (found.span(1) for found in self._place.finditer(text))

    def areas_in(self, text: str) -> Iterator[tuple[int, int]]:
        """Where a text names rooms, in names of devices, too."""
        return (found.span() for found in self._area.finditer(text))


def each_timer(text: str) -> str:
    """A cleaned text that sets several timers or alarms at once, with each of them named: "set 2 timers for 5 and 10 minutes" ->
    "set a timer for 5 minutes and a timer for 10 minutes"; likewise "set a 5 and a 10 minute timer"."""
    found = _TIMERS.fullmatch(text)
    if found is None:
        return _LENGTHS.sub(r"a \1 \3 timer and a \2 \3 timer", text)
    pieces = re.split(r"(?: ,)? and | , ", found["values"])
    values = [*takewhile(lambda piece: piece[:1].isdigit(), pieces)]
    if not values:
        return text
    rest = re.sub(r"^[\d: ]+", " ", values[-1]).rstrip()  # "minutes", "tomorrow": meant for all
    each = (f"a {found['kind']} for {value}{rest if _NUMBER.fullmatch(value) else ''}" for value in values)
    return " and ".join((f"{found['verb']} {next(each)}", *each, *pieces[len(values) :]))


def segments(text: str) -> list[str]:
    """A clause at every connector, for a second try when it makes no sense as a whole."""
    return [segment for segment, _ in _segments(text)]


def _segments(text: str) -> list[tuple[str, str]]:
    """(segment, the connector before it) for every piece between connectors."""
    result: list[tuple[str, str]] = []
    at, connector = 0, ""
    for match in CONNECTOR.finditer(text):
        _add(result, text[at : match.start()], connector)
        at, connector = match.end(), match[0]
    _add(result, text[at:], connector)
    return result


def _add(result: list[tuple[str, str]], segment: str, connector: str) -> None:
    segment = segment.strip(" ,")
    while (filler := FILLER.match(segment)) is not None:
        segment = segment[filler.end() :]
    if segment:
        result.append((segment, connector))
