"""What detectors of YOLOX's form share: where their cells lie, what boxes the cells mean, and how a frame looks to them.

Ge et al., YOLOX: Exceeding YOLO Series in 2021, arXiv 2107.08430.
"""

from __future__ import annotations

import numpy as np

from assistant.engines import Floats, Pixels
from assistant.engines.boxes import COCO, GRID, Boxes

SIDE = 416
"""Pixels along each side of the network's picture; Nano was trained at this size (YOLOX, exps/default/yolox_nano.py)."""

STRIDES = (8, 16, 32)
"""Pixels between the cells of each of the three scales."""

_SURE = 1e-4
"""Where class probabilities are cut off before their logarithm is a feature."""


def _cells() -> tuple[Floats, Floats]:
    places, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: SIDE // stride, : SIDE // stride]
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((len(places[-1]), 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


PLACES, STRIDE = _cells()
"""Column and row of every cell, float32 (3549, 2), and its stride, (3549, 1), in the networks' order."""


def decoded(raw: Floats, scale: float) -> Boxes:
    """What the network says of every cell -> its box and scores.

    raw: float32 (3549, 5 + classes): centre, logarithm of the size, probability of a thing, those of the classes.
    scale: how many pixels of the network's picture one of the frame makes.
    """
    middle = (raw[:, :2] + PLACES) * STRIDE
    half = np.exp(raw[:, 2:4]) * STRIDE / 2
    corners = np.concatenate([middle - half, middle + half], axis=1) / scale
    return Boxes(corners.astype(np.float32), (raw[:, 4:5] * raw[:, 5:]).astype(np.float32))


def grid_of(found: Boxes, pixels: Pixels) -> Floats:
    """How the frame looks, float32, shape (7, 7, 86): what the network takes each part for, and its colours.

    Per cell of the grid: the logarithm of the best score in it of each of COCO's classes, which are the first of the scores,
    scaled to -1..0; then mean and spread of red, green and blue, 0..1.
    """
    height, width = pixels.shape[:2]
    middle = (found.corners[:, :2] + found.corners[:, 2:]) / 2
    columns = np.clip((middle[:, 0] / width * GRID).astype(np.int64), 0, GRID - 1)
    rows = np.clip((middle[:, 1] / height * GRID).astype(np.int64), 0, GRID - 1)
    cells = rows * GRID + columns
    order = np.argsort(cells, kind="stable")
    there, starts = np.unique(cells[order], return_index=True)
    classes = np.full((GRID * GRID, len(COCO)), _SURE, np.float32)
    classes[there] = np.maximum.reduceat(found.scores[order, : len(COCO)], starts, axis=0)
    taken_for = np.log(np.clip(classes, _SURE, 1)) / -np.log(_SURE)
    return np.concatenate([taken_for.reshape(GRID, GRID, -1), _colours(pixels)], axis=2).astype(np.float32)


def _colours(pixels: Pixels) -> Floats:
    """Mean and spread of red, green and blue in every cell of the grid, 0..1. float32, shape (7, 7, 6)."""
    small = pixels[:: max(1, pixels.shape[0] // (8 * GRID)), :: max(1, pixels.shape[1] // (8 * GRID))].astype(np.float32) / 255
    cells = np.zeros((GRID, GRID, 6), np.float32)
    for row, band in enumerate(np.array_split(small, GRID, axis=0)):
        for column, part in enumerate(np.array_split(band, GRID, axis=1)):
            if part.size:
                cells[row, column] = np.concatenate([part.mean(axis=(0, 1)), part.std(axis=(0, 1))])
    return cells
