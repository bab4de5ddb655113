"""Whisper told what to expect: the sentence of a grammar that fits the sound best, and whether it fits well enough.

Search: Whisper's decoder scores only the tokens of the grammar, in lower case. A share of what it would expect without any sound
is taken off, since its own idea of likely sentences is not that of a home:

    score = sum over tokens of  log p(token | sound) - 0.3 log p(token | silence)

Check: the best sentence, written as Whisper would write it, and the freely decoded text are scored in the same way, with the
whole vocabulary. When the free text is much better, something else was said than was expected, and the free text stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assistant.engines import WordGrammar
from assistant.engines.spelling import readable, spellings, with_colons, words_of
from assistant.engines.token_automaton import State, TokenAutomaton
from assistant.engines.whisper_decoder import Arrays, Decoded, Floats, Heard, WhisperDecoder, token_limit

BEAMS = 4
"""Texts followed at once; 8, 16 and 32 gained nothing on 619 real commands in kitchen noise."""

SILENCE_WEIGHT = 0.3
"""Share of the expectation without sound that is taken off: 0.2, 0.5 and 0.7 were worse at 6 dB (96, 93, 74 against 97 %)."""

SLACK = 3.0
"""Scores may rise again, by what silence takes off: the search ends when the best unfinished text is this much worse."""

LONGEST = 40
"""Tokens of the longest sentence that is searched for; for a short sound fewer, see `token_limit`."""

HOPELESS = 25.0
"""Nats by which the free text may be more likely before silence is asked: it makes up for 11 at most (95 %: 6)."""

MOST_GAP = 8.0
MOST_GAP_PER_TOKEN = 1.5
"""Nats by which the free text may be better than the expected one, in all and for each token of the longer one.

All four constants were chosen with models/whisper/measure_bias.py on the voices and sentences of its dev half."""

SURE_GAP = 2.0
SURE_SHARE = 2.0
"""The less likely the free text is by itself, the more it may be better: of a "bathroom light" Whisper is sure."""

Text = tuple[int, ...]


@dataclass(slots=True)
class Beams:
    """Texts of equal length under one sound. hidden: float32 (B, 384), predicts the next token; state: the decoder's memory."""

    decoder: WhisperDecoder
    sound: Arrays
    hidden: Floats
    state: Arrays

    @staticmethod
    def of(decoder: WhisperDecoder, heard: Heard, count: int = 1) -> Beams:
        """`count` empty texts."""
        state = {name: np.repeat(value, count, axis=1) for name, value in heard.state.items()}
        return Beams(decoder, heard.sound, np.repeat(heard.hidden, count, axis=0), state)

    def grow(self, rows: list[int], tokens: list[int]) -> None:
        """Go on with some of the texts, each one token longer. rows: which text each new one continues."""
        state = {name: value[:, rows] for name, value in self.state.items()}
        self.hidden, self.state = self.decoder.step(tokens, self.sound, state)


