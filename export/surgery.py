"""Small rewrites that make a graph fit for TensorRT. Each keeps what the graph computes; export.parity proves it at three shapes.

All of them work on an onnx.ModelProto in place and return it, so that they can be chained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

from export.spec import Array, Model

PRODUCER = "edge-assistant export"


def tidy(model: Model) -> Model:
    """Drop what the outputs do not need, stale type notes and metadata; state who wrote it. Same graph, reproducible bytes."""
    graph = model.graph
    outputs = {value.name for value in graph.output}
    nodes = live(list(graph.node), outputs)
    replace(graph.node, nodes)
    used = {name for node in nodes for name in node.input} | outputs
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in used])
    own = {tensor.name for tensor in graph.initializer}
    replace(graph.input, [value for value in graph.input if value.name not in own])
    del graph.value_info[:]
    del graph.metadata_props[:]
    del model.metadata_props[:]
    for node in nodes:
        del node.metadata_props[:]
        node.doc_string = ""
    model.doc_string = graph.doc_string = ""
    model.producer_name, model.producer_version = PRODUCER, ""
    return model


def live(nodes: list[Model], outputs: set[str]) -> list[Model]:
    """The nodes whose result reaches an output, in the same order."""
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if any(name in needed for name in node.output):
            needed.update(node.input)
            for attribute in node.attribute:
                needed.update(name for inner in attribute.g.node for name in inner.input)
            kept.append(node)
    return kept[::-1]


def slim(model: Model) -> Model:
    """Fold constants and remove what has no effect, with onnxslim."""
    import onnxslim  # type: ignore[import-untyped]

    return tidy(onnxslim.slim(model))


def cut(model: Model, inputs: Sequence[str], outputs: Sequence[str], whole: Sequence[str] = ()) -> Model:
    """The graph between some tensors, without what it does not need. whole: inputs of whole numbers (int64); all others are fp32.

    New inputs and outputs have no shape yet: see `reshape`.
    """
    graph = model.graph
    known = {value.name: value for value in graph.input}
    made = [node for node in graph.node if not set(node.output) & set(inputs)]
    nodes = live(made, set(outputs))
    used = {name for node in nodes for name in node.input}
    tensors = [tensor for tensor in graph.initializer if tensor.name in used and tensor.name not in inputs]

    def described(name: str) -> Model:
        kind = TensorProto.INT64 if name in whole else TensorProto.FLOAT
        return known.get(name) or helper.make_tensor_value_info(name, kind, None)

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    part = helper.make_graph(nodes, graph.name, [described(name) for name in inputs], ends, tensors)
    return helper.make_model(part, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def rename(model: Model, names: Mapping[str, str]) -> Model:
    """Give tensors other names."""
    graph = model.graph
    for node in graph.node:
        for field in (node.input, node.output):
            for place, name in enumerate(field):
                field[place] = names.get(name, name)
    for value in [*graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        value.name = names.get(value.name, value.name)
    return model


def reshape(model: Model, shapes: Mapping[str, Sequence[int | str]]) -> Model:
    """State the shapes of inputs and outputs; a str is an axis of any length."""
    for value in [*model.graph.input, *model.graph.output]:
        if value.name in shapes:
            kind = value.type.tensor_type.elem_type
            value.CopyFrom(helper.make_tensor_value_info(value.name, kind, list(shapes[value.name])))
    return model


def bake(model: Model, values: Mapping[str, Array]) -> Model:
    """Turn inputs into constants."""
    graph = model.graph
    replace(graph.input, [value for value in graph.input if value.name not in values])
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in values.items())
    return model


def constants_to_initializers(model: Model) -> Model:
    """Constant nodes become initialisers, so that later passes find every constant in one place."""
    graph, kept = model.graph, []
    for node in graph.node:
        tensor = next((a.t for a in node.attribute if a.name == "value"), None) if node.op_type == "Constant" else None
        if tensor is None:
            kept.append(node)
        else:
            graph.initializer.append(numpy_helper.from_array(numpy_helper.to_array(tensor), node.output[0]))
    replace(graph.node, kept)
    return model


def single_precision(model: Model) -> Model:
    """Float64 inside a graph becomes float32: TensorRT has no float64. Constants that can be folded should be folded before."""
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.DOUBLE:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.i == TensorProto.DOUBLE:
                attribute.i = TensorProto.FLOAT
    return model


def drop_neutral(model: Model) -> Model:
    """Remove x + 0, x * exp(-0) and x * mask where the mask is the initialiser `ones`: what a single-speaker export leaves."""
    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    initial = {tensor.name: tensor for tensor in graph.initializer}
    published = {value.name for value in graph.output}

    def is_zero(name: str) -> bool:
        node = made.get(name)
        if node is None:
            return name in initial and not numpy_helper.to_array(initial[name]).any()
        if node.op_type == "ConstantOfShape":
            return not node.attribute or not numpy_helper.to_array(node.attribute[0].t).any()
        return node.op_type == "Neg" and is_zero(node.input[0])

    def is_one(name: str) -> bool:
        node = made.get(name)
        return name == "ones" or (node is not None and node.op_type == "Exp" and is_zero(node.input[0]))

    neutral = {"Add": lambda name: name in made and is_zero(name), "Mul": is_one}
    alias: dict[str, str] = {}
    kept = []
    for node in graph.node:
        for place, name in enumerate(node.input):
            while name in alias:
                name = alias[name]
            node.input[place] = name
        test = neutral.get(node.op_type)
        without = [name for name in node.input if not test(name)] if test else []
        if test and len(without) == 1 and node.output[0] not in published:
            alias[node.output[0]] = without[0]
        else:
            kept.append(node)
    replace(graph.node, kept)
    return tidy(model)


def dequantize(model: Model) -> Model:
    """{DynamicQuantizeLinear, MatMulInteger, Cast, Mul} -> MatMul with fp32 weights. TensorRT parses no dynamic quantisation."""
    graph = model.graph
    arrays = {tensor.name: tensor for tensor in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[Model]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    instead: dict[int, Model] = {}
    for node in graph.node:
        if node.op_type != "MatMulInteger":
            continue
        quantize, cast = made[node.input[0]], readers[node.output[0]][0]
        multiply = readers[cast.output[0]][0]
        scales = made[next(name for name in multiply.input if name != cast.output[0])]
        scale = next(name for name in scales.input if name in arrays)
        name = f"{node.input[1]}_fp32"
        if name not in arrays:
            zero = numpy_helper.to_array(arrays[node.input[3]]).astype(np.int32) if len(node.input) > 3 else 0
            levels = numpy_helper.to_array(arrays[node.input[1]]).astype(np.int32) - zero
            weights = (levels * numpy_helper.to_array(arrays[scale])).astype(np.float32)
            arrays[name] = numpy_helper.from_array(weights, name)
            graph.initializer.append(arrays[name])
        instead[id(multiply)] = helper.make_node(
            "MatMul", [quantize.input[0], name], list(multiply.output), name=f"{node.name}_fp32"
        )
    replace(graph.node, [instead.get(id(node), node) for node in graph.node])
    return tidy(model)


OPSET = 17
"""Older graphs are brought up to this one: quantisation per channel needs 13, TensorRT 10.3 takes up to 20."""


def modern(model: Model) -> Model:
    """At least opset OPSET."""
    have = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return onnx.version_converter.convert_version(model, OPSET) if have < OPSET else model


def halve_tables(model: Model, least: int = 1 << 16) -> Model:
    """Tables that rows are gathered from, of `least` numbers and more, in half precision; a Cast behind makes the row fp32."""
    graph, arrays = model.graph, {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in graph.node:
        table = arrays.get(node.input[0]) if node.op_type == "Gather" else None
        nodes.append(node)
        if table is None or table.data_type != TensorProto.FLOAT or np.prod(table.dims) < least:
            continue
        name, result = f"{table.name}/half", node.output[0]
        if name not in arrays:
            arrays[name] = numpy_helper.from_array(numpy_helper.to_array(table).astype(np.float16), name)
            graph.initializer.append(arrays[name])
        node.input[0], node.output[0] = name, f"{result}/half"
        nodes.append(helper.make_node("Cast", [f"{result}/half"], [result], name=f"{result}/single", to=TensorProto.FLOAT))
    replace(graph.node, nodes)
    return tidy(model)


def drop_outputs_axis_names(model: Model) -> Model:
    """Output shapes are left to the reader: exporters write names there that contradict the graph."""
    for value in model.graph.output:
        kind = value.type.tensor_type.elem_type
        rank = len(value.type.tensor_type.shape.dim)
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind, [None] * rank))
    return model


def element_types(model: Model) -> dict[str, int]:
    """Tensor name -> ONNX element type, for all that shape inference can type."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    found = {tensor.name: tensor.data_type for tensor in graph.initializer}
    values: Iterable[Model] = [*graph.input, *graph.output, *graph.value_info]
    found |= {value.name: value.type.tensor_type.elem_type for value in values}
    return {name: kind for name, kind in found.items() if kind != TensorProto.UNDEFINED}


def dynamic_axes(model: Model) -> dict[str, tuple[int, ...]]:
    """Input name -> its axes of any length."""
    return {
        value.name: tuple(place for place, dim in enumerate(value.type.tensor_type.shape.dim) if not dim.HasField("dim_value"))
        for value in model.graph.input
    }


def replace(field: Model, items: list[Model]) -> None:
    """Put other items into a repeated field of a protobuf message."""
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)
