"""torch -> ONNX, one fresh process per export, and only with the axes that were asked for.

Two traps of torch's exporter make this module (docs/export.md): a second recurrent network exported in one process silently
gets fixed axes, and one tensor passed as two inputs merges them. So every export runs alone, inputs must be distinct, and the
written file is asked whether each axis declared to be of any length still is.

    python -m export.trace package.module:function OUT.onnx
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from assistant.errors import ModelError
from export import surgery

OPSET = 18


@dataclass(frozen=True, slots=True)
class Trace:
    """What to export. module: a torch.nn.Module; inputs: name -> example tensor, each a tensor of its own; outputs: names;
    free: input name -> axis -> name of a length that may vary."""

    module: Any
    inputs: Mapping[str, Any]
    outputs: Sequence[str]
    free: Mapping[str, Mapping[int, str]]


def trace(function: str, out: Path) -> Path:
    """Exports what `function`, "package.module:name", returns (a Trace). Raises ModelError with the last line of what went
    wrong."""
    command = [sys.executable, "-m", "export.trace", function, str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ModelError(f"{function} cannot be exported: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    return out


def write(found: Trace, out: Path) -> None:
    """The export itself, in this process. Raises ModelError."""
    import torch

    examples = list(found.inputs.values())
    if len({tensor.data_ptr() for tensor in examples}) != len(examples):
        raise ModelError(
            "two inputs share one tensor, which torch would merge into one: give each a tensor of its own (.clone())"
        )
    lengths = {name: torch.export.Dim(name) for axes in found.free.values() for name in axes.values()}
    shapes = tuple({axis: lengths[length] for axis, length in found.free.get(name, {}).items()} for name in found.inputs)
    with torch.no_grad():
        program = torch.onnx.export(
            found.module.eval(),
            tuple(examples),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(found.inputs),
            output_names=list(found.outputs),
            dynamic_shapes=shapes,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    program.save(str(out))
    check(onnx.load(out), found)


def check(model: Any, found: Trace) -> None:
    """Names as declared, and every axis of any length still is one. Raises ModelError."""
    names = [value.name for value in model.graph.input]
    if names != list(found.inputs):
        raise ModelError(f"the inputs became {names}, declared were {list(found.inputs)}")
    axes = surgery.dynamic_axes(model)
    for name, wanted in found.free.items():
        lost = sorted(set(wanted) - set(axes[name]))
        if lost:
            raise ModelError(f"the exporter fixed axis {lost[0]} of {name}, declared to be of any length")


def main(function: str, out: str) -> None:
    """The child process."""
    module, _, name = function.partition(":")
    write(getattr(importlib.import_module(module), name)(), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:3])
