"""all-MiniLM-L6-v2 in plain PyTorch: a BERT of six layers of width 384 (Wang et al. 2020; Reimers and Gurevych 2019).

The lower four layers stay as published and are never stored here; the upper two are where our training begins.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

WIDTH, HEADS, LAYERS, FROZEN = 384, 12, 6, 4
"""FROZEN: how many of the lower layers stay as published."""


class Layer(nn.Module):
    """One transformer layer, normalised after each half as in BERT."""

    def __init__(self, width: int = WIDTH, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.join = nn.Linear(width, width)
        self.norm_1, self.norm_2 = (nn.LayerNorm(width, eps=1e-12) for _ in range(2))
        self.grow, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, width), mask (B, 1, 1, T) added to the scores -> (B, T, width)."""
        batch, length, width = x.shape
        q, k, v = (
            part(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads) + mask
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width)
        x = self.norm_1(x + self.drop(self.join(mixed)))
        grown: Tensor = self.norm_2(x + self.drop(self.shrink(nn.functional.gelu(self.grow(x)))))
        return grown


class Trunk(nn.Module):
    """Word pieces to the output of layer FROZEN."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces, self.places = nn.Embedding(30522, WIDTH), nn.Embedding(512, WIDTH)
        self.kind = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(FROZEN))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids int64 (B, T), mask (B, T) 1 where there is a piece -> (B, T, WIDTH)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        x: Tensor = self.norm(self.pieces(ids) + self.places(places)[None] + self.kind)
        hidden = hide(mask)
        for layer in self.layers:
            x = layer(x, hidden)
        return x


def hide(mask: Tensor) -> Tensor:
    """(B, T) of 1 and 0 -> (B, 1, 1, T) of 0 and -1e4, to be added to attention scores."""
    return (1 - mask.float())[:, None, None, :] * -1e4


NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "join": "attention.output.dense",
    "norm_1": "attention.output.LayerNorm",
    "grow": "intermediate.dense",
    "shrink": "output.dense",
    "norm_2": "output.LayerNorm",
}
"""Our name of each part of a layer -> the published one."""


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The float32 tensors of a safetensors file: u64 length, JSON with offsets, data (huggingface.co/docs/safetensors)."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "F32":
            array = np.frombuffer(data[start:end], "<f4").reshape(entry["shape"]).copy()
            found[name.removeprefix("bert.")] = torch.from_numpy(array)
    return found


def _layer_state(weights: dict[str, Tensor], index: int) -> dict[str, Tensor]:
    kinds = ("weight", "bias")
    return {f"{our}.{kind}": weights[f"encoder.layer.{index}.{name}.{kind}"] for our, name in NAMES.items() for kind in kinds}


def published(path: Path) -> tuple[Trunk, list[Layer]]:
    """The frozen trunk and the upper layers with their published weights. path: model.safetensors."""
    weights = read_safetensors(path)
    trunk = Trunk()
    state = {f"layers.{i}.{key}": value for i in range(FROZEN) for key, value in _layer_state(weights, i).items()}
    state |= {f"norm.{kind}": weights[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias")}
    state["pieces.weight"] = weights["embeddings.word_embeddings.weight"]
    state["places.weight"] = weights["embeddings.position_embeddings.weight"]
    state["kind"] = weights["embeddings.token_type_embeddings.weight"][0]
    trunk.load_state_dict(state)
    upper = []
    for index in range(FROZEN, LAYERS):
        layer = Layer()
        layer.load_state_dict(_layer_state(weights, index))
        upper.append(layer)
    return trunk.eval().requires_grad_(False), upper
