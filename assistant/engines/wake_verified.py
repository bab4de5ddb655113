"""A wake word that witnesses must confirm: a voice is heard, and another network hears the word too.

Our network for a word (engine `own`) is fooled by clatter, hardly ever by speech; microWakeWord's is fooled by speech, hardly
ever by noise. So ours listens all the time, and when it fires, two others hear the last seconds from a buffer and go on listening
for a moment. A voice must have been heard, always. Where a second network knows the word, it must have heard something of it,
unless ours is very sure: it is nearly deaf in noise. If it has heard more than that, ours may even doubt. Idle listening costs no
more than our network alone.
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

HEARSAY, TESTIMONY = 0.01, 0.1
"""Scores of the second network: what it must have heard at least, and what counts for the word. Alone it would want 0.7."""

SURE = 10.0
"""In logits: so far above its threshold the first needs no second."""

WORTH, MOST = 3.0, 6.0
"""In logits: what testimony of TESTIMONY adds to the first's score, and what the surest adds; between, logits of both add up."""

HISTORY, RECENT = 3 * CAPTURE_RATE, int(1.5 * CAPTURE_RATE)
"""Samples that the second network hears from before the first fired, and the last of them, in which it may find the word, if they
are not of the word before. What comes before only settles it."""

PATIENCE = CAPTURE_RATE // 2
"""Samples that the witnesses may go on listening."""

QUIET = int(1.2 * CAPTURE_RATE)
"""Samples after a word during which it is not reported again: the end of the same word is still in what all hear."""

REQUEST = 4 * CAPTURE_RATE
"""Samples after a word in which a request is probably being said: hearsay of another word does not interrupt it."""


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
        self._first, self._vad, self._second = first, vad, second
        self.word, self.phrase, self.threshold = first.word, first.phrase, first.threshold
        self._least = self.threshold if second is None else _moved(self.threshold, -MOST)
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
            self._case.go_on(step, score, self._position)
        elif score > self._least:
            self._case = _Case(self._position, score, self.threshold, self._vad, self._second)
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


class _Case:
    """The first network has fired: what the witnesses say.

    Args:
        opened: position at which it fired.
        score: its score there.
        threshold: score at which it hears the word.
    """

    def __init__(self, opened: int, score: float, threshold: float, vad: VadEngine, second: ScoringWake | None) -> None:
        self.opened, self.heard_at = opened, opened
        self._score, self._threshold = score, threshold
        self._vad, self._second = vad, second
        self._voice = self._heard = self._needed = 0.0

    def look_back(self, history: Samples, since: int) -> None:
        """Let the witnesses hear what was before. history: int16 (n,), up to the present; since: samples since the last word."""
        self._needed = TESTIMONY if since < REQUEST else HEARSAY
        self._vad.reset()
        self._voice = max(self._vad.feed(history[-VOICE_SAMPLES:]), default=0.0)
        if self._second is not None:
            recent = min(RECENT, since - QUIET)
            self._second.reset()
            self._second.scores(history[:-recent])
            self._heard = max(self._second.scores(history[-recent:]), default=0.0)

    def go_on(self, step: Samples, score: float, position: int) -> None:
        """More sound, up to a position, and what the first network makes of it."""
        if self._score <= self._threshold < score:
            self.heard_at = position
        self._score = max(self._score, score)
        self._voice = max([self._voice, *self._vad.feed(step)])
        if self._second is not None:
            self._heard = max([self._heard, *self._second.scores(step)])

    def belief(self) -> float:
        """The first network's score with what the witnesses say: 0..1."""
        if self._voice < VOICE:
            return 0.0
        if self._second is None:
            return self._score
        if self._heard >= TESTIMONY:
            return _moved(self._score, min(MOST, WORTH + _logit(self._heard) - _logit(TESTIMONY)))
        return self._score if self._heard >= self._needed or self._score >= _moved(self._threshold, SURE) else 0.0


def _moved(score: float, logits: float) -> float:
    """A score so many logits higher."""
    return float(1 / (1 + np.exp(-_logit(score) - logits)))


def _logit(score: float) -> float:
    score = min(max(score, 1e-9), 1 - 1e-9)
    return float(np.log(score / (1 - score)))
