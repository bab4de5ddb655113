"""Whisper in PyTorch, written from the paper and independent of the ONNX graphs.

What those are compared with (export/oracle.py), and what our change to the weights is learned with (train_encoder.py).
Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; reference code openai/whisper model.py. The
weights come from the published CTranslate2 file; there the projections of queries, keys and values of one layer are one matrix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assistant.engines.whisper_weights import Array

HEADS, LAYERS, SIZE = 6, 4, 64

Pairs = list[tuple[Tensor, Tensor]]
"""Keys and values of each layer: (B, HEADS, positions, SIZE), or without B where all hypotheses share them."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What the decoder looks at. pairs: of all its layers; bias: added to the attention score of each position, (positions,)."""

    pairs: Pairs
    bias: Tensor


class TorchWhisper:
    """The parts as functions of tensors of one type.

    variables: see `Recipe.variables`. dtype: float64 where a graph's own float32 sums are judged: the judge's must not be as
    inexact. device: PyTorch's name of what computes. Gradients flow to the inputs; the weights ask for none.
    """

    def __init__(self, variables: Mapping[str, Array], dtype: torch.dtype = torch.float64, device: str = "cpu") -> None:
        self.device = device
        self._weights = {
            name: torch.from_numpy(array.astype(np.float64)).to(device, dtype)
            for name, array in variables.items()
            if array.dtype != np.int8
        }

    def _kernel(self, name: str) -> Tensor:
        """Of a convolution, (out, in, 3)."""
        return self._weights[f"{name}/weight"]

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._weights[f"{name}/weight"], self._weights[f"{name}/bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        gamma, beta = self._weights[f"{name}/gamma"], self._weights[f"{name}/beta"]
        return functional.layer_norm(x, gamma.shape, gamma, beta, 1e-5)

    def _mlp(self, x: Tensor, name: str) -> Tensor:
        inner = functional.gelu(self._linear(self._norm(x, f"{name}/layer_norm"), f"{name}/linear_0"))
        return x + self._linear(inner, f"{name}/linear_1")

    @staticmethod
    def _split(x: Tensor) -> Tensor:
        """(B, T, width) -> (B, heads, T, 64)."""
        return x.unflatten(-1, (HEADS, SIZE)).transpose(1, 2)

    @staticmethod
    def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)

    def _asking(self, x: Tensor, name: str) -> list[Tensor]:
        """Queries, keys and values of self-attention, (B, heads, T, 64) each."""
        inside = self._linear(self._norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention/linear_0")
        return [self._split(part) for part in inside.chunk(3, -1)]

    def listen(self, mel: Tensor) -> Tensor:
        """mel (B, 80, T) -> the encoder's output, (B, T / 2, width)."""
        x = mel
        for name, stride in (("encoder/conv1", 1), ("encoder/conv2", 2)):
            x = functional.gelu(functional.conv1d(x, self._kernel(name), self._weights[f"{name}/bias"], stride, 1))
        x = x.transpose(1, 2)
        x = x + self._weights["encoder/position_encodings/encodings"][: x.shape[1]]
        for layer in range(LAYERS):
            name = f"encoder/layer_{layer}"
            q, k, v = self._asking(x, name)
            x = self._mlp(x + self._linear(self._attend(q, k, v), f"{name}/self_attention/linear_1"), f"{name}/ffn")
        return self._norm(x, "encoder/layer_norm")

    def pairs(self, heard: Tensor) -> Pairs:
        """The encoder's output -> what each layer of the decoder looks at."""
        both = [self._linear(heard, f"decoder/layer_{layer}/attention/linear_1").chunk(2, -1) for layer in range(LAYERS)]
        return [(self._split(k), self._split(v)) for k, v in both]

    def decode(self, tokens: Tensor, sound: Sound, past: Pairs | None = None) -> tuple[Tensor, Pairs]:
        """What predicts the token after each of some: hidden (B, T, width), and the memory with these tokens in it.

        tokens: int64, (B, T), which follow those in `past`.
        """
        said = 0 if past is None else past[0][0].shape[2]
        length = tokens.shape[1]
        x = self._weights["decoder/embeddings/weight"][tokens]
        x = x + self._weights["decoder/position_encodings/encodings"][said : said + length]
        causal = torch.ones(length, said + length, dtype=torch.bool, device=tokens.device).tril(said)
        memory: Pairs = []
        for layer in range(LAYERS):
            name = f"decoder/layer_{layer}"
            q, k, v = self._asking(x, name)
            if past is not None:
                k, v = torch.cat([past[layer][0], k], 2), torch.cat([past[layer][1], v], 2)
            memory.append((k, v))
            x = x + self._linear(self._attend(q, k, v, causal), f"{name}/self_attention/linear_1")
            asked = self._split(self._linear(self._norm(x, f"{name}/attention/layer_norm"), f"{name}/attention/linear_0"))
            k, v = (part.expand(len(x), -1, -1, -1) for part in sound.pairs[layer])
            mask = sound.bias.expand(1, 1, length, -1)
            x = self._mlp(x + self._linear(self._attend(asked, k, v, mask), f"{name}/attention/linear_2"), f"{name}/ffn")
        return self._norm(x, "decoder/layer_norm"), memory

    def logits(self, hidden: Tensor) -> Tensor:
        """hidden (..., width) -> the score of every token."""
        return hidden @ self._weights["decoder/embeddings/weight"].T
