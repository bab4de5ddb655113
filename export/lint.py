"""Will a device's TensorRT take this graph? Operators and opsets by target, each finding with what to do about it.

Sources: the operator table of onnx-tensorrt (docs/operators.md, 10.x), TensorRT's documentation on DLA and dynamic shapes, and
builds with TensorRT for RTX 1.7.1 (docs/export.md says which).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto

from export.spec import Model, Target


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a target will not take. where: the node or tensor; fix: what to do."""

    rule: str
    where: str
    problem: str
    fix: str


OPSETS: dict[Target, tuple[int, int]] = {"cpu": (9, 22), "jp6": (9, 20), "jp7": (9, 20), "rtx": (9, 20)}
"""Oldest and newest opset. 10.x parses up to 20; newer opsets bring Attention, which has no kernel in fp32."""

SPLIT = "cut the graph before it and do this step in numpy (export.surgery.cut)"
DENSE = "compute all cases and choose with Where or a product (export.vits shows it for a spline)"
QDQ = "quantise with QuantizeLinear/DequantizeLinear (export.precision.to_int8), or undo it with export.surgery.dequantize"

REFUSED: dict[str, str] = {
    "STFT": "write the transform as a strided convolution",
    "DFT": "write the transform as a convolution or a product with a matrix of cosines and sines",
    "MelWeightMatrix": "compute the matrix once and store it",
    "Attention": "export with opset 18 or 20",
    "NonZero": DENSE,
    "Compress": DENSE,
    "Unique": SPLIT,
    "DynamicQuantizeLinear": QDQ,
    "MatMulInteger": QDQ,
    "ConvInteger": QDQ,
    "DynamicQuantizeLSTM": QDQ,
    "RandomNormal": "make the noise an input",
    "RandomNormalLike": "make the noise an input",
    "RandomUniform": "make the noise an input",
    "RandomUniformLike": "make the noise an input",
    "Multinomial": SPLIT,
    "StringNormalizer": SPLIT,
    "SequenceConstruct": "export with a tensor instead of a list",
    "SplitToSequence": "export with Split instead of a list",
    "Optional": "export without optional values",
    "If": "bake the inputs it depends on (export.surgery.bake) and fold it away (export.surgery.slim)",
    "Loop": "unroll it, or run one step per call and hold the state outside",
    "Scan": "unroll it, or run one step per call and hold the state outside",
}
"""NonZero and the like give shapes that depend on data; If and Loop parse only in simple forms: the exporter refuses them all,
because a rewrite is always possible in this assistant's models."""

ALLOWED_NUMBERS = {
    TensorProto.FLOAT,
    TensorProto.FLOAT16,
    TensorProto.BFLOAT16,
    TensorProto.INT8,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.BOOL,
}
TOP_K = 3840
"""Largest K of TopK (onnx-tensorrt, docs/operators.md)."""

DYNAMIC_RNN = {"LSTM", "GRU", "RNN"}


def lint(model: Model, target: Target, profiles: Sequence[Mapping[str, object]] = ()) -> list[Finding]:
    """Everything the target would refuse. profiles: shape ranges by input; every axis of any length needs one."""
    found = _opset(model, target)
    if target == "cpu":
        return found
    for node in model.graph.node:
        found += _node(node, target)
    return found + _quantisation(model) + _numbers(model) + _profiles(model, profiles)


def _opset(model: Model, target: Target) -> list[Finding]:
    low, high = OPSETS[target]
    found = []
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and not low <= entry.version <= high:
            text = f"opset {entry.version} is outside {low}-{high}"
            found.append(Finding("opset", "model", text, "export with opset 18"))
        if entry.domain not in ("", "ai.onnx", "ai.onnx.ml") and any(node.domain == entry.domain for node in model.graph.node):
            text = f"operators of the domain {entry.domain!r} are ONNX Runtime's own"
            found.append(Finding("domain", "model", text, "export without onnxruntime's graph optimisation"))
    return found


