"""Sentence templates against text: Home Assistant's English sentences, our own, and the user's, matched with hassil.

Only what the home can use is loaded: blocks of absent domains, floors, vacuum cleaners, shopping lists and so on are left out,
which makes a match three times as fast as with all 1,100 templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from hassil import Intents, filter_intents, merge_dict
from hassil.intents import SlotList, TextSlotList
from hassil.recognize import RecognizeResult, recognize_best
from home_assistant_intents import get_intents

from assistant.events import SlotValue
from assistant.home import Entity
from assistant.spoken import words
from assistant.understanding.prefilter import ListWords, Prefilter
from assistant.understanding.quantities import digits
from assistant.understanding.text import clean, without_commas

OWN_SENTENCES = Path(__file__).parent / "sentences" / "en.yaml"

HA_INTENTS = frozenset(
    words(
        "HassTurnOn HassTurnOff HassLightSet HassGetState HassSetPosition HassClimateSetTemperature "
        "HassClimateGetTemperature HassFanSetSpeed HassMediaPause HassMediaUnpause HassMediaNext HassMediaPrevious "
        "HassMediaPlayerMute HassMediaPlayerUnmute HassSetVolume HassSetVolumeRelative HassGetCurrentTime "
        "HassGetCurrentDate"
    )
)
"""Those of Home Assistant's intents that our skills answer."""

NAMED_ONLY = frozenset(
    {"HassSetVolume", "HassSetVolumeRelative", "HassMediaPlayerMute", "HassMediaPlayerUnmute", "HassMediaPause"}
)
"""Intents that without a device's name mean the assistant itself ("mute", "stop"): only their blocks with a name are kept."""

MEASURES = frozenset({"durationseconds", "clocktime"})
"""Words of measures (quantities.py): a name given to a timer never holds them."""

COLORS: Mapping[str, str] = MappingProxyType(
    {
        color: color
        for color in words("white black red orange yellow green blue purple brown pink turquoise violet cyan magenta gold")
    }
    | {"lilac": "lavender", "lavender": "lavender", "teal": "turquoise"}
)
"""The colors of the sentences: word -> value (a test compares them)."""

