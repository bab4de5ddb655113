"""Lint, surgery, precision, parity and packages, on a small model; and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from assistant.engines.session import PLAIN, OnnxSession, OrtBackend, resolved_by
from assistant.engines.session_packages import Package, Packages, open_with_onnxruntime
from assistant.errors import ModelError
from export import own, package, parity, precision, surgery
from export.lint import dla_report, lint
from export.produce import LintFailed, Producer
from export.prove import prove
from export.score import Score, lost
from tests.export.conftest import PROFILE, small_model, small_spec

SILENT = lambda text: None  # noqa: E731


def one_node(kind: str, inputs=("x",), opset: int = 17, **attributes):
    graph = helper.make_graph(
        [helper.make_node(kind, list(inputs), ["y"], name="/it", **attributes)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


@pytest.mark.parametrize("kind", ["NonZero", "RandomNormalLike", "DynamicQuantizeLinear", "STFT", "Loop", "If"])
def test_lint_names_the_operator_and_the_fix(kind: str) -> None:
    found = lint(one_node(kind), "jp6")
    assert [finding.where for finding in found] == ["/it"]
    assert kind in found[0].problem and found[0].fix


def test_lint_knows_opsets_types_axes_and_quantisation(source: Path) -> None:
    assert lint(one_node("Relu"), "jp6") == []
    assert [finding.rule for finding in lint(one_node("Relu", opset=23), "jp6")] == ["opset"]
    assert [finding.rule for finding in lint(small_model(), "jp7")] == ["profile"]
    assert lint(small_model(), "jp7", [PROFILE]) == []
    wide = small_model((1, 4, 8))
    wide.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    assert [finding.rule for finding in lint(wide, "jp6")] == ["type"]
    fed = [{"x": np.random.default_rng(seed).standard_normal((1, 4, 16)).astype(np.float32)} for seed in range(4)]
    assert lint(precision.to_int8(small_model(), ("Conv",), fed), "jp6", [PROFILE]) == []
    from onnxruntime.quantization import quantize_dynamic

    onnx.save(small_model(), source / "a.onnx")
    quantize_dynamic(source / "a.onnx", source / "b.onnx", op_types_to_quantize=["Conv"])
    rules = {finding.rule for finding in lint(onnx.load(source / "b.onnx"), "jp6", [PROFILE])}
    assert "operator" in rules, "dynamic quantisation is not parsed"


def test_dla_report_says_what_falls_back_and_that_it_was_not_run() -> None:
    report = dla_report(small_model())
    assert report["run"] is False and report["candidate"] is False
    assert report["free_axes"] == ["x"] and report["falls_back"]["Conv 1-D"]["count"] == 2


def test_fp16_keeps_inputs_outputs_and_islands() -> None:
    model = small_model()
    half = precision.to_fp16(model, ("/second*",))
    kinds = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert kinds == {"w1/half.in": TensorProto.FLOAT16, "b1/half.in": TensorProto.FLOAT16, "w2": TensorProto.FLOAT}
    assert half.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    run, exact = parity.run_model(half), parity.run_model(model)
    feeds = {"x": np.random.default_rng(0).standard_normal((1, 4, 16)).astype(np.float32)}
    assert 0 < parity.relative_error(exact(feeds), run(feeds)) < 2e-3


def test_rounding_like_half_is_half() -> None:
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "one"], ["y"], name="/m")],
        "round",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(np.float32(1), "one")],
    )
    run = parity.run_model(
        parity.rounded_like_half(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
    )
    x = np.concatenate([np.random.default_rng(0).standard_normal(1000), [70000.0, -1e9, 0.0, 2047.5]]).astype(np.float32)
    with np.errstate(over="ignore"):
        wanted = x.astype(np.float16).astype(np.float32)
    got = run({"x": x})["y"]
    assert np.isinf(got[-4]) and np.isinf(got[-3])
    assert (got[:-4] == wanted[:-4]).all() and (got[-2:] == wanted[-2:]).all()


def test_dequantize_undoes_dynamic_quantisation(registry) -> None:
    from hibari.voices import ASSETS

    from export import hibari

    model = onnx.load_from_string(hibari.whole(Path(ASSETS)))
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"DynamicQuantizeLinear", "MatMulInteger"}


def test_the_same_model_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    folders = [
        package.write(Producer(small_spec(), source, "jp6", SILENT, measure=False).run("fp16"), {}, tmp_path / name)
        for name in "ab"
    ]
    for path in sorted(folders[0].iterdir()):
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name
    assert not list(package.differences(package.manifests(folders[0])[0][1], package.manifests(folders[1])[0][1]))


def test_a_package_replaces_the_file_it_says(packages: Path, source: Path) -> None:
    x = np.random.default_rng(0).standard_normal((1, 4, 16)).astype(np.float32)
    plain = OnnxSession(source / "small.onnx").run({"x": x})["y"]
    with resolved_by(Packages(packages, open_with_onnxruntime("cpu"))):
        packed = OnnxSession(source / "small.onnx").run({"x": x})["y"]
        other = OnnxSession(packages / "small" / "net.fp16.onnx").run({"x": x})["y"]
    assert 0 < np.abs(plain - packed).max() < 2e-3
    assert (packed == other).all()


def test_what_always_listens_stays_where_it_is(packages: Path, source: Path) -> None:
    assert Packages(packages, open_with_onnxruntime("cpu"), {"test"})(source / "small.onnx", PLAIN) is None
    with pytest.raises(ModelError, match="no packages"):
        Packages(source, open_with_onnxruntime("cpu"))


class Wrong:
    """A backend whose results are spoilt."""

    def __init__(self, backend: OrtBackend, spoil: Callable[[np.ndarray], np.ndarray]) -> None:
        self._backend, self._spoil = backend, spoil
        self.provider, self.inputs, self.outputs = "wrong", backend.inputs, backend.outputs
        self.input_shapes = backend.input_shapes

    def run(self, feeds, outputs=None):
        return {name: self._spoil(array) for name, array in self._backend.run(feeds, outputs).items()}


def test_the_proof_takes_what_half_precision_makes_of_a_detector(tmp_path: Path) -> None:
    """A GPU rounds every result; where a cell of the detector sees nothing, its box moves far, and nothing is wrong."""
    producer = Producer(own.DETECTOR, tmp_path, "rtx", SILENT, measure=False)
    folder = package.write(producer.run("fp16"), {}, tmp_path / "packages")
    part, exact = Package.read(folder).parts[0], own.detector(tmp_path)
    onnx.save(parity.rounded_like_half(exact), tmp_path / "rounded.onnx")
    rounded, reference = OrtBackend(tmp_path / "rounded.onnx"), OrtBackend(part.path)
    assert part.inputs["picture"][1] > 10, "tried with numbers of a picture's size"
    assert prove(part, rounded, reference)["ok"]
    assert not prove(part, Wrong(rounded, lambda cells: np.roll(cells, 1, 1)), reference)["ok"]
    assert not prove(part, Wrong(rounded, lambda cells: np.where(cells == cells.max(), np.inf, cells)), reference)["ok"]
    assert not prove(part, Wrong(rounded, lambda cells: cells * 1.05), reference)["ok"]


def test_a_graph_that_will_not_build_is_refused(source: Path, tmp_path: Path) -> None:
    model = small_model()
    model.graph.node.append(helper.make_node("NonZero", ["b"], ["z"], name="/bad"))
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.INT64, None))
    onnx.save(model, source / "small.onnx")
    with pytest.raises(LintFailed, match=r"/bad: NonZero .*"):
        Producer(small_spec(), source, "jp6", SILENT, measure=False).run("fp32")


def test_a_graph_that_differs_from_the_model_is_refused(source: Path) -> None:
    spec = small_spec()
    part = spec.parts[0]

    def wrong(folder: Path):
        model = onnx.load(folder / "small.onnx")
        first = model.graph.initializer[0]
        first.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(first) * 1.01, first.name))
        return model

    from dataclasses import replace

    with pytest.raises(ModelError, match="differs from the model"):
        Producer(replace(spec, parts=(replace(part, build=wrong),)), source, "cpu", SILENT, measure=False).run("fp32")


def test_an_axis_that_became_fixed_is_noticed(source: Path) -> None:
    """What torch's exporter does silently to a second recurrent network: the graph takes one length only."""
    onnx.save(small_model((1, 4, 32)), source / "small.onnx")
    with pytest.raises(ModelError, match="axis 2 of x"):
        Producer(small_spec(), source, "cpu", SILENT, measure=False).run("fp32")


