"""YOLOX-Nano: finds the 80 things of COCO in a picture. 0.9 million weights, Apache-2.0, from Megvii.

Yolox(registry.path("yolox-nano")).look(pixels).objects[0].label      # "tv"
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.engines import Pixels, Sight
from assistant.engines.boxes import COCO, Boxes, letterbox, sight_of, thinned
from assistant.engines.cells import SIDE, decoded, grid_of
from assistant.engines.session import OnnxSession

LEAST = 0.1
"""Score from which a box is something seen; measured in docs/eyes.md."""


class Yolox:
    """A VisionEngine. folder: holds yolox_nano.onnx; least: the score from which something is seen. Raises ModelError."""

    labels = COCO

    def __init__(self, folder: Path, least: float = LEAST) -> None:
        self._session = OnnxSession(folder / "yolox_nano.onnx")
        self._least = least

    def look(self, pixels: Pixels) -> Sight:
        """See VisionEngine.look."""
        found = self.candidates(pixels)
        return sight_of(thinned(found, self._least), pixels.shape, grid_of(found, pixels))

    def candidates(self, pixels: Pixels) -> Boxes:
        """Every cell's box, not thinned: shape (3549, 4) and (3549, 80)."""
        square, scale = letterbox(pixels, SIDE)
        blue_first = np.ascontiguousarray(square[:, :, ::-1].transpose(2, 0, 1))[None]  # (H, W, RGB) -> (1, BGR, H, W)
        raw = self._session.run({self._session.inputs[0]: blue_first})[self._session.outputs[0]][0]  # (3549, 85)
        return decoded(raw, scale)