class GrammarSearch:
    """One grammar's search over one decoder."""

    def __init__(self, decoder: WhisperDecoder, grammar: WordGrammar) -> None:
        self._decoder = decoder
        self._words = decoder.vocabulary
        self._automaton = TokenAutomaton(grammar, self._words.tokens)
        ids = [*self._automaton.vocabulary, self._words.end]
        self._rows = decoder.rows(ids)
        self._place = {token: place for place, token in enumerate(ids)}
        self._silence = decoder.silence()
        self._ends = [self._words.end, *(self._words.tokens(mark)[0] for mark in ".?!")]

    def improved(self, heard: Heard, free: Decoded) -> Decoded:
        """The expected sentence that was probably said, or the free text."""
        if not free.text:
            return free
        if self._automaton.accepts(words_of(free.text)):
            return replace(free, text=with_colons(free.text))
        found = self.best(heard)
        if not found:
            return free
        sentence = self._words.text(list(found))
        expected = self.spelt(heard, sentence)
        return replace(expected, text=readable(sentence)) if self.gap(free, expected) <= 0 else free

    def gap(self, free: Decoded, expected: Decoded) -> float:
        """How much better the free text is than the expected one, in nats, less what is tolerated: above 0 is too much."""
        tolerated = min(MOST_GAP, MOST_GAP_PER_TOKEN * max(free.count, expected.count), SURE_GAP - SURE_SHARE * free.logprob)
        gap = free.logprob - expected.logprob
        if gap > HOPELESS:
            return gap - tolerated
        likely, unlikely = (self._in_silence(text) for text in (free.text, expected.text))
        return gap - SILENCE_WEIGHT * (likely - unlikely) - tolerated

    def best(self, heard: Heard) -> Text:
        """The tokens of the best sentence; () = the grammar has none."""
        beams, silent = Beams.of(self._decoder, heard), Beams.of(self._decoder, self._silence)
        live: list[tuple[float, Text, State]] = [(0.0, (), TokenAutomaton.START)]
        best: Text = ()
        best_score = -np.inf
        limit = token_limit(heard.seconds, LONGEST)
        while len(live[0][1]) < limit:
            scores = self._scores(beams.hidden) - SILENCE_WEIGHT * self._scores(silent.hidden)
            grown: list[tuple[float, int, int, State]] = []
            for row, (score, tokens, state) in enumerate(live):
                arcs = self._automaton.arcs(state)
                if arcs.final and score + scores[row, -1] > best_score:
                    best_score, best = score + float(scores[row, -1]), tokens
                totals = score + scores[row, [self._place[token] for token in arcs.tokens]]
                grown += [(float(totals[i]), row, arcs.tokens[i], arcs.targets[i]) for i in np.argsort(-totals)[:BEAMS]]
            grown = sorted(grown, key=lambda entry: -entry[0])[:BEAMS]
            if not grown or best_score > grown[0][0] + SLACK:
                break
            rows, tokens_next = [entry[1] for entry in grown], [entry[2] for entry in grown]
            beams.grow(rows, tokens_next)
            silent.grow(rows, tokens_next)
            live = [(score, (*live[row][1], token), state) for score, row, token, state in grown]
        return best

    def _scores(self, hidden: Floats) -> Floats:
        """Log-probabilities among the grammar's tokens and the end: (B, 384) -> (B, tokens). `@` would start threads."""
        return log_softmax(np.einsum("bi,ti->bt", hidden, self._rows))

    def spelt(self, heard: Heard, sentence: str) -> Decoded:
        """The likeliest way to write a sentence, among everything that Whisper could write; count: its tokens and the end."""
        waiting = {tuple(self._words.tokens(f" {form}")): form for form in spellings(sentence)}
        best = Decoded("", -np.inf, 1)
        beams, forbidden = Beams.of(self._decoder, heard), self._words.forbidden_first
        live: list[tuple[float, Text]] = [(0.0, ())]
        while live:
            logs = log_softmax(self._decoder.logits(beams.hidden) + forbidden)
            grown: dict[Text, tuple[float, int]] = {}
            for row, (score, tokens) in enumerate(live):
                ended = score + float(np.logaddexp.reduce(logs[row, self._ends]))
                if tokens in waiting and ended > best.logprob:
                    best = Decoded(waiting[tokens], ended, len(tokens) + 1)
                for text in waiting:
                    if len(text) > len(tokens) and text[: len(tokens)] == tokens:
                        grown[text[: len(tokens) + 1]] = score + float(logs[row, text[len(tokens)]]), row
            live = sorted(((score, tokens) for tokens, (score, _) in grown.items()), reverse=True)[:BEAMS]
            if live:
                beams.grow([grown[tokens][1] for _, tokens in live], [tokens[-1] for _, tokens in live])
            forbidden = self._words.forbidden
        return best

    def _in_silence(self, text: str) -> float:
        """Log-probability of a text when nothing is heard."""
        total, beams, forbidden = 0.0, Beams.of(self._decoder, self._silence), self._words.forbidden_first
        for token in [*self._words.tokens(f" {text}"), self._words.end]:
            total += float(log_softmax(self._decoder.logits(beams.hidden) + forbidden)[0, token])
            if token != self._words.end:
                beams.grow([0], [token])
            forbidden = self._words.forbidden
        return total


def log_softmax(values: Floats) -> Floats:
    """Along the last axis."""
    values = values - values.max(axis=-1, keepdims=True)
    logs: Floats = values - np.log(np.exp(values).sum(axis=-1, keepdims=True))
    return logs
