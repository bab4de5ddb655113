"""YOLOX-Nano: finds the 80 things of COCO in a picture. 0.9 million weights, Apache-2.0, from Megvii.

Yolox(registry.path("yolox-nano")).look(pixels).objects[0].label      # "tv"
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.engines import Floats, Pixels, Sight
from assistant.engines.boxes import COCO, GRID, Boxes, letterbox, sight_of, thinned
from assistant.engines.session import OnnxSession

SIDE = 416
"""Pixels along each side of the network's picture; Nano was trained at this size (YOLOX, exps/default/yolox_nano.py)."""

STRIDES = (8, 16, 32)
"""Pixels between the cells of each of the three scales."""

LEAST = 0.1
"""Score from which a box is something seen; measured in docs/eyes.md."""

SURE = 1e-4
"""Where class probabilities are cut off before their logarithm is a feature."""


class Yolox:
    """A VisionEngine. folder: holds yolox_nano.onnx; least: the score from which something is seen. Raises ModelError."""

    labels = COCO

    def __init__(self, folder: Path, least: float = LEAST) -> None:
        self._session = OnnxSession(folder / "yolox_nano.onnx")
        self._least = least
        self._centres, self._strides = _cells()

    def look(self, pixels: Pixels) -> Sight:
        """See VisionEngine.look."""
        found = self.candidates(pixels)
        grid = _grid(found, pixels)
        return sight_of(thinned(found, self._least), pixels.shape, grid)

    def candidates(self, pixels: Pixels) -> Boxes:
        """Every cell's box, not thinned: shape (3549, 4) and (3549, 80)."""
        square, scale = letterbox(pixels, SIDE)
        blue_first = np.ascontiguousarray(square[:, :, ::-1].transpose(2, 0, 1))[None]  # (H, W, RGB) -> (1, BGR, H, W)
        raw = self._session.run({self._session.inputs[0]: blue_first})[self._session.outputs[0]][0]  # (3549, 85)
        # YOLOX's decoding: centre = (offset + cell) x stride, size = exp(raw) x stride, score = objectness x class.
        middle = (raw[:, :2] + self._centres) * self._strides
        half = np.exp(raw[:, 2:4]) * self._strides / 2
        corners = np.concatenate([middle - half, middle + half], axis=1) / scale
        return Boxes(corners.astype(np.float32), (raw[:, 4:5] * raw[:, 5:]).astype(np.float32))


def _cells() -> tuple[Floats, Floats]:
    """Column and row of every cell, shape (3549, 2), and its stride, shape (3549, 1), in the network's order."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: SIDE // stride, : SIDE // stride]
        centres.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((len(centres[-1]), 1), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _grid(found: Boxes, pixels: Pixels) -> Floats:
    """How the frame looks, float32, shape (7, 7, 86): what the network takes each part for, and its colours.

    Per cell: the logarithm of every class's best score in it, scaled to -1..0, then mean and spread of red, green and blue, 0..1.
    """
    height, width = pixels.shape[:2]
    middle = (found.corners[:, :2] + found.corners[:, 2:]) / 2
    columns = np.clip((middle[:, 0] / width * GRID).astype(np.int64), 0, GRID - 1)
    rows = np.clip((middle[:, 1] / height * GRID).astype(np.int64), 0, GRID - 1)
    cells = rows * GRID + columns
    order = np.argsort(cells, kind="stable")
    there, starts = np.unique(cells[order], return_index=True)
    classes = np.full((GRID * GRID, found.scores.shape[1]), SURE, np.float32)
    classes[there] = np.maximum.reduceat(found.scores[order], starts, axis=0)
    taken_for = np.log(np.clip(classes, SURE, 1)) / -np.log(SURE)
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
