"""What is to be exported: for every model its graphs, their inputs with the smallest, usual and largest shape, and what must
hold.

A `Part` is one ONNX graph that becomes one engine; a `ModelSpec` is what the assistant calls a model: the parts, what measures
that they still do their task, and how much may be lost. The table of all models is `export.catalog`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Feeds = dict[str, Array]
Model = Any
"""An onnx.ModelProto; onnx ships no types that help here."""

Run = Callable[[Feeds], dict[str, Array]]
"""Something that computes what a graph computes."""

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")

Target = Literal["cpu", "jp6", "jp7", "rtx"]
TARGETS: tuple[Target, ...] = ("cpu", "jp6", "jp7", "rtx")

TARGET_NAMES: dict[Target, str] = {
    "cpu": "ONNX Runtime on a processor",
    "jp6": "Jetson Orin, JetPack 6: TensorRT 10.3",
    "jp7": "Jetson Orin and Thor, JetPack 7: TensorRT 11.4",
    "rtx": "TensorRT for RTX 1.7 (builds without a GPU; stands in for the others in CI)",
}

FP32_LIMIT = 1e-4
"""Largest error of an exported fp32 graph, relative to the largest value of the output."""


@dataclass(frozen=True, slots=True)
class Range:
    """The shapes one input may have: smallest, the one to optimise for, largest."""

    low: tuple[int, ...]
    usual: tuple[int, ...]
    high: tuple[int, ...]

    @staticmethod
    def fixed(*shape: int) -> Range:
        """An input that always has the same shape."""
        return Range(shape, shape, shape)

    def at(self, place: Place) -> tuple[int, ...]:
        """The shape at one of the three places."""
        shapes: dict[Place, tuple[int, ...]] = {"low": self.low, "usual": self.usual, "high": self.high}
        return shapes[place]


Place = Literal["low", "usual", "high"]
PLACES: tuple[Place, ...] = ("low", "usual", "high")
Profile = Mapping[str, Range]
"""Input name -> its range. A graph may have several profiles, such as Whisper's encoder for 2, 5, 10 and 30 s."""

Fill = Callable[[np.random.Generator, tuple[int, ...]], Array]
"""Makes a value of an input: (random numbers, shape) -> array of the input's dtype."""


@dataclass(frozen=True, slots=True)
class Part:
    """One graph.

    build: (folder of the source files) -> the graph after surgery. reference: (the same folder) -> what its results are compared
    with, same inputs and outputs; None = nothing of that form exists, or not on this machine. fill: how to make an input's values
    where a normal distribution does not do. fp32: operator types, or prefixes of node names followed by *, that stay in fp32.
    int8: operator types to quantise, () = never. replaces: the file the running assistant opens, with its folder where several
    have one name; form: how the part takes its
    place (assistant.engines.session_packages.FORMS). targets: where it is used.
    """

    name: str
    build: Callable[[Path], Model]
    profiles: tuple[Profile, ...]
    reference: Callable[[Path], Run | None] | None = None
    fill: Mapping[str, Fill] = field(default_factory=dict)
    fp32: tuple[str, ...] = ()
    int8: tuple[str, ...] = ()
    replaces: str = ""
    form: str = "same"
    targets: tuple[Target, ...] = TARGETS

    def feeds(self, profile: Profile, place: Place, dtypes: Mapping[str, np.dtype[Any]]) -> Feeds:
        """Inputs for one check: the same at every call."""
        random = np.random.default_rng(0)
        found: Feeds = {}
        for name, dtype in dtypes.items():
            shape = profile[name].at(place)
            if name in self.fill:
                found[name] = self.fill[name](random, shape).astype(dtype)
            elif np.issubdtype(dtype, np.integer):
                found[name] = random.integers(0, 2, shape, dtype=dtype)
            else:
                found[name] = random.standard_normal(shape).astype(dtype)
        return found


@dataclass(frozen=True, slots=True)
class Gate:
    """How much a lower precision may lose. points: of a percentage; db: least signal-to-noise ratio against fp32."""

    fp16_points: float = 0.3
    int8_points: float = 0.5
    int8_size: float = 0.35
    db: float = 40.0


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of the assistant.

    source: name in the registry, or "" for a model that ships in this repository; task: name of the measure in export.tasks.
    """

    name: str
    kind: str
    source: str
    licence: str
    homepage: str
    summary: str
    parts: tuple[Part, ...]
    task: str
    gate: Gate = Gate()

    def part(self, name: str) -> Part:
        """One graph by its name."""
        return next(part for part in self.parts if part.name == name)


def integers(low: int, high: int) -> Fill:
    """Fill with whole numbers low..high - 1."""
    return lambda random, shape: random.integers(low, high, shape)


def constant(value: float) -> Fill:
    """Fill with one value."""
    return lambda random, shape: np.full(shape, value)


def scaled(size: float, middle: float = 0.0) -> Fill:
    """Fill with normally distributed numbers."""
    return lambda random, shape: middle + size * random.standard_normal(shape)
