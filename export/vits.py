"""Cuts a Piper voice (VITS) into three graphs without data-dependent shapes, which TensorRT can build and which sound window
by window.

    encoder  input int64 (1, T), eps float32 (1, 2, T), noise_w float32 (1,)  -> m_p, logs_p (1, C, T), durations (1, 1, T) in
    frames flow     z_p (1, C, F) -> z (1, C, F)
    decoder  z (1, C, W) -> audio (1, 1, hop * W)

Between encoder and flow stands the length regulator (assistant.engines.vits_pipeline): frames = ceil(durations * pace), each
phoneme repeated, noise added. The rational-quadratic splines of the duration predictor (Durkan et al. 2019, "Neural Spline
Flows"; VITS transforms.py) work on boolean masks (NonZero, GatherND, ScatterND); here every bin is computed and one is chosen
by a product.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assistant.errors import ModelError
from export import surgery
from export.spec import Array, Model

BINS, TAIL, LEAST = 10, 5.0, 1e-3
"""Number of bins, half width of the spline and least bin size and slope: VITS modules.py (ConvFlow) and transforms.py."""

ENCODED = ("/enc_p/Split_output_0", "/enc_p/Split_output_1")
_SPLINE_END = re.compile(r"(/dp/flows\.\d+/)ScatterND_9_output_0$")


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where the voice is cut: names of tensors. z, z_p: decoder and flow input; widths: C."""

    z: str
    z_p: str
    frame_mask: str
    phoneme_mask: str
    durations: str
    noise_w: str
    eps: str
    splines: tuple[str, ...]
    width: int


def load_voice(path: Path) -> Model:
    """A Piper voice's graph. Raises ModelError with the reason when it cannot be cut."""
    try:
        model = onnx.load(path)
    except Exception as error:
        raise ModelError(f"{path} is not an ONNX voice: {error}") from error
    inputs = [value.name for value in model.graph.input]
    if "sid" in inputs:
        raise ModelError(f"{path.name} has several speakers, which the three-graph form does not know: use the .onnx file itself")
    if inputs[:3] != ["input", "input_lengths", "scales"]:
        raise ModelError(f"{path.name} is no Piper voice: its inputs are {', '.join(inputs)}")
    return model


def find_cuts(model: Model) -> Cuts:
    """Where to cut. Raises ModelError that names what was not found."""
    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[Model]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    try:
        first = next(node for node in graph.node if node.op_type == "Conv" and node.input[1] == "dec.conv_pre.weight")
        eps, noise = (node.output[0] for node in graph.node if node.op_type == "RandomNormalLike")
        stretch = made[next(node for node in graph.node if node.op_type == "Ceil").input[0]]
        durations = next(name for name in stretch.input if made[name].op_type != "Gather")
        while readers[noise][0].op_type != "Add":
            noise = readers[noise][0].output[0]
        phoneme_mask = next(node for node in graph.node if node.name == "/enc_p/Mul_1").input[1]
        scales = [node for node in graph.node if node.op_type == "Gather" and node.input[0] == "scales"]
        noise_w = next(node.output[0] for node in scales if _index(model, node) == 2)
        weights = next(tensor for tensor in graph.initializer if tensor.name == "dec.conv_pre.weight")
    except (StopIteration, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"this voice was exported in a way that cannot be cut (a part of VITS is missing: {error!r})") from error
    splines = tuple(name for name in made if _SPLINE_END.match(name))
    missing = [name for name in ENCODED if name not in made]
    if missing or not splines:
        raise ModelError("this voice was exported with other tensor names: text encoder or splines were not found")
    mask = list(made[first.input[0]].input)[1]
    return Cuts(
        first.input[0], readers[noise][0].output[0], mask, phoneme_mask, durations, noise_w, eps, splines, weights.dims[1]
    )


