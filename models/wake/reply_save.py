"""Writes the network for words in replies as the runtime reads it: an ONNX graph and a JSON file with the thresholds."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from assistant.wake.reply_features import COLUMNS
from assistant.wake.reply_words import CARD, GRAPH
from models.wake.reply_measure import Point
from models.wake.reply_network import CONTEXT, ReplyNetwork

OPSET = 17


def save(network: ReplyNetwork, points: list[Point], folder: Path) -> None:
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
