"""The search for a grammar's sentence, over a decoder that is a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace

import numpy as np

from assistant.engines import WordGrammar
from assistant.engines.whisper_decoder import Arrays, Floats, Heard
from assistant.engines.whisper_search import GrammarSearch

WORDS = ["i", "want", "a", "latte", "mocha", "please", "and", ""]
"""The last one is the end."""

UNHEARD = 0.03
"""How likely each word is in silence."""


class Table:
    """A decoder whose opinion of the next word depends on the last one and on whether "and" was said before. first, second: last
    word ("" = none yet) -> the likely next ones with their probabilities, the rest is shared by the others."""

    def __init__(self, first: Mapping[str, Mapping[str, float]], second: Mapping[str, Mapping[str, float]]) -> None:
        self._likely = (first, second)
        self.vocabulary = SimpleNamespace(tokens=lambda text: [WORDS.index(text.strip())], end=WORDS.index(""))

    def rows(self, tokens: list[int]) -> Floats:
        return np.eye(len(WORDS), dtype=np.float32)[tokens]

    def silence(self) -> Heard:
        opinion = np.full((1, len(WORDS)), np.log(UNHEARD), np.float32)
        opinion[0, -1] = np.log(1 - UNHEARD * (len(WORDS) - 1))
        return Heard({}, opinion, {}, 1.0, 0.0)

    def follow(self, tokens: Sequence[int], heard: Heard) -> Floats:
        return heard.hidden

    def step(self, tokens: list[int], sound: Arrays, state: Arrays) -> tuple[Floats, Arrays]:
        second = state["second"] | (np.array([tokens]) == WORDS.index("and"))
        opinions = [self._opinion(WORDS[token], bool(later)) for token, later in zip(tokens, second[0], strict=True)]
        return np.stack(opinions), {"second": second}

    def heard(self) -> Heard:
        return Heard({}, self._opinion("", False)[None], {"second": np.array([[False]])}, 4.0, 0.0)

    def _opinion(self, last: str, later: bool) -> Floats:
        likely = self._likely[later].get(last, {})
        rest = (1 - sum(likely.values())) / (len(WORDS) - len(likely))
        return np.log([likely.get(word, rest) for word in WORDS]).astype(np.float32)


def best(decoder: Table) -> str:
    arcs = ({"i": 1}, {"want": 2}, {"a": 3}, {"latte": 4, "mocha": 4}, {"and": 0, "please": 5}, {"and": 0})
    grammar = WordGrammar(arcs, (False, False, False, False, True, True), joining=frozenset({4, 5}))
    candidates = GrammarSearch(decoder, grammar).search(decoder.heard())  # type: ignore[arg-type]
    return " ".join(WORDS[token] for token in candidates[0].tokens)


FIRST = {"": {"i": 0.95}, "i": {"want": 0.95}, "want": {"a": 0.95}, "a": {"latte": 0.9}, "latte": {"please": 0.9}}


def test_a_copy_of_what_was_said_gains_nothing() -> None:
    """After "and" the decoder says again, ever surer of itself, some of what it said before: a loop, not a second latte."""
    copy = {last: {word: 0.99} for last, word in (("and", "i"), ("i", "want"), ("want", "a"), ("a", "latte"))}
    said = {**FIRST, "please": {"": 0.5, "and": 0.45}}
    assert best(Table(said, {**copy, "latte": {"": 0.6}})) == "i want a latte please"


def test_another_sentence_behind_and_is_heard() -> None:
    second = {"and": {"i": 0.9}, "i": {"want": 0.9}, "want": {"a": 0.9}, "a": {"mocha": 0.9}, "mocha": {"": 0.95}}
    said = {**FIRST, "please": {"and": 0.95}}
    assert best(Table(said, second)) == "i want a latte please and i want a mocha"