def encoder(model: Model, cuts: Cuts, dense: bool = True) -> Model:
    """The first graph. dense False: with the original splines, to compare with."""
    model = _copy(model)
    graph = model.graph
    if dense:
        for output in cuts.splines:
            _replace_spline(model, output)
    kept = [node for node in graph.node if node.output[0] not in (cuts.eps, cuts.noise_w, cuts.phoneme_mask)]
    surgery.replace(graph.node, kept)
    graph.input.append(helper.make_tensor_value_info(cuts.eps, TensorProto.FLOAT, [1, 2, "T"]))
    graph.input.append(helper.make_tensor_value_info(cuts.noise_w, TensorProto.FLOAT, [1]))
    surgery.rename(model, {cuts.phoneme_mask: "ones"})
    surgery.bake(model, {"ones": np.ones((1, 1, 1), np.float32)})
    surgery.reshape(model, {"input": [1, "T"], "input_lengths": [1]})
    model = surgery.cut(model, ["input", cuts.eps, cuts.noise_w], [*ENCODED, cuts.durations])
    old, new = [*ENCODED, cuts.durations, cuts.eps, cuts.noise_w], ["m_p", "logs_p", "durations", "eps", "noise_w"]
    surgery.rename(model, dict(zip(old, new, strict=True)))
    shapes: dict[str, list[int | str]] = {"m_p": [1, cuts.width, "T"], "logs_p": [1, cuts.width, "T"], "durations": [1, 1, "T"]}
    return surgery.drop_neutral(surgery.reshape(model, shapes)) if dense else surgery.tidy(surgery.reshape(model, shapes))


def flow(model: Model, cuts: Cuts) -> Model:
    """The second graph, without the mask (one unpadded sentence needs none) and without what a single speaker leaves."""
    model = surgery.cut(_copy(model), [cuts.z_p, cuts.frame_mask], [cuts.z])
    surgery.rename(model, {cuts.z_p: "z_p", cuts.frame_mask: "ones", cuts.z: "z"})
    surgery.bake(model, {"ones": np.ones((1, 1, 1), np.float32)})
    return surgery.drop_neutral(surgery.reshape(model, {"z_p": [1, cuts.width, "F"], "z": [1, cuts.width, "F"]}))


def decoder(model: Model, cuts: Cuts) -> Model:
    """The third graph."""
    end = next(node.output[0] for node in reversed(model.graph.node) if node.op_type == "Tanh" and node.name.startswith("/dec/"))
    model = surgery.rename(surgery.cut(_copy(model), [cuts.z], [end]), {cuts.z: "z", end: "audio"})
    return surgery.tidy(surgery.reshape(model, {"z": [1, cuts.width, "W"], "audio": [1, 1, "S"]}))


def hop(model: Model) -> int:
    """Samples per frame: the product of the decoder's upsampling strides."""
    strides = [
        attribute.ints[0]
        for node in model.graph.node
        if node.op_type == "ConvTranspose"
        for attribute in node.attribute
        if attribute.name == "strides"
    ]
    return int(np.prod(strides))


def _copy(model: Model) -> Model:
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    return twin


def _index(model: Model, node: Model) -> int:
    """The constant index of a Gather node; -1 when it is none."""
    for tensor in model.graph.initializer:
        if tensor.name == node.input[1]:
            return int(numpy_helper.to_array(tensor).reshape(-1)[0])
    for other in model.graph.node:
        if other.output[0] == node.input[1] and other.op_type == "Constant":
            return int(numpy_helper.to_array(other.attribute[0].t).reshape(-1)[0])
    return -1


def _replace_spline(model: Model, output: str) -> None:
    """Everything from the spline's parameters to `output` becomes the dense form."""
    graph, prefix = model.graph, output.removesuffix("ScatterND_9_output_0")
    sources = [f"{prefix}{name}_output_{place}" for name, place in (("Split", 1), ("Div", 0), ("Div_1", 0), ("Slice_2", 0))]
    made = {name for node in graph.node for name in node.output}
    if not set(sources) <= made:
        raise ModelError(f"this voice was exported with other tensor names: {sorted(set(sources) - made)} were not found")
    spline = _Spline(prefix)
    spline.build(sources, output)
    nodes: list[Model] = []
    for node in graph.node:
        nodes.extend(spline.nodes if output in node.output else [node])
    surgery.replace(graph.node, nodes)
    graph.initializer.extend(spline.constants)


