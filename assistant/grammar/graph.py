"""Acyclic automata that stay small: equal states exist once, so every shared ending of two sentences is stored once.

A state is a number. It is made from its arcs (label -> state) and whether a sentence may end there; making the same state twice
gives the same number, as in Daciuk et al. 2000, "Incremental construction of minimal acyclic finite-state automata".
Graphs are therefore built from the end of a sentence to its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping

SPACE = " "
"""The label between words, while labels are still pieces of words."""


class Graph:
    """A pool of states. Deterministic: a state has one arc for a label."""

    def __init__(self) -> None:
        self._arcs: list[dict[str, int]] = []
        self._final: list[bool] = []
        self._known: dict[tuple[bool, frozenset[tuple[str, int]]], int] = {}
        self._unions: dict[tuple[int, int], int] = {}
        self.nothing = self.state(False, {})
        """The state from which no sentence can be completed."""
        self.end = self.state(True, {})
        """The state in which a sentence is complete and has no continuation."""

    def state(self, final: bool, arcs: dict[str, int]) -> int:
        """The state with these arcs; arcs to `nothing` are left out."""
        arcs = {label: target for label, target in arcs.items() if target}
        key = final, frozenset(arcs.items())
        if key not in self._known:
            self._known[key] = len(self._arcs)
            self._arcs.append(arcs)
            self._final.append(final)
        return self._known[key]

    def arcs(self, state: int) -> Mapping[str, int]:
        """Label -> next state."""
        return self._arcs[state]

    def is_final(self, state: int) -> bool:
        """Whether a sentence may end here."""
        return self._final[state]

    def before(self, label: str, state: int) -> int:
        """The state with one arc, to `state`."""
        return self.state(False, {label: state}) if state else state

    def text(self, text: str, state: int) -> int:
        """The state from which the pieces of a text lead to `state`."""
        words = text.split(SPACE)
        for place in range(len(words) - 1, -1, -1):
            state = self.before(words[place], state) if words[place] else state
            state = self.before(SPACE, state) if place else state
        return state

    def union(self, one: int, other: int) -> int:
        """The state that accepts what either does."""
        if one == other or not other:
            return one
        if not one:
            return other
        key = (one, other) if one < other else (other, one)
        if key not in self._unions:
            arcs = dict(self._arcs[one])
            for label, target in self._arcs[other].items():
                arcs[label] = self.union(arcs.get(label, 0), target)
            self._unions[key] = self.state(self._final[one] or self._final[other], arcs)
        return self._unions[key]

    def any_of(self, states: list[int]) -> int:
        """The union of several states, pairwise, so that no state is merged more than a few times."""
        while len(states) > 1:
            pairs = zip(states[::2], [*states[1::2], 0], strict=False)
            states = [self.union(one, other) for one, other in pairs]
        return states[0] if states else self.nothing
