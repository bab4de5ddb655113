"""`assistant bench models`: the graphs of exported packages on each backend that runs here, on the same inputs."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from assistant.acceleration import opener
from assistant.config import RuntimeConfig
from assistant.engines.session import PLAIN, Array, Backend, OrtBackend
from assistant.engines.session_packages import PackagePart, packages_in
from assistant.errors import ModelError

THERMAL = Path("/sys/class/thermal")
WARM_UP = 3


def compare(packages: Path, backends: list[str], runtime: RuntimeConfig, cache: Path, rounds: int) -> dict[str, Any]:
    """rows: graph, backend, milliseconds; not_here: backend -> why it does not run; machine: what the numbers hold for."""
    rows: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    for package in packages_in(packages):
        for part in package.parts:
            feeds, wanted = inputs(part), None
            for name in backends:
                settings = runtime.model_copy(update={"backend": name, "packages": str(packages)})
                try:
                    backend = opener(settings, packages, cache)(part, PLAIN)
                except ModelError as error:
                    missing.setdefault(name, str(error))
                    continue
                results = backend.run(feeds)
                wanted = wanted or results
                rows.append(
                    {"graph": f"{package.model}/{part.name}", "backend": backend.provider, **_timed(backend, feeds, rounds)}
                )
                rows[-1]["difference"] = difference(wanted, results)
    return {"rows": rows, "not_here": missing, "machine": machine()}


def inputs(part: PackagePart) -> dict[str, Array]:
    """Small numbers of the usual shape of the first profile; 0 and 1 are valid whole numbers everywhere."""
    random = np.random.default_rng(0)
    kinds = OrtBackend(part.path).input_dtypes
    feeds: dict[str, Array] = {}
    for name, (_, usual, _) in part.profiles[0].items():
        whole = np.issubdtype(kinds[name], np.integer)
        feeds[name] = np.asarray(random.integers(0, 2, usual) if whole else 0.5 * random.standard_normal(usual), kinds[name])
    return feeds


def _timed(backend: Backend, feeds: dict[str, Array], rounds: int) -> dict[str, float]:
    times = []
    for number in range(rounds + WARM_UP):
        began = time.perf_counter()
        backend.run(feeds)
        if number >= WARM_UP:
            times.append(1e3 * (time.perf_counter() - began))
    times.sort()
    return {"median_ms": round(statistics.median(times), 3), "p95_ms": round(times[int(0.95 * (len(times) - 1))], 3)}


def difference(wanted: dict[str, Array], got: dict[str, Array]) -> float:
    """The largest difference, relative to the largest value of that output."""
    worst = 0.0
    for name, array in wanted.items():
        if array.size and array.shape == got[name].shape:
            worst = max(worst, float(np.abs(array - got[name]).max()) / max(1e-9, float(np.abs(array).max())))
    return float(f"{worst:.1e}")


def machine() -> dict[str, str]:
    """What a number without is worth nothing: load, and on a Jetson power mode and temperature."""
    found = {"cores": str(os.cpu_count()), "load": f"{os.getloadavg()[0]:.1f}"}
    try:
        mode = subprocess.run(["nvpmodel", "-q"], capture_output=True, text=True, check=False).stdout
        found["power mode"] = " ".join(mode.split()[-2:])
    except OSError:
        found["power mode"] = "none (no Jetson)"
    warmest = [int(path.read_text()) for path in THERMAL.glob("thermal_zone*/temp") if _readable(path)]
    if warmest:
        found["temperature"] = f"{max(warmest) / 1000:.0f} °C"
    return found


def _readable(path: Path) -> bool:
    try:
        return path.read_text().strip().lstrip("-").isdigit()
    except OSError:
        return False
