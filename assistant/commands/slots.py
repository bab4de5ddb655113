"""The {slots} of templates: which a sentence has, which it always has, and whether an action may use them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import yaml
from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference
from hassil.parse_expression import parse_sentence
from hassil.parser import ParseError

from assistant.commands.document import Problem, Section, at
from assistant.skills import ListSpec

HOME_LISTS = ("name", "area")
"""Lists that are always there: the devices and the rooms of the home."""

PAIRS = {")": "(", "]": "[", "}": "{", ">": "<"}
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Slots:
    """Of one sentence. every: all its slots; always: those that are said whenever it is; lists: slot -> list."""

    node: yaml.ScalarNode
    every: frozenset[str]
    always: frozenset[str]
    lists: Mapping[str, str]


def slots_of(node: yaml.ScalarNode) -> Slots | Problem:
    """The slots of a template, or what is wrong with its brackets."""
    text = str(node.value)
    wrong = _bracket(text)
    if wrong is not None:
        where, message, fix = wrong
        quote = 1 if node.style in ("'", '"') else 0
        return Problem(node.start_mark.line + 1, node.start_mark.column + 1 + quote + where, message, fix)
    try:
        expression = parse_sentence(text).expression
    except (ParseError, AssertionError, ValueError, IndexError):
        return at(node, "this template cannot be read", "use [optional], (one|other) and {slot}")
    lists = {reference.slot_name: reference.list_name for reference in _references(expression)}
    return Slots(node, frozenset(lists), _always(expression), lists)


def check_slots(
    entry: Section,
    sentences: Sequence[Slots],
    lists: Mapping[str, ListSpec],
    actions: Sequence[str],
    problems: list[Problem],
) -> None:
    """Complain about slots without a list, and about slots used in an action or reply that a sentence may lack."""
    for sentence in sentences:
        for slot, name in sorted(sentence.lists.items()):
            if name not in lists and name not in HOME_LISTS:
                close = get_close_matches(name, [*lists, *HOME_LISTS], n=1, cutoff=0.6)
                fix = f"did you mean {{{close[0]}}}?" if close else f"add lists: {name}: [first, second], or {name}: text"
                problems.append(at(sentence.node, f"no list for the slot {{{slot}}}", fix))
    for key in (*actions, "reply"):
        if key in entry:
            for node in _texts(entry.node(key)):
                for slot in SLOT.findall(node.value):
                    _check_use(slot, node, sentences, problems)


def _check_use(slot: str, node: yaml.Node, sentences: Sequence[Slots], problems: list[Problem]) -> None:
    lacking = [sentence for sentence in sentences if slot not in sentence.always]
    if not sentences or not lacking:
        return
    if not any(slot in sentence.every for sentence in sentences):
        names = sorted({name for sentence in sentences for name in sentence.every})
        close = get_close_matches(slot, names, n=1)
        fix = f"did you mean {{{close[0]}}}?" if close else "use a slot of the sentences"
        problems.append(at(node, f"{{{slot}}} is in no sentence", fix))
        return
    line = lacking[0].node.start_mark.line + 1
    problems.append(
        at(
            node,
            f"{{{slot}}} is not in every sentence: the one in line {line} may lack it",
            f"add {{{slot}}} there, not optional",
        )
    )


def _bracket(text: str) -> tuple[int, str, str] | None:
    """The first bracket that does not fit: (its place, message, fix)."""
    open_at: list[int] = []
    for place, letter in enumerate(text):
        if place and text[place - 1] == "\\":
            continue
        if letter in PAIRS.values():
            open_at.append(place)
        elif letter in PAIRS:
            if not open_at or text[open_at[-1]] != PAIRS[letter]:
                return place, f"{letter} without {PAIRS[letter]} before it", f"remove it or add {PAIRS[letter]}"
            if not text[open_at.pop() + 1 : place].strip():
                return place, f"nothing between {PAIRS[letter]} and {letter}", "write something between them or remove them"
    if open_at:
        letter = text[open_at[-1]]
        closing = next(close for close, opening in PAIRS.items() if opening == letter)
        return open_at[-1], f"{letter} is never closed", f"add {closing}"
    if "<" in text:
        return text.index("<"), "rules in <angle brackets> are not for command files", "use (one|other) instead"
    return None


def _references(expression: Expression) -> list[ListReference]:
    if isinstance(expression, ListReference):
        return [expression]
    if isinstance(expression, Group):
        return [reference for item in expression.items for reference in _references(item)]
    return []


def _always(expression: Expression) -> frozenset[str]:
    """Slots that whatever matches must have."""
    if isinstance(expression, ListReference):
        return frozenset({expression.slot_name})
    if isinstance(expression, RuleReference) or not isinstance(expression, Group):
        return frozenset()
    each = [_always(item) for item in expression.items]
    if isinstance(expression, Alternative):
        return frozenset.intersection(*each) if each and not expression.is_optional else frozenset()
    return frozenset().union(*each)


def _texts(node: yaml.Node) -> list[yaml.ScalarNode]:
    """All texts at and below a node, keys left out."""
    if isinstance(node, yaml.MappingNode):
        return [text for _, value in node.value for text in _texts(value)]
    if isinstance(node, yaml.SequenceNode):
        return [text for value in node.value for text in _texts(value)]
    return [node] if isinstance(node, yaml.ScalarNode) else []
