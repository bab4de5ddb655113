"""How a part of a picture looks, as numbers from which no picture can be made again: for knowing a thing that has been named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assistant.engines import Floats, Pixels

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 with 0..1 over the picture."""

SIDE = 48
"""Pixels along each side of the square that a part is brought to."""

COLOURS = 4
"""Steps of red, green and blue in the histogram of colours: 4 x 4 x 4."""

CELLS = 4
"""Cells along each side in which edges are counted."""

DIRECTIONS = 8
"""Directions of edges, over half a turn, as in Dalal and Triggs, Histograms of Oriented Gradients, CVPR 2005."""

PATCHES = 6
"""Patches along each side whose mean colours are the layout."""

LENGTH = COLOURS**3 + CELLS * CELLS * DIRECTIONS + 3 * PATCHES**2
"""Numbers of a description."""


def describe(pixels: Pixels, box: Box) -> Floats:
    """The looks of a part of a picture: colours, edges and layout, a third each. float32, shape (300,), length 1."""
    part = _square(pixels, box)
    steps = np.minimum((part * COLOURS).astype(np.int64), COLOURS - 1)
    codes = (steps[..., 0] * COLOURS + steps[..., 1]) * COLOURS + steps[..., 2]
    colours = np.sqrt(np.bincount(codes.ravel(), minlength=COLOURS**3).astype(np.float32))
    edges = _edges(part.mean(axis=2))
    looks = np.concatenate([_unit(colours), _unit(edges - edges.mean()), _unit(_layout(part))])
    return np.asarray(looks / np.sqrt(3), np.float32)


def likeness(one: Floats, other: Floats) -> float:
    """How alike two descriptions are, 0..1 (the cosine)."""
    return float(np.clip(one @ other, 0, 1))


def windows(boxes: Sequence[Box]) -> list[Box]:
    """Where a named thing may be: the boxes of what was found, and parts of the frame where nothing was found."""
    parts = [(x / 4, y / 4, x / 4 + 0.5, y / 4 + 0.5) for y in range(3) for x in range(3)]
    return [*boxes, *parts]


CENTRE: Box = (0.25, 0.25, 0.75, 0.75)
"""What is meant by "this" when nothing in view has a name yet."""


def _square(pixels: Pixels, box: Box) -> Floats:
    """The part as float32, shape (48, 48, 3), 0..1, each pixel the nearest one of the picture."""
    height, width = pixels.shape[:2]
    columns = np.linspace(box[0] * (width - 1), box[2] * (width - 1), SIDE).astype(np.int64)
    rows = np.linspace(box[1] * (height - 1), box[3] * (height - 1), SIDE).astype(np.int64)
    return np.asarray(pixels[rows[:, None], columns[None, :]] / 255, np.float32)


def _layout(part: Floats) -> Floats:
    """Which patches are brighter, redder, greener, bluer than the mean. float32, shape (108,)."""
    step = SIDE // PATCHES
    patches = part.reshape(PATCHES, step, PATCHES, step, 3).mean(axis=(1, 3))  # (48, 48, 3) -> (6, 6, 3)
    return np.asarray(patches - patches.mean(axis=(0, 1)), np.float32).ravel()


def _edges(grey: Floats) -> Floats:
    """How strong the edges of each direction are in each cell. float32, shape (128,)."""
    down, across = np.gradient(grey)
    strength = np.hypot(down, across)
    direction = np.minimum((np.arctan2(down, across) % np.pi / np.pi * DIRECTIONS).astype(np.int64), DIRECTIONS - 1)
    place = np.arange(SIDE) * CELLS // SIDE
    codes = (place[:, None] * CELLS + place[None, :]) * DIRECTIONS + direction
    counted = np.bincount(codes.ravel(), weights=strength.ravel(), minlength=CELLS * CELLS * DIRECTIONS)
    return np.asarray(np.sqrt(counted), np.float32)


def _unit(values: Floats) -> Floats:
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-6), np.float32)
