"""What a recogniser should expect to hear: all sentences that are understood in this home, as one small automaton of words.

    source = ActiveGrammar(brain)      # brain.templates: hassil's templates with the home's names
    asr.set_grammar(source)            # the recogniser asks for it before every utterance

The way of a template: hassil's expression -> graph of pieces of words (templates.py, graph.py) -> graph of words -> WordGrammar,
where every sentence may begin and end with a courtesy, and be followed by "and" and another sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from hassil.intents import Intent, TextSlotList

from assistant.engines import WordGrammar
from assistant.grammar.graph import SPACE, Graph
from assistant.grammar.templates import Scope, Templates, Words
from assistant.understanding.grammar import Loaded

__all__ = ["ActiveGrammar", "compile_grammar"]

BEFORE = "[(okay|hey) nabu] [(please|could you|can you|would you|will you|i want to|hey|ok|okay|now)] [please]"
AFTER = "[(please|for me|now|thanks|thank you)]"
"""The courtesies that are expected; understanding takes these and more off (its text.py)."""

ABOUT_IT = (
    "((turn|switch) ((on|off) (it|them|that)|(it|them|that) (on|off))|(open|close|lock|unlock|pause|stop) (it|them|that)"
    "|make (it|them|that) (brighter|darker|louder|quieter|warmer|cooler)) [again]"
)
"""Sentences about what was talked about before; understanding takes them everywhere that a device may stand."""

AND = "and"


class Speaker(Protocol):
    """Whoever knows the sentences: `assistant.brain.Brain`."""

    @property
    def templates(self) -> tuple[Loaded, ...]:
        """The templates in force; the same object until they change."""
        ...


class ActiveGrammar:
    """The grammar in force, compiled when it is asked for and the templates have changed (about 1 s). A GrammarSource."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._templates: tuple[Loaded, ...] | None = None
        self._grammar = WordGrammar(({},), (False,))

    def __call__(self) -> WordGrammar:
        """The grammar of the present templates."""
        templates = self._speaker.templates
        if templates is not self._templates:
            self._grammar, self._templates = compile_grammar(templates), templates
        return self._grammar


def compile_grammar(loaded: tuple[Loaded, ...]) -> WordGrammar:
    """One automaton for all templates."""
    words = Graph()
    commands = words.any_of(
        [
            _sentences(intent, Scope(source.intents.expansion_rules, {**source.intents.slot_lists, **source.lists}), words)
            for source in loaded
            for intent in source.intents.intents.values()
        ]
        + ([_about_it(words)] if any(map(_switches_devices, loaded)) else [])
    )
    pieces = Graph()
    courtesy = Words(pieces, words).state(Templates(pieces).parsed(BEFORE, pieces.end))
    thanks = Words(pieces, words).state(Templates(pieces).parsed(AFTER, pieces.end))
    return _flattened(words, words.union(commands, _joined(words, courtesy, commands)), commands, {thanks, words.end})


def _sentences(intent: Intent, scope: Scope, words: Graph) -> int:
    """The state before all sentences of an intent. Its pieces need much memory for a moment, so each intent has its own."""
    pieces = Graph()
    templates, converted = Templates(pieces), Words(pieces, words)
    after = pieces.before(SPACE, templates.parsed(AFTER, pieces.end))
    states = [
        converted.state(templates.sentence(template, scope.within(block), after))
        for block in intent.data
        for template in block.sentences
    ]
    return words.any_of(states)


def _switches_devices(source: Loaded) -> bool:
    """Whether the sentences are the home's, and it has devices; a file of commands knows their names, too."""
    names = source.lists.get("name")
    return "HassTurnOff" in source.intents.intents and isinstance(names, TextSlotList) and bool(names.values)


def _about_it(words: Graph) -> int:
    """The state before all sentences with a pronoun for a device."""
    pieces = Graph()
    templates = Templates(pieces)
    after = pieces.before(SPACE, templates.parsed(AFTER, pieces.end))
    return Words(pieces, words).state(templates.parsed(ABOUT_IT, after))


def _joined(graph: Graph, first: int, then: int) -> int:
    """Sentences of `first`, which are few and short, followed by those of `then`."""
    after = {word: _joined(graph, target, then) for word, target in graph.arcs(first).items()}
    state = graph.state(False, after)
    return graph.union(state, then) if graph.is_final(first) else state


def _flattened(graph: Graph, start: int, commands: int, closed: set[int]) -> WordGrammar:
    """The states that can be reached, numbered from 0, with an arc from every end of a sentence through "and" to the next.

    closed: the ends after which only a courtesy may come.
    """
    numbers = {start: 0}
    arcs: list[dict[str, int]] = []
    for followed in _walk(graph, start, commands):
        arcs.append({word: numbers.setdefault(target, len(numbers)) for word, target in followed.items()})
    done = frozenset(numbers[state] for state in closed if state in numbers)
    joining = frozenset(number for state, number in numbers.items() if graph.is_final(state) and AND not in graph.arcs(state))
    return WordGrammar(tuple(arcs), tuple(graph.is_final(state) for state in numbers), done, joining)


def _walk(graph: Graph, start: int, commands: int) -> Iterator[Mapping[str, int]]:
    """The arcs of every state that can be reached, each once, in the order of discovery."""
    order, at = [start], 0
    seen = {start}
    while at < len(order):
        state = order[at]
        followed = dict(graph.arcs(state))
        if graph.is_final(state):
            followed[AND] = graph.union(followed.get(AND, graph.nothing), commands)
        new = dict.fromkeys(target for target in followed.values() if target not in seen)
        seen.update(new)
        order.extend(new)
        yield followed
        at += 1
