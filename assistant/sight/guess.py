"""What the learned model makes of a sentence that no template fits, as intents for the home's skills."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from assistant.engines import IntentEngine, IntentGuess, Sight
from assistant.events import SlotValue
from assistant.home import Entity, Home, select
from assistant.intents import Intent
from assistant.sight import Eyes
from assistant.sight.linking import NOUNS, devices_called, known_in_view
from assistant.sight.plain_words import asked, direction, hedged, only_named, wished
from assistant.sight.questions import object_words
from assistant.understanding.grammar import COLORS, spoken_form
from assistant.understanding.misheard import PRONOUN
from assistant.understanding.names import near, renamed
from assistant.understanding.quantities import digits
from assistant.understanding.targets import COMMANDS, DOMAIN_OF, EVERY, clarify
from assistant.understanding.text import clean, without_article

LEAST = 0.5
"""Confidence below which a guess is not acted on: more often wrong than right, as it is calibrated."""

NEEDED = 0.5
"""How likely a picture must be needed before anybody looks."""

NUMBERS = frozenset({"brightness", "percentage", "position", "temperature", "hours", "minutes", "seconds"})
"""Slots that hold a number."""

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "WhereIs": "FindObject",
        "Describe": "DescribeScene",
        "Remember": "LearnName",
        "HassStartTimer": "TimerSet",
        "HassTimerStatus": "TimerLeft",
    }
)
"""The model's names of intents -> ours."""

ANSWERED = (COMMANDS - {"Adjust", "HassToggle"}) | {
    "Clarify", "IdentifyObject", "PresenceQuery", "CountObjects", "FindObject", "ReadText", "DescribeScene", "LearnName",
    "TimerSet", "TimerLeft", "HassGetCurrentTime", "HassGetCurrentDate", "HassVacuumCleanArea",
}  # fmt: skip
"""What is done on a guess; the rest of what the model knows has no skill, or needs more than a guess."""

SET = {"HassLightSet": ("brightness", "color"), "HassSetPosition": ("position",), "HassFanSetSpeed": ("percentage",),
       "HassClimateSetTemperature": ("temperature",)}  # fmt: skip
"""Commands that say nothing without one of these slots, unless the words say "more" or "less"."""

ANYWHERE = frozenset({"here", "there", "room", "house", "home", "flat", "apartment", "everywhere", "place"})
"""What is said for a room and is none."""

UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}
"""Slots of a length of time -> seconds."""


