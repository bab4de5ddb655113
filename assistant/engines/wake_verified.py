"""A wake word that witnesses must confirm: a voice is heard, and another network hears the word too.

Our network for a word (engine `own`) is fooled by clatter, hardly ever by speech; microWakeWord's is fooled by speech, hardly
ever by noise. So ours listens all the time, and when it fires, two others hear the last seconds from a buffer and go on listening
for a moment. A voice must have been heard, always. Where a second network knows the word, it must have heard something of it,
unless ours is very sure: it is nearly deaf in noise. If it has heard more than that, ours may even doubt. As what ours makes of a
sound can hang on where its steps begin, it hears the last seconds again in steps that begin half a step later: both hearings must
agree, but when the other network is convinced, one is enough. Idle listening costs no more than our network alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assistant.engines import CAPTURE_RATE, DelayedWake, ScoringWake, VadEngine, Wake
from assistant.engines.speech_embedding import HOP
from assistant.events import Samples

VOICE = 0.5
"""Probability of a voice that one frame must reach: Silero's own threshold for speech."""

VOICE_SAMPLES = CAPTURE_RATE
"""How far back a voice may lie: the voice activity detector begins with the last 1 s, and judges like one that has heard more."""

HEARSAY, TESTIMONY, CONVINCED = 0.01, 0.1, 0.5
"""Scores of the second network: what it must have heard at least, what counts for the word, and what lets the better of the
first's two hearings count instead of the worse. Alone it would want 0.7."""

SURE = 10.0
"""In logits: so far above its threshold the first needs no second."""

GLIMMER = 12.0
"""In logits: so far below its threshold the first opens a case. Its other hearing may be far better."""

WORTH, MOST = 3.0, 6.0
"""In logits: what testimony of TESTIMONY adds to the first's score, and what the surest adds; between, logits of both add up.
Below, what is added falls to nothing at HEARSAY."""

HISTORY, RECENT = 38 * HOP, int(1.5 * CAPTURE_RATE)
"""Samples that are heard again, whole steps of the first network, and the last of them, in which the word may be found unless
they are of the word before. What comes before only settles a network."""

PATIENCE = CAPTURE_RATE // 2
"""Samples that the witnesses may go on listening."""

QUIET = int(1.2 * CAPTURE_RATE)
"""Samples after a word during which it is not reported again: the end of the same word is still in what all hear."""

REQUEST = 4 * CAPTURE_RATE
"""Samples after a word in which a request is probably being said: another word interrupts it only when the second testifies,
however sure the first is ("for nine hours" can sound like "okay nabu")."""


class VerifiedWake:
    """Hears one word, and believes it when witnesses do.

    Args:
        first: listens always.
        vad: says whether somebody spoke.
        second: another network for the same word; None = there is none, a voice is enough.
    """

    _pending: Samples
    _history: Samples
    _position: int
    _reported: int
    _case: _Case | None

    def __init__(self, first: DelayedWake, vad: VadEngine, second: ScoringWake | None = None) -> None:
        self._first, self._vad = first, vad
        self._others = None if second is None else _Others(first, second)
        self.word, self.phrase, self.threshold = first.word, first.phrase, first.threshold
        self._least = self.threshold if second is None else _moved(self.threshold, -GLIMMER)
        self.step: int = HOP
        self.reset()

    def feed(self, samples: Samples) -> list[Wake]:
        """See WakeEngine.feed."""
        return [wake for found in self._steps(samples) for wake in found]

    def scores(self, samples: Samples) -> list[float]:
        """See ScoringWake.scores: what is believed, in steps in which a confirmed word is reported, else 0."""
        return [max((wake.score for wake in found), default=0.0) for found in self._steps(samples)]

    def _steps(self, samples: Samples) -> Iterator[list[Wake]]:
        """What every whole step brings."""
        self._pending = np.concatenate([self._pending, samples])
        while len(self._pending) >= HOP:
            step, self._pending = self._pending[:HOP], self._pending[HOP:]
            yield self._advance(step)

    def _advance(self, step: Samples) -> list[Wake]:
        self._position += len(step)
        self._history = np.concatenate([self._history, step])[-HISTORY:]
        score = max(self._first.scores(step), default=0.0)
        if self._position - self._reported <= QUIET:
            return []
        if self._case is not None:
            self._case.go_on(step, score, self._history, self._position - self._reported)
        elif score > self._least:
            self._case = _Case(self._position, score, self.threshold, self._vad, self._others)
            self._case.look_back(self._history, self._position - self._reported)
        return self._judge()

    def _judge(self) -> list[Wake]:
        """Ends the case when it is proved, or too old."""
        case = self._case
        if case is None:
            return []
        belief = case.belief()
        if belief > self.threshold:
            self._case, self._reported = None, self._position
            return [Wake(score=round(belief, 4), word_end=max(1, case.heard_at - self._first.delay))]
        if self._position >= case.opened + PATIENCE:
            self._case = None
        return []

    def reset(self) -> None:
        """See WakeEngine.reset."""
        self._first.reset()
        self._pending = np.zeros(0, np.int16)
        self._history = np.zeros(0, np.int16)
        self._position = 0
        self._reported = -REQUEST
        self._case = None


