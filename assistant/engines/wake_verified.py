"""Two detectors of the same word in a row: a quick one that would rather hear too much, and a second that looks again.

The first listens all the time at a low threshold. When it fires, the second hears the last seconds from a buffer and goes on
listening for a moment; only what both have heard counts. So false accepts must fool two networks that were trained on different
sound, and idle listening costs no more than the first alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from assistant.engines import CAPTURE_RATE, ScoringWake, Wake
from assistant.events import Samples

STEP = 480
"""Samples per decision: 30 ms, a step of microWakeWord."""

HISTORY = int(3.0 * CAPTURE_RATE)
RECENT = int(0.6 * CAPTURE_RATE)
"""Samples that the second detector hears from before the first one fired, and the last of them, in which it may find the word.
What comes before only settles it: it begins in the middle of other sound, which is no fair question."""

PATIENCE = CAPTURE_RATE
"""Samples that the second may go on listening: as long as the first, having fired, says nothing more."""


QUIET = int(1.2 * CAPTURE_RATE)
"""Samples after a word during which it is not reported again: the end of the same word is still in what both hear."""


class VerifiedWake:
    """Hears what both hear.

    Args:
        first: listens always; its own threshold decides what the second is asked about.
        second: looks again; its own threshold decides.
    """

    _pending: Samples
    _history: Samples
    _position: int
    _origin: int
    _until: int
    _quiet_until: int

    def __init__(self, first: ScoringWake, second: ScoringWake) -> None:
        self._first, self._second = first, second
        self.word, self.phrase = first.word, first.phrase
        self.step: int = STEP
        self.threshold: float = first.threshold
        self.reset()

    def feed(self, samples: Samples) -> list[Wake]:
        """See WakeEngine.feed."""
        return [wake for found in self._steps(samples) for wake in found]

    def scores(self, samples: Samples) -> list[float]:
        """See ScoringWake.scores: the second detector's score in steps in which a verified word is reported, else 0."""
        return [max((wake.score for wake in found), default=0.0) for found in self._steps(samples)]

    def _steps(self, samples: Samples) -> Iterator[list[Wake]]:
        """What every whole step brings."""
        self._pending = np.concatenate([self._pending, samples])
        while len(self._pending) >= STEP:
            step, self._pending = self._pending[:STEP], self._pending[STEP:]
            yield self._advance(step)

    def _advance(self, step: Samples) -> list[Wake]:
        self._position += len(step)
        self._history = np.concatenate([self._history, step])[-HISTORY:]
        fired = bool(self._first.feed(step))
        if self._position < self._quiet_until:
            return []
        if fired:
            self._origin, self._until = self._position - len(self._history), self._position + PATIENCE
            self._second.reset()
            self._second.scores(self._history[:-RECENT])
            return self._verified(self._history[-RECENT:])
        return self._verified(step) if self._position <= self._until else []

    def _verified(self, sound: Samples) -> list[Wake]:
        """Whether the second hears the word in more sound."""
        heard = self._second.feed(sound)
        if not heard:
            return []
        self._until, self._quiet_until = 0, self._position + QUIET
        return [Wake(score=heard[0].score, word_end=self._origin + heard[0].word_end)]

    def reset(self) -> None:
        """See WakeEngine.reset."""
        self._first.reset()
        self._second.reset()
        self._pending = np.zeros(0, np.int16)
        self._history = np.zeros(0, np.int16)
        self._position = 0
        self._origin = 0
        self._until = 0
        self._quiet_until = 0
