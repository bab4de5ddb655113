"""Carries a microWakeWord network (version 2, .tflite) over to ONNX: the same integers, in floating point.

    python -m models.wake.micro_to_onnx MODEL.tflite GRAPH.onnx

The graph holds no weights: they are ONNX external data, places inside MODEL.tflite itself, so the two files side by side are a
whole ONNX model. Values are whole numbers held as float32 (a quantised value minus its zero point), every product and sum is
below 2^24 and thus exact; after each layer the sum is scaled, rounded and clipped as TensorFlow Lite does. Its ring buffers are
inputs state_i and outputs next_i, zero at the start.

    features (3, 40), three frames of 10 ms as pymicro-features gives them    ->    probability (1, 1)
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.wake.tflite_file import Network, Operator, Tensor, read

CONCAT, CONV, DEPTHWISE, FULL, LOGISTIC, RESHAPE, SLICE = 2, 3, 4, 9, 14, 22, 45
SPLIT, QUANTIZE, CALL_ONCE, VARIABLE, READ, ASSIGN = 102, 114, 129, 142, 143, 144
"""BuiltinOperator of TensorFlow Lite's schema.fbs."""

RELU = 1
LOWEST, HIGHEST = -128, 127
OPSET, IR_VERSION = 17, 8
LEVELS = 256.0
"""The output is a probability in steps of 1/256."""


