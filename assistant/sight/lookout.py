"""Two engines as one: a second one adds what the first has no name for, such as lamps, which COCO does not know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assistant.engines import MOST_OBJECTS, Pixels, SeenObject, Sight, VisionEngine
from assistant.engines.boxes import overlap, pooled

SAME = 0.5
"""Overlap from which the second engine's thing is what the first took for something else."""


class TwoLooks:
    """A VisionEngine. first: names most things; second: only those of its labels count that the first does not have."""

    def __init__(self, first: VisionEngine, second: VisionEngine) -> None:
        self._first, self._second = first, second
        self._added = frozenset(second.labels) - frozenset(first.labels)
        self.labels = (*first.labels, *(label for label in second.labels if label in self._added))

    def look(self, pixels: Pixels) -> Sight:
        """See VisionEngine.look."""
        sight = self._first.look(pixels)
        added = [
            replace(thing, feature=pooled(sight.grid, thing.box))
            for thing in self._second.look(pixels).objects
            if thing.label in self._added
        ]
        kept = [thing for thing in sight.objects if not _taken(thing, added)]
        best_first = sorted([*kept, *added], key=lambda thing: -thing.score)
        return Sight(tuple(best_first[:MOST_OBJECTS]), sight.grid)


def _taken(thing: SeenObject, added: list[SeenObject]) -> bool:
    """Whether a surer thing of the second engine is in the same place."""
    if not added:
        return False
    over = overlap(np.asarray(thing.box, np.float32), np.asarray([other.box for other in added], np.float32))
    return any(share > SAME and other.score >= thing.score for share, other in zip(over, added, strict=True))
