"""What the learned model makes of a sentence that no template fits, as intents for the home's skills."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from assistant.engines import IntentEngine, IntentGuess, Sight
from assistant.events import SlotValue
from assistant.home import Entity, Home
from assistant.intents import Intent
from assistant.sight import Eyes
from assistant.sight.linking import NOUNS, devices_called, known_in_view
from assistant.sight.questions import object_words
from assistant.understanding.grammar import spoken_form
from assistant.understanding.names import near
from assistant.understanding.quantities import digits
from assistant.understanding.targets import COMMANDS, DOMAIN_OF, clarify
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
    "TimerSet", "TimerLeft", "HassGetCurrentTime", "HassGetCurrentDate",
}  # fmt: skip
"""What is done on a guess; the rest of what the model knows has no skill, or needs more than a guess."""

SET = {"HassLightSet": ("brightness", "color"), "HassSetPosition": ("position",), "HassFanSetSpeed": ("percentage",),
       "HassClimateSetTemperature": ("temperature",)}  # fmt: skip
"""Commands that say nothing without one of these slots."""

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
        name = RENAMED.get(guess.intent, guess.intent)
        if name not in ANSWERED or guess.confidence < LEAST:
            return ()
        slots = self._slots(guess)
        if name == "Clarify":
            return (Intent("NothingInView" if sights else "NoReferent", {}, guess.confidence, text, used_image=bool(sights)),)
        if name in COMMANDS:
            return self._command(guess, slots, cleaned, sights)
        completed = _completed(name, slots, guess)
        if completed is None:
            return ()
        meant = sights and guess.referent is not None and name == "IdentifyObject"
        referent = sights[-1].objects[guess.referent or 0].label if meant else ""
        return (Intent(completed[0], completed[1], guess.confidence, text, referent=referent, used_image=bool(sights)),)

    def _command(
        self, guess: IntentGuess, slots: dict[str, SlotValue], text: str, sights: tuple[Sight, ...]
    ) -> tuple[Intent, ...]:
        """A command with its device: named, of a room or a domain, or the one in view that is meant."""
        if guess.intent in SET and not set(SET[guess.intent]) & set(slots):
            return ()
        intent = Intent(guess.intent, slots, guess.confidence, text, used_image=bool(sights))
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
        if domain := _domain(text):
            return (self._within(intent.with_slots({"domain": domain})),)
        return (Intent("NothingInView" if sights else "NoReferent", {}, guess.confidence, text, used_image=bool(sights)),)

    def _within(self, intent: Intent) -> Intent:
        """A command about a room or a domain, with what is missing of both: its noun's domain, the room the assistant is in."""
        if "name" in intent.slots:
            return intent
        domain = intent.slots.get("domain") or _domain(intent.text) or DOMAIN_OF.get(intent.name, "light")
        area = intent.slots.get("area") or self._home.here
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
            return next((found.name for found in near(spoken_form(words), choices) if found.sure), None)
        if name in NUMBERS:
            number = re.search(r"\d+(?:\.\d+)?", digits(words))
            return float(number[0]) if number else None
        if name == "object":
            return object_words(self._eyes.names.names if self._eyes else ()).get(words)
        return words


def _domain(text: str) -> str:
    """What kind of device a sentence names, "" = none."""
    return next((NOUNS[word][0] for word in (said.removesuffix("s") for said in text.split()) if word in NOUNS), "")


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
