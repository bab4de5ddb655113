"""Writes ONNX graphs node by node, with the weights left out.

A `GraphWriter` collects nodes; a `WeightPlan`, shared by several graphs, collects what the weights file must hold: which
variable of the source model, transformed how, at which offset. The graphs point into that file (ONNX external data), so they
are small enough to read, to review and to commit. `assistant/engines/whisper_weights.py` carries the plan out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Transform = Literal["float32", "transposed", "int8_columns", "int8_scales"]
"""How a source variable becomes a tensor of the weights file; the words are explained in `WeightPlan.add`."""

OPSET = 17
"""The oldest opset with LayerNormalization; read by onnxruntime >= 1.12 and TensorRT >= 8.6."""

IR_VERSION = 8
"""ONNX file format version that came with opset 17; newer readers accept it."""

ALIGNMENT = 64
"""Bytes: every tensor starts on a cache line of the memory-mapped weights file."""

_ELEMENT_TYPES = {"float32": TensorProto.FLOAT, "int8": TensorProto.INT8}
_ELEMENT_BYTES = {"float32": 4, "int8": 1}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of the weights file. shape: after the transform; offset: bytes from the start of the file."""

    name: str
    source: str
    transform: Transform
    dtype: Literal["float32", "int8"]
    shape: tuple[int, ...]
    offset: int

    @property
    def bytes(self) -> int:
        """Its length in the file."""
        return prod(self.shape) * _ELEMENT_BYTES[self.dtype]


@dataclass(slots=True)
class WeightPlan:
    """The content of one weights file, in file order. location: the file's name, as the graphs will state it."""

    location: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    end: int = 0

    def add(self, source: str, transform: Transform, source_shape: tuple[int, ...]) -> Tensor:
        """The tensor made of `source`; asked for twice, it is stored once.

        float32: same shape. transposed: a matrix (out, in) as float32 (in, out). int8_columns: a matrix (out, in) as int8
        (in, out), each column (one output) divided by its own scale. int8_scales: those scales, float32 (out,).
        """
        name = f"{source}:{transform}"
        if name not in self.tensors:
            shape = {
                "float32": source_shape,
                "transposed": source_shape[::-1],
                "int8_columns": source_shape[::-1],
                "int8_scales": source_shape[:1],
            }[transform]
            start = -(-self.end // ALIGNMENT) * ALIGNMENT
            dtype: Literal["float32", "int8"] = "int8" if transform == "int8_columns" else "float32"
            tensor = Tensor(name, source, transform, dtype, shape, start)
            self.tensors[name] = tensor
            self.end = start + tensor.bytes
        return self.tensors[name]


class GraphWriter:
    """A graph under construction. Names are counted, so the same calls give the same bytes."""

    def __init__(self, name: str, plan: WeightPlan) -> None:
        self._name = name
        self._plan = plan
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node. Returns the name of its output, or a tuple of names if it has several.

        The one place with ** arguments: ONNX attributes are an open set defined by the standard.
        """
        names = [f"{kind}_{len(self._nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(self._nodes)}", **attributes))
        return tuple(names) if outputs > 1 else names[0]

    def constant(self, value: float | Sequence[int] | int, dtype: type[np.generic] = np.int64) -> str:
        """A small value kept inside the graph. A whole number is a scalar, a list a vector; int64 as ONNX wants for shapes."""
        array = np.asarray(value, dtype)
        name = f"const_{array.dtype}_{'x'.join(map(str, array.shape))}_{'_'.join(map(str, array.ravel().tolist()))}"
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def weight(self, source: str, transform: Transform, source_shape: tuple[int, ...]) -> str:
        """A tensor of the weights file."""
        tensor = self._plan.add(source, transform, source_shape)
        if tensor.name not in self._initializers:
            self._initializers[tensor.name] = self._external(tensor)
        return tensor.name

    def _external(self, tensor: Tensor) -> onnx.TensorProto:
        proto = TensorProto(
            name=tensor.name,
            data_type=_ELEMENT_TYPES[tensor.dtype],
            dims=tensor.shape,
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (("location", self._plan.location), ("offset", tensor.offset), ("length", tensor.bytes)):
            proto.external_data.add(key=key, value=str(value))
        return proto

    def serialize(
        self, inputs: Sequence[tuple[str, int, list[str | int]]], outputs: Sequence[tuple[str, str, list[str | int]]]
    ) -> bytes:
        """The finished model file.

        inputs: (name, element type, shape) each. outputs: (name, internal name that it publishes, shape) each, all float32.
        """
        for name, internal, _ in outputs:
            self._nodes.append(helper.make_node("Identity", [internal], [name], name=f"publish_{name}"))
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, _, shape in outputs],
            list(self._initializers.values()),
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="edge-assistant",
        )
        data: bytes = model.SerializeToString(deterministic=True)
        return data
