"""Reads text in pictures with RapidOCR (PaddleOCR's networks on onnxruntime; Apache-2.0, its networks come in the package)."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray
from rapidocr import RapidOCR

from assistant.engines import Pixels

LEAST = 0.6
"""Confidence from which a line is read; below, it is mostly patterns taken for letters."""

SAME_LINE = 0.6
"""Distance of two pieces' middles, in heights of a piece, up to which they are one line."""


class RapidReader:
    """A TextReader."""

    def __init__(self) -> None:
        self._engine = RapidOCR(params={"Global.log_level": "error"})
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)

    def read(self, pixels: Pixels) -> list[str]:
        """See TextReader.read."""
        found = self._engine(np.ascontiguousarray(pixels[:, :, ::-1]), use_cls=False)
        if found.boxes is None or found.txts is None or found.scores is None:
            return []
        pieces = [
            _Piece(str(text), np.asarray(box, np.float32))
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
            if score >= LEAST and str(text).strip()
        ]
        return _lines(pieces)


class _Piece:
    """Some words. text; left, middle (of its height), height: pixels."""

    def __init__(self, text: str, corners: NDArray[np.float32]) -> None:
        self.text = text.strip()
        self.left = float(corners[:, 0].min())
        self.middle = float(corners[:, 1].mean())
        self.height = float(corners[:, 1].max() - corners[:, 1].min())


def _lines(pieces: list[_Piece]) -> list[str]:
    """Pieces as lines, from the top; those beside each other joined."""
    lines: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if lines and abs(piece.middle - lines[-1][0].middle) < SAME_LINE * min(piece.height, lines[-1][0].height):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [" ".join(piece.text for piece in sorted(line, key=lambda piece: piece.left)) for line in lines]
