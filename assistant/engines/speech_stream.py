"""What `speech_level.polish` does to a whole sentence, done while it is being computed: level it, cut silence at its ends."""

from __future__ import annotations

import numpy as np

from assistant.engines.speech_level import AUDIBLE, FADE_SECONDS, LEAD_SECONDS, TRAIL_SECONDS, Floats, level
from assistant.events import Samples


class StreamPolisher:
    """One sentence. Silence in front is dropped but for LEAD_SECONDS; silence behind is held back until sound follows it."""

    def __init__(self, rate: int, gain_db: float) -> None:
        self._gain_db = gain_db
        self._lead, self._trail = int(LEAD_SECONDS * rate), int(TRAIL_SECONDS * rate)
        self._fade = int(FADE_SECONDS * rate)
        self._held = np.zeros(0, np.int16)
        self._sounding = False

    def feed(self, sound: Floats) -> Samples:
        """More of the sentence, float32, (n,). Returns what may be played now, int16; often less than was fed."""
        held: Samples = np.concatenate([self._held, level(sound, self._gain_db)])
        loud = np.flatnonzero(np.abs(held) > AUDIBLE)
        if not len(loud):
            self._held = held if self._sounding else held[-self._lead :]
            return held[:0]
        start = 0 if self._sounding else max(0, int(loud[0]) - self._lead)
        end = int(loud[-1]) + 1
        ready: Samples = held[start:end].copy()
        if not self._sounding and start > 0:
            ramp = np.linspace(0, 1, min(self._fade, len(ready)), dtype=np.float32)
            ready[: len(ramp)] = ready[: len(ramp)] * ramp
        self._sounding, self._held = True, held[end:]
        return ready

    def finish(self) -> Samples:
        """The sentence is over: its decay, faded out."""
        rest: Samples = self._held[: self._trail].copy() if self._sounding else self._held[:0]
        ramp = np.linspace(1, 0, min(self._fade, len(rest)), dtype=np.float32)
        rest[len(rest) - len(ramp) :] = rest[len(rest) - len(ramp) :] * ramp
        self._held, self._sounding = rest[:0], False
        return rest
