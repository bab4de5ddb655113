"""ONNX -> engine with any TensorRT: `tensorrt` 10.3 to 11.4 (Jetson) and `tensorrt_rtx` (a PC, also one without a GPU).

Only names that all of them have are used, and strongly typed networks only: the precision is the file's.
tests/export/test_contract.py checks every name against NVIDIA's own bindings. This module is also the child process that
builds one engine:

    python -m export.engine JOB.json      # JSON lines on stdout: progress, then the result
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assistant.errors import ModelError

MODULES = ("tensorrt", "tensorrt_rtx")
Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """workspace_mb: scratch memory of the builder; level: how hard it searches, 0..5; memory_mb: cap of the child process, 0 =
    none."""

    workspace_mb: int = 256
    level: int = 3
    memory_mb: int = 0


LADDER = (Settings(1024, 3), Settings(256, 2), Settings(64, 1))
"""What is tried one after the other when memory runs out."""


@dataclass(frozen=True, slots=True)
class Job:
    """One engine to build. profiles: for each, input name -> [smallest, usual, largest shape]; sm: "" = this machine's GPU."""

    onnx: str
    plan: str
    profiles: list[dict[str, list[list[int]]]]
    module: str
    sm: str
    timing_cache: str
    settings: Settings = LADDER[0]


class BuildFailed(ModelError):
    """No engine came out. memory: True when another attempt with less may help."""

    def __init__(self, message: str, *, memory: bool = False) -> None:
        super().__init__(message)
        self.memory = memory


def load_tensorrt(name: str | None = None) -> Any:
    """The TensorRT module that is installed. Raises ModelError that says how to get one."""
    for candidate in [name] if name else MODULES:
        try:
            return importlib.import_module(candidate)
        except ImportError:
            continue
    raise ModelError("no TensorRT here: on a Jetson it comes with JetPack, on a PC with pip install 'edge-assistant[rtx]'")


def build(trt: Any, job: Job, report: Report) -> bytes:
    """The engine's bytes. trt: a module as `load_tensorrt` gives it. Raises BuildFailed with the parser's or builder's reason."""
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse_from_file(job.onnx):
        errors = [parser.get_error(place) for place in range(parser.num_errors)]
        reasons = "; ".join(f"{error.node_name()}: {error.desc()}"[:200] for error in errors[:3])
        raise BuildFailed(f"{Path(job.onnx).name} is not taken by {trt.__name__} {trt.__version__}: {reasons}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, job.settings.workspace_mb << 20)
    config.builder_optimization_level = job.settings.level
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if job.sm and hasattr(config, "set_compute_capability"):  # TensorRT for RTX only: the others build for the GPU they run on
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, job.sm), 0)
    _add_profiles(builder, config, network, job.profiles)
    config.progress_monitor = _monitor(trt, report)
    cache = _begin_timing_cache(config, Path(job.timing_cache)) if job.timing_cache else None
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BuildFailed(f"{Path(job.onnx).name}: the builder gave no engine", memory=True)
    if cache is not None:
        Path(job.timing_cache).write_bytes(bytes(config.get_timing_cache().serialize()))
    return bytes(plan)


def _add_profiles(builder: Any, config: Any, network: Any, profiles: Sequence[dict[str, list[list[int]]]]) -> None:
    tensors = {tensor.name: tensor for tensor in (network.get_input(place) for place in range(network.num_inputs))}
    for profile in profiles:
        made = builder.create_optimization_profile()
        for name, (low, usual, high) in profile.items():
            if name not in tensors:
                continue
            set_shape = made.set_shape_input if tensors[name].is_shape_tensor else made.set_shape
            set_shape(name, tuple(low), tuple(usual), tuple(high))
        config.add_optimization_profile(made)


def _begin_timing_cache(config: Any, path: Path) -> Any:
    """Timings of earlier builds shorten this one; a cache of another version is refused by TensorRT and begun anew."""
    cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
    if cache is None or not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    return cache


def _monitor(trt: Any, report: Report) -> Any:
    """TensorRT's progress as reports of how much of the outermost phase is done, with the time left at the present pace."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """The three calls TensorRT makes; the second returns whether to go on."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.phases: dict[str, int] = {}
            self.began = time.monotonic()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            """A phase begins; the first one without a parent is the whole build."""
            if parent_phase is None:
                self.phases[phase_name] = num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            """A step is done."""
            if steps := self.phases.get(phase_name):
                share = min(1.0, (step + 1) / steps)
                elapsed = time.monotonic() - self.began
                report({"share": round(share, 3), "left_s": round(elapsed * (1 - share) / share, 1)})
            return True

        def phase_finish(self, phase_name: str) -> None:
            """A phase is over."""
            self.phases.pop(phase_name, None)

    return Monitor()


def job_to_json(job: Job) -> str:
    """For the child process."""
    return json.dumps(asdict(job))


def job_from_json(text: str) -> Job:
    """What `job_to_json` wrote."""
    data = json.loads(text)
    return replace(Job(**data), settings=Settings(**data["settings"]))


def _say(entry: dict[str, Any]) -> None:
    print(json.dumps(entry), flush=True)


def main(path: str) -> int:
    """The child: build one engine under its memory cap. Exit code 0 built, 1 refused, 2 out of memory."""
    job = job_from_json(Path(path).read_text("utf-8"))
    if job.settings.memory_mb:  # private writable memory; the address space is no measure, as CUDA reserves terabytes of it
        resource.setrlimit(resource.RLIMIT_DATA, (job.settings.memory_mb << 20, job.settings.memory_mb << 20))
    began = time.monotonic()
    try:
        plan = build(load_tensorrt(job.module), job, _say)
    except BuildFailed as error:
        _say({"error": str(error), "memory": error.memory})
        return 2 if error.memory else 1
    except MemoryError:
        _say({"error": "out of memory", "memory": True})
        return 2
    part = Path(f"{job.plan}.{os.getpid()}.part")
    part.write_bytes(plan)
    os.replace(part, job.plan)
    peak = _peak_mb()
    _say({"bytes": len(plan), "seconds": round(time.monotonic() - began, 2), "peak_mb": peak})
    return 0


def _peak_mb() -> int:
    """Most memory this process held; getrusage would count the parent's, which fork passes on."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
