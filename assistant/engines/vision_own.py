"""Our own small detector of household things; it ships with the assistant, so eyes work without any download.

    OwnVision().look(pixels).objects[0].label      # "lamp"

It names fewer things than YOLOX-Nano and finds less (docs/eyes.md), but it knows lamps and ceiling fans, which COCO has not.
Trained by models/detector.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.engines import Floats, Pixels, Sight
from assistant.engines.boxes import Boxes, letterbox, sight_of, thinned
from assistant.engines.session import OnnxSession

GRAPH = Path(__file__).parent / "graphs" / "detector.onnx"

LABELS = (
    "person", "cell phone", "chair", "cup", "dog", "vase", "laptop", "pizza", "scissors", "umbrella", "clock", "sports ball",
    "potted plant", "lamp", "ceiling fan",
)  # fmt: skip
"""In the order of the network's outputs (models/detector/data.py; a test compares them)."""

SIDE = 320
STRIDES = (16, 32)
"""Pixels of the network's picture, and between the cells of its two scales (models/detector/network.py)."""

LEAST = 0.2
"""Score from which a box is something seen."""

LARGEST_SIDE = 6.0
"""Logarithm of the largest distance in strides; as in training."""


class OwnVision:
    """A VisionEngine. graph: the .onnx file; least: the score from which something is seen. Raises ModelError."""

    labels = LABELS

    def __init__(self, graph: Path = GRAPH, least: float = LEAST) -> None:
        self._session = OnnxSession(graph)
        self._least = least

    def look(self, pixels: Pixels) -> Sight:
        """See VisionEngine.look."""
        return sight_of(thinned(self.candidates(pixels), self._least), pixels.shape, names=LABELS)

    def candidates(self, pixels: Pixels) -> Boxes:
        """Every cell's box, not thinned: shape (500, 4), and scores in the order of LABELS, shape (500, 15)."""
        square, scale = letterbox(pixels, SIDE)
        raw = self._session.run({"picture": np.ascontiguousarray(square.transpose(2, 0, 1))[None]})["cells"][0]
        centres, strides = _cells()
        sides = np.exp(np.minimum(raw[:, -4:], LARGEST_SIDE)) * strides
        corners = np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], axis=1) / scale
        return Boxes(corners.astype(np.float32), (1 / (1 + np.exp(-raw[:, :-4]))).astype(np.float32))


def _cells() -> tuple[Floats, Floats]:
    """Centre of every cell in pixels, shape (500, 2), and its stride, shape (500, 1)."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = np.mgrid[: SIDE // stride, : SIDE // stride]
        centres.append((np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full((len(centres[-1]), 1), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)
