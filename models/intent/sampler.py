"""Draws sentences from Home Assistant's templates at random, with a slot tag for every word.

hassil's own sampler enumerates all combinations of a template, which for these is unbounded; this one walks the tree of a
template and takes one branch at each fork.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from hassil import Intents
from hassil.expression import Alternative, Group, ListReference, Permutation, RuleReference, TextChunk
from hassil.intents import RangeSlotList, TextSlotList
from home_assistant_intents import get_intents

DEVICES = {
    "light": "bedroom lamp, kitchen light, desk lamp, ceiling light, reading lamp, night light, floor lamp, string lights",
    "fan": "ceiling fan, desk fan, bathroom fan",
    "media_player": "tv, television, living room speaker, radio, stereo, sound bar",
    "lock": "front door, back door",
    "cover": "garage door, blinds, curtain, shutters, awning",
    "vacuum": "robot vacuum, roomba, vacuum cleaner",
    "climate": "thermostat, heater, air conditioner, radiator",
    "switch": "coffee maker, coffee machine, smart plug, wall socket, plug, kettle, outlet, humidifier",
    "sensor": "washing machine, dishwasher, rain sensor",
    "scene": "party, movie time",
    "script": "movie night, good morning",
    "valve": "water valve, sprinkler",
    "todo": "shopping, groceries, chores",
    "person": "alice, bob, mom",
    "lawn_mower": "lawn mower, robot mower",
}
AREAS = (
    "kitchen, living room, bedroom, bathroom, office, garage, hallway, dining room, basement, porch, study, kids room, attic, den"
)
FLOORS = "upstairs, downstairs, first floor, ground floor"
WILD = (
    "buy milk, the beatles, jazz, eggs, clean the car, dinner is ready, pasta, bohemian rhapsody, call mom, batteries, toilet "
    "paper, some classical music, taylor swift, water the plants, bread, pizza, the new album by adele, laundry"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One sentence. words and tags have the same length; a tag is "O", "B-slot" or "I-slot"."""

    intent: str
    words: tuple[str, ...]
    tags: tuple[str, ...]


def split(texts: str) -> list[str]:
    """The parts of a list written as one line."""
    return texts.split(", ")


class Sampler:
    """Random sentences of one language's templates. The same seed gives the same sentences."""

    def __init__(self, seed: int, language: str = "en") -> None:
        self._random = random.Random(seed)
        self._intents = Intents.from_dict(get_intents(language))
        names = [(name, name, {"domain": domain}) for domain, texts in DEVICES.items() for name in split(texts)]
        lists = {
            "name": TextSlotList.from_tuples(names, name="name"),
            "area": TextSlotList.from_strings(split(AREAS), name="area"),
            "floor": TextSlotList.from_strings(split(FLOORS), name="floor"),
        }
        self._lists = {**self._intents.slot_lists, **lists}

    def draw(self, intent: str) -> Drawn:
        """One sentence of an intent. Raises KeyError for an intent without templates."""
        data = self._random.choice(self._intents.intents[intent].data)
        rules = {**self._intents.expansion_rules, **(data.expansion_rules or {})}
        lists = {**self._lists, **(data.slot_lists or {})}
        chunks: list[tuple[str, str | None]] = []
        walk = _Walk(self._random, rules, lists, (data.requires_context or {}).get("domain"), chunks)
        walk.visit(self._random.choice(data.sentences).expression)
        return Drawn(intent, *tag_words(chunks))


@dataclass(slots=True)
class _Walk:
    """One way through a template. domain: restricts the names that may stand in {name}."""

    random: random.Random
    rules: dict[str, Any]
    lists: dict[str, Any]
    domain: str | list[str] | None
    chunks: list[tuple[str, str | None]]

    def visit(self, node: Any, slot: str | None = None) -> None:
        if isinstance(node, TextChunk):
            self.chunks.append((node.original_text, slot))
        elif isinstance(node, Alternative):
            self.visit(self.random.choice(node.items), slot)
        elif isinstance(node, Permutation):
            items = list(node.items)
            self.random.shuffle(items)
            for item in items:
                self.visit(item, slot)
                self.chunks.append((" ", None))
        elif isinstance(node, Group):
            for item in node.items:
                self.visit(item, slot)
        elif isinstance(node, RuleReference):
            self.visit(self.rules[node.rule_name].expression, slot)
        elif isinstance(node, ListReference):
            self._value(node)

    def _value(self, node: Any) -> None:
        values = self.lists[node.list_name]
        if isinstance(values, RangeSlotList):
            self.chunks.append((str(self.random.choice(list(values.get_numbers()))), node.slot_name))
        elif isinstance(values, TextSlotList):
            allowed = values.values
            if node.list_name == "name" and self.domain:
                domains = self.domain if isinstance(self.domain, list) else [self.domain]
                allowed = [value for value in allowed if value.context and value.context.get("domain") in domains] or allowed
            self.visit(self.random.choice(allowed).text_in, node.slot_name)
        else:
            self.chunks.append((self.random.choice(split(WILD)), node.slot_name))


def tag_words(chunks: list[tuple[str, str | None]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pieces of text with their slots -> words in lower case and one tag for each; a word belongs to the slot it begins in."""
    words: list[str] = []
    slots: list[str | None] = []
    open_word = False
    for text, slot in chunks:
        for character in text:
            if character.isspace():
                open_word = False
            elif open_word:
                words[-1] += character
            else:
                words.append(character)
                slots.append(slot)
                open_word = True
    tags = []
    for before, slot in zip([None, *slots], slots, strict=False):
        tags.append("O" if slot is None else f"{'I' if before == slot else 'B'}-{slot}")
    return tuple(word.lower() for word in words), tuple(tags)
