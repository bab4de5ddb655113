"""Tells the voice that speaks to the assistant from weaker ones behind it: a television, others in the room.

Whoever speaks to a device is near it, so what stays well below the loudest of an utterance is somebody else, or the weak end of a
word. Sans-IO; the ear decides what follows from it (`assistant.ear`).
"""

from __future__ import annotations

import heapq
from collections import deque

import numpy as np

from assistant.events import Samples

SMOOTHED = 3
"""Frames whose mean power is compared: 96 ms, about a syllable."""

LOUD = 8
"""The speaker's level is what so many frames of the utterance (256 ms) reach: a door that slams into it does not."""


class Foreground:
    """The level of one utterance's speaker so far. margin_db: how much weaker a voice still belongs to it."""

    def __init__(self, margin_db: float) -> None:
        self._share = 10 ** (-margin_db / 10)
        self.reset()

    def reset(self) -> None:
        """A new utterance."""
        self._recent: deque[float] = deque(maxlen=SMOOTHED)
        self._loudest: list[float] = []  # a heap, its smallest first

    def hear(self, frame: Samples, voiced: bool) -> bool:
        """One more frame, int16 (n,): whether the speaker is heard in it, and not only a weaker voice."""
        sound = frame.astype(np.float32)
        self._recent.append(float(np.mean(sound * sound)))
        if not voiced:
            return False
        power = sum(self._recent) / len(self._recent)
        keep = heapq.heappush if len(self._loudest) < LOUD else heapq.heappushpop
        keep(self._loudest, power)
        return power >= self._loudest[0] * self._share
