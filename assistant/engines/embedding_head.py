"""The small network that decides whether the last embeddings hold the wake word: its shape, and its two files.

It is a mean over some networks, MEMBERS when learned on a device, of three convolutions over time and two dense layers on 16
embeddings, which together have seen 2 s. A word's folder holds head.onnx (the graph, which depends only on how many networks
there are), head.bin (the weights, in the order of `head_shapes`, little-endian float32) and word.json.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assistant.engines.speech_embedding import EMBEDDING

Floats = npt.NDArray[np.float32]
Shapes = dict[str, tuple[int, ...]]

WINDOW = 16
"""Embeddings that one decision sees."""

MEMBERS = 3
CHANNELS = (48, 48, 32)
HIDDEN = 32
TAPS_OF_LAYER = (3, 3, 3, 10)
"""Moments that each layer looks at; the last is the dense layer, which slides over time like the others."""

HEAD_GRAPH, HEAD_FILE, HEAD_BLOB, CARD_FILE = "wake-head.onnx", "head.onnx", "head.bin", "word.json"


def head_shapes(members: int = MEMBERS) -> Shapes:
    """Name -> shape of every weight, in the order in which head.bin holds them: (members, 1, inputs, outputs)."""
    sides = (EMBEDDING, *CHANNELS, HIDDEN)
    shapes: Shapes = {}
    for layer, taps in enumerate(TAPS_OF_LAYER):
        shapes[f"w{layer}"] = (members, 1, taps * sides[layer], sides[layer + 1])
        shapes[f"b{layer}"] = (members, 1, 1, sides[layer + 1])
    last = len(TAPS_OF_LAYER)
    return shapes | {f"w{last}": (members, 1, HIDDEN, 1), f"b{last}": (members, 1, 1, 1)}
