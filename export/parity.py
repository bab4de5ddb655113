"""Does the exported file still compute what the model computes? At the smallest, usual and largest shape of every profile.

Runs through assistant.engines.session: the code that ships. Half precision is checked twice: the fp16 file itself, which ONNX
Runtime computes on a processor with fp32 arithmetic between, and a copy of the fp32 graph in which every result is rounded to
half precision's 11 bits and range, which is what tensor cores do (they add up in fp32, too).
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assistant.engines.session import OrtBackend
from assistant.engines.session_samples import difference
from export import surgery
from export.precision import FP32_ONLY, HALF_MAX
from export.spec import PLACES, Array, Feeds, Model, Part, Run

SPLITTER = 2.0**13 + 1
"""x * SPLITTER, minus (x * SPLITTER - x), is x rounded to 24 - 13 = 11 bits (Dekker 1971)."""

DTYPES: dict[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype(np.float32),
    TensorProto.FLOAT16: np.dtype(np.float16),
    TensorProto.INT64: np.dtype(np.int64),
    TensorProto.INT32: np.dtype(np.int32),
    TensorProto.BOOL: np.dtype(np.bool_),
}


def run_model(model: Model) -> Run:
    """Runs a graph that is not in a file."""
    with tempfile.TemporaryDirectory(prefix="export-") as scratch:
        path = Path(scratch) / "graph.onnx"
        onnx.save(model, path)
        return OrtBackend(path).run


def input_dtypes(model: Model) -> dict[str, np.dtype[Any]]:
    """Input name -> dtype."""
    return {value.name: DTYPES[value.type.tensor_type.elem_type] for value in model.graph.input}


def relative_error(wanted: Mapping[str, Array], got: Mapping[str, Array]) -> float:
    """The largest difference, relative to the largest value of that output; infinite for another shape or a value that is
    none."""
    return difference(wanted, got, lambda values: float(np.abs(values).max()))


def feeds_of(part: Part, model: Model) -> list[tuple[str, Feeds]]:
    """(profile and place, feeds) for all shapes to check; places that have the same shapes appear once."""
    dtypes = input_dtypes(model)
    found: dict[str, tuple[str, Feeds]] = {}
    for number, profile in enumerate(part.profiles):
        for place in PLACES:
            key = str([profile[name].at(place) for name in dtypes])
            found.setdefault(key, (f"profile {number} {place}", part.feeds(profile, place, dtypes)))
    return list(found.values())


def compare(run: Run, reference: Run, cases: Sequence[tuple[str, Feeds]]) -> dict[str, float]:
    """Case -> relative error."""
    return {name: _short(relative_error(reference(feeds), run(feeds))) for name, feeds in cases}


def _short(value: float) -> float:
    """Two significant digits, so that reports are the same on processors that round differently in the last bit."""
    return float(f"{value:.1e}") if math.isfinite(value) else value


def rounded_like_half(model: Model, islands: Sequence[str] = ()) -> Model:
    """The fp32 graph with weights and results outside the islands rounded as fp16 would; too large a value becomes infinite."""
    twin = onnx.ModelProto()
    twin.CopyFrom(surgery.constants_to_initializers(model))
    graph = twin.graph
    kinds = surgery.element_types(twin)
    types = FP32_ONLY | {name for name in islands if not name.endswith("*")}
    prefixes = tuple(name[:-1] for name in islands if name.endswith("*"))
    kept: set[str] = set()
    nodes: list[Model] = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type in types or (prefixes and node.name.startswith(prefixes)):
            kept.update(node.input)
            continue
        for place, name in enumerate(node.output):
            if kinds.get(name) == TensorProto.FLOAT:
                node.output[place] = f"{name}/exact"
                nodes += _rounding(f"{name}/exact", name)
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.name not in kept:
            values = np.clip(numpy_helper.to_array(tensor), -HALF_MAX, HALF_MAX).astype(np.float16).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for name, value in (("half/splitter", SPLITTER), ("half/max", HALF_MAX), ("half/inf", math.inf)):
        graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    surgery.replace(graph.node, nodes)
    return surgery.tidy(twin)


def _rounding(source: str, target: str) -> list[Model]:
    """Nodes: target = source rounded to 11 bits, infinite beyond half precision's range."""

    def node(kind: str, inputs: list[str], output: str) -> Model:
        return helper.make_node(kind, inputs, [output], name=f"{output}/round")

    large, apart, size, fits, near = (f"{target}/{name}" for name in ("large", "apart", "size", "fits", "near"))
    return [
        node("Mul", [source, "half/splitter"], large),
        node("Sub", [large, source], apart),
        node("Sub", [large, apart], near),
        node("Abs", [near], size),
        node("LessOrEqual", [size, "half/max"], fits),
        node("Where", [fits, near, "half/inf"], target),
    ]
