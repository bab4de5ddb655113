"""Which of hundreds of sentence templates can match a text at all, found in a fraction of a millisecond.

A template is kept when all its fixed words are in the text, and something for each of its obligatory {lists}: a digit for a
range, a known name for {name}, of a domain that the template is about. hassil then matches only those: a third of the time.
The test never drops a template that could match.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference, Sentence, TextChunk
from hassil.intents import Intent, IntentData, Intents, RangeSlotList, SlotList, TextSlotList

_JOINED = re.compile(r"[\])}>](\w+)")
"""Fixed text that may continue a word, as the r of colo[u]r; all other fixed text begins a word."""


@dataclass(frozen=True, slots=True)
class _Template:
    sentence: Sentence
    words: tuple[frozenset[str], ...]
    lists: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Block:
    intent: Intent
    data: IntentData
    templates: tuple[_Template, ...]
    domains: frozenset[str]


class ListWords:
    """What the {lists} of templates may be in one home: which of them can have something in a text."""

    def __init__(self, lists: Mapping[str, SlotList]) -> None:
        self._values = {name: _values(entry) for name, entry in lists.items()}
        self._domains = _domains(lists.get("name"))

    def in_text(self, spaced: str) -> tuple[set[str], set[str]]:
        """(lists that may have a value in the text, domains of the names in it). spaced: the text with a space before it."""
        lists = {name for name, values in self._values.items() if values is None or any(value in spaced for value in values)}
        return lists, {domain for name, domain in self._domains if name in spaced}


class Prefilter:
    """Holds the templates of a set of intents with what each requires. Reading them takes 0.1 s; it can serve many homes."""

    def __init__(self, intents: Intents) -> None:
        self.intents = intents
        self._blocks = [_block(intent, data, intents) for intent in intents.intents.values() for data in intent.data]
        templates = [template for block in self._blocks for template in block.templates]
        fragments = {fragment for template in templates for clause in template.words for fragment in clause}
        texts = [text for block in self._blocks for text in block.data.sentence_texts]
        texts.extend(rule.text or "" for rule in intents.expansion_rules.values())
        joined = {word for text in texts for word in _JOINED.findall(text)}
        self._within = sorted(fragments & joined)
        self._starting = [(fragment, f" {fragment}") for fragment in sorted(fragments - joined)]

    def narrowed(self, text: str, words: ListWords) -> Intents:
        """The intents with only the templates that may match a lower-case text. words: of the intents' and the home's lists."""
        spaced = f" {text}"
        present = {fragment for fragment in self._within if fragment in text}
        present.update(fragment for fragment, start in self._starting if start in spaced)
        lists, domains = words.in_text(spaced)
        kept: dict[str, Intent] = {}
        for block in self._blocks:
            usable = lists if not block.domains or block.domains & domains else lists - {"name"}
            sentences = [
                template.sentence
                for template in block.templates
                if template.lists <= usable and not any(clause.isdisjoint(present) for clause in template.words)
            ]
            if sentences:
                narrow = copy.copy(block.data)
                narrow.__dict__["sentences"] = sentences  # where the cached property keeps what it parsed
                kept.setdefault(block.intent.name, Intent(block.intent.name)).data.append(narrow)
        return dataclasses.replace(self.intents, intents=kept)


def _block(intent: Intent, data: IntentData, intents: Intents) -> _Block:
    rules = {**intents.expansion_rules, **data.expansion_rules}
    templates = tuple(
        _Template(
            sentence,
            tuple(sentence.get_required_clauses(rules)),
            frozenset(name for name in _obligatory(sentence.expression, rules) if name not in data.slot_lists),
        )
        for sentence in data.sentences
    )
    domains = data.requires_context.get("domain", ())
    return _Block(intent, data, templates, frozenset([domains] if isinstance(domains, str) else domains))


def _obligatory(expression: Expression, rules: Mapping[str, Sentence]) -> Iterator[str]:
    """Names of the lists that a text must have something of to match."""
    if isinstance(expression, ListReference):
        yield expression.list_name
    elif isinstance(expression, RuleReference) and expression.rule_name in rules:
        yield from _obligatory(rules[expression.rule_name].expression, rules)
    elif isinstance(expression, Group) and (not isinstance(expression, Alternative) or len(expression.items) == 1):
        for item in expression.items:
            yield from _obligatory(item, rules)


def _values(entry: SlotList) -> tuple[str, ...] | None:
    """What must be in a text, a space before it, for a list to match; None = anything may."""
    if isinstance(entry, RangeSlotList):
        return tuple("0123456789")
    if isinstance(entry, TextSlotList) and all(isinstance(value.text_in, TextChunk) for value in entry.values):
        return tuple(f" {value.text_in.text}" for value in entry.values)
    return None


def _domains(names: SlotList | None) -> list[tuple[str, str]]:
    """(name with a space before it, its domain) of everything that {name} may be."""
    if not isinstance(names, TextSlotList):
        return []
    return [(f" {value.text_in.text}", str((value.context or {}).get("domain", ""))) for value in names.values]
