"""Engines for the packages: one after the other, each in a child process of its own, cached under a fingerprint with a passport.

An engine is used only after it gave the same results as ONNX Runtime on this device (`prove`). Where nothing can run it, as on a
computer without a GPU, it is built and its passport says that it is not proven: the loader then refuses it.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from assistant.engines.session_engines import DISTRIBUTIONS, plan_path, recipe_of
from assistant.engines.session_packages import Package, PackagePart
from assistant.engines.session_passport import (
    Device,
    Passport,
    gpu_sm,
    objections,
    sha256,
    system_name,
    write_passport,
)
from assistant.errors import ModelError
from export.engine import LADDER, BuildFailed, Job, Settings, job_to_json, load_tensorrt

Progress = Callable[[float, float], None]
"""(share done 0..1, seconds left)."""

Prove = Callable[[PackagePart, Path], dict[str, Any]]
"""(part, engine) -> {"ok": bool, ...}: runs both on this device and compares."""

TIMING_CACHE = "timing.cache"


@dataclass(frozen=True, slots=True)
class Built:
    """One engine. cached: it was there already, with a valid passport."""

    part: str
    plan: Path
    megabytes: float
    seconds: float
    peak_mb: int
    proven: bool
    cached: bool = False


def this_device(module: str, sm: str = "") -> Device:
    """The device to build for. sm: "SM86" and the like for TensorRT for RTX on another machine; "" = the GPU that is here."""
    found = sm or gpu_sm()
    if found is None:
        raise ModelError("no GPU here: give --sm SM86 or --sm SM120 to build with TensorRT for RTX for another machine")
    for name in DISTRIBUTIONS[module]:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return Device(f"{module} {version}", found, system_name())
    return Device(f"{module} {load_tensorrt(module).__version__}", found, system_name())


class EngineBuilder:
    """Builds the engines of packages into a cache folder. memory_mb: cap of each child, 0 = none."""

    def __init__(self, cache: Path, device: Device, prove: Prove | None = None, memory_mb: int = 0) -> None:
        self._cache, self._device, self._prove, self._memory_mb = cache, device, prove, memory_mb
        cache.mkdir(parents=True, exist_ok=True)

    def build(self, package: Package, part: PackagePart, progress: Progress) -> Built:
        """One engine, from the cache where it is valid. Raises BuildFailed."""
        plan = plan_path(part, self._device, self._cache)
        against = objections(plan, part.path, recipe_of(part), self._device)
        unproven = against == ["it has not passed parity on this device"]
        if not against or (unproven and self._prove is None):
            return Built(f"{package.model}/{part.name}", plan, plan.stat().st_size / 1e6, 0.0, 0, not against, cached=True)
        done = self._climb_down(part, plan, progress)
        found = self._prove(part, plan) if self._prove else {"ok": False, "why": "nothing here can run it"}
        passport = Passport(
            f"{package.model}/{part.name}",
            plan.stem,
            part.sha256,
            recipe_of(part),
            self._device,
            sha256(plan),
            plan.stat().st_size,
            bool(found["ok"]),
            found,
        )
        write_passport(plan, passport)
        return Built(passport.part, plan, passport.size / 1e6, done["seconds"], done["peak_mb"], passport.proven)

    def _climb_down(self, part: PackagePart, plan: Path, progress: Progress) -> dict[str, Any]:
        """Tries the ladder of settings until one fits into memory."""
        last: BuildFailed | None = None
        for settings in LADDER:
            try:
                return self._child(part, plan, replace(settings, memory_mb=self._memory_mb), progress)
            except BuildFailed as error:
                if not error.memory:
                    raise
                last = error
        raise BuildFailed(f"{part.path.name}: not enough memory for any setting ({last}); stop other programs or add swap")

    def _child(self, part: PackagePart, plan: Path, settings: Settings, progress: Progress) -> dict[str, Any]:
        module = self._device.tensorrt.split()[0]
        cache = "" if module == "tensorrt_rtx" else str(self._cache / TIMING_CACHE)  # RTX tunes at run time and keeps no timings
        sm = self._device.sm if module == "tensorrt_rtx" else ""
        job = Job(str(part.path), str(plan), part.profiles, module, sm, cache, settings)
        with tempfile.NamedTemporaryFile("w", suffix=".json", prefix="engine-") as file:
            file.write(job_to_json(job))
            file.flush()
            command = [sys.executable, "-m", "export.engine", file.name]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            result = self._listen(child, progress)
        if "error" in result:
            raise BuildFailed(result["error"], memory=result["memory"])
        return result

    @staticmethod
    def _listen(child: subprocess.Popen[str], progress: Progress) -> dict[str, Any]:
        """Passes progress on; returns the child's last word. A child that died without one ran out of memory, most likely."""
        result: dict[str, Any] = {}
        assert child.stdout is not None
        for line in child.stdout:
            entry = json.loads(line) if line.startswith("{") else {}
            if "share" in entry:
                progress(entry["share"], entry["left_s"])
            elif entry:
                result = entry
        _, errors = child.communicate()
        said = [line for line in errors.splitlines() if "[E]" in line or "Error" in line]
        why = (said or errors.strip().splitlines() or [""])[-1][:300]
        if not result:
            return {"error": f"the builder died (exit code {child.returncode}) {why}", "memory": True}
        if result.get("memory") and said and not any("memory" in line.lower() or "alloc" in line.lower() for line in said):
            result = {
                "error": f"{result['error']}: {why}",
                "memory": False,
            }  # it says what else was wrong: less memory is no help
        return result


def summary(built: Built) -> dict[str, Any]:
    """For --json."""
    return {**asdict(built), "plan": built.plan.name}
