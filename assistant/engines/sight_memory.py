"""The last few Sights as one array: what the intent model's picture half is fed with, in training and at run time.

Things of older pictures are matched with those of the newest by overlap and class, so that one the detector missed for a moment
is still there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.engines import MOST_OBJECTS, Floats, SeenObject, Sight

FRAMES = 3
"""Pictures that are remembered, the newest included."""

TRACKS = MOST_OBJECTS + 4
"""Things that are considered: those of the newest picture in its order, then some that only older ones show."""

TRACK_SIZE = 80 + 4 + 1
"""Numbers for a thing in a picture: class scores, centre x and y, width, height, and 1 where it was seen."""

LEAST_SCORE = 1e-4
"""Class scores are given as logarithms, cut off here and scaled to 0..1."""

_SAME_PLACE, _SAME_PLACE_OTHER_CLASS, _NEAR = 0.3, 0.6, 0.2
"""Overlap from which two boxes of a class, or of different classes, are one thing; centre distance for boxes of a class."""


def remember(sights: Sequence[Sight]) -> Floats:
    """float32, shape (FRAMES, TRACKS, TRACK_SIZE), newest picture last; all zeros where nothing was seen.

    The first MOST_OBJECTS tracks are the newest sight's objects in their order, so a track's number is a referent's.
    """
    found = np.zeros((FRAMES, TRACKS, TRACK_SIZE), np.float32)
    recent = list(sights)[-FRAMES:]
    if not recent:
        return found
    tracks: list[SeenObject | None] = [None] * TRACKS
    for place, thing in enumerate(recent[-1].objects[:MOST_OBJECTS]):
        tracks[place] = thing
        found[-1, place] = _numbers(thing)
    free = MOST_OBJECTS
    for age, sight in enumerate(reversed(recent[:-1]), start=2):
        taken: set[int] = set()
        for thing in sight.objects[:MOST_OBJECTS]:
            number = _match(thing, tracks, taken)
            if number is None and free < TRACKS:
                number, free = free, free + 1
            if number is not None:
                taken.add(number)
                tracks[number] = tracks[number] or thing
                found[-age, number] = _numbers(thing)
    return found


def _numbers(thing: SeenObject) -> Floats:
    x1, y1, x2, y2 = thing.box
    scores = 1 - np.log(np.clip(thing.scores, LEAST_SCORE, 1)) / np.log(LEAST_SCORE)
    return np.concatenate([scores, ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 1)]).astype(np.float32)


def _match(thing: SeenObject, tracks: Sequence[SeenObject | None], taken: set[int]) -> int | None:
    """The track that shows the same thing, None for a new one."""
    best, best_value = None, 0.0
    for number, other in enumerate(tracks):
        if other is None or number in taken:
            continue
        over = _overlap(thing.box, other.box)
        same = thing.label == other.label
        distance = np.hypot(
            thing.box[0] + thing.box[2] - other.box[0] - other.box[2], thing.box[1] + thing.box[3] - other.box[1] - other.box[3]
        )
        if over > (_SAME_PLACE if same else _SAME_PLACE_OTHER_CLASS) or (same and distance / 2 < _NEAR):
            value = over + (1.0 if same else 0.5)
            if value > best_value:
                best, best_value = number, value
    return best


def _overlap(one: tuple[float, float, float, float], two: tuple[float, float, float, float]) -> float:
    """Intersection over union."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (two[2] - two[0]) * (two[3] - two[1])
    return width * height / max(areas - width * height, 1e-9)
