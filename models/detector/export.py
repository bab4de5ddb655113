"""Write the trained detector as one ONNX file whose weights are eight-bit numbers.

    python -m models.detector.export build/detector.pt assistant/engines/graphs/detector.onnx

Weights of convolutions become int8 with one scale per output channel, behind a cast and a product that the runtime computes once
when it loads (it would keep a DequantizeLinear, and be half as fast). The file is a quarter of the size, the speed that of float.
The file gives probabilities; what boxes the cells mean is the engine's work (cells.py beside vision_own.py).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from assistant.engines.cells import SIDE, STRIDES
from assistant.engines.vision_own import LABELS
from models.detector.network import Detector

LARGEST_FLOAT = 2048
"""Numbers of a tensor up to which it stays float: biases."""


class Seen(nn.Module):
    """The detector, with probabilities for a thing and for the kinds. (B, 3, 416, 416) -> (B, 3549, 5 + kinds)."""

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        """See Detector."""
        raw = self.network(picture)
        return torch.cat([raw[..., :4], raw[..., 4:].sigmoid()], dim=-1)


def main() -> None:
    """Read the command line, convert, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="what models.detector.train saved")
    parser.add_argument("out", type=Path, help="the .onnx file")
    options = parser.parse_args()
    network = Detector(len(LABELS))
    network.load_state_dict(torch.load(options.weights, map_location="cpu", weights_only=True))
    beside = options.out.with_suffix(".float.onnx")
    torch.onnx.export(
        Seen(network).eval(),
        (torch.zeros(1, 3, SIDE, SIDE),),
        str(beside),
        input_names=["picture"],
        output_names=["cells"],
        opset_version=17,
        dynamo=False,
    )
    model = quantised(onnx.load(str(beside)))
    beside.unlink()
    described = {"labels": LABELS, "side": SIDE, "strides": STRIDES}
    helper.set_model_props(model, {"detector": json.dumps(described)})
    onnx.checker.check_model(model)
    options.out.write_bytes(model.SerializeToString())
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with int8 weights: value = number x scale of its output channel."""
    graph = model.graph
    kept, nodes = [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 2 or values.size <= LARGEST_FLOAT:
            kept.append(tensor)
            continue
        scale = np.maximum(np.abs(values).reshape(len(values), -1).max(axis=1), 1e-8).astype(np.float32) / 127
        rounded = np.round(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype(np.int8)
        scale = scale.reshape(-1, *[1] * (values.ndim - 1))
        kept += [numpy_helper.from_array(rounded, f"{tensor.name}.int8"), numpy_helper.from_array(scale, f"{tensor.name}.scale")]
        nodes.append(helper.make_node("Cast", [f"{tensor.name}.int8"], [f"{tensor.name}.cast"], to=onnx.TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{tensor.name}.cast", f"{tensor.name}.scale"], [tensor.name]))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    return model


if __name__ == "__main__":
    main()