BARE_NAME = "[<the>] {name}"
"""Home Assistant turns on whatever is merely named; a half-heard sentence must not."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """A user's templates for one intent. lists: {slot} -> words, words -> value, range of numbers, or "text" for anything."""

    intent: str
    templates: tuple[str, ...]
    lists: Mapping[str, Sequence[str] | Mapping[str, str] | range | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A sentence that fitted. spans: where in the text each slot stood; free: the text taken by wildcards; here: the room came
    from where the assistant stands, not from the words; question: for HassGetState, how it was asked: one, one_yesno, any, ..."""

    intent: str
    slots: Mapping[str, SlotValue]
    spans: Mapping[str, tuple[int, int]]
    free: str = ""
    here: bool = False
    question: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Templates in force. intents: parsed by hassil; lists: what {name} and {area} are in this home."""

    intents: Intents
    lists: Mapping[str, SlotList]


def spoken_form(name: str) -> str:
    """A device's or room's name as a cleaned transcript would have it."""
    return digits(without_commas(clean(name)))


class Grammar:
    """The built-in sentences for a home. entities, areas: what {name} and {area} may be."""

    def __init__(self, entities: Sequence[Entity], areas: Sequence[str]) -> None:
        self._lists = _home_lists(entities, areas)
        self._templates = _built_in(frozenset(entity.domain for entity in entities))
        self._words = ListWords({**self._templates.intents.slot_lists, **self._lists})
        self.loaded = Loaded(self._templates.intents, self._lists)

    def match(self, text: str) -> Match | None:
        """The best fit of a cleaned text with measures (see quantities.py), or None."""
        result = recognize_best(
            text,
            self._templates.narrowed(text, self._words),
            slot_lists=self._lists,
            intent_context={"area": "here"},
            best_slot_name="name",
            language="en",
        )
        match = _match(result) if result is not None else None
        return match if match is None or not MEASURES & set(match.free.split()) else None


class CustomGrammar:
    """The user's sentences: those of command files and of skills that bring their own."""

    def __init__(self, sentences: Iterable[Sentences], entities: Sequence[Entity], areas: Sequence[str]) -> None:
        self._intents = Intents.from_dict({"language": "en", "intents": _custom_blocks(sentences)})
        self._lists = _home_lists(entities, areas)
        self.loaded = Loaded(self._intents, self._lists)

    def match(self, text: str) -> Match | None:
        """The best fit of a cleaned text whose numbers are digits, or None."""
        if not self._intents.intents:
            return None
        result = recognize_best(text, self._intents, slot_lists=self._lists, language="en")
        return _match(result) if result is not None else None


def list_dict(spec: Sequence[str] | Mapping[str, str] | range | str) -> dict[str, Any]:
    """One list of a user's sentence in hassil's form. Raises ValueError when it is none."""
    if spec == "text":
        return {"wildcard": True}
    if isinstance(spec, range):
        if len(spec) == 0 or spec.step < 1:
            raise ValueError("a range of numbers must have at least one number and go up")
        return {"range": {"from": spec.start, "to": spec[-1], "step": spec.step, "words": False}}
    if isinstance(spec, str):
        raise ValueError('a list is words, words -> value, a range of numbers or "text"')
    pairs = spec.items() if isinstance(spec, Mapping) else ((value, value) for value in spec)
    return {"values": [{"in": _escaped(spoken_form(words)), "out": value} for words, value in pairs]}


def _escaped(text: str) -> str:
    return re.sub(r"([()\[\]{}<>|])", r"\\\1", text)


def _custom_blocks(sentences: Iterable[Sentences]) -> dict[str, Any]:
    intents: dict[str, Any] = {}
    for entry in sentences:
        block = {
            "sentences": [_lower(template) for template in entry.templates],
            "lists": {name: list_dict(spec) for name, spec in entry.lists.items()},
        }
        intents.setdefault(entry.intent, {"data": []})["data"].append(block)
    return intents


def _lower(template: str) -> str:
    """A template in lower case, the names of its {slots} as they are."""
    return re.sub(r"\{[^}]*\}|[^{]+", lambda match: match[0] if match[0].startswith("{") else match[0].lower(), template)


@lru_cache(maxsize=2)
def _built_in(domains: frozenset[str]) -> Prefilter:
    """Home Assistant's and our own sentences, without what this home cannot use."""
    ours: dict[str, Any] = yaml.load(OWN_SENTENCES.read_text(encoding="utf-8"), Loader=_Loader)
    theirs = get_intents("en")
    assert theirs is not None, "home-assistant-intents has English"
    data: dict[str, Any] = {
        "language": "en",
        "intents": {name: _kept(name, theirs["intents"][name]) for name in sorted(HA_INTENTS & set(theirs["intents"]))},
        "lists": theirs["lists"],
        "expansion_rules": {**theirs["expansion_rules"], **ours.pop("expansion_rules")},
    }
    colors = ours["lists"].pop("color")["values"]
    merge_dict(data, ours)
    data["lists"]["color"]["values"].extend(colors)
    for entry in data["lists"].values():
        if "range" in entry:
            entry["range"]["words"] = False  # numbers are digits already; hassil's number words cost 6 MB and 100 ms
    return Prefilter(filter_intents(Intents.from_dict(data), domains={*domains, "any"}))


def _kept(name: str, intent: dict[str, Any]) -> dict[str, Any]:
    """One of Home Assistant's intents without floors, bare names, and volumes of nobody in particular."""
    blocks = []
    for block in intent["data"]:
        combination = block.get("metadata", {}).get("slot_combination", "")
        if "floor" in combination or (name in NAMED_ONLY and "name" not in combination):
            continue
        sentences = [sentence for sentence in block["sentences"] if sentence != BARE_NAME and "{floor}" not in sentence]
        blocks.append({**block, "sentences": sentences})
    return {"data": blocks}


_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _home_lists(entities: Sequence[Entity], areas: Sequence[str]) -> dict[str, SlotList]:
    names = [(spoken_form(name), entity.name, {"domain": entity.domain}) for entity in entities for name in entity.names]
    return {
        "name": TextSlotList.from_tuples(names, allow_template=False, name="name"),
        "area": TextSlotList.from_tuples([(spoken_form(area), area) for area in areas], allow_template=False, name="area"),
    }


def _match(result: RecognizeResult) -> Match:
    slots: dict[str, SlotValue] = {}
    spans: dict[str, tuple[int, int]] = {}
    free: list[str] = []
    here = False
    for entity in result.entities_list:
        if entity.name == "area" and entity.value == "here" and entity.text_span is None:
            here = True
            continue
        value = entity.value
        slots[entity.name] = int(value) if isinstance(value, float) and value.is_integer() else value
        if entity.text_span is not None:
            spans[entity.name] = entity.text_span
        if entity.is_wildcard:
            free.append(entity.text)
    question = str(result.response or "") if result.intent.name == "HassGetState" else ""
    return Match(result.intent.name, MappingProxyType(slots), MappingProxyType(spans), " ".join(free), here, question)
