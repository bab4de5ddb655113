"""The small network in numpy: what it computes, its gradient, and Adam. The same sums as the graph wake-head.onnx.

All arrays carry the members first. A member is a network of its own that starts from other random numbers and sees other
examples; the answer is the mean of their logits, which is steadier than any one of them.
"""

from __future__ import annotations

import numpy as np

from assistant.engines.embedding_head import CHANNELS, HIDDEN, MEMBERS, TAPS_OF_LAYER, WINDOW, Floats, head_shapes

Weights = dict[str, Floats]

DENSE = len(CHANNELS)
BLOCK = 4096
"""Hops scored at once."""

DROPOUT = 0.3
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants (Kingma and Ba 2015)."""

DECAY = 1e-3
"""Decoupled weight decay per unit of learning rate (AdamW)."""


def fresh_weights(random: np.random.Generator) -> Weights:
    """Random weights (He et al. 2015), zero biases."""
    weights: Weights = {}
    for name, shape in head_shapes().items():
        spread = np.sqrt(2 / shape[-2]) if name.startswith("w") else 0.0
        weights[name] = np.asarray(random.standard_normal(shape) * spread, np.float32)
    weights["w4"] *= 0.5
    return weights


class Network:
    """The network with its weights, inputs scaled to mean 0 and variance 1.

    Args:
        mean, deviation: of each of the 96 numbers, (96,), over ordinary sound.
    """

    def __init__(self, mean: Floats, deviation: Floats, random: np.random.Generator) -> None:
        self.mean, self.deviation = mean, deviation
        self.weights = fresh_weights(random)
        self._random = random
        self._moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in self.weights.items()}
        self._steps = 0

    def forward(self, x: Floats, *, learn: bool) -> tuple[Floats, list[Floats]]:
        """x: (members, n, time, 96). Returns the logits of all windows, (members, n, time - 15), and what `step` needs."""
        members, count = x.shape[:2]
        value = (x - self.mean) / self.deviation
        kept: list[Floats] = []
        for layer, taps in enumerate(TAPS_OF_LAYER):
            length = value.shape[2] - taps + 1
            columns = np.concatenate([value[:, :, tap : tap + length] for tap in range(taps)], axis=3)
            columns = columns.reshape(members, count * length, -1)
            if learn and layer == DENSE:
                columns *= (self._random.random(columns.shape, np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
            product = columns @ self._flat(f"w{layer}") + self._flat(f"b{layer}")
            value = np.maximum(product, 0).reshape(members, count, length, -1)
            kept += [columns, value]
        logits = value.reshape(members, -1, HIDDEN) @ self._flat("w4") + self._flat("b4")
        return np.asarray(logits.reshape(members, count, -1), np.float32), kept

    def _flat(self, name: str) -> Floats:
        """A weight as (members, inputs, outputs)."""
        weight = self.weights[name]
        return weight.reshape(weight.shape[0], -1, weight.shape[-1])

    def step(self, slope: Floats, kept: list[Floats], rate: float) -> None:
        """One step of Adam. slope: derivative of the loss by each logit, (members, n, windows)."""
        top = slope.reshape(len(slope), -1, 1)
        hidden = kept[-1].reshape(len(slope), -1, HIDDEN)
        gradients: Weights = {"w4": hidden.transpose(0, 2, 1) @ top, "b4": top.sum(1, keepdims=True)}
        gradients = {name: value[:, None] for name, value in gradients.items()}
        back = (top @ self._flat("w4").transpose(0, 2, 1)).reshape(kept[-1].shape) * (kept[-1] > 0)
        for layer in reversed(range(len(TAPS_OF_LAYER))):
            columns = kept[2 * layer]
            flow = back.reshape(*columns.shape[:2], -1)
            gradients[f"w{layer}"] = (columns.transpose(0, 2, 1) @ flow).reshape(self.weights[f"w{layer}"].shape)
            gradients[f"b{layer}"] = flow.sum(1, keepdims=True).reshape(self.weights[f"b{layer}"].shape)
            if layer:
                below = flow @ self._flat(f"w{layer}").transpose(0, 2, 1)
                if layer == DENSE:
                    below *= (columns != 0) / np.float32(1 - DROPOUT)  # what neither dropout nor a rectifier made zero
                back = _into_inputs(below, kept[2 * layer - 1], TAPS_OF_LAYER[layer])
        self._adam(gradients, rate)

    def _adam(self, gradients: Weights, rate: float) -> None:
        self._steps += 1
        scale = rate * np.sqrt(1 - BETA_2**self._steps) / (1 - BETA_1**self._steps)
        for name, gradient in gradients.items():
            first, second = self._moments[name]
            first += (1 - BETA_1) * (gradient - first)
            second += (1 - BETA_2) * (gradient**2 - second)
            weight = self.weights[name]
            weight -= np.float32(scale) * first / (np.sqrt(second) + np.float32(EPSILON))
            if name.startswith("w"):
                weight -= np.float32(rate * DECAY) * weight

    def folded(self) -> Weights:
        """The weights of a network that takes embeddings as they come: the scaling is moved into the first layer."""
        weights = dict(self.weights)
        scale = np.tile(1 / self.deviation, TAPS_OF_LAYER[0])[:, None]  # (288, 1)
        weights["w0"] = np.asarray(self.weights["w0"] * scale, np.float32)
        shift = np.tile(self.mean, TAPS_OF_LAYER[0])[None] @ weights["w0"]  # (members, 1, 1, channels)
        weights["b0"] = np.asarray(self.weights["b0"] - shift, np.float32)
        return weights


def _into_inputs(columns: Floats, value: Floats, taps: int) -> Floats:
    """Gradient by a layer's columns -> by the layer below, through its rectifier. value: (members, n, time, channels)."""
    members, count, time, channels = value.shape
    length = time - taps + 1
    parts = columns.reshape(members, count, length, taps, channels)
    back = np.zeros_like(value)
    for tap in range(taps):
        back[:, :, tap : tap + length] += parts[:, :, :, tap]
    return np.asarray(back * (value > 0), np.float32)


def score(network: Network, embeddings: Floats) -> Floats:
    """The mean logit of the members at every hop of a stream: (k, 96) -> (k - 15,)."""
    found = []
    for start in range(0, len(embeddings) - WINDOW + 1, BLOCK):
        piece = embeddings[start : start + BLOCK + WINDOW - 1]
        logits, _ = network.forward(np.broadcast_to(piece[None, None], (MEMBERS, 1, *piece.shape)), learn=False)
        found.append(logits[:, 0].mean(0))
    return np.concatenate(found) if found else np.zeros(0, np.float32)
