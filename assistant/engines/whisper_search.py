"""Whisper told what to expect: the sentences of a grammar that fit the sound best.

Whisper's decoder scores only the tokens of the grammar, in lower case. A share of what it would expect without any sound is taken
off, since its own idea of likely sentences (its internal language model) is not that of a home:

    score = sum over tokens of  log p(token | sound) - 0.3 log p(token | silence)

Whether the best sentence was really said is decided by `assistant.engines.whisper_fit`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from assistant.engines import WordGrammar
from assistant.engines.token_automaton import State, TokenAutomaton
from assistant.engines.whisper_decoder import Floats, Heard, WhisperDecoder, log_softmax, token_limit

BEAMS = 4
"""Texts followed at once; 8, 16 and 32 gained nothing on 619 real commands in kitchen noise."""

DROP = 6.0
"""Nats behind the best text at which another is given up: in clear speech one or two are left, which halves the work. With 8 no
more recorded orders are right, clean and in noise (`assistant bench commands`)."""

SILENCE_WEIGHT = 0.3
"""Share of the expectation without sound that is taken off: 0.2, 0.5 and 0.7 were worse at 6 dB (96, 93, 74 against 97 %)."""

SILENT_HISTORY = 4
"""Tokens that the expectation without sound depends on: so few that most are known from earlier sentences (a search in half
the time), at 1 point of acceptance at 6 dB on 100 recordings."""

REMEMBERED = 1024
"""Expectations without sound that are kept, those used last, one float32 for each token of the grammar: 2.5 MB in a home of 600
tokens. 60 different orders need 443."""

SLACK = 3.0
"""Scores may rise again, by what silence takes off: the search ends when the best unfinished text is this much worse."""

LONGEST = 40
"""Tokens of the longest sentence that is searched for; for a short sound fewer, see `token_limit`."""

JOINED = 3.0
"""Nats that "and" with another sentence costs: in noise the decoder likes to begin again ("... and give me an 8 ounce ...")."""

COPIED = 2
"""Tokens in a row that stood in the text before make the one that followed them there expected, see `GrammarSearch`. On the 200
recorded orders 143 instead of 139 are the best sentence in babble at 6 dB; with 3 tokens 142."""

KEPT = 5
"""Whole sentences that are returned; and one that has only begun."""

Text = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, or its beginning. tokens: without the end; hidden: float32 (len(tokens) + 1, 384), the decoder's output before
    each token and before the end; whole: whether the grammar lets a sentence end here."""

    score: float
    tokens: Text
    hidden: Floats
    whole: bool


@dataclass(frozen=True, slots=True)
class _Beam:
    """A text that is followed. trail: the decoder's outputs so far, float32 (384,) each."""

    score: float
    tokens: Text
    state: State
    trail: tuple[Floats, ...]


_Way = tuple[float, int, int, State]
"""A text made longer: its score, which text it continues, with which token, and the state after it."""