class Guesser:
    """Asks the model. eyes: None = it is only shown words."""

    def __init__(self, engine: IntentEngine, eyes: Eyes | None, home: Home) -> None:
        self._engine = engine
        self._eyes = eyes
        self._home = home

    def read(self, text: str) -> tuple[Intent, ...]:
        """What a transcript wants, () when the model does not know or takes it for no request. Raises SkillError, ModelError."""
        cleaned = clean(text)
        looked = self._eyes is not None and self._eyes.open and self._engine.needs_image(cleaned) >= NEEDED
        sights: tuple[Sight, ...] = ()
        if looked and self._eyes is not None:
            self._eyes.look()
            sights = self._eyes.sights
        guess = self._engine.parse(cleaned, sights)
        wanted = self.wanted(guess, cleaned)
        if wanted is None:
            return ()
        name, slots = wanted
        if name in COMMANDS and (unknown := self._unknown(guess, slots)):
            return (Intent("MissingDevice", unknown, 1.0, text, used_image=bool(sights)),)
        intent = Intent(name, slots, guess.confidence, text, used_image=bool(sights))
        if name == "Clarify":
            return (replace(intent, name="NothingInView" if sights else "NoReferent"),)
        if DOMAIN_OF.get(name) == "vacuum" or name == "HassVacuumCleanArea":
            return self._cleaning(intent)
        if name in COMMANDS:
            return self._command(intent, guess, cleaned, sights)
        if sights and guess.referent is not None and guess.intent == "IdentifyObject":
            intent = replace(intent, referent=sights[-1].objects[guess.referent].label)
        return (intent,)

    def wanted(self, guess: IntentGuess, text: str) -> tuple[str, dict[str, SlotValue]] | None:
        """The intent and slots that skills are given for a guess; None when nothing is done: it is no request, no skill
        answers it, it is more likely wrong than right, or it lacks what it is about. text: cleaned."""
        name = RENAMED.get(guess.intent, guess.intent)
        if name not in ANSWERED or guess.confidence < LEAST:
            return None
        if not asked(name, text) or (name == "TimerSet" and (text.count("timer") > 1 or "another" in text)):
            return None
        cleaning = name == "HassVacuumCleanArea"
        if (cleaning or name in COMMANDS) and (hedged(text) or only_named(guess, text)):
            return None
        slots = self._slots(guess)
        color = next((COLORS[word] for word in text.split() if word in COLORS), "")
        if color and (name == "HassLightSet" or (name == "HassTurnOn" and _domain(text) == "light" and "name" not in slots)):
            name, slots["color"] = "HassLightSet", color
        if name == "Clarify":
            return name, {}
        if cleaning:
            return (name, slots) if "area" in slots else ("HassVacuumStart", slots)
        if name not in COMMANDS:
            return _completed(name, slots, guess)
        if name in SET and not set(SET[name]) & set(slots):
            if way := direction(text):
                return "Adjust", {**slots, "direction": way, "domain": _domain_of(name)}
            if name == "HassLightSet" and wished(text):
                return "HassTurnOn", {**slots, "domain": "light"}
            light = name == "HassLightSet" and ("name" in slots or _domain(text) == "light")
            return (name, slots) if light else None  # the skill says what is missing
        return name, slots

    def _unknown(self, guess: IntentGuess, slots: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
        """What a command names that this home does not have, as MissingDevice's slots; {} = nothing."""
        said = {name: without_article(phrase) for name, phrase in guess.slots}
        noun = said.get("name", "")
        if "area" in said and "area" not in slots and said["area"] not in ANYWHERE:
            return {"name": noun or "such device", "area": said["area"]}
        generic = not noun or _domain(noun) or PRONOUN.search(noun)
        return {} if generic or "name" in slots or guess.referent is not None else {"name": noun}

    def _cleaning(self, intent: Intent) -> tuple[Intent, ...]:
        """A command for a vacuum cleaner, if there is one: rarely is another one seen or meant."""
        if not select(self._home.entities, domain="vacuum"):
            return ()
        if intent.name == "HassVacuumCleanArea":
            return (intent,)
        return (replace(intent, slots={"domain": "vacuum"}),)

    def _command(self, intent: Intent, guess: IntentGuess, text: str, sights: tuple[Sight, ...]) -> tuple[Intent, ...]:
        """A command with its device: named, of a room or a domain, or the one in view that is meant."""
        slots = intent.slots
        if {"name", "area"} & set(slots):
            return (self._within(intent),)
        entities = self._entities(guess, sights)
        named: list[tuple[str, tuple[Intent, ...]]] = [
            (entity.name, (intent.with_slots({"name": entity.name}),)) for entity in entities
        ]
        if len(named) > 1:
            return (clarify(named, text),)
        if named and guess.referent is not None:
            return (replace(named[0][1][0], referent=sights[-1].objects[guess.referent].label),)
        machines = self._machines(text) if intent.name in ("HassTurnOn", "HassTurnOff") else ()
        if len(machines) == 1:
            return (intent.with_slots({"name": machines[0].name}),)
        if domain := slots.get("domain") or _domain(text):
            return (self._within(intent.with_slots({"domain": domain})),)
        return (replace(intent, name="NothingInView" if sights else "NoReferent", slots={}),)

    def _machines(self, text: str) -> tuple[Entity, ...]:
        """The switches of whose names a word is said: "make some coffee"."""
        switches = select(self._home.entities, domain="switch")
        return tuple(entity for entity in switches if _words(*entity.names) & set(text.split()))

    def _within(self, intent: Intent) -> Intent:
        """A command about a room or a domain, with what is missing of both: its noun's domain, and the room the assistant is in
        if such a device is there."""
        if "name" in intent.slots:
            return intent
        text = clean(intent.text)
        domain = intent.slots.get("domain") or _domain(text) or _domain_of(intent.name)
        area = intent.slots.get("area") or self._home.here
        if EVERY.search(text) or not select(self._home.entities, area=str(area), domain=str(domain)):
            area = intent.slots.get("area", "")
        return intent.with_slots({"domain": domain, **({"area": area} if area else {})})

    def _entities(self, guess: IntentGuess, sights: tuple[Sight, ...]) -> tuple[Entity, ...]:
        """The devices that what is meant, and what could as well be meant, are in the newest sight."""
        if not sights or self._eyes is None or guess.referent is None:
            return ()
        places = (guess.referent, *guess.alternatives)
        taught = {known.place: known.name for known in known_in_view(self._eyes, sights[-1])}
        found: dict[str, Entity] = {}
        for place in places:
            names = [entity for entity in self._home.entities if taught.get(place) in entity.names]
            label = sights[-1].objects[place].label
            for entity in names or devices_called(label, self._home, self._eyes.area):
                found[entity.id] = entity
        return tuple(found.values())

    def _slots(self, guess: IntentGuess) -> dict[str, SlotValue]:
        """The words of the sentence as values that skills take; what fits nothing is left out."""
        slots: dict[str, SlotValue] = {}
        for name, words in guess.slots:
            value = self._value(name, without_article(words))
            if value is not None:
                slots[name] = value
        return slots

    def _value(self, name: str, words: str) -> SlotValue | None:
        if name in ("name", "area"):
            names = [(spoken_form(said), entity.name) for entity in self._home.entities for said in entity.names]
            choices = names if name == "name" else [(spoken_form(area), area) for area in self._home.areas]
            phrase = renamed(spoken_form(words), frozenset(said for said, _ in choices))
            return next((found.name for found in near(phrase, choices) if found.sure), None)
        if name in NUMBERS:
            number = re.search(r"\d+(?:\.\d+)?", digits(words))
            return float(number[0]) if number else None
        if name == "object":
            return object_words(self._eyes.names.names if self._eyes else ()).get(words)
        return words


def _domain(text: str) -> str:
    """What kind of device a sentence names, "" = none."""
    return next((NOUNS[word][0] for word in (said.removesuffix("s") for said in text.split()) if word in NOUNS), "")


def _domain_of(name: str) -> str:
    """What kind of device an intent is about when the words do not say."""
    return DOMAIN_OF.get(name, "cover" if name == "HassSetPosition" else "light")


def _completed(name: str, slots: dict[str, SlotValue], guess: IntentGuess) -> tuple[str, dict[str, SlotValue]] | None:
    """An intent that is no command as our skills take it; None when it lacks what it is about."""
    words = dict(guess.slots)
    if name == "TimerSet":
        seconds = sum(float(slots[unit]) * length for unit, length in UNITS.items() if unit in slots)
        return (name, {"seconds": seconds}) if seconds else None
    if name == "LearnName":
        learned = without_article(words.get("object") or words.get("name") or "")
        return (name, {"learned": learned}) if learned else None
    thing = slots.get("object")
    if name == "FindObject":
        return (name, {"object": thing}) if thing else None
    if name == "CountObjects":
        return name, {"counted": thing or "person"}
    if name == "PresenceQuery" and thing and thing != "person":
        return "FindObject", {"object": thing}
    return name, {}


def _words(*names: str) -> set[str]:
    """What tells devices apart: the words of names without nouns."""
    return {word for name in names for word in spoken_form(name).split()} - set(NOUNS) - {"switch", "maker", "plug"}
