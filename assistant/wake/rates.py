"""How good a word is: misses, false accepts per hour, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.caller import Floats
from assistant.engines.speech_embedding import HOP
from assistant.intervals import poisson, wilson

HOP_HOURS = HOP / 16000 / 3600
REFRACTORY_HOPS = 13
"""Detections less than about a second apart are one."""

FLOOR = -8.0
"""Logits below this are not looked at as false accepts."""

MOST_EVENTS = 2000


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point. misses of positives said; accepts in hours of other sound."""

    threshold: float
    misses: int
    said: int
    accepts: int
    hours: float

    def text(self) -> str:
        """For people, with 95 % intervals."""
        low, high = wilson(self.misses, self.said)
        least, most = poisson(self.accepts, self.hours)
        share = f"{100 * self.misses / max(1, self.said):.1f} % missed ({100 * low:.1f} to {100 * high:.1f} %, n = {self.said})"
        if not self.accepts:
            return f"{share}; no false accept in {self.hours:.2f} h, so at most {most:.2f} per hour"
        rate = f"{self.accepts / self.hours:.2f} per hour ({least:.2f} to {most:.2f})"
        return f"{share}; {self.accepts} false accepts in {self.hours:.2f} h: {rate}"


def events(scores: Floats, floor: float = FLOOR, apart: int = REFRACTORY_HOPS) -> list[float]:
    """Heights of the separate peaks of a score over time, highest first; peaks closer than `apart` steps are one."""
    left = np.array(scores, np.float64)
    found: list[float] = []
    while len(left) and len(found) < MOST_EVENTS:
        place = int(left.argmax())
        if left[place] < floor:
            break
        found.append(float(left[place]))
        left[max(0, place - apart + 1) : place + apart] = -np.inf
    return found


def point_at(rate: float, positives: Sequence[float], negatives: Sequence[float], hours: float) -> Point:
    """The lowest threshold with at most `rate` false accepts per hour. negatives: `events` of `hours` of other sound.

    The number allowed is the whole part of rate * hours: a rate that the hours cannot show is not claimed.
    """
    ranked = sorted(negatives, reverse=True)
    allowed = int(rate * hours)
    threshold = ranked[allowed] if allowed < len(ranked) else FLOOR
    return at_threshold(threshold, positives, negatives, hours)


def at_threshold(threshold: float, positives: Sequence[float], negatives: Sequence[float], hours: float) -> Point:
    """What a threshold does. A score must exceed it."""
    misses = sum(score <= threshold for score in positives)
    return Point(threshold, misses, len(positives), sum(score > threshold for score in negatives), hours)
