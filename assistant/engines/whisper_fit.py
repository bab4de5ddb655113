"""Was the expected sentence really said? The decoder's full opinion of it, and a probability made of that.

For every token of the sentence the decoder is asked how likely it is among everything that Whisper could write, its other ways of
writing the same words counted in (capitals, digits, other cuts), and how likely the best other token is. A misheard word costs a
few nats; words that were not said cost more, and more often.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from assistant.engines import WordGrammar
from assistant.engines.spelling import in_words
from assistant.engines.whisper_decoder import Decoded, Floats, WhisperDecoder
from assistant.engines.whisper_search import Candidate

SHORTEST_BEGINNING = 3
"""Letters that a token must have to count as the beginning of a longer word: " a" is no "americano"."""


SURE = np.array([0.141, -0.685, 0.001, 2.397, -2.602, 0.332, 0.033])
SURE_BIAS = 0.358
"""Logistic regression on `Fit.features`: models/whisper/fit_confidence.py. Fitted before a token in another case counted as
the same (`Fitting._same`); fitted again it takes two more of 93 orders at 6 dB and one more of 152 other sentences."""

ASIDE = np.array([0.242, -0.734, 0.013, 2.773, -2.575, 0.122, 0.307, -0.324, 0.667, -1.408])
ASIDE_BIAS = -1.693
"""The same on `Fit.features_beside`."""

FIRST = 2.0
"""Most nats that the first token's regret counts: where a sentence begins, words that sound alike ("brew", "do", "pro") and
beginnings of other sentences are likelier however well the rest fits; what tells another request apart comes later."""

ENOUGH = 12
"""Tokens from which more make a sentence no surer: without a limit six commands joined by "and" were believed however badly each
of them fitted."""

LONG = 7
"""Tokens, the end included, from which a sentence counts although Whisper thinks that nobody spoke, as it does where many talk.
In a recorded kitchen without speech only shorter ones fitted ("no", "turn it up")."""

CERTAIN = 0.9
"""Probability below which the free text is asked for too; it takes as long as the search."""

ACCEPTED = 0.35
"""Probability from which the expected sentence is taken. On the sets of fit_confidence.py, cross-validated, it keeps 99 % of what
was said, and takes 4 of 88 near misses ("the heat lamp" for the heating)."""

GOES_ON = 1.0
"""Nats by which another token must be likelier than the end for more to have been said than the sentence. Chosen on dev voices
of measure_bias.py: right commands in quiet stay at 0, most of what only begins like one ("turn off the fan if nobody is there")
is at 3 to 6."""

MORE_WORDS = 3
"""Words of the free text in front of the sentence that make it a part of something else: "she asked me what time is it"."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A sentence against everything else that Whisper could write.

    regrets: float64 (tokens + 1,), nats by which the best other token is more likely, 0 = none is, the end last; costs: minus the
    log-probability of each.
    """

    regrets: Floats
    costs: Floats

    def features(self) -> Floats:
        """What is known without the free text: float64 (7,)."""
        worst = np.sort(self.regrets)[::-1]
        return np.array(
            [
                self.regrets.mean(),
                worst[0],
                worst[1] if len(worst) > 1 else 0.0,
                np.sqrt(min(len(worst), ENOUGH)),
                self.costs.mean(),
                float((self.regrets > 2.0).mean()),
                self.regrets.sum(),
            ]
        )

    def features_beside(self, free: Decoded) -> Floats:
        """The same and how the free text compares: float64 (10,). A misheard text is unlikely itself, other words are not."""
        gap = float(self.costs.sum()) + free.logprob
        return np.array([*self.features(), gap, gap / len(self.costs), free.logprob / max(1, free.count)])

    @property
    def over(self) -> float:
        """The probability that the text ends here."""
        return math.exp(-float(self.costs[-1]))

    def goes_on(self) -> bool:
        """Whether more was said than this sentence."""
        return bool(self.regrets[-1] > GOES_ON)

    def begins_late(self) -> bool:
        """Whether something else may have been said before this sentence."""
        return bool(self.regrets[0] >= FIRST)

    def confidence(self) -> float:
        """The probability that this sentence was said."""
        return _chance(float(self.features() @ SURE) + SURE_BIAS)

    def confidence_beside(self, free: Decoded) -> float:
        """The same, the free text being known."""
        return _chance(float(self.features_beside(free) @ ASIDE) + ASIDE_BIAS)


def ends_in(free: list[str], sentence: list[str]) -> bool:
    """Whether the words of a free text are MORE_WORDS or more others and then the sentence."""
    return len(free) >= len(sentence) + MORE_WORDS and free[-len(sentence) :] == sentence


def _chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


class Fitting:
    """Measures sentences of one grammar with one decoder."""

    def __init__(self, decoder: WhisperDecoder, grammar: WordGrammar) -> None:
        self._decoder, self._words = decoder, decoder.vocabulary
        words = {word for arcs in grammar.arcs for word in arcs}
        keys = {word[:size] for word in words for size in range(1, len(word) + 1)}
        keys |= {word[start:] for word in words for start in range(1, len(word))}
        self._pieces = [self._words.piece(token) for token in range(self._words.end)]
        self._spelt: dict[tuple[bool, str], list[int]] = {}
        self._spoken = np.zeros(self._words.SIZE, np.float32)  # added to scores: -inf for what is no part of a word
        self._buffer = np.empty(self._words.SIZE, np.float32)
        for token, piece in enumerate(self._pieces):
            key = _key(piece)
            if not key:
                self._spoken[token] = -np.inf
            elif key in keys:
                self._spelt.setdefault((piece[:1] in (" ", "%"), key), []).append(token)
        self._ends = [self._words.end, *(self._words.tokens(mark)[0] for mark in ".?!")]

    def fit(self, candidate: Candidate) -> Fit:
        """How well a sentence of the search fits."""
        scores = self._decoder.logits(candidate.hidden)  # (tokens + 1, vocabulary)
        text, place = self._words.text(list(candidate.tokens)), 0
        costs: list[float] = []
        regrets: list[float] = []
        for row, token in enumerate((*candidate.tokens, self._words.end)):
            same = self._ends if token == self._words.end else self._same(text[place:], token)
            place += len(self._pieces[token].lstrip() if row == 0 else self._pieces[token]) if token != self._words.end else 0
            cost, other = self._costs(scores[row], same)
            regret = max(0.0, cost - other)
            excess = max(0.0, regret - FIRST) if row == 0 else 0.0
            costs.append(cost - excess)
            regrets.append(regret - excess)
        return Fit(np.array(regrets), np.array(costs))

    def _costs(self, scores: Floats, same: list[int]) -> tuple[float, float]:
        """Minus the log-probability of some tokens together, and of the likeliest other. scores: (vocabulary,), spoilt.

        One row at a time, in place: a table of all rows does not stay in the processor's cache.
        """
        scores += self._words.forbidden
        scores -= scores.max()
        scores -= np.log(np.exp(scores, out=self._buffer).sum())
        cost = -float(np.logaddexp.reduce(scores[same]))
        scores[same] = -np.inf
        scores += self._spoken
        return cost, -float(scores.max())

    def _same(self, rest: str, token: int) -> list[int]:
        """The tokens that may begin the rest of a sentence as well as its own does."""
        spaced = self._pieces[token].startswith(" ")
        word = rest.lstrip().split(" ")[0]
        own = len(_key(self._pieces[token]))  # " i" of "i'd" is also " I"
        sizes = [size for size in range(1, len(word) + 1) if size in (own, len(word)) or size >= SHORTEST_BEGINNING]
        found = [entry for size in sizes for entry in self._spelt.get((spaced, word[:size]), ())]
        if spaced:  # "16-ounce"
            found += self._spelt.get((False, word), ())
        return found if token in found else [*found, token]


def _key(piece: str) -> str:
    """A token as a grammar has it: lower case, a number as its first word; "" = punctuation."""
    bare = piece.strip().lower()
    if bare == "%":
        return "percent"
    if bare.isascii() and bare.isdigit() and len(bare) < 5:
        return in_words(int(bare)).split(" ")[0]
    return bare if re.search(r"[^\W_]", bare) else ""