class _Others:
    """Those that are asked about the word: another network for it, and the first once more.

    heard, shifted: the best score of each since the last `look_back`, 0 before.
    """

    def __init__(self, first: DelayedWake, second: ScoringWake) -> None:
        self._first, self._second, self._again = first, second, first.afresh()
        self.heard = self.shifted = 0.0

    def look_back(self, history: Samples, recent: int) -> None:
        """Let both hear what was before. recent: samples at the end of the history in which the word may lie."""
        self._second.reset()
        self._again = self._first.afresh()
        self.heard = _heard_lately(self._second, history, recent)
        self.shifted = _heard_lately(self._again, history[HOP // 2 :], recent)

    def go_on(self, step: Samples) -> None:
        """One step more."""
        self.heard = max([self.heard, *self._second.scores(step)])
        self.shifted = max([self.shifted, *self._again.scores(step)])


class _Case:
    """The first network has heard something: what the witnesses say.

    Args:
        opened: position at which it heard it.
        score: its score there.
        threshold: score at which it hears the word.
        vad: hears voices; only when one was heard are the networks asked, as noise alone can open case after case.
        others: the networks; None = a voice is enough.
    """

    def __init__(self, opened: int, score: float, threshold: float, vad: VadEngine, others: _Others | None) -> None:
        self.opened = self.heard_at = self._now = opened
        self._score, self._threshold = score, threshold
        self._vad, self._others = vad, others
        self._voice = 0.0
        self._asked = self._interrupts = False

    def look_back(self, history: Samples, since: int) -> None:
        """Let the witnesses hear what was before. history: int16 (n,), up to the present; since: samples since the last word."""
        self._interrupts = since < REQUEST
        self._vad.reset()
        self._voice = max(self._vad.feed(history[-VOICE_SAMPLES:]), default=0.0)
        self._ask(history, since)

    def go_on(self, step: Samples, score: float, history: Samples, since: int) -> None:
        """One step more: its sound, what the first network makes of it, and both of look_back as they are now."""
        before = self._best()
        self._now += len(step)
        self._score = max(self._score, score)
        self._voice = max([self._voice, *self._vad.feed(step)])
        if not self._asked:
            self._ask(history, since)
        elif self._others is not None:
            self._others.go_on(step)
        if before <= self._threshold and self._best() > before:
            self.heard_at = self._now

    def _ask(self, history: Samples, since: int) -> None:
        """The networks about the past, once a voice was heard."""
        self._asked = self._voice >= VOICE
        if self._asked and self._others is not None:
            self._others.look_back(history, min(RECENT, since - QUIET))

    def _best(self) -> float:
        """The better of the first network's hearings so far."""
        return max(self._score, self._others.shifted) if self._asked and self._others is not None else self._score

    def belief(self) -> float:
        """The first network's score with what the witnesses say: 0..1."""
        if self._voice < VOICE:
            return 0.0
        if self._others is None:
            return self._score
        heard, hearings = self._others.heard, (self._score, self._others.shifted)
        score = max(hearings) if heard >= CONVINCED else min(hearings)
        if heard < (TESTIMONY if self._interrupts else HEARSAY):
            return score if score >= _moved(self._threshold, SURE) and not self._interrupts else 0.0
        return _moved(score, _worth(heard))


def _worth(heard: float) -> float:
    """Logits that what the second network has heard adds to the first's."""
    if heard >= TESTIMONY:
        return min(MOST, WORTH + _logit(heard) - _logit(TESTIMONY))
    return WORTH * (_logit(heard) - _logit(HEARSAY)) / (_logit(TESTIMONY) - _logit(HEARSAY))


def _heard_lately(network: ScoringWake, history: Samples, recent: int) -> float:
    """The best score in the last samples of a history, of which those before only settle the network."""
    network.scores(history[:-recent])
    return max(network.scores(history[-recent:]), default=0.0)


def _moved(score: float, logits: float) -> float:
    """A score so many logits higher."""
    return float(1 / (1 + np.exp(-_logit(score) - logits)))


def _logit(score: float) -> float:
    score = min(max(score, 1e-9), 1 - 1e-9)
    return float(np.log(score / (1 - score)))
