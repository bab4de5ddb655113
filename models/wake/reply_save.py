"""Writes the network for words in replies as the runtime reads it: an ONNX graph and a JSON file with the thresholds."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from assistant.wake.reply_features import COLUMNS
from assistant.wake.reply_words import CARD, GRAPH
from models.wake.reply_measure import Point
from models.wake.reply_network import CONTEXT, ReplyNetwork

OPSET = 17
WEIGHTS = "reply-words.pt"
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def restore(network: ReplyNetwork, graph: Path, columns: Tensor) -> None:
    """Fill a network with the weights of a graph that `save` wrote, to go on training.

    Exporting folded the normalisations into the convolutions. Here each gets the mean and deviation of what it sees back, and
    undoes it again, so that the network answers as the graph does.

    Args:
        columns: (batch, time, COLUMNS), some of what it will learn from.
    """
    proto = onnx.load(graph)
    values = {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy()) for entry in proto.graph.initializer}
    inputs = [node.input for node in proto.graph.node if node.op_type == "Conv"]
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv1d, nn.Conv2d))]
    norms = [layer for layer in network.modules() if isinstance(layer, NORMS)]
    with torch.no_grad():
        for layer, (_, weight, *_) in zip(layers, inputs, strict=True):
            layer.weight.copy_(values[weight])
        biases = [values[names[2]] for names in inputs]
        for norm, bias in zip(norms, biases[:-1], strict=True):
            norm.weight.fill_((1 + norm.eps) ** 0.5)
            norm.bias.copy_(bias)
        last = layers[-1].bias
        assert last is not None
        last.copy_(biases[-1])
        seen = _seen_by(network, norms, columns)
        for norm, values_seen in zip(norms, seen, strict=True):
            mean, variance = values_seen
            assert norm.running_mean is not None and norm.running_var is not None
            norm.bias.add_(mean)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)


def _seen_by(network: ReplyNetwork, norms: list[nn.Module], columns: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Mean and variance per channel of what each normalisation is given."""
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def look(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        axes = [axis for axis in range(given[0].dim()) if axis != 1]
        found[norm] = (given[0].mean(axes), given[0].var(axes))

    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    network.eval()(columns)
    for hook in hooks:
        hook.remove()
    return [found[norm] for norm in norms]


def save(network: nn.Module, points: list[Point], folder: Path) -> None:
    """Write the graph and its card into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(1, CONTEXT + 9, COLUMNS)
    torch.onnx.export(
        network.eval(),
        (example,),
        str(folder / GRAPH),
        input_names=["columns"],
        output_names=["logits"],
        dynamic_axes={"columns": {1: "time"}, "logits": {1: "answers"}},
        opset_version=OPSET,
        dynamo=False,
    )
    words = [
        {"phrase": point.word, "threshold": round(point.threshold, 3), "delay_ms": point.delay_ms}
        | {"heard": point.heard, "others": point.others, "alone": point.alone}
        for point in points
    ]
    (folder / CARD).write_text(json.dumps({"words": words}, indent=1) + "\n", "utf-8")