class Converter:
    """One network on its way. names: tensor number -> name of its value (time, channels) in the graph."""

    def __init__(self, data: bytes, location: str) -> None:
        self._data, self._location = data, location
        self._network: Network = read(data)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._states: dict[int, tuple[str, Tensor]] = {}
        self._names: dict[int, str] = {}
        self._finished: list[str] = []

    def model(self) -> onnx.ModelProto:
        """The graph."""
        first = self._network.inputs[0]
        self._names[first] = self._quantised(self._network.tensors[first])
        for operator in self._network.operators:
            self._add(operator)
        shape = list(self._network.tensors[first].shape[1:])
        inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, shape)]
        outputs = [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1, 1])]
        for name, tensor in self._states.values():
            sides = [tensor.shape[1], tensor.shape[3]]
            inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, sides))
            outputs.append(helper.make_tensor_value_info(name.replace("state", "next"), TensorProto.FLOAT, sides))
        graph = helper.make_graph(self._nodes, "micro-wakeword", inputs, outputs, self._constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)

    def _quantised(self, tensor: Tensor) -> str:
        """Features to whole numbers minus the zero point, as pymicro-wakeword does it (in float32), but clipped."""
        steps = self._node("Add", [self._node("Div", ["features", self._scalar(tensor.scale)]), self._scalar(float(tensor.zero))])
        clipped = self._node("Clip", [self._node("Round", [steps]), self._scalar(LOWEST), self._scalar(HIGHEST)])
        return self._node("Sub", [clipped, self._scalar(float(tensor.zero))])

    def _add(self, operator: Operator) -> None:
        code, tensors = operator.code, self._network.tensors
        if code in (CALL_ONCE, VARIABLE):
            return
        target = operator.outputs[0] if operator.outputs else -1
        source = operator.inputs[0]
        if code in (RESHAPE, QUANTIZE):
            self._names[target] = self._names[source]
        elif code == READ:
            name = f"state_{len(self._states)}"
            self._states[source] = (name, tensors[target])
            self._names[target] = name
        elif code == ASSIGN:
            self._node("Identity", [self._names[operator.inputs[1]]], self._states[source][0].replace("state", "next"))
        elif code == CONCAT:
            axis = 0 if tensors[target].shape[1] != tensors[source].shape[1] else 1
            self._names[target] = self._node("Concat", [self._names[number] for number in operator.inputs], axis=axis)
        elif code == SLICE:
            self._slice(operator)
        elif code == SPLIT:
            self._split(operator)
        elif code in (CONV, DEPTHWISE, FULL):
            self._layer(operator)
        elif code == LOGISTIC:
            self._probability(operator)
        else:
            raise ValueError(f"operator {code} of TensorFlow Lite is not known here")

    def _slice(self, operator: Operator) -> None:
        tensors = self._network.tensors
        source, begin = tensors[operator.inputs[0]], tensors[operator.inputs[1]]
        start = struct.unpack_from("<4i", self._data, begin.place)[1] % source.shape[1]
        target = operator.outputs[0]
        if source.shape[1] - start != tensors[target].shape[1]:
            raise ValueError("only the last moments of a ring buffer can be taken")
        bounds = [self._constant([start]), self._constant([source.shape[1]]), self._constant([0])]
        self._names[target] = self._node("Slice", [self._names[operator.inputs[0]], *bounds])

    def _split(self, operator: Operator) -> None:
        names = [f"v{len(self._nodes)}_{index}" for index in range(len(operator.outputs))]
        sizes = self._constant([self._network.tensors[number].shape[3] for number in operator.outputs])
        self._nodes.append(helper.make_node("Split", [self._names[operator.inputs[0]], sizes], names, axis=1))
        self._names |= dict(zip(operator.outputs, names, strict=True))

    def _layer(self, operator: Operator) -> None:
        """A convolution over all the moments it is given, or a dense layer: integer sum, then back to 8 bits."""
        source, kernel, bias = (self._network.tensors[number] for number in operator.inputs)
        target = self._network.tensors[operator.outputs[0]]
        weights = self._node("Cast", [self._outside(kernel, TensorProto.INT8)], to=TensorProto.FLOAT)
        value = self._names[operator.inputs[0]]
        if operator.code == DEPTHWISE:
            flat = self._node("Reshape", [weights, self._constant([kernel.shape[1], kernel.shape[3]])])  # (moments, channels)
            product = self._node("Mul", [value, flat])
            total = self._node("ReduceSum", [product, self._constant([0])], keepdims=1)
        else:
            flat = self._node("Reshape", [weights, self._constant([kernel.shape[0], -1])])  # (outputs, moments * channels)
            row = self._node("Reshape", [value, self._constant([1, -1])])
            total = self._node("MatMul", [row, self._node("Transpose", [flat], perm=[1, 0])])
        summed = self._node("Add", [total, self._node("Cast", [self._outside(bias, TensorProto.INT32)], to=TensorProto.FLOAT)])
        rounded = self._rescaled(summed, kernel, source.scale / target.scale)
        lowest = 0 if self._rectified(operator) else LOWEST - target.zero
        limits = [self._scalar(float(max(lowest, LOWEST - target.zero))), self._scalar(float(HIGHEST - target.zero))]
        self._names[operator.outputs[0]] = self._node("Clip", [rounded, *limits])

    def _rescaled(self, total: str, kernel: Tensor, ratio: float) -> str:
        """Integer sums times scales * ratio as TensorFlow Lite multiplies: by a 31-bit fraction, rounded, then by 2^-n, rounded.

        Both times a half goes up: so do its kernels for x86-64, bit for bit, in every layer. Doubles hold all of it exactly, and
        for n >= 1 the two roundings are one: floor(floor(x + 1/2) / 2^n + 1/2) = floor((x + 1/2) / 2^n + 1/2).
        """
        if ratio * max(struct.unpack_from(f"<{kernel.scales}f", self._data, kernel.scales_place)) >= 0.5:
            raise ValueError("a layer that scales by 1/2 or more is not known here")
        exact = self._node("Cast", [total], to=TensorProto.DOUBLE)
        factor = self._node("Mul", [self._node("Cast", [self._scales(kernel)], to=TensorProto.DOUBLE), self._double(ratio)])
        bits = self._node("Floor", [self._node("Div", [self._node("Log", [factor]), self._double(float(np.log(2)))])])
        power = self._node(
            "Pow", [self._double(2.0), self._node("Add", [bits, self._double(1.0)])]
        )  # factor / power is in [0.5, 1)
        whole = self._half_up(self._node("Mul", [self._node("Div", [factor, power]), self._double(2.0**31)]))
        step = self._node("Mul", [self._node("Div", [whole, self._double(2.0**31)]), power])
        half = self._node("Add", [self._node("Mul", [power, self._double(0.5)]), self._double(0.5)])
        steps = self._node("Floor", [self._node("Add", [self._node("Mul", [exact, step]), half])])
        return self._node("Cast", [steps], to=TensorProto.FLOAT)

    def _half_up(self, value: str) -> str:
        return self._node("Floor", [self._node("Add", [value, self._double(0.5)])])

    def _double(self, value: float) -> str:
        return self._constant([value], np.float64)

    def _rectified(self, operator: Operator) -> bool:
        field = {CONV: 3, DEPTHWISE: 4, FULL: 0}[operator.code]
        return operator.options is not None and operator.options.number(field, "b") == RELU

    def _probability(self, operator: Operator) -> None:
        source = self._network.tensors[operator.inputs[0]]
        scaled = self._node("Mul", [self._names[operator.inputs[0]], self._scalar(source.scale)])
        steps = self._node("Round", [self._node("Mul", [self._node("Sigmoid", [scaled]), self._scalar(LEVELS)])])
        clipped = self._node("Clip", [steps, self._scalar(0.0), self._scalar(LEVELS - 1)])
        self._names[operator.outputs[0]] = self._node("Div", [clipped, self._scalar(LEVELS)], "probability")

    def _node(self, kind: str, inputs: list[str], name: str = "", **attributes: Any) -> str:
        output = name or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _constant(self, values: list[Any], kind: type[np.generic] = np.int64) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(values, kind), name))
        return name

    def _scalar(self, value: float) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def _scales(self, kernel: Tensor) -> str:
        return self._external(kernel.scales_place, 4 * kernel.scales, [kernel.scales], TensorProto.FLOAT)

    def _outside(self, tensor: Tensor, kind: int) -> str:
        return self._external(tensor.place, tensor.length, list(tensor.shape), kind)

    def _external(self, place: int, length: int, shape: list[int], kind: int) -> str:
        name = f"w{len(self._constants)}"
        tensor = TensorProto(name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL)
        for key, value in (("location", self._location), ("offset", place), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        self._constants.append(tensor)
        return name


def main() -> None:
    """Write the graph."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source = Path(sys.argv[1])
    model = Converter(source.read_bytes(), source.name).model()
    Path(sys.argv[2]).write_bytes(model.SerializeToString())


if __name__ == "__main__":
    main()
