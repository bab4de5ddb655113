"""The detector that ships with the assistant, so eyes work without any download: COCO's 80 things, lamps and ceiling fans.

    OwnVision().look(pixels).objects[0].label      # "lamp"

Trained by models/detector, whose card says from what.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.engines import Pixels, Sight
from assistant.engines.boxes import COCO, Boxes, letterbox, sight_of, thinned
from assistant.engines.cells import SIDE, decoded, grid_of
from assistant.engines.session import OnnxSession

GRAPH = Path(__file__).parent / "graphs" / "detector.onnx"

LABELS = (*COCO, "lamp", "ceiling fan")
"""In the order of the network's outputs."""

LEAST, LEAST_OWN = 0.1, 0.4
"""Scores from which a box is something seen: of COCO's kinds, as YOLOX-Nano's, whose scores ours learned; and of those that COCO
lacks, learned from few photos: at this score none is seen on 126 photos of COCO (docs/eyes.md)."""


class OwnVision:
    """A VisionEngine. graph: the .onnx file; least: the score from which something is seen. Raises ModelError."""

    labels = LABELS

    def __init__(self, graph: Path = GRAPH, least: float = LEAST) -> None:
        self._session = OnnxSession(graph)
        self._least = least

    def look(self, pixels: Pixels) -> Sight:
        """See VisionEngine.look."""
        found = self.candidates(pixels)
        own = found.scores[:, len(COCO) :]
        own[own < LEAST_OWN] = 0
        return sight_of(thinned(found, self._least), pixels.shape, grid_of(found, pixels), LABELS)

    def candidates(self, pixels: Pixels) -> Boxes:
        """Every cell's box, not thinned: shape (3549, 4), and scores in the order of LABELS, shape (3549, 82)."""
        square, scale = letterbox(pixels, SIDE)
        raw = self._session.run({"picture": np.ascontiguousarray(square.transpose(2, 0, 1))[None]})["cells"][0]
        return decoded(raw, scale)
