"""Writes the two ONNX graphs of the engine `own`, without weights, into assistant/engines/graphs.

    python -m models.wake.build_graphs FEATURES_FOLDER

FEATURES_FOLDER holds embedding_model.onnx of the registry entry `openwakeword-features`. speech-embedding.onnx is that network
made streaming: every convolution that looks at several moments keeps the last frames it has seen, where the original computes
760 ms anew for every 80 ms. Its weights are ONNX external data: places inside embedding_model.onnx itself. wake-head.onnx is the
small network on top; its weights are external data in a file head.bin beside it (assistant/wake/word.py writes both).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assistant.engines.embedding_head import HEAD_BLOB, HEAD_GRAPH, TAPS_OF_LAYER, Shapes, head_shapes
from assistant.engines.speech_embedding import EMBEDDING, GRAPH_FILE, GRAPHS, MEL_BINS

OPSET, IR_VERSION = 17, 8
END = 2**31
"""An end beyond every axis."""


def streaming_embedding(source: Path) -> onnx.ModelProto:
    """The streaming graph.

    Input mel (1, 1, 8 n, 32), output embedding (1, 96, n, 1); one pair state_i / next_i for every convolution with memory.
    """
    model, raw = onnx.load(source), source.read_bytes()
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes: list[Any] = []
    inputs = [helper.make_tensor_value_info("mel", TensorProto.FLOAT, [1, 1, "frames", MEL_BINS])]
    outputs: list[Any] = []
    weights: dict[str, list[int]] = {}
    current, channels, bins = "mel", 1, MEL_BINS
    for node in model.graph.node:
        if node.op_type == "Reshape":
            continue
        result = f"v{len(nodes)}"
        attributes = {item.name: helper.get_attribute_value(item) for item in node.attribute if item.name != "auto_pad"}
        used = []
        if node.op_type == "Conv":
            kernel = attributes["kernel_shape"][0]
            if kernel > 1:
                number, shape = len(outputs), [1, channels, kernel - 1, bins]
                inputs.append(helper.make_tensor_value_info(f"state_{number}", TensorProto.FLOAT, shape))
                outputs.append(helper.make_tensor_value_info(f"next_{number}", TensorProto.FLOAT, shape))
                nodes += _memory(number, current, kernel - 1)
                current = f"joined_{number}"
            for name in node.input[1:]:
                weights[f"w{len(weights)}"] = [_offset(raw, initializers[name]), *initializers[name].dims]
                used.append(f"w{len(weights) - 1}")
            channels = initializers[node.input[1]].dims[0]
        elif node.op_type == "Max":
            used = ["floor"]
        elif node.op_type == "MaxPool":
            bins //= attributes["strides"][1]
        nodes.append(helper.make_node(node.op_type, [current, *used], [result], **attributes))
        current = result
    nodes[-1].output[0] = "embedding"
    outputs.insert(0, helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, EMBEDDING, "hops", 1]))
    outside = [_external(name, place[1:], "embedding_model.onnx", place[0]) for name, place in weights.items()]
    return _model("speech-embedding", nodes, inputs, outputs, [*_constants(initializers["const_fold_opt__287"]), *outside])


def _constants(floor: onnx.TensorProto) -> list[onnx.TensorProto]:
    """What stands in the graph itself. floor: the smallest value that the network lets through."""
    numbers = {"minus_2": -2, "end": END, "time_axis": 2}
    made = [numpy_helper.from_array(np.array([value], np.int64), name) for name, value in numbers.items()]
    return [*made, numpy_helper.from_array(numpy_helper.to_array(floor).reshape(1), "floor")]


def _memory(number: int, current: str, rows: int) -> list[Any]:
    """Nodes that put the last rows of the sound before in front of what is new, and keep the last of both for the next time."""
    return [
        helper.make_node("Concat", [f"state_{number}", current], [f"joined_{number}"], axis=2),
        helper.make_node("Slice", [f"joined_{number}", f"minus_{rows}", "end", "time_axis"], [f"next_{number}"]),
    ]


def head(shapes: Shapes) -> onnx.ModelProto:
    """The small network: x (time, 96) -> logit (time - 15,), the mean over its members; as assistant/wake/network.py."""
    nodes: list[Any] = [helper.make_node("Unsqueeze", ["x", "front"], ["v0"])]  # (1, 1, time, 96)
    numbers = {"front": [0, 1], "time_axis": [2], "to_end": [END]}
    for layer, taps in enumerate(TAPS_OF_LAYER):
        parts = [f"part_{layer}_{tap}" for tap in range(taps)]
        for tap, part in enumerate(parts):
            left = taps - 1 - tap
            numbers |= {f"from_{tap}": [tap]} | ({f"but_{left}": [-left]} if left else {})
            bounds = [f"from_{tap}", f"but_{left}" if left else "to_end", "time_axis"]
            nodes.append(helper.make_node("Slice", [f"v{layer}", *bounds], [part]))
        nodes += [
            helper.make_node("Concat", parts, [f"columns_{layer}"], axis=3),
            helper.make_node("MatMul", [f"columns_{layer}", f"w{layer}"], [f"product_{layer}"]),
            helper.make_node("Add", [f"product_{layer}", f"b{layer}"], [f"sum_{layer}"]),
            helper.make_node("Relu", [f"sum_{layer}"], [f"v{layer + 1}"]),
        ]
    last = len(TAPS_OF_LAYER)
    nodes += [
        helper.make_node("MatMul", [f"v{last}", f"w{last}"], ["answers"]),  # (members, 1, time - 15, 1)
        helper.make_node("Add", ["answers", f"b{last}"], ["logits"]),
        helper.make_node("ReduceMean", ["logits"], ["logit"], axes=[0, 1, 3], keepdims=0),
    ]
    tensors = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in numbers.items()]
    offset = 0
    for name, shape in shapes.items():
        tensors.append(_external(name, list(shape), HEAD_BLOB, offset))
        offset += 4 * int(np.prod(shape))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["time", EMBEDDING])]
    outputs = [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["windows"])]
    return _model("wake-head", nodes, inputs, outputs, tensors)


def _external(name: str, shape: list[int], location: str, offset: int) -> Any:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", 4 * int(np.prod(shape)))):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _offset(raw: bytes, tensor: Any) -> int:
    found = raw.find(tensor.raw_data)
    if found < 0 or raw.find(tensor.raw_data, found + 1) >= 0:
        raise ValueError(f"{tensor.name} is not found exactly once")
    return found


def _model(name: str, nodes: list[Any], inputs: list[Any], outputs: list[Any], tensors: list[Any]) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def main() -> None:
    """Write the graphs."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    embedding = streaming_embedding(Path(sys.argv[1]) / "embedding_model.onnx")
    (GRAPHS / GRAPH_FILE).write_bytes(embedding.SerializeToString())
    (GRAPHS / HEAD_GRAPH).write_bytes(head(head_shapes()).SerializeToString())


if __name__ == "__main__":
    main()
