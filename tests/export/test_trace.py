"""torch -> ONNX: the exporter's silent traps are caught."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

torch = pytest.importorskip("torch", reason="tracing needs torch: pip install 'edge-assistant[train]'")
pytest.importorskip("onnxscript", reason="tracing needs onnxscript: pip install 'edge-assistant[train]'")

from assistant.errors import ModelError  # noqa: E402
from export.trace import Trace, check, trace, write  # noqa: E402
from tests.export.conftest import small_model  # noqa: E402


class Recurrent(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = torch.nn.GRU(8, 8, batch_first=True)

    def forward(self, x, h):
        return self.cell(x, h)[0]


def recurrent() -> Trace:
    torch.manual_seed(0)
    return Trace(Recurrent(), {"x": torch.randn(1, 10, 8), "h": torch.zeros(1, 1, 8)}, ["y"], {"x": {1: "time"}})


def convolution() -> Trace:
    torch.manual_seed(0)
    return Trace(torch.nn.Conv1d(4, 4, 3, padding=1), {"input": torch.randn(1, 4, 16)}, ["y"], {"input": {2: "time"}})


def test_a_fresh_process_keeps_the_axis(tmp_path: Path) -> None:
    path = trace("tests.export.test_trace:convolution", tmp_path / "a.onnx")
    assert onnx.load(path).graph.input[0].type.tensor_type.shape.dim[2].dim_param


def test_the_recurrent_trap_is_caught_or_avoided(tmp_path: Path) -> None:
    """In one process the second recurrent export gets fixed axes without a warning; whatever comes out, no wrong file passes."""
    outcomes = []
    for name in "ab":
        try:
            write(recurrent(), tmp_path / f"{name}.onnx")
            outcomes.append(bool(onnx.load(tmp_path / f"{name}.onnx").graph.input[0].type.tensor_type.shape.dim[1].dim_param))
        except ModelError as error:
            assert "fixed axis 1 of x" in str(error)
            outcomes.append(True)
    assert all(outcomes)


def test_a_planted_fixed_axis_is_caught() -> None:
    planted = Trace(None, {"x": None}, ["y"], {"x": {2: "time"}})
    check(small_model((1, 4, "T")), planted)
    with pytest.raises(ModelError, match="fixed axis 2 of x"):
        check(small_model((1, 4, 10)), planted)


def test_one_tensor_as_two_inputs_is_refused(tmp_path: Path) -> None:
    same = torch.zeros(1, 4)
    with pytest.raises(ModelError, match="share one tensor"):
        write(Trace(torch.nn.Identity(), {"a": same, "b": same}, ["y"], {}), tmp_path / "a.onnx")


def test_a_failed_export_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be exported") as caught:
        trace("tests.export.test_trace:no_such", tmp_path / "a.onnx")
    assert "\n" not in str(caught.value)
