"""Sentence templates in hassil's syntax -> automata of words.

The templates are those that understanding matches; see `assistant.understanding.grammar`. They see a text after clean-up ("300
durationseconds"), so what stands for a measure is replaced by the ways to say it (numbers.py). {Wildcards} cannot be listed:
a way through a template that needs one leads to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hassil.expression import Alternative, Expression, Group, ListReference, Permutation, RuleReference, Sentence, TextChunk
from hassil.intents import IntentData, RangeSlotList, SlotList, TextSlotList, TextSlotValue
from hassil.parse_expression import parse_sentence

from assistant.engines.spelling import in_words
from assistant.grammar.graph import SPACE, Graph
from assistant.grammar.numbers import LISTS, MEASURES, spoken

WORD = re.compile(r"[a-zà-öø-ÿ']+|\d+(?:th|st|nd|rd)?")
"""What counts as a word; "20°" and "50%", which templates allow, do not: numbers are in words."""

NUMBER = re.compile(r"(?<!\S)\d{1,4}(?!\S)")
"""A number of a template or a name: understanding has made digits of its words ("twenty ounce")."""

MOST_NUMBERS = 400
"""A range of more numbers than this, or of larger ones, is left out; understanding knows number words to 999."""

LARGEST = 999


@dataclass(frozen=True, slots=True)
class Scope:
    """What the references in a template mean. domains: of the devices that {name} may be, None = any; others: and may not be."""

    rules: Mapping[str, Sentence]
    lists: Mapping[str, SlotList]
    domains: frozenset[str] | None = None
    others: frozenset[str] = frozenset()

    def within(self, block: IntentData) -> Scope:
        """The scope of one block of sentences."""
        wanted, excluded = block.requires_context.get("domain"), block.excludes_context.get("domain")
        return Scope(
            {**self.rules, **block.expansion_rules},
            {**self.lists, **block.slot_lists},
            None if wanted is None else _set(wanted),
            _set(excluded or ()),
        )

    def allows(self, value: TextSlotValue) -> bool:
        """Whether a list's value may stand here."""
        domain = (value.context or {}).get("domain")
        if domain is None:
            return True
        return (self.domains is None or domain in self.domains) and domain not in self.others


def _set(value: Any) -> frozenset[str]:
    return frozenset([value]) if isinstance(value, str) else frozenset(value)


class Templates:
    """Adds templates to a graph whose labels are pieces of words and SPACE."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._values: dict[tuple[str, int], int] = {}

    def sentence(self, template: Sentence, scope: Scope, then: int) -> int:
        """The state before a whole template. then: the state after it."""
        return self._state(template.expression, scope, then)

    def parsed(self, text: str, then: int, lists: Mapping[str, list[str]] = LISTS) -> int:
        """The state before a template given as text, whose lists are plain words."""
        slots: dict[str, SlotList] = {
            name: TextSlotList(name, [TextSlotValue(TextChunk(value), value) for value in values])
            for name, values in lists.items()
        }
        return self._state(parse_sentence(text).expression, Scope({}, slots), then)

    def _state(self, expression: Expression, scope: Scope, then: int) -> int:
        if not then:
            return then
        if isinstance(expression, TextChunk):
            return self._graph.text(NUMBER.sub(lambda match: in_words(int(match[0])), expression.text.lower()), then)
        if isinstance(expression, RuleReference):
            rule = scope.rules.get(expression.rule_name)
            return self._graph.nothing if rule is None else self._state(rule.expression, scope, then)
        if isinstance(expression, ListReference):
            return self._list(expression, scope, then)
        if isinstance(expression, Alternative):
            return self._graph.any_of([self._state(item, scope, then) for item in expression.items])
        if isinstance(expression, Permutation):
            return self._permutation(expression, scope, then)
        assert isinstance(expression, Group)
        return self._sequence(expression.items, scope, then)

    def _sequence(self, items: list[Expression], scope: Scope, then: int) -> int:
        place = len(items) - 1
        while place >= 0:
            item = items[place]
            measure = MEASURES.get(item.text.strip()) if isinstance(item, TextChunk) else None
            before = items[place - 1] if place else None
            if measure is not None and isinstance(before, ListReference) and before.list_name == measure[0]:
                then = self._graph.any_of([self.parsed(form, then) for form in measure[1]])
                place -= 2
                continue
            then = self._state(item, scope, then)
            place -= 1
        return then

    def _permutation(self, permutation: Permutation, scope: Scope, then: int) -> int:
        """Every order; words of neighbouring items are kept apart."""
        if not permutation.items:
            return then
        apart = self._graph.before(SPACE, then)
        orders = []
        for item, rest in permutation.iterate_permutations():
            after = self._permutation(rest, scope, then) if rest.items else apart
            orders.append(self._graph.before(SPACE, self._state(item, scope, after)))
        return self._graph.any_of(orders)

    def _list(self, reference: ListReference, scope: Scope, then: int) -> int:
        slot = scope.lists.get(reference.list_name)
        if isinstance(slot, TextSlotList):
            states = [self._state(value.text_in, scope, then) for value in slot.values if scope.allows(value)]
            return self._graph.any_of(states)
        if isinstance(slot, RangeSlotList) and (slot.stop - slot.start) // slot.step < MOST_NUMBERS and slot.stop <= LARGEST:
            numbers = range(slot.start, slot.stop + 1, slot.step)
            return self._words(str(numbers), spoken(numbers), self._graph.before(SPACE, then))
        return self._graph.nothing

    def _words(self, name: str, words: Iterable[str], then: int) -> int:
        """The union of many texts, remembered, since numbers stand in many templates."""
        if (name, then) not in self._values:
            self._values[name, then] = self._graph.any_of([self._graph.text(text, then) for text in words])
        return self._values[name, then]


class Words:
    """Turns a graph of pieces ("light", "s", SPACE) into one of whole words."""

    def __init__(self, pieces: Graph, words: Graph) -> None:
        self._pieces, self._words = pieces, words
        self._done: dict[int, int] = {pieces.nothing: words.nothing}

    def state(self, state: int) -> int:
        """The state of the graph of words for one of the graph of pieces at which a word begins."""
        if state in self._done:
            return self._done[state]
        found: dict[str, list[int]] = {}
        ends: list[int] = []
        self._collect(state, "", found, ends)
        targets: dict[str, int] = {}
        for word, after in found.items():
            if word:
                targets[word] = self._words.any_of([self.state(target) if target >= 0 else self._words.end for target in after])
            else:
                ends.extend(self.state(target) if target >= 0 else self._words.end for target in after)
        targets = {word: target for word, target in targets.items() if WORD.fullmatch(word)}
        self._done[state] = self._words.any_of([self._words.state(False, targets), *ends])
        return self._done[state]

    def _collect(self, state: int, text: str, found: dict[str, list[int]], ends: list[int]) -> None:
        """Every word that begins with `text` here -> the states after it; -1 = the end of the sentence."""
        if self._pieces.is_final(state):
            found.setdefault(text, []).append(-1)
        for label, target in self._pieces.arcs(state).items():
            if label == SPACE:
                found.setdefault(text, []).append(target)
            else:
                self._collect(target, text + label, found, ends)
