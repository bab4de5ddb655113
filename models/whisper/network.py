"""The building blocks of Whisper as ONNX nodes: convolution, attention, feed-forward, token table.

Each method takes the names of tensors in the graph under construction and returns the name of its result. B: hypotheses,
T: tokens (in the encoder: positions of 20 ms), P: tokens before, width: 384 in tiny.en, split into heads of 64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from onnx import TensorProto

from models.whisper.graph_writer import GraphWriter, WeightPlan

Precision = Literal["int8", "fp32"]

MASKED = -1e4
"""Added to the attention score of a position in the future: exp(-1e4) is 0 in float32, and the value fits float16."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The dimensions of one Whisper model; the defaults are tiny.en's."""

    mels: int = 80
    width: int = 384
    heads: int = 6
    layers: int = 4
    vocabulary: int = 51864
    audio_positions: int = 1500
    text_positions: int = 448


class Network:
    """The parts of one Whisper model in one precision, and the graph they are being added to.

    precision "int8": every matrix product in 8 bits (weights per output channel, activations per tensor at run time).
    precision "fp32": plain MatMul, for comparison and for export to other runtimes.
    """

    def __init__(self, name: str, precision: Precision, sizes: Sizes = Sizes()) -> None:
        self.name = name
        self.precision = precision
        self.sizes = sizes
        self.plan = WeightPlan(f"{name}.weights")
        self._graph = GraphWriter("", self.plan)
        self._quantized: dict[str, tuple[str, str, str]] = {}

    def _start(self, part: str) -> GraphWriter:
        self._graph = GraphWriter(f"{self.name}.{part}.{self.precision}", self.plan)
        self._quantized = {}
        return self._graph

    def _encoder_layer(self, x: str, name: str) -> str:
        """x (1, T/2, width), same shape out."""
        g, s = self._graph, self.sizes
        inside = self._linear(
            self._norm(x, f"{name}/self_attention/layer_norm"),
            f"{name}/self_attention/linear_0",
            (3 * s.width, s.width),
        )
        q, k, v = (self._heads(part) for part in g.op("Split", inside, axis=2, outputs=3))
        heard = self._attention(q, k, v)
        x = g.op("Add", x, self._linear(heard, f"{name}/self_attention/linear_1", (s.width, s.width)))
        return self._feed_forward(x, f"{name}/ffn")

    def _decoder_layer(self, x: str, layer: int, mask: str) -> tuple[str, str, str]:
        """x (B, T, width) -> same shape, and this layer's keys and values (B, heads, P + T, 64)."""
        g, s, name = self._graph, self.sizes, f"decoder/layer_{layer}"
        inside = self._linear(
            self._norm(x, f"{name}/self_attention/layer_norm"),
            f"{name}/self_attention/linear_0",
            (3 * s.width, s.width),
        )
        q, k, v = (self._heads(part) for part in g.op("Split", inside, axis=2, outputs=3))
        k = self._remember(g.op("Gather", "past_k", g.constant(layer), axis=0), k)
        v = self._remember(g.op("Gather", "past_v", g.constant(layer), axis=0), v)
        said = self._attention(q, k, v, mask)
        x = g.op("Add", x, self._linear(said, f"{name}/self_attention/linear_1", (s.width, s.width)))
        asked = self._linear(self._norm(x, f"{name}/attention/layer_norm"), f"{name}/attention/linear_0", (s.width, s.width))
        cross_k, cross_v = (g.op("Gather", source, g.constant(layer), axis=0) for source in ("xk", "xv"))
        heard = self._attention(self._heads(asked), cross_k, cross_v, "bias")  # (heads, audio, 64) broadcasts over B
        x = g.op("Add", x, self._linear(heard, f"{name}/attention/linear_2", (s.width, s.width)))
        return self._feed_forward(x, f"{name}/ffn"), k, v

    def _remember(self, past: str, new: str) -> str:
        """A layer's memory, (B, heads, P, 64), with this step's keys or values behind it."""
        return str(self._graph.op("Concat", past, new, axis=2))

    def _feed_forward(self, x: str, name: str) -> str:
        s = self.sizes
        wide = self._linear(self._norm(x, f"{name}/layer_norm"), f"{name}/linear_0", (4 * s.width, s.width))
        narrow = self._linear(self._gelu(wide), f"{name}/linear_1", (s.width, 4 * s.width))
        out: str = self._graph.op("Add", x, narrow)
        return out

    def _attention(self, q: str, k: str, v: str, mask: str | None = None) -> str:
        """softmax(q k' / 8) v: (B, heads, T, 64) each -> (B, T, width)."""
        g, s = self._graph, self.sizes
        scale = g.constant((s.width // s.heads) ** -0.5, np.float32)
        turned = g.op("Transpose", k, perm=[0, 1, 3, 2] if self._is_batched(k) else [0, 2, 1])
        scores = g.op("MatMul", g.op("Mul", q, scale), turned)
        if mask:
            scores = g.op("Add", scores, mask)
        mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
        joined = g.op("Transpose", mixed, perm=[0, 2, 1, 3])  # -> (B, T, heads, 64)
        out: str = g.op("Reshape", joined, g.constant([0, 0, s.width]))
        return out

    @staticmethod
    def _is_batched(k: str) -> bool:
        """Keys of self-attention carry a batch axis; those of cross-attention, gathered from `xk`, do not."""
        return not k.startswith("Gather")

    def _heads(self, x: str) -> str:
        """(B, T, width) -> (B, heads, T, 64)."""
        g, s = self._graph, self.sizes
        split = g.op("Reshape", x, g.constant([0, 0, s.heads, s.width // s.heads]))
        out: str = g.op("Transpose", split, perm=[0, 2, 1, 3])
        return out

    def _embedding(self) -> str:
        """tokens (B, T) -> (B, T, width). In int8 the table is stored once, as the head wants it: (width, vocabulary)."""
        g, s = self._graph, self.sizes
        table = ("decoder/embeddings/weight", (s.vocabulary, s.width))
        if self.precision == "fp32":
            columns = g.op("Gather", g.weight(table[0], "transposed", table[1]), "tokens", axis=1)
            return str(g.op("Transpose", columns, perm=[1, 2, 0]))
        columns = g.op("Gather", g.weight(table[0], "int8_columns", table[1]), "tokens", axis=1)  # (width, B, T)
        rows = g.op("Cast", g.op("Transpose", columns, perm=[1, 2, 0]), to=TensorProto.FLOAT)
        scale = g.op("Gather", g.weight(table[0], "int8_scales", table[1]), "tokens", axis=0)  # (B, T)
        return str(g.op("Mul", rows, g.op("Unsqueeze", scale, g.constant([-1]))))

    def _text_lengths(self) -> tuple[str, str]:
        """(P + T, P) as int64 vectors of one element."""
        g = self._graph
        past = g.op("Slice", g.op("Shape", "past_k"), g.constant([3]), g.constant([4]))
        now = g.op("Slice", g.op("Shape", "tokens"), g.constant([1]), g.constant([2]))
        return g.op("Add", past, now), past

    def _text_positions(self, past: str, total: str) -> str:
        """Rows P .. P + T of the learned positions: (T, width)."""
        g, s = self._graph, self.sizes
        table = g.weight("decoder/position_encodings/encodings", "float32", (s.text_positions, s.width))
        out: str = g.op("Slice", table, past, total, g.constant([0]))
        return out

    def _causal_mask(self, past: str, total: str) -> str:
        """(T, P + T): 0 where a token may look, MASKED in its future."""
        g, zero, one = self._graph, self._graph.constant(0), self._graph.constant(1)
        first, end = (g.op("Squeeze", value, g.constant([0])) for value in (past, total))
        columns = g.op("Range", zero, end, one)
        rows = g.op("Unsqueeze", g.op("Range", first, end, one), g.constant([1]))
        allowed = g.op("LessOrEqual", columns, rows)
        out: str = g.op("Where", allowed, g.constant(0.0, np.float32), g.constant(MASKED, np.float32))
        return out

    def _conv(self, x: str, name: str, shape: tuple[int, int, int], stride: int) -> str:
        g = self._graph
        kernel, bias = g.weight(f"{name}/weight", "float32", shape), g.weight(f"{name}/bias", "float32", shape[:1])
        out: str = g.op("Conv", x, kernel, bias, kernel_shape=[3], pads=[1, 1], strides=[stride])
        return out

    def _norm(self, x: str, name: str) -> str:
        g, size = self._graph, (self.sizes.width,)
        gamma, beta = g.weight(f"{name}/gamma", "float32", size), g.weight(f"{name}/beta", "float32", size)
        out: str = g.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)
        return out

    def _gelu(self, x: str) -> str:
        """The exact form, x * (1 + erf(x / sqrt 2)) / 2, in the node order that onnxruntime fuses into one operator."""
        g = self._graph
        error = g.op("Erf", g.op("Div", x, g.constant(2.0**0.5, np.float32)))
        grown = g.op("Mul", x, g.op("Add", error, g.constant(1.0, np.float32)))
        out: str = g.op("Mul", grown, g.constant(0.5, np.float32))
        return out

    def _linear(self, x: str, name: str, shape: tuple[int, int]) -> str:
        """x (..., in) times the matrix (out, in) transposed, plus bias -> (..., out)."""
        bias = self._graph.weight(f"{name}/bias", "float32", shape[:1])
        out: str = self._graph.op("Add", self._product(x, f"{name}/weight", shape), bias)
        return out

    def _product(self, x: str, source: str, shape: tuple[int, int]) -> str:
        """x (..., in) times a weight matrix (out, in) transposed, in this model's precision."""
        g = self._graph
        if self.precision == "fp32":
            return str(g.op("MatMul", x, g.weight(source, "transposed", shape)))
        if x not in self._quantized:
            self._quantized[x] = g.op("DynamicQuantizeLinear", x, outputs=3)
        levels, scale, zero = self._quantized[x]
        whole = g.op("MatMulInteger", levels, g.weight(source, "int8_columns", shape), zero)
        scales = g.op("Mul", scale, g.weight(source, "int8_scales", shape))
        return str(g.op("Mul", g.op("Cast", whole, to=TensorProto.FLOAT), scales))