def test_int8_that_is_too_large_or_unmeasured_is_refused_with_the_reason(source: Path) -> None:
    result = Producer(small_spec(int8=()), source, "cpu", SILENT, measure=False)
    spec = small_spec()
    assert spec.gate.int8_size == 0.35
    result.__init__(spec, source, "cpu", SILENT, measure=False)
    result._record = lambda: {"net": []}  # type: ignore[method-assign]
    found = result.run("int8")
    assert found.used == "fp16" and "size" in found.refused["int8"]


def test_what_a_precision_costs() -> None:
    before, after = Score("labels", "frames", 4, labels=[1, 1, 0, 0]), Score("labels", "frames", 4, labels=[1, 0, 0, 0])
    assert lost(before, after).points == 25
    assert lost(Score("percent", "words", 10, 90.0), Score("percent", "words", 10, 89.5)).points == 0.5
    wave = np.sin(np.arange(1000) / 10)
    assert 39 < lost(Score("signal", "s", signal=[wave]), Score("signal", "s", signal=[wave * 1.01])).db < 41
    assert lost(Score("signal", "s", signal=[wave]), Score("signal", "s", signal=[wave[:-1]])).db == -np.inf


def test_halved_tables_cast_back() -> None:
    table = np.random.default_rng(0).standard_normal((1 << 13, 16)).astype(np.float16).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["t", "i"], ["y"], name="/g")],
        "table",
        [helper.make_tensor_value_info("i", TensorProto.INT64, [3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3, 16])],
        [numpy_helper.from_array(table, "t")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    small = surgery.halve_tables(onnx.load_from_string(model.SerializeToString()))
    assert small.ByteSize() < 0.55 * model.ByteSize()
    feeds = {"i": np.array([0, 5, 8000])}
    assert (parity.run_model(small)(feeds)["y"] == table[[0, 5, 8000]]).all()


@pytest.mark.parametrize("with_state", [True, False])
def test_an_unrolled_gru_is_the_gru(with_state: bool) -> None:
    from export.recurrent import unroll_gru

    random = np.random.default_rng(0)
    shapes = {"w": (1, 24, 5), "r": (1, 24, 8), "b": (1, 48)}
    weights = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    states = [helper.make_tensor_value_info("h", TensorProto.FLOAT, [1, 4, 8])] if with_state else []
    names = ["x", "w", "r", "b", "", "h"] if with_state else ["x", "w", "r", "b"]
    graph = helper.make_graph(
        [helper.make_node("GRU", names, ["y", "last"], name="/gru", hidden_size=8, linear_before_reset=1)],
        "gru",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3, 4, 5]), *states],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "last")],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    feeds = {"x": random.standard_normal((3, 4, 5)).astype(np.float32)}
    feeds |= {"h": random.standard_normal((1, 4, 8)).astype(np.float32)} if with_state else {}
    wanted = parity.run_model(model)(feeds)
    flat = unroll_gru(onnx.load_from_string(model.SerializeToString()), 3)
    assert "GRU" not in {node.op_type for node in flat.graph.node}
    assert parity.relative_error(wanted, parity.run_model(flat)(feeds)) < 1e-6


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "assistant.cli", "export", *arguments], capture_output=True, text=True)


