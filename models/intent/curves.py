"""A picture of a training run: every loss over the epochs, each scaled to its own largest value."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, EDGE = 640, 400, 40
COLOURS = ((180, 80, 20), (40, 140, 40), (40, 40, 200), (160, 40, 160), (120, 120, 0), (0, 120, 160), (90, 90, 90))


def draw(log: Path) -> Path:
    """Reads the JSONL log of a run and writes a PNG beside it."""
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    cv2.rectangle(picture, (EDGE, EDGE), (WIDTH - EDGE, HEIGHT - EDGE), (200, 200, 200), 1)
    names = sorted({name for row in rows for name in row} - {"epoch", "seconds"})
    for number, name in enumerate(names):
        values = [row[name] for row in rows if name in row]
        top = max(values) or 1.0
        across = [EDGE + (WIDTH - 2 * EDGE) * i / max(len(values) - 1, 1) for i in range(len(values))]
        down = [HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value / top for value in values]
        points = np.array([[int(x), int(y)] for x, y in zip(across, down, strict=True)], np.int32)
        colour = COLOURS[number % len(COLOURS)]
        cv2.polylines(picture, [points[:, None]], False, colour, 2, cv2.LINE_AA)
        label = f"{name}: {values[0]:.3f} to {values[-1]:.3f}"
        place = (WIDTH - 260, EDGE + 18 + 18 * number)
        cv2.putText(picture, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
    out = log.with_suffix(".png")
    cv2.imwrite(str(out), picture)
    return out
