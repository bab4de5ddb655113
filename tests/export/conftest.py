"""A small model with everything the real ones have, and its package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from assistant.engines.session import OrtBackend
from export import package
from export.produce import Producer
from export.spec import ModelSpec, Part, Range

PROFILE = {"x": Range((1, 4, 8), (1, 4, 32), (1, 4, 64))}


def small_model(sides=(1, 4, "T")):
    """Two convolutions and a softmax over a stream of any length."""
    random = np.random.default_rng(0)
    weights = {
        "w1": random.standard_normal((8, 4, 3)).astype(np.float32) / 3,
        "b1": random.standard_normal(8).astype(np.float32),
        "w2": random.standard_normal((2, 8, 1)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="/first", kernel_shape=[3], pads=[1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="/relu"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="/second", kernel_shape=[1]),
        helper.make_node("Softmax", ["c"], ["y"], name="/softmax", axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 2, sides[2]))],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def small_spec(**changes) -> ModelSpec:
    part = Part(
        "net",
        lambda folder: onnx.load(folder / "small.onnx"),
        (PROFILE,),
        lambda folder: OrtBackend(folder / "small.onnx").run,
        replaces="small.onnx",
        **changes,
    )
    return ModelSpec("small", "test", "", "Apache-2.0", "", "A small model", (part,), "none")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with small.onnx, as the registry would hold it."""
    folder = tmp_path / "source"
    folder.mkdir()
    onnx.save(small_model(), folder / "small.onnx")
    return folder


@pytest.fixture
def packages(source: Path, tmp_path: Path) -> Path:
    """A folder with the small model's package."""
    out = tmp_path / "packages"
    result = Producer(small_spec(), source, "rtx", lambda text: None, measure=False).run("fp16")
    package.write(result, {"name": "small"}, out)
    return out
