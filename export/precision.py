"""Lower precision, written into the ONNX file itself: strongly typed TensorRT takes every type from there.

fp16: weights and arithmetic in half precision, inputs and outputs stay fp32, chosen nodes ("islands") stay fp32.
int8: QuantizeLinear/DequantizeLinear pairs as TensorRT's parser accepts them: signed, symmetric, weights per output channel,
biases left alone; activation ranges from real data.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export import surgery
from export.spec import Feeds, Model

HALF_MAX = float(np.finfo(np.float16).max)

FP32_ONLY = {
    "Range",
    "CumSum",
    "RandomNormalLike",
    "RandomUniformLike",
    "NonMaxSuppression",
    "STFT",
    "MelWeightMatrix",
    "LSTM",
    "GRU",
}
"""Operators without a half-precision kernel in ONNX Runtime or TensorRT, and recurrent ones, where rounding adds up."""

FP32_INPUTS = {"Resize": (1, 2)}
"""Inputs that stay fp32 by the operator's definition: Resize's region and scales."""

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def to_fp16(model: Model, islands: Sequence[str] = ()) -> Model:
    """A new graph in half precision.

    islands: operator types, or prefixes of node names followed by *, that stay in fp32; a Cast stands at every border.
    """
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    surgery.constants_to_initializers(twin)
    return _Halver(twin, islands).run()


class _Halver:
    """Goes through the nodes in order and keeps for every fp32 tensor a half twin (and the reverse), made where it is first
    needed."""

    def __init__(self, model: Model, islands: Sequence[str]) -> None:
        self._model = model
        self._kinds = surgery.element_types(model)
        self._weights = {tensor.name: tensor for tensor in model.graph.initializer}
        self._types = FP32_ONLY | {name for name in islands if not name.endswith("*")}
        self._prefixes = tuple(name[:-1] for name in islands if name.endswith("*"))
        self._half: set[str] = set()  # tensors that are computed in half precision
        self._cast: dict[tuple[str, int], str] = {}
        self._nodes: list[Model] = []

    def run(self) -> Model:
        """Converts every node, then gives the outputs their fp32 names back."""
        graph = self._model.graph
        for node in list(graph.node):
            self._convert(node)
        for value in graph.output:
            if value.name in self._half:
                for node in self._nodes:
                    for field in (node.input, node.output):
                        for place, name in enumerate(field):
                            if name == value.name:
                                field[place] = f"{name}/half"
                self._nodes.append(helper.make_node("Cast", [f"{value.name}/half"], [value.name], f"{value.name}/out", to=FLOAT))
        surgery.replace(graph.node, self._nodes)
        return surgery.tidy(self._model)

    def _keeps(self, node: Model) -> bool:
        return node.op_type in self._types or bool(self._prefixes and node.name.startswith(self._prefixes))

    def _convert(self, node: Model) -> None:
        keep = self._keeps(node)
        fixed = FP32_INPUTS.get(node.op_type, ())
        for place, name in enumerate(node.input):
            if self._kinds.get(name) == FLOAT:
                node.input[place] = self._as(name, FLOAT if keep or place in fixed else HALF)
        if not keep:
            for attribute in node.attribute:
                if node.op_type == "Cast" and attribute.name == "to" and attribute.i == FLOAT:
                    attribute.i = HALF
                if node.op_type == "ConstantOfShape" and attribute.name == "value" and attribute.t.data_type == FLOAT:
                    attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float16)))
            bare = node.op_type == "ConstantOfShape" and not node.attribute
            if bare:
                node.attribute.append(helper.make_attribute("value", numpy_helper.from_array(np.zeros(1, np.float16))))
            self._half.update(name for name in node.output if self._kinds.get(name) == FLOAT)
        self._nodes.append(node)

    def _as(self, name: str, kind: int) -> str:
        """The tensor in the wanted type: itself, a converted weight, or the result of a Cast."""
        if (HALF if name in self._half else FLOAT) == kind:
            return name
        known = self._cast.get((name, kind))
        if known is None:
            known = f"{name}/{'half' if kind == HALF else 'single'}.in"
            self._cast[name, kind] = known
            if name in self._weights:
                values = np.clip(numpy_helper.to_array(self._weights[name]), -HALF_MAX, HALF_MAX).astype(np.float16)
                self._model.graph.initializer.append(numpy_helper.from_array(values, known))
            else:
                self._nodes.append(helper.make_node("Cast", [name], [known], name=known, to=kind))
        return known


def to_int8(model: Model, kinds: Sequence[str], feeds: Iterable[Feeds], islands: Sequence[str] = ()) -> Model:
    """A new graph with 8-bit weights and activations for the operator types in `kinds`.

    feeds: inputs of real data; the ranges of activations are their smallest and largest values. islands: as in `to_fp16`.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    prefixes = tuple(name[:-1] for name in islands if name.endswith("*"))
    spared = [node.name for node in model.graph.node if prefixes and node.name.startswith(prefixes)]
    options = {"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False}
    logging.getLogger().addFilter(_quiet)
    try:
        with tempfile.TemporaryDirectory(prefix="export-") as scratch:
            source, result = Path(scratch) / "in.onnx", Path(scratch) / "out.onnx"
            onnx.save(_named(model), source)
            quantize_static(
                source,
                result,
                _Reader(iter(feeds)),
                quant_format=QuantFormat.QDQ,
                calibrate_method=CalibrationMethod.MinMax,
                op_types_to_quantize=list(kinds),
                nodes_to_exclude=spared,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                extra_options=options,
            )
            return surgery.halve_tables(onnx.load(result))
    finally:
        logging.getLogger().removeFilter(_quiet)


def _named(model: Model) -> Model:
    """Every node with a name of its own: the quantiser looks nodes up by name."""
    twin = onnx.ModelProto()
    twin.CopyFrom(surgery.constants_to_initializers(model))
    for place, node in enumerate(twin.graph.node):
        node.name = node.name or f"{node.op_type}_{place}"
    return twin


def _quiet(record: logging.LogRecord) -> bool:
    return "pre-process" not in record.getMessage()


class _Reader:
    """What onnxruntime's calibration asks for: the next feeds, or None."""

    def __init__(self, feeds: Iterator[Feeds]) -> None:
        self._feeds = feeds

    def get_next(self) -> Feeds | None:
        """The next feeds."""
        return next(self._feeds, None)

    def set_range(self, *_: Any) -> None:
        """Asked for by newer versions of onnxruntime; the order is all there is."""

    def __len__(self) -> int:
        return 0
