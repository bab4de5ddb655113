"""Commands about a device whose name was not quite heard, and about devices that this home does not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.devices import Entity, select
from assistant.home import Home
from assistant.intents import Intent
from assistant.spoken import words
from assistant.understanding.grammar import COLORS, Match, spoken_form
from assistant.understanding.names import corrected, near, renamed
from assistant.understanding.split import GENERIC, VERBS
from assistant.understanding.targets import clarify, settle
from assistant.understanding.text import without_article

_VALUE = rf"(?:\d.*|low|medium|high|warm white|cool white|{'|'.join(COLORS)})"
_MORE = "brighter|dimmer|darker|warmer|cooler|louder|quieter"
_QUALITY = "brightness|volume|speed|temperature|position"
_ADVERB = r"(?: a bit| a little(?: bit)?| a lot)?"

CERTAIN = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:turn|switch|power|flip) (?:on|off|up|down|out) (?P<name>.+?)(?: (?:to|at|by) .*)?",
        r"(?:turn|switch|put|power|bring|flip|keep) (?P<name>.+?) (?:on|off|up|down|out)",
        r"(?:lock|unlock|dim|brighten|toggle) (?P<name>.+?)" + _ADVERB,
        rf"(?:set|make|change|turn|put|adjust|bring|dim|brighten|increase|decrease|raise|lower|open|close) (?P<name>.+?)"
        rf"(?: (?:{_QUALITY}))? (?:to|at|by|on) {_VALUE}",
        rf"(?:increase|decrease|raise|lower|turn up|turn down|change|set) the (?:{_QUALITY}|color)"
        r" (?:of|on|for) (?P<name>.+?)(?: (?:to|by) .+)?",
        rf"(?:set|make|change|turn|color) (?P<name>.+?){_ADVERB} (?:{_MORE}|{_VALUE})",
        r"(?:is|are) (?P<name>.+?) (?:turned |switched )?(?:on|off|locked|unlocked|playing|paused)",
    )
)
"""Commands that are about a device whatever stands for its name."""

LIKELY = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:open|close|shut|raise|lift|lower|pull up|pull down|secure) (?P<name>.+)",
        r"(?:pause|resume|unpause|mute|unmute|activate|deactivate|start|run|stop|put on|increase|decrease) (?P<name>.+)",
        r"(?:is|are) (?P<name>.+?) (?:open|closed|shut|running|up|down)",
        r"did i (?:leave|turn|lock|close|shut|switch)(?: off| on)? (?P<name>.+?)(?: on| off| open| unlocked)?",
        r"(?:what is|what's) (?:the )?(?:status|state|brightness|temperature|position) (?:of|in|on) (?P<name>.+)",
    )
)
"""Commands that are about a device if the name sounds like one: "open the shed door", but not "open my email"."""

DEVICE_NOUNS = frozenset(
    words(
        "light lights lamp lamps fan fans switch plug socket outlet door doors window windows gate blind blinds "
        "curtain curtains shade shades shutter shutters lock tv television radio speaker speakers stereo heater "
        "heating thermostat radiator boiler oven stove dishwasher washer dryer machine maker kettle fridge freezer "
        "vacuum cleaner roomba robot purifier humidifier conditioner ac sprinkler pump pool camera alarm projector "
        "bulb strip chandelier monitor printer mower valve cover awning garage skylight"
    )
)
"""Last words of names of devices."""

PERSONAL = frozenset(words("phone phones telephone computer laptop tablet"))
"""Things that are hardly ever switched by a home, and not what sounds like them: "the phone" is not the fan."""

_PLACE = r"(?!corner|middle|back|front|house|home|room|picture|morning|evening)[a-z']+(?: [a-z']+)?"
ELSEWHERE = re.compile(
    r"(?:turn|switch|put) (?:on |off )?(?:the |a )?(?P<noun>(?P<light>lights?|lamps?)|(?P<fan>fans?)|(?P<climate>heat(?:er|ing)))"
    rf"(?: on| off)? in (?:the |my |our )(?P<place>{_PLACE})(?: on| off)?"
)
"""A kind of device, the group called as its domain, and a place that no sentence of the home fits."""

NOT_IN_NAMES = frozenset(
    words(
        "the a to it them yourself myself minus volume temperature brightness timers alarms "
        "everything something anything nothing time date weather news story joke me you i list song music "
        "what how who why when and then alarm timer email reminder on off durationseconds clocktime"
    )
) | (VERBS - {"light", "heat", "timer", "alarm", "volume", "play"})
"""Words that show that a phrase is no device's name."""

PRONOUN = re.compile(
    r"(?<!\S)(?:it|them|those|these|that one|this one|those ones|that thing|that|this|they|both of them|both)(?!\S)"
)

LONGEST_NAME = 4
"""Words of a phrase that may be the name of a device that this home lacks."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a home. spoken: (spoken form, device's name), aliases too; vocabulary: all words of names and rooms;
    phrases: names, rooms and nouns."""

    spoken: tuple[tuple[str, str], ...]
    vocabulary: frozenset[str]
    phrases: frozenset[str]