class GrammarSearch:
    """One grammar's search over one decoder."""

    def __init__(self, decoder: WhisperDecoder, grammar: WordGrammar) -> None:
        self._decoder = decoder
        self.automaton = TokenAutomaton(grammar, decoder.vocabulary.tokens)
        ids = [*self.automaton.vocabulary, decoder.vocabulary.end]
        self._rows = decoder.rows(ids)
        self._place = {token: place for place, token in enumerate(ids)}
        self._and = decoder.vocabulary.tokens(" and")[0]
        self._silence = decoder.silence()
        self._expected: OrderedDict[Text, Floats] = OrderedDict()

    def search(self, heard: Heard) -> list[Candidate]:
        """The best sentences and beginnings of sentences, best first; [] = the grammar has none."""
        live = [_Beam(0.0, (), TokenAutomaton.START, ())]
        hidden, state = heard.hidden, heard.state
        found: list[Candidate] = []
        best = -np.inf
        limit = token_limit(heard.seconds, LONGEST)
        while len(live[0].tokens) < limit:
            scores = self._scores(hidden) - SILENCE_WEIGHT * np.stack([self._expectation(beam.tokens) for beam in live])
            ways: list[_Way] = []
            for row, beam in enumerate(live):
                ended = self._ended(beam, scores[row], hidden[row])
                found += ended
                best = max([best, *(candidate.score for candidate in ended if candidate.whole)])
                ways += self._ways(row, beam, scores[row])
            grown = _best(ways, live, self._and)
            if not grown or best > grown[0][0] + SLACK:
                break
            rows, tokens = [entry[1] for entry in grown], [entry[2] for entry in grown]
            live = [
                _Beam(score, (*live[row].tokens, token), target, (*live[row].trail, hidden[row]))
                for score, row, token, target in grown
            ]
            hidden, state = self._decoder.step(tokens, heard.sound, {name: value[:, rows] for name, value in state.items()})
        found.sort(key=lambda candidate: -candidate.score)
        whole = [candidate for candidate in found if candidate.whole][:KEPT]
        begun = [candidate for candidate in found if not candidate.whole][:1]
        return sorted(whole + begun, key=lambda candidate: -candidate.score)

    def _ended(self, beam: _Beam, scores: Floats, hidden: Floats) -> list[Candidate]:
        """The text as it is, when a word ends here."""
        final = self.automaton.arcs(beam.state).final
        if not beam.tokens or not (final or not beam.state[1]):
            return []
        return [Candidate(beam.score + float(scores[-1]), beam.tokens, np.stack([*beam.trail, hidden]), final)]

    def _ways(self, row: int, beam: _Beam, scores: Floats) -> list[_Way]:
        """The best ways to go on with a text, `row` of those that are followed."""
        arcs = self.automaton.arcs(beam.state)
        totals = beam.score + scores[[self._place[token] for token in arcs.tokens]]
        if beam.state[0] in self.automaton.grammar.joining and self._and in arcs.tokens:
            totals[arcs.tokens.index(self._and)] -= JOINED
        return [(float(totals[i]), row, arcs.tokens[i], arcs.targets[i]) for i in np.argsort(-totals)[:BEAMS]]

    def _scores(self, hidden: Floats) -> Floats:
        """Log-probabilities among the grammar's tokens and the end: (B, 384) -> (B, tokens). `@` would start threads."""
        return log_softmax(np.einsum("bi,ti->bt", hidden, self._rows))

    def _expectation(self, tokens: Text) -> Floats:
        """Log-probabilities of what is expected after a text anyway, not to be changed: float32 (tokens,).

        Behind "and" also that it goes on as the text did before: in noise the decoder copies its own text, needs no sound for
        that, and a copy must not gain by being unexpected.
        """
        expected = self._without_sound(tokens)
        if self._and not in tokens:
            return expected
        places = range(len(tokens) - COPIED)
        copies = [tokens[place + COPIED] for place in places if tokens[place : place + COPIED] == tokens[-COPIED:]]
        if copies:
            expected = expected.copy()
            expected[[self._place[token] for token in copies]] = 0.0
        return expected

    def _without_sound(self, tokens: Text) -> Floats:
        """What is expected after a text when nothing is heard: float32 (tokens,). Depends on nothing else, so it is kept."""
        recent = tokens[-SILENT_HISTORY:]
        if recent not in self._expected:
            hidden = self._decoder.follow(recent, self._silence) if recent else self._silence.hidden
            self._expected[recent] = self._scores(hidden)[0]
            if len(self._expected) > REMEMBERED:
                self._expected.popitem(last=False)
        self._expected.move_to_end(recent)
        return self._expected[recent]


def _best(ways: list[_Way], live: list[_Beam], joint: int) -> list[_Way]:
    """Those that are followed next. joint: the token of "and"."""
    ways = sorted(ways, key=lambda way: -way[0])
    ways = [way for way in ways if way[0] > ways[0][0] - DROP and not _repeats((*live[way[1]].tokens, way[2]), joint)]
    return ways[:BEAMS]


def _repeats(tokens: Text, joint: int) -> bool:
    """Whether a text ends in the same two or more tokens twice, with or without "and" between: the decoder is in a loop."""
    return any(
        tokens[-size:] == tokens[-2 * size : -size]
        or (tokens[-size - 1] == joint and tokens[-size:] == tokens[-2 * size - 1 : -size - 1])
        for size in range(2, len(tokens) // 2 + 1)
    )