def test_show_verify_and_diff(packages: Path, source: Path, tmp_path: Path) -> None:
    shown = command("show", str(packages), "--json")
    assert json.loads(shown.stdout)[0]["model"] == "small"
    assert command("verify", str(packages)).returncode == 0
    other = package.write(Producer(small_spec(), source, "rtx", SILENT, measure=False).run("fp32"), {}, tmp_path / "other")
    compared = command("diff", str(packages / "small"), str(other), "--json")
    assert compared.returncode == 1 and any(row["place"] == "precision" for row in json.loads(compared.stdout))
    file = packages / "small" / "net.fp16.onnx"
    file.write_bytes(file.read_bytes()[:-1])
    wrong = command("verify", str(packages), "--json")
    assert wrong.returncode == 1 and json.loads(wrong.stdout) == {"small": ["net.fp16.onnx has changed"]}


def test_errors_are_one_line(tmp_path: Path) -> None:
    done = command("--model", "no-such-model", "--out", str(tmp_path))
    assert done.returncode == ModelError.exit_code
    assert "choose among" in done.stderr and "Traceback" not in done.stderr


def test_the_assistant_itself_needs_no_onnx() -> None:
    code = "import sys; sys.modules['onnx'] = None; import assistant.cli, assistant.acceleration"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_backends_of_packages_say_what_runs_them(packages: Path) -> None:
    from assistant.engines.session_packages import packages_in

    part = packages_in(packages)[0].parts[0]
    assert open_with_onnxruntime("cpu")(part, PLAIN).provider == "cpu"
    assert isinstance(open_with_onnxruntime("cpu")(part, PLAIN), OrtBackend)