def names_of(home: Home) -> Names:
    """What the devices and rooms of a home are called."""
    spoken = tuple((spoken_form(name), entity.name) for entity in home.entities for name in entity.names)
    phrases = frozenset((*(name for name, _ in spoken), *(spoken_form(area) for area in home.areas), *GENERIC))
    return Names(spoken, frozenset(word for phrase in phrases for word in phrase.split()), phrases)


class Misheard:
    """Explains commands that no sentence fits. match: the grammar."""

    def __init__(self, names: Names, home: Home, match: Callable[[str], Match | None]) -> None:
        self._names = names
        self._home = home
        self._match = match

    def read(self, text: str) -> tuple[Intent, ...]:
        """The command with its words set right, a question, or that there is no such device; () = not about a device."""
        better = corrected(self.renamed(text), self._names.vocabulary)
        if better != text and (match := self._match(better)) is not None:
            return _less_sure((settle(match, better, self._home),))
        return self._elsewhere(text) or self.closest(text)

    def renamed(self, text: str) -> str:
        """The text with the home's own words for rooms and devices."""
        return renamed(text, self._names.phrases)

    def meant(self, text: str, group: Sequence[Entity]) -> tuple[Entity, ...]:
        """The devices of a group that a list of names and rooms means: "the kitchen and the desk lamp"; () = some are unknown."""
        found: list[Entity] = []
        for phrase in re.split(r" (?:and|or) ", self.renamed(text)):
            said = re.sub(r"^(?:(?:the|my|our|those|these|ones?|lights?|lamps?|in|of|for) )+", "", phrase)
            room = re.sub(r" (?:lights?|lamps?|ones?)$", "", said)
            near_by = [candidate for candidate in near(said, self._names.spoken) if candidate.sure]
            called = {candidate.name for candidate in near_by if candidate.distance == 0}
            there = [entity for entity in group if spoken_form(entity.area) == room]
            close = {candidate.name for candidate in near_by if candidate.distance < 1}
            more = [entity for entity in group if entity.name in called] or there or [e for e in group if e.name in close]
            if not more:
                return ()
            found += more
        return tuple(found)

    def _elsewhere(self, text: str) -> tuple[Intent, ...]:
        """ "turn on the light in the garage" in a home whose garage has none, or that has no garage."""
        found = ELSEWHERE.fullmatch(text)
        if found is None or select(
            self._home.entities, area=found["place"], domain=next(kind for kind in ("light", "fan", "climate") if found[kind])
        ):
            return ()
        return (Intent("MissingDevice", {"name": found["noun"], "area": found["place"]}, 1.0, text),)

    def closest(self, text: str, domain: str = "") -> tuple[Intent, ...]:
        """By what stands in the place of the device's name. domain: what only can be meant, "" = anything."""
        for patterns, certain in ((CERTAIN, True), (LIKELY, False)):
            for pattern in patterns:
                found = pattern.fullmatch(text)
                if found is not None and (intents := self._named(text, found["name"], certain, domain)):
                    return intents
        return ()

    def _named(self, text: str, said: str, certain: bool, domain: str) -> tuple[Intent, ...]:
        phrase = without_article(said)
        words = phrase.split()
        if not words or len(words) > LONGEST_NAME or NOT_IN_NAMES & set(words):
            return ()
        sure: list[tuple[str, tuple[Intent, ...]]] = []
        perhaps: list[tuple[str, tuple[Intent, ...]]] = []
        for candidate in near(phrase, self._names.spoken):
            if not select(self._home.entities, name=candidate.name, domain=domain):
                continue
            match = self._match(text.replace(said, spoken_form(candidate.name), 1))
            if match is not None and match.slots.get("name") == candidate.name:
                choice = (candidate.name, _less_sure((settle(match, text, self._home),)))
                (sure if candidate.sure and (words[-1] not in PERSONAL or not candidate.distance) else perhaps).append(choice)
        if len(sure) == 1:
            return sure[0][1]
        if sure:
            return (clarify(sure, text),)
        if perhaps:
            return (clarify(perhaps[:3], text, unknown=phrase),)
        area = next((area for area in self._home.areas if spoken_form(area) == phrase), "")
        if area:
            return (Intent("MissingDevice", {"name": "device for that", "area": area}, 1.0, text),)
        if phrase in GENERIC:
            return ()  # there are several, and what is said of them makes no sense: "the lamp to 200 percent"
        known = next((name for spoken, name in self._names.spoken if spoken == phrase), "")
        if known:
            return (Intent("Unsupported", {"name": known}, 1.0, text),)
        return (Intent("MissingDevice", {"name": phrase}, 1.0, text),) if certain or words[-1] in DEVICE_NOUNS else ()


def about_pronoun(text: str) -> bool:
    """Whether a pronoun stands where a device's name would: "turn it off", but not "what time is it"."""
    matches = (pattern.fullmatch(text) for pattern in (*CERTAIN, *LIKELY))
    return any(found is not None and PRONOUN.fullmatch(found["name"]) is not None for found in matches)


def sounds_like_device(phrase: str) -> bool:
    """Whether a phrase may be the name of some device: "the dishwasher", but not "order a pizza"."""
    return without_article(phrase) != phrase or phrase.split()[-1] in DEVICE_NOUNS


def _less_sure(intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
    return tuple(Intent(i.name, i.slots, min(i.confidence, 0.8), i.text, i.question) for i in intents)
