"""Mean average precision of a detector: Everingham et al. 2010 (PASCAL VOC), all points, overlap 0.5."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from assistant.engines.boxes import overlap

Floats = npt.NDArray[np.float32]
Found = tuple[Floats, Floats]
"""Boxes (n, 4) as corners in pixels, and scores (n, classes)."""

Wanted = tuple[npt.NDArray[np.float64], npt.NDArray[np.int_]]
"""True boxes (m, 4) in the same form, and their classes (m,)."""

ENOUGH = 0.5
LEAST = 0.01


def mean_ap(found: Sequence[Found], wanted: Sequence[Wanted]) -> float:
    """0..1 over the classes that occur in `wanted`."""
    classes = sorted({int(kind) for _, kinds in wanted for kind in kinds})
    return float(np.mean([_ap(kind, found, wanted) for kind in classes])) if classes else 0.0


def _ap(kind: int, found: Sequence[Found], wanted: Sequence[Wanted]) -> float:
    rows: list[tuple[float, bool]] = []
    total = 0
    for (boxes, scores), (true, kinds) in zip(found, wanted, strict=True):
        mine = true[kinds == kind].astype(np.float32)
        total += len(mine)
        free = np.ones(len(mine), bool)
        for place in np.argsort(-scores[:, kind], kind="stable"):
            score = float(scores[place, kind])
            if score < LEAST:
                break
            hit = False
            if len(mine):
                shares = np.where(free, overlap(boxes[place], mine), 0)
                best = int(shares.argmax())
                hit = bool(shares[best] >= ENOUGH)
                free[best] &= not hit
            rows.append((score, hit))
    rows.sort(key=lambda row: -row[0])
    hits = np.cumsum([hit for _, hit in rows]) if rows else np.zeros(0)
    if not len(hits):
        return 0.0
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    recall = hits / total
    return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * precision))
