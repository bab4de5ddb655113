"""Whisper tiny.en as the devices want it: fp32 graphs with their weights inside, and a decoder whose memory has a fixed size.

The graphs are those of models.whisper; the weights are assembled from the published file by the assistant's own code.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from assistant.engines.whisper_decoder import BABBLE, MODEL
from assistant.engines.whisper_weights import Recipe, prepare
from export import surgery
from export.oracle import whisper_part
from export.spec import Array, Fill, Model, Part, Profile, Range, integers, scaled
from models.whisper.build_graphs import BabbleGraphs, WhisperGraphs
from models.whisper.network import MASKED

NAME = MODEL
POSITIONS = 112
"""Tokens the fixed memory holds: 100 of text (WhisperAsr's max_tokens), the two that begin it, rounded up to a multiple of 16."""

BEAMS = 4
"""Most hypotheses at once (assistant.engines.whisper_search)."""

LAYERS, HEADS, SIZE, WIDTH, MELS = 4, 6, 64, 384, 80

CONTEXTS = {"2 s": (50, 200), "5 s": (200, 500), "10 s": (500, 1100), "30 s": (1100, 3000)}
"""Frames (10 ms) of the encoder's profiles. The assistant encodes up to 11 s; 30 s once, for the silence behind the sound."""


class DeviceGraphs(WhisperGraphs):
    """The three graphs of models.whisper in fp32, and the decoder with a memory of fixed size."""

    def files(self) -> dict[str, bytes]:
        """Also writes the static decoder; the recipe is that of the three graphs, whose weights it shares."""
        files = super().files()
        return {**files, f"{self.name}.decoder_static.onnx": self.decoder_static()}

    def decoder_static(self) -> bytes:
        """One token of B texts with a memory of POSITIONS places.

        tokens int32 (B, 1); position int32 (1,): which place this token takes; xk, xv, bias as in `decoder`; past_k, past_v
        float32 (layers, B, heads, POSITIONS, 64). Returns hidden (B, width) and the memory with this token's place written.
        """
        g, s = self._start("decoder_static"), self.sizes
        places = g.constant(list(range(POSITIONS)), np.int32)
        mask = g.op("Where", g.op("LessOrEqual", places, "position"), g.constant(0.0, np.float32), g.constant(MASKED, np.float32))
        here = g.op("Unsqueeze", g.op("Equal", places, "position"), g.constant([1]))  # (POSITIONS, 1)
        table = g.weight("decoder/position_encodings/encodings", "float32", (s.text_positions, s.width))
        x = g.op("Add", self._embedding(), g.op("Gather", table, "position", axis=0))
        keys, values = [], []
        self._here = here
        for layer in range(s.layers):
            x, k, v = self._decoder_layer(x, layer, mask)
            keys.append(g.op("Unsqueeze", k, g.constant([0])))
            values.append(g.op("Unsqueeze", v, g.constant([0])))
        hidden = self._norm(g.op("Gather", x, g.constant(0), axis=1), "decoder/layer_norm")
        cross: list[str | int] = [s.layers, s.heads, "audio", SIZE]
        memory: list[str | int] = [s.layers, "batch", s.heads, POSITIONS, SIZE]
        inputs: list[tuple[str, int, list[str | int]]] = [("tokens", TensorProto.INT32, ["batch", 1])]
        inputs += [("position", TensorProto.INT32, [1]), ("xk", TensorProto.FLOAT, cross), ("xv", TensorProto.FLOAT, cross)]
        inputs += [("bias", TensorProto.FLOAT, ["audio"])]
        inputs += [(name, TensorProto.FLOAT, memory) for name in ("past_k", "past_v")]
        new_k, new_v = g.op("Concat", *keys, axis=0), g.op("Concat", *values, axis=0)
        return g.serialize(inputs, [("hidden", hidden, ["batch", s.width]), ("new_k", new_k, memory), ("new_v", new_v, memory)])

    _here = ""

    def _remember(self, past: str, new: str) -> str:
        """The layer's memory with this step's keys or values: appended, or written at its place."""
        if self._here:
            return str(self._graph.op("Where", self._here, new, past))
        return super()._remember(past, new)


@lru_cache(maxsize=2)
def graph_folder(model_bin: Path, name: str = NAME) -> Path:
    """A folder with the fp32 graphs and their weights file; made once per process. name: NAME, or BABBLE."""
    scratch = Path(tempfile.mkdtemp(prefix="export-whisper-"))
    graphs = DeviceGraphs(name, "fp32") if name == NAME else BabbleGraphs(name, "fp32")
    for file, data in graphs.files().items():
        (scratch / file).write_bytes(data)
    folder = prepare(model_bin, Recipe.load(scratch / f"{name}.weights.json"), scratch / "cache")
    if name == NAME:
        static = f"{NAME}.decoder_static.onnx"
        (folder / static).write_bytes((scratch / static).read_bytes())
    return folder


def graph(folder: Path, part: str, name: str = NAME) -> Model:
    """One graph with its weights inside. folder: the model's files from the registry; name: NAME, or BABBLE."""
    model = onnx.load(graph_folder(folder / "model.bin", name) / f"{name}.{part}.onnx")
    return surgery.tidy(model)


def _cross(length: int) -> tuple[int, ...]:
    return (LAYERS, HEADS, length, SIZE)


def _decoder_profile(static: bool) -> Profile:
    def memory(batch: int, past: int) -> tuple[int, ...]:
        return (LAYERS, batch, HEADS, POSITIONS if static else past, SIZE)

    steps = ((1, 100, 1), (1, 400, 16), (BEAMS, 1600, POSITIONS - 1))  # (hypotheses, positions of sound, tokens before)
    shapes: dict[str, list[tuple[int, ...]]] = {
        "tokens": [(batch, 1) for batch, _, _ in steps] if static else [(1, 1), (1, 4), (BEAMS, 8)],
        "xk": [_cross(sound) for _, sound, _ in steps],
        "xv": [_cross(sound) for _, sound, _ in steps],
        "bias": [(sound,) for _, sound, _ in steps],
        "past_k": [memory(batch, past) for batch, _, past in steps],
        "past_v": [memory(batch, past) for batch, _, past in steps],
    }
    found = {name: Range(low, usual, high) for name, (low, usual, high) in shapes.items()}
    return found | {"position": Range.fixed(1)} if static else found


def _bias(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.where(np.arange(shape[0]) > 0.8 * shape[0], np.log(16.0), 0.0)


_STATE: dict[str, Fill] = {
    "tokens": integers(0, 50000),
    "position": integers(3, 4),
    "bias": _bias,
    **{name: scaled(2.0) for name in ("xk", "xv", "past_k", "past_v")},
}

ENCODER_PROFILES = tuple({"mel": Range((1, MELS, low), (1, MELS, high), (1, MELS, high))} for low, high in CONTEXTS.values())

PARTS = (
    Part(
        "encoder",
        lambda folder: graph(folder, "encoder"),
        ENCODER_PROFILES,
        whisper_part("encoder"),
        {"mel": scaled(0.5)},
        int8=("MatMul", "Conv"),
        replaces=f"{NAME}.encoder.onnx",
    ),
    Part(
        "encoder_babble",
        lambda folder: graph(folder, "encoder", BABBLE),
        ENCODER_PROFILES,
        whisper_part("encoder_babble"),
        {"mel": scaled(0.5)},
        int8=("MatMul", "Conv"),
        replaces=f"{BABBLE}.encoder.onnx",
    ),
    Part(
        "decoder",
        lambda folder: graph(folder, "decoder"),
        (_decoder_profile(static=False),),
        whisper_part("decoder"),
        _STATE,
        int8=("MatMul",),
        replaces=f"{NAME}.decoder.onnx",
        targets=("cpu",),
    ),
    Part(
        "decoder_static",
        lambda folder: graph(folder, "decoder_static"),
        (_decoder_profile(static=True),),
        whisper_part("decoder_static"),
        _STATE,
        int8=("MatMul",),
        replaces=f"{NAME}.decoder.onnx",
        form="static_memory",
        targets=("jp6", "jp7", "rtx"),
    ),
    Part(
        "head",
        lambda folder: graph(folder, "head"),
        ({"hidden": Range((1, WIDTH), (1, WIDTH), (BEAMS, WIDTH))},),
        whisper_part("head"),
        {"hidden": scaled(2.0)},
        int8=("MatMul",),
        replaces=f"{NAME}.head.onnx",
    ),
)
