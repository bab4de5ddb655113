"""What detectors share: pictures made square for a network, overlapping boxes thinned out, and boxes as things seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.engines import MOST_OBJECTS, Floats, Pixels, SeenObject, Sight

_NAMES = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,"
    "tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,"
    "keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,"
    "hair drier,toothbrush"
)

COCO = tuple(_NAMES.split(","))
"""The 80 classes of COCO in their usual order (https://cocodataset.org, the 2017 detection task)."""

Places = NDArray[np.int64]

GREY = 114
"""What fills the rest of the square, as when YOLOX was trained."""

SAME_CLASS_OVERLAP = 0.5
"""Intersection over union above which two boxes of a class are one thing; the value of COCO's AP50."""

ANY_CLASS_OVERLAP = 0.8
"""The same for boxes of different classes: one thing that the network cannot decide on."""

CROWD = 3
"""Things of one class that are kept before those of other classes, so that a crowd does not hide the television."""

GRID = 7
"""Cells of a Sight's grid along each side."""


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Candidates of one picture. corners: float32, shape (n, 4), x1 y1 x2 y2 in pixels; scores: float32, (n, classes), 0..1."""

    corners: Floats
    scores: Floats


def letterbox(pixels: Pixels, side: int) -> tuple[Floats, float]:
    """A picture in the upper left corner of a grey square, its shape kept.

    Returns float32, shape (side, side, 3), 0..255 in the channel order given, and how many new pixels one old pixel makes.
    """
    height, width = pixels.shape[:2]
    scale = min(side / height, side / width)
    square = np.full((side, side, 3), GREY, np.float32)
    new_height, new_width = max(1, int(height * scale)), max(1, int(width * scale))
    square[:new_height, :new_width] = resized(pixels, new_height, new_width)
    return square, scale


def resized(pixels: Pixels, height: int, width: int) -> Floats:
    """Another size, bilinear; large pictures are averaged down by a whole factor first. float32, shape (height, width, 3)."""
    factor = min(pixels.shape[0] // height, pixels.shape[1] // width)
    if factor > 1:
        rows, columns = pixels.shape[0] // factor * factor, pixels.shape[1] // factor * factor
        blocks = pixels[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor, 3)
        source: Floats = blocks.mean(axis=(1, 3), dtype=np.float32)
    else:
        source = pixels.astype(np.float32)
    top, bottom, down = _between(source.shape[0], height)
    left, right, across = _between(source.shape[1], width)
    rows_mixed = source[top] + (source[bottom] - source[top]) * down[:, None, None]
    mixed: Floats = rows_mixed[:, left] + (rows_mixed[:, right] - rows_mixed[:, left]) * across[None, :, None]
    return mixed


def _between(old: int, new: int) -> tuple[Places, Places, Floats]:
    """For each new position the two old ones around it, and how far it is on the way from the first to the second."""
    place = np.clip((np.arange(new, dtype=np.float32) + 0.5) * (old / new) - 0.5, 0, old - 1)
    first = place.astype(np.int64)
    return first, np.minimum(first + 1, old - 1), (place - first).astype(np.float32)


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box, shape (4,), with others, shape (n, 4). float32, shape (n,)."""
    sides = np.clip(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0, None)
    inside = sides[:, 0] * sides[:, 1]
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    union = areas + (box[2] - box[0]) * (box[3] - box[1]) - inside
    return np.asarray(inside / np.maximum(union, 1e-9), np.float32)


def thinned(found: Boxes, threshold: float, most: int = 300) -> Boxes:
    """The candidates above a threshold, best first, without those that show the same thing again (non-maximum suppression)."""
    best = found.scores.max(axis=1)
    order = np.argsort(-best, kind="stable")
    order = order[best[order] > threshold][:most]
    corners, scores = found.corners[order], found.scores[order]
    kinds = scores.argmax(axis=1)
    alive = np.ones(len(order), bool)
    for place in range(len(order)):
        if alive[place]:
            over = overlap(corners[place], corners[place + 1 :])
            limit = np.where(kinds[place + 1 :] == kinds[place], SAME_CLASS_OVERLAP, ANY_CLASS_OVERLAP)
            alive[place + 1 :] &= over <= limit
    return Boxes(corners[alive], scores[alive])


def sight_of(found: Boxes, shape: tuple[int, ...], grid: Floats | None = None, names: Sequence[str] = COCO) -> Sight:
    """Thinned boxes, best first, as what is seen in a picture of that shape.

    grid: the features of the frame, see Sight. names: what the classes of the scores are.
    """
    kinds = found.scores.argmax(axis=1)
    rank = [int((kinds[:place] == kinds[place]).sum()) for place in range(len(kinds))]
    chosen = sorted(range(len(kinds)), key=lambda place: (rank[place] >= CROWD, place))[:MOST_OBJECTS]
    height, width = shape[:2]
    objects = []
    for place in sorted(chosen):
        x1, y1, x2, y2 = found.corners[place] / (width, height, width, height)
        box = (float(max(x1, 0)), float(max(y1, 0)), float(min(x2, 1)), float(min(y2, 1)))
        if box[0] < box[2] and box[1] < box[3]:
            scores = found.scores[place]
            kind = int(kinds[place])
            objects.append(SeenObject(names[kind], float(scores[kind]), box, coco_scores(scores, names), pooled(grid, box)))
    return Sight(tuple(objects), grid)


def coco_scores(scores: Floats, names: Sequence[str]) -> Floats:
    """Scores of classes of those names as those of COCO's 80; 0 for the others. float32, shape (80,)."""
    if names is COCO:
        return scores
    spread = np.zeros(len(COCO), np.float32)
    for name, score in zip(names, scores, strict=True):
        if name in COCO:
            spread[COCO.index(name)] = score
    return spread


def pooled(grid: Floats | None, box: tuple[float, float, float, float]) -> Floats:
    """The mean of the grid's cells under a box, each by the part of it that is covered. float32, shape (F,)."""
    if grid is None:
        return np.zeros(0, np.float32)
    edges = np.arange(GRID + 1) / GRID
    across = np.clip(np.minimum(box[2], edges[1:]) - np.maximum(box[0], edges[:-1]), 0, None)
    down = np.clip(np.minimum(box[3], edges[1:]) - np.maximum(box[1], edges[:-1]), 0, None)
    weights = np.outer(down, across)
    pooled: Floats = np.tensordot(weights / max(weights.sum(), 1e-9), grid, axes=2).astype(np.float32)
    return pooled
