"""The hibari voice as two fp32 graphs: text and frames, with the length regulator between them in numpy.

    text    ids int64 (1, L), speed float32 (1,)                          -> h_text, h_pro (1, C, L), durations (L,) in frames
    frames  h_text, h_pro, index int64 (N,): the phoneme of every frame   -> lh, theta, ln, lr, phi (1, 601, N), f0 (1, N)

The published graph is quantised dynamically and repeats phonemes inside, which makes shapes depend on data: TensorRT parses
neither. The names below are those of hibari-tts 0.2.1, which pyproject.toml pins.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx

from assistant.errors import ModelError
from export import surgery
from export.spec import Array, Model, Part, Range, constant, integers, scaled

FILE = "hibari.onnx"
TENSORS = {
    "h_text": "/Transpose_22_output_0",
    "h_pro": "/Transpose_55_output_0",
    "durations": "/Div_40_output_0",
    "index": "/ReduceSum_1_output_0",
}
OUTPUTS = ("lh", "theta", "ln", "lr", "phi", "f0")
WIDTHS: dict[str, list[int | str]] = {"h_text": [1, 128, "L"], "h_pro": [1, 192, "L"]}
BINS = 601
LONGEST = 402
"""Phonemes with the two that frame them (assistant.engines.tts_hibari.MAX_PHONEMES)."""

MOST_FRAMES = 2400


@lru_cache(maxsize=1)
def whole(folder: Path) -> bytes:
    """The published graph in fp32: every dynamic quantisation undone. Serialised, so that each user gets a copy of its own."""
    model = surgery.constants_to_initializers(onnx.load(folder / FILE))
    made = {name for node in model.graph.node for name in node.output}
    missing = sorted(set(TENSORS.values()) - made)
    if missing:
        raise ModelError(f"this hibari voice is not that of hibari-tts 0.2.1 (no tensor {missing[0]}): install that version")
    data: bytes = surgery.dequantize(model).SerializeToString()
    return data


def text(folder: Path) -> Model:
    """The first graph."""
    model = surgery.cut(
        onnx.load_from_string(whole(folder)), ["ids", "speed"], [TENSORS[name] for name in ("h_text", "h_pro", "durations")]
    )
    model = surgery.slim(surgery.rename(model, {tensor: name for name, tensor in TENSORS.items()}))
    return surgery.reshape(model, {**WIDTHS, "durations": ["L"], "ids": [1, "L"]})


def frames(folder: Path) -> Model:
    """The second graph."""
    model = onnx.load_from_string(whole(folder))
    starts = [TENSORS[name] for name in ("h_text", "h_pro", "index")]
    model = surgery.cut(model, starts, list(OUTPUTS), whole=[TENSORS["index"]])
    model = surgery.slim(surgery.rename(model, {tensor: name for name, tensor in TENSORS.items()}))
    shapes: dict[str, list[int | str]] = {name: [1, BINS, "N"] for name in OUTPUTS[:5]}
    return surgery.reshape(model, {**WIDTHS, **shapes, "index": ["N"], "f0": [1, "N"]})


def _index(random: object, shape: tuple[int, ...]) -> Array:
    return np.sort(np.arange(shape[0]) % 3)


PARTS = (
    Part(
        "text",
        text,
        ({"ids": Range((1, 3), (1, 64), (1, LONGEST)), "speed": Range.fixed(1)},),
        fill={"ids": integers(1, 60), "speed": constant(1.0)},
        int8=("MatMul",),
        replaces=FILE,
        form="two_graph_voice",
    ),
    Part(
        "frames",
        frames,
        (
            {
                "h_text": Range((1, 128, 3), (1, 128, 64), (1, 128, LONGEST)),
                "h_pro": Range((1, 192, 3), (1, 192, 64), (1, 192, LONGEST)),
                "index": Range((4,), (256,), (MOST_FRAMES,)),
            },
        ),
        fill={"h_text": scaled(0.5), "h_pro": scaled(0.5), "index": _index},
        int8=("MatMul",),
        replaces=FILE,
        form="two_graph_voice",
    ),
)
