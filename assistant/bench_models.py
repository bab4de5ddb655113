"""`assistant bench models`: the graphs of exported packages on each backend that runs here, on the same inputs."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from assistant.acceleration import opener
from assistant.config import RuntimeConfig
from assistant.engines.session import PLAIN, Array, Backend, OrtBackend
from assistant.engines.session_packages import PackagePart, packages_in
from assistant.engines.session_samples import difference, samples
from assistant.errors import ModelError

THERMAL = Path("/sys/class/thermal")
WARM_UP = 3


def compare(packages: Path, backends: list[str], runtime: RuntimeConfig, cache: Path, rounds: int) -> dict[str, Any]:
    """rows: graph, backend, milliseconds (first_ms: the first run, as a GPU has with every new shape); not_here: backend -> why
    it does not run; machine: what the numbers hold for."""
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
                began = time.perf_counter()
                results = backend.run(feeds)
                first = round(1e3 * (time.perf_counter() - began), 1)
                wanted = wanted or results
                row = {"graph": f"{package.model}/{part.name}", "backend": backend.provider, "first_ms": first}
                off = float(f"{difference(wanted, results):.1e}")
                rows.append({**row, **_timed(backend, feeds, rounds), "difference": off})
    return {"rows": rows, "not_here": missing, "machine": machine()}


def inputs(part: PackagePart) -> dict[str, Array]:
    """Inputs of the usual shape of the first profile."""
    usual = {name: shapes[1] for name, shapes in part.profiles[0].items()}
    return samples(part, usual, OrtBackend(part.path).input_dtypes)


def _timed(backend: Backend, feeds: dict[str, Array], rounds: int) -> dict[str, float]:
    times = []
    for number in range(rounds + WARM_UP):
        began = time.perf_counter()
        backend.run(feeds)
        if number >= WARM_UP:
            times.append(1e3 * (time.perf_counter() - began))
    times.sort()
    return {"median_ms": round(statistics.median(times), 3), "p95_ms": round(times[int(0.95 * (len(times) - 1))], 3)}


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