def _node(node: Model, target: Target) -> list[Finding]:
    name = node.name or node.output[0]
    found = []
    if node.op_type in REFUSED:
        found.append(Finding("operator", name, f"{node.op_type} is not taken by {target}", REFUSED[node.op_type]))
    for attribute in node.attribute:
        if attribute.HasField("g") or attribute.graphs:
            for inner in attribute.g.node:
                found += _node(inner, target)
        if node.op_type in DYNAMIC_RNN and attribute.name == "layout" and attribute.i:
            found.append(Finding("layout", name, f"{node.op_type} with batch first", "transpose before it and use layout 0"))
        if node.op_type == "ScatterND" and attribute.name == "reduction" and attribute.s not in (b"", b"none"):
            found.append(Finding("scatter", name, "ScatterND with a reduction", "write it with Where or a mask"))
        if node.op_type == "TopK" and attribute.name == "k" and attribute.i >= TOP_K:
            found.append(Finding("topk", name, f"K = {attribute.i}", f"use fewer than {TOP_K}, or sort in numpy"))
    return found


def _quantisation(model: Model) -> list[Finding]:
    """TensorRT takes only signed, symmetric Q/DQ; a quantised bias (int32) is not parsed."""
    kinds = {tensor.name: tensor for tensor in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            continue
        name = node.name or node.output[0]
        if node.op_type == "DequantizeLinear" and node.input[0] in kinds and kinds[node.input[0]].data_type == TensorProto.INT32:
            found.append(Finding("bias", name, "the bias is quantised to int32", "quantise with QuantizeBias=False"))
        if len(node.input) > 2 and node.input[2] in kinds:
            zero = kinds[node.input[2]]
            if zero.data_type == TensorProto.UINT8:
                found.append(Finding("unsigned", name, "the zero point is uint8", "quantise with QInt8 weights and activations"))
            elif onnx.numpy_helper.to_array(zero).any():
                found.append(Finding("asymmetric", name, "the zero point is not 0", "quantise with ActivationSymmetric=True"))
    return found


def _numbers(model: Model) -> list[Finding]:
    found = []
    values = [(value.name, value.type.tensor_type.elem_type) for value in [*model.graph.input, *model.graph.output]]
    for name, kind in [*values, *((tensor.name, tensor.data_type) for tensor in model.graph.initializer)]:
        if kind not in ALLOWED_NUMBERS:
            text = f"has the type {TensorProto.DataType.Name(kind)}"
            found.append(Finding("type", name, text, "cast to float32 or int32 before the export"))
    return found


def _profiles(model: Model, profiles: Sequence[Mapping[str, object]]) -> list[Finding]:
    found = []
    for value in model.graph.input:
        free = [place for place, dim in enumerate(value.type.tensor_type.shape.dim) if not dim.HasField("dim_value")]
        if free and not all(value.name in profile for profile in profiles or [{}]):
            text = f"the axes {free} may have any length and no profile says which"
            found.append(Finding("profile", value.name, text, "give min, usual and max shapes in export/catalog.py"))
    return found


DLA_LAYERS = {"Conv", "ConvTranspose", "Relu", "Sigmoid", "Tanh", "Clip", "LeakyRelu", "MaxPool", "AveragePool", "Softmax"}
DLA_LAYERS |= {"Add", "Mul", "Sub", "Div", "Pow", "Equal", "Concat", "Max", "Min", "Slice", "Resize", "BatchNormalization"}
DLA_LAYERS |= {"GlobalAveragePool"}
DLA_NEUTRAL = {"Constant", "Identity", "QuantizeLinear", "DequantizeLinear"}


def dla_report(model: Model) -> dict[str, object]:
    """What a Jetson's deep learning accelerator would take, by its documented rules. Nothing was run on one.

    Rules: fixed shapes, fp16 or int8, 2-D convolutions and pooling, some activations; everything else falls back to the GPU.
    """
    falls: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for node in model.graph.node:
        kernel = next((list(a.ints) for a in node.attribute if a.name == "kernel_shape"), None)
        if node.op_type not in DLA_LAYERS | DLA_NEUTRAL:
            name, why = node.op_type, "no such layer on the DLA"
        elif kernel is not None and len(kernel) != 2:
            name, why = f"{node.op_type} {len(kernel)}-D", "only two dimensions: lift it with a height of 1"
        else:
            continue
        falls[name] += 1
        reasons[name] = why
    dims = {value.name: value.type.tensor_type.shape.dim for value in model.graph.input}
    free = [name for name, sides in dims.items() if any(not side.HasField("dim_value") for side in sides)]
    return {
        "run": False,
        "note": "by documented rules only; not run on a DLA",
        "candidate": not free and not falls,
        "free_axes": free,
        "falls_back": {name: {"count": count, "why": reasons[name]} for name, count in sorted(falls.items())},
    }
