"""Whisper in PyTorch, written from the paper and independent of the ONNX graphs: what they are compared with where torch is here.

Radford et al. 2022, "Robust Speech Recognition via Large-Scale Weak Supervision"; reference code openai/whisper model.py. The
weights come from the published CTranslate2 file; there the projections of queries, keys and values of one layer are one matrix.
It computes in float64: where the graph's own float32 sums are judged, the judge's must not be as inexact.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines.whisper_weights import read_ct2
from export.spec import Array, Feeds, Run

HEADS, LAYERS, SIZE = 6, 4, 64


def whisper_part(part: str) -> Callable[[Path], Run | None]:
    """(folder of the model) -> what computes that part; None without torch."""

    def make(folder: Path) -> Run | None:
        if find_spec("torch") is None:
            return None
        whisper = TorchWhisper(folder / "model.bin")
        run: Run = {
            "encoder": whisper.encode,
            "decoder": whisper.decode,
            "decoder_static": whisper.decode_static,
            "head": whisper.head,
        }[part]
        return run

    return make


class TorchWhisper:
    """The parts as functions of named arrays, with the inputs and outputs of the graphs in models/whisper/build_graphs.py."""

    def __init__(self, model_bin: Path) -> None:
        import torch

        self._torch = torch
        found = read_ct2(model_bin).items()
        self._weights = {name: torch.from_numpy(array.astype(np.float64)) for name, array in found if array.dtype != np.int8}

    def _tensor(self, array: Array) -> Any:
        wide = array.astype(np.float64) if array.dtype == np.float32 else array
        return self._torch.from_numpy(np.ascontiguousarray(wide))

    @staticmethod
    def _array(tensor: Any) -> Array:
        return np.asarray(tensor.float().numpy())

    def _linear(self, x: Any, name: str) -> Any:
        return self._torch.nn.functional.linear(x, self._weights[f"{name}/weight"], self._weights[f"{name}/bias"])

    def _norm(self, x: Any, name: str) -> Any:
        gamma, beta = self._weights[f"{name}/gamma"], self._weights[f"{name}/beta"]
        return self._torch.nn.functional.layer_norm(x, gamma.shape, gamma, beta, 1e-5)

    def _mlp(self, x: Any, name: str) -> Any:
        inner = self._torch.nn.functional.gelu(self._linear(self._norm(x, f"{name}/layer_norm"), f"{name}/linear_0"))
        return x + self._linear(inner, f"{name}/linear_1")

    @staticmethod
    def _split(x: Any) -> Any:
        """(B, T, width) -> (B, heads, T, 64)."""
        return x.unflatten(-1, (HEADS, SIZE)).transpose(1, 2)

    def _attend(self, q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        mixed = self._torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return mixed.transpose(1, 2).flatten(2)

    def encode(self, feeds: Feeds) -> Feeds:
        """mel (1, 80, T) -> xk, xv."""
        torch, weights = self._torch, self._weights
        x = self._tensor(feeds["mel"])
        for name, stride in (("encoder/conv1", 1), ("encoder/conv2", 2)):
            conv = torch.nn.functional.conv1d(x, weights[f"{name}/weight"], weights[f"{name}/bias"], stride, 1)
            x = torch.nn.functional.gelu(conv)
        x = x.transpose(1, 2)
        x = x + weights["encoder/position_encodings/encodings"][: x.shape[1]]
        for layer in range(LAYERS):
            name = f"encoder/layer_{layer}"
            inside = self._linear(self._norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention/linear_0")
            q, k, v = (self._split(part) for part in inside.chunk(3, -1))
            x = self._mlp(x + self._linear(self._attend(q, k, v), f"{name}/self_attention/linear_1"), f"{name}/ffn")
        x = self._norm(x, "encoder/layer_norm")
        both = [self._linear(x, f"decoder/layer_{layer}/attention/linear_1").chunk(2, -1) for layer in range(LAYERS)]
        return {name: self._array(torch.cat([self._split(pair[i]) for pair in both])) for i, name in enumerate(("xk", "xv"))}

    def decode(self, feeds: Feeds) -> Feeds:
        """One token with a growing memory."""
        new, hidden = self._step(feeds, int(feeds["past_k"].shape[3]), None)
        return {"hidden": hidden, **new}

    def decode_static(self, feeds: Feeds) -> Feeds:
        """One token with a memory of fixed size: the growing one, cut before the place and put back."""
        place = int(feeds["position"][0])
        new, hidden = self._step(feeds, place, place)
        whole = {}
        for name, old in (("new_k", "past_k"), ("new_v", "past_v")):
            memory = feeds[old].copy()
            memory[:, :, :, place] = new[name][:, :, :, place]
            whole[name] = memory
        return {"hidden": hidden, **whole}

    def _step(self, feeds: Feeds, past: int, cut: int | None) -> tuple[Feeds, Array]:
        torch, weights = self._torch, self._weights
        tokens = self._tensor(feeds["tokens"].astype(np.int64))
        x = weights["decoder/embeddings/weight"][tokens]
        x = x + weights["decoder/position_encodings/encodings"][past : past + tokens.shape[1]]
        memory = {name: self._tensor(feeds[name][:, :, :, :cut]) for name in ("past_k", "past_v")}
        cross = {name: self._tensor(feeds[name]) for name in ("xk", "xv")}
        bias = self._tensor(feeds["bias"])
        length = tokens.shape[1]
        causal = torch.ones(length, past + length, dtype=torch.bool).tril(past)
        keys, values = [], []
        for layer in range(LAYERS):
            name = f"decoder/layer_{layer}"
            inside = self._linear(self._norm(x, f"{name}/self_attention/layer_norm"), f"{name}/self_attention/linear_0")
            q, k, v = (self._split(part) for part in inside.chunk(3, -1))
            keys.append(torch.cat([memory["past_k"][layer], k], 2))
            values.append(torch.cat([memory["past_v"][layer], v], 2))
            x = x + self._linear(self._attend(q, keys[-1], values[-1], causal), f"{name}/self_attention/linear_1")
            asked = self._split(self._linear(self._norm(x, f"{name}/attention/layer_norm"), f"{name}/attention/linear_0"))
            k, v = (cross[key][layer].expand(len(x), -1, -1, -1) for key in ("xk", "xv"))
            mask = bias.expand(1, 1, length, -1)
            x = self._mlp(x + self._linear(self._attend(asked, k, v, mask), f"{name}/attention/linear_2"), f"{name}/ffn")
        hidden = self._norm(x[:, -1], "decoder/layer_norm")
        return {"new_k": self._array(torch.stack(keys)), "new_v": self._array(torch.stack(values))}, self._array(hidden)

    def head(self, feeds: Feeds) -> Feeds:
        """hidden (N, width) -> logits."""
        return {"logits": self._array(self._tensor(feeds["hidden"]) @ self._weights["decoder/embeddings/weight"].T)}