class _Spline:
    """Writes the inverse rational-quadratic spline with linear tails, computed for all bins. Tensors are (1, 1, T, bins)."""

    def __init__(self, prefix: str) -> None:
        self.nodes: list[Model] = []
        self.constants: list[Model] = []
        self._prefix = f"{prefix}dense"

    def const(self, value: float | list[int] | Array) -> str:
        """A constant: float32, or int64 for a list."""
        array = np.asarray(value, np.int64 if isinstance(value, list) else np.float32)
        name = f"{self._prefix}/c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def op(self, kind: str, *inputs: str, **attributes: int) -> str:
        """A node; ONNX attributes are an open set, hence ** here."""
        name = f"{self._prefix}/{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def edges(self, raw: str) -> tuple[str, str]:
        """Unnormalised sizes -> (left edge of every bin, its size): softmax, then running sums as a product with a triangle."""
        share = self.op("Softmax", raw, axis=-1)
        size = self.op("Add", self.op("Mul", share, self.const(1 - LEAST * BINS)), self.const(LEAST))
        before = self.op("MatMul", size, self.const(np.triu(np.ones((BINS, BINS), np.float32), 1)))
        span = self.const(2 * TAIL)
        return self.op("Add", self.op("Mul", before, span), self.const(-TAIL)), self.op("Mul", size, span)

    def chosen(self, x: str, left: str) -> str:
        """1 for the bin that holds x, 0 for the others: (edge j reached) - (edge j + 1 reached)."""
        reached = self.op("Cast", self.op("GreaterOrEqual", x, left), to=TensorProto.FLOAT)
        following = self.op("Slice", reached, self.const([1]), self.const([BINS]), self.const([3]))
        none = self.op("Mul", x, self.const(0.0))
        return self.op("Sub", reached, self.op("Concat", following, none, axis=-1))

    def build(self, sources: list[str], output: str) -> None:
        """sources: x (1, 1, T), raw widths and heights (1, 1, T, bins), raw slopes (1, 1, T, bins - 1)."""
        x, widths, heights, slopes = sources
        last = self.const([-1])
        low, high = self.const(-TAIL), self.const(TAIL)
        clipped = self.op("Unsqueeze", self.op("Clip", x, low, high), last)
        left, width = self.edges(widths)
        bottom, height = self.edges(heights)
        inner = self.op("Add", self.op("Softplus", slopes), self.const(LEAST))
        ones = self.op("Add", self.op("Mul", clipped, self.const(0.0)), self.const(1.0))  # the slope outside is 1
        mask = self.chosen(clipped, bottom)
        bins = [left, width, bottom, height, self.op("Concat", ones, inner, axis=-1), self.op("Concat", inner, ones, axis=-1)]
        picked = [self.op("ReduceSum", self.op("Mul", mask, value), last, keepdims=1) for value in bins]
        inverse = self.op("Squeeze", self.root(clipped, picked), last)
        inside = self.op("And", self.op("GreaterOrEqual", x, low), self.op("LessOrEqual", x, high))
        self.nodes.append(helper.make_node("Where", [inside, inverse, x], [output], name=f"{self._prefix}/where"))

    def root(self, y: str, picked: list[str]) -> str:
        """Solve the bin's quadratic for x (Durkan et al. 2019, appendix A.3; the branch that is stable)."""
        left, width, bottom, height, slope, next_slope = picked
        two = self.const(2.0)
        delta, above = self.op("Div", height, width), self.op("Sub", y, bottom)
        bend = self.op("Mul", above, self.op("Sub", self.op("Add", slope, next_slope), self.op("Mul", delta, two)))
        a = self.op("Add", bend, self.op("Mul", height, self.op("Sub", delta, slope)))
        b = self.op("Sub", self.op("Mul", height, slope), bend)
        c = self.op("Neg", self.op("Mul", delta, above))
        four_ac = self.op("Mul", self.op("Mul", a, c), self.const(4.0))
        under = self.op("Relu", self.op("Sub", self.op("Mul", b, b), four_ac))
        share = self.op("Div", self.op("Mul", c, two), self.op("Sub", self.op("Neg", b), self.op("Sqrt", under)))
        return self.op("Add", self.op("Mul", share, width), left)
