"""From a package to a running engine: finds it, checks its passport, loads it, or says no and has it built in the background.

Nothing of TensorRT or CUDA is imported before a passport was found good. Without a good engine the assistant speaks and hears
at once through ONNX Runtime, and the next start has the engine.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant.engines.session import Backend, Running
from assistant.engines.session_cuda import Cuda
from assistant.engines.session_packages import Open, PackagePart
from assistant.engines.session_passport import Device, fingerprint, gpu_sm, objections, recipe, system_name
from assistant.engines.session_tensorrt import TensorRtBackend
from assistant.errors import ModelError

log = logging.getLogger(__name__)

DISTRIBUTIONS = {
    "tensorrt": ("tensorrt", "tensorrt_cu12", "tensorrt_cu13"),
    "tensorrt_rtx": ("tensorrt_rtx_cu12", "tensorrt_rtx_cu13", "tensorrt_rtx"),
}
"""Module -> names it may be installed under."""


@lru_cache(maxsize=1)
def this_device() -> Device:
    """The GPU and TensorRT that are here, found without loading TensorRT. Raises ModelError."""
    sm = gpu_sm()
    if sm is None:
        raise ModelError("no GPU here")
    for module, names in DISTRIBUTIONS.items():
        for name in names:
            try:
                return Device(f"{module} {importlib.metadata.version(name)}", sm, system_name())
            except importlib.metadata.PackageNotFoundError:
                continue
    raise ModelError("no TensorRT here: on a Jetson it comes with JetPack")


def recipe_of(part: PackagePart) -> str:
    """The hash of how the part's engine is built; the builder's memory settings are no part of it, as they do not change the
    result."""
    return recipe(part.profiles, part.precision, {"strongly_typed": True})


def plan_path(part: PackagePart, device: Device, engines: Path) -> Path:
    """Where the part's engine for a device lies."""
    return engines / f"{fingerprint(part.sha256, recipe_of(part), device)}.plan"


Load = Callable[[PackagePart, Path, Device], Backend]


def load_engine(part: PackagePart, plan: Path, device: Device) -> Backend:
    """Deserialises an engine whose passport was found good. Raises ModelError."""
    trt: Any = importlib.import_module(device.tensorrt.split()[0])
    return TensorRtBackend(trt, Cuda(), plan, part.profiles)


class EngineLoader:
    """Opens parts as engines. engines: the cache folder; rebuild: called once when an engine is missing or wrong."""

    def __init__(
        self, engines: Path, rebuild: Callable[[], None], device: Device | None = None, load: Load = load_engine
    ) -> None:
        self._engines, self._rebuild, self._device, self._load = engines, rebuild, device, load
        self._asked = False

    def __call__(self, part: PackagePart, running: Running) -> Backend:
        """See Open. Raises ModelError: no engine that may be loaded."""
        device = self._device or this_device()
        plan = plan_path(part, device, self._engines)
        against = objections(plan, part.path, recipe_of(part), device)
        if against:
            if not self._asked:
                self._asked = True
                self._rebuild()
            raise ModelError(f"no engine for {part.path.parent.name}/{part.name} that may be loaded: {'; '.join(against)}")
        return self._load(part, plan, device)


def open_with_tensorrt(packages: Path, engines: Path) -> Open:
    """Parts as engines from the cache folder; missing ones are built by a process of its own, for the next start."""

    def rebuild() -> None:
        log.warning("building engines in the background; until the next start ONNX Runtime does the work")
        command = [sys.executable, "-m", "export", "build", str(packages), "--cache", str(engines)]
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    return EngineLoader(engines, rebuild)
