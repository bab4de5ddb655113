"""Does an engine give, on this device, what ONNX Runtime gives? Only then may it be used.

TensorRT adds up in another order and, for fp16, in another precision; what is known to go wrong (garbage after an update, a
tactic that overflows) is far above the limits.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from assistant.engines.session import Backend, OrtBackend
from assistant.engines.session_cuda import Cuda
from assistant.engines.session_engines import this_device
from assistant.engines.session_packages import PackagePart
from assistant.engines.session_samples import difference, samples
from assistant.engines.session_tensorrt import TensorRtBackend
from assistant.errors import ModelError

LIMITS = {"fp32": 2e-3, "fp16": 3e-2, "int8": 1e-1}
"""Largest difference (session_samples.difference); fp32 allows for TF32's 10 bits in matrix products."""


def prove_on_device(part: PackagePart, plan: Path) -> dict[str, Any]:
    """Runs engine and ONNX Runtime on the same inputs at the smallest, usual and largest shape of every profile."""
    trt: Any = importlib.import_module(this_device().tensorrt.split()[0])
    try:
        return prove(part, TensorRtBackend(trt, Cuda(), plan, part.profiles), OrtBackend(part.path))
    except (ModelError, ValueError) as error:
        return {"ok": False, "why": str(error)}


def prove(part: PackagePart, engine: Backend, reference: OrtBackend) -> dict[str, Any]:
    """{"ok", "worst", "limit"}."""
    limit, worst = LIMITS[part.precision], 0.0
    for profile in part.profiles:
        for place in range(3):
            feeds = samples(part, {name: shapes[place] for name, shapes in profile.items()}, reference.input_dtypes)
            worst = max(worst, difference(reference.run(feeds), engine.run(feeds)))
    return {"ok": worst <= limit, "worst": float(f"{worst:.2g}"), "limit": limit}
