"""Recurrent layers over a known number of steps, written out: what engines compile well and in any precision."""

from __future__ import annotations

import numpy as np
from onnx import helper, numpy_helper

from assistant.errors import ModelError
from export import surgery
from export.spec import Array, Model


def unroll_gru(model: Model, steps: int) -> Model:
    """Every GRU node becomes `steps` times its equations (ONNX, Operators.md, GRU): one direction, default activations.

    TensorRT for RTX 1.7.1 gives a GRU whose only used output is the last state the shape of all states, and then fails.
    """
    graph = model.graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes: list[Model] = []
    for node in graph.node:
        nodes.extend(_Unrolled(node, arrays, graph, steps).nodes if node.op_type == "GRU" else [node])
    surgery.replace(graph.node, nodes)
    return surgery.tidy(model)


class _Unrolled:
    """The nodes of one GRU. x: (steps, B, inputs); state: (B, hidden)."""

    def __init__(self, node: Model, arrays: dict[str, Array], graph: Model, steps: int) -> None:
        attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        if (
            attributes.get("direction", b"forward") != b"forward"
            or not attributes.get("linear_before_reset")
            or len(node.input) < 4
        ):
            raise ModelError(f"{node.name}: only forward GRUs with a bias, as torch writes them, can be written out")
        self.nodes: list[Model] = []
        self._graph, self._prefix, self._hidden = graph, node.name or node.output[0], int(attributes["hidden_size"])
        weights, recurrent, bias = (arrays[name][0] for name in node.input[1:4])
        self._w, self._r = self._const(weights.T), self._const(recurrent.T)
        self._wb, self._rb = (self._const(part) for part in np.split(bias, 2))
        state = self._first(node)
        states = []
        for step in range(steps):
            x = self._op("Gather", node.input[0], self._const(np.array(step)), axis=0)
            state = self._step(x, state)
            states.append(self._op("Unsqueeze", state, self._const(np.array([0, 1]))))
        self.nodes.append(
            helper.make_node("Concat", states, [node.output[0] or f"{self._prefix}/all"], f"{self._prefix}/Y", axis=0)
        )
        if len(node.output) > 1:
            zero = self._const(np.array([0]))
            self.nodes.append(helper.make_node("Unsqueeze", [state, zero], [node.output[1]], f"{self._prefix}/Y_h"))

    def _first(self, node: Model) -> str:
        """The state to begin with: given, or zeros of the batch's size."""
        zero = self._const(np.array([0]))
        if len(node.input) > 5 and node.input[5]:
            return self._op("Squeeze", node.input[5], zero)
        x = self._op("Gather", node.input[0], self._const(np.array(0)), axis=0)
        column = self._op("ReduceMean", x, axes=[1], keepdims=1)  # (B, 1)
        return self._op("Mul", column, self._const(np.zeros((1, self._hidden), np.float32)))

    def _step(self, x: str, state: str) -> str:
        """z = s(x Wz + h Rz), r = s(x Wr + h Rr), n = tanh(x Wn + r (h Rn)), h' = (1 - z) n + z h; biases inside."""
        given = self._op("Add", self._op("MatMul", x, self._w), self._wb)
        known = self._op("Add", self._op("MatMul", state, self._r), self._rb)
        update, reset = (
            self._op("Sigmoid", self._op("Add", self._part(given, place), self._part(known, place))) for place in range(2)
        )
        fresh = self._op("Tanh", self._op("Add", self._part(given, 2), self._op("Mul", reset, self._part(known, 2))))
        kept = self._op("Mul", update, self._op("Sub", state, fresh))
        return self._op("Add", fresh, kept)

    def _part(self, name: str, place: int) -> str:
        ends = [self._const(np.array([value])) for value in (place * self._hidden, (place + 1) * self._hidden, 1)]
        return self._op("Slice", name, *ends)

    def _op(
        self, kind: str, *inputs: str, axis: int | None = None, axes: list[int] | None = None, keepdims: int | None = None
    ) -> str:
        name = f"{self._prefix}/{kind}_{len(self.nodes)}"
        given = {"axis": axis, "axes": axes, "keepdims": keepdims}
        attributes = {key: value for key, value in given.items() if value is not None}
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def _const(self, value: Array) -> str:
        array = value.astype(np.float32) if value.dtype.kind == "f" else value.astype(np.int64)
        name = f"{self._prefix}/const_{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(array.copy(order="C"), name))
        return name
