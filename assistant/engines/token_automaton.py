"""An automaton of words as one of a model's tokens, worked out state by state as a search visits it.

GPT-2's tokeniser, which Whisper uses, cuts a text at spaces before it does anything else: a word with its space always becomes
the same tokens. So a word is replaced by its tokens, and words that begin alike share their first ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assistant.engines import WordGrammar

State = tuple[int, tuple[int, ...]]
"""A state of the word automaton, and the tokens so far of the word that leads away from it."""


@dataclass(frozen=True, slots=True)
class Arcs:
    """What may come next. tokens and targets belong together; final: whether the text may end here."""

    tokens: tuple[int, ...]
    targets: tuple[State, ...]
    final: bool


class TokenAutomaton:
    """The token view of a grammar. tokens: text -> ids, called once for each word."""

    START: State = (0, ())

    def __init__(self, grammar: WordGrammar, tokens: Callable[[str], list[int]]) -> None:
        self.grammar = grammar
        words = {word for arcs in grammar.arcs for word in arcs}
        self._tokens = {word: tuple(tokens(f" {word}")) for word in words}
        self._arcs: dict[State, Arcs] = {}
        self.vocabulary = tuple(sorted({token for ids in self._tokens.values() for token in ids}))
        """Every token that any sentence has."""

    def arcs(self, state: State) -> Arcs:
        """The arcs of a state."""
        if state not in self._arcs:
            self._arcs[state] = self._worked_out(state)
        return self._arcs[state]

    def begins(self, words: list[str]) -> bool:
        """Whether the words are the beginning of a sentence, and not one themselves."""
        state = self.grammar.after(words)
        return state is not None and not self.grammar.final[state]

    def closes(self, words: list[str]) -> bool:
        """Whether the words are a sentence that is not gone on with: see `WordGrammar.closed`; or one single word ("stop")."""
        return self.grammar.accepts(words) and (self.grammar.after(words) in self.grammar.closed or len(words) == 1)

    def _worked_out(self, state: State) -> Arcs:
        """All states inside the words that leave one word state are worked out together; see `Arcs`."""
        place, begun = state
        inside: dict[tuple[int, ...], dict[int, State]] = {(): {}}
        ends = {self._tokens[word]: target for word, target in self.grammar.arcs[place].items()}
        for ids in ends:
            for size in range(len(ids)):
                inside.setdefault(ids[:size], {})[ids[size]] = (place, ids[: size + 1])
        for ids, target in ends.items():
            if ids not in inside:  # no longer word begins with this one
                inside[ids[:-1]][ids[-1]] = (target, ())
        for tokens, found in inside.items():
            final = not tokens and self.grammar.final[place]
            if tokens in ends:
                after = self.arcs((ends[tokens], ()))
                found = {**dict(zip(after.tokens, after.targets, strict=True)), **found}
                final = after.final
            self._arcs[place, tokens] = Arcs(tuple(found), tuple(found.values()), final)
        return self._arcs[place, begun]
