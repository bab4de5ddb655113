"""`assistant export build`: all engines of a folder of packages, with a progress bar each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from assistant.engines.session_packages import packages_in
from assistant.engines.session_passport import gpu_sm
from assistant.errors import ModelError
from export.build import EngineBuilder, summary, this_device
from export.engine import load_tensorrt
from export.paths import cache_folder

ENGINES = "engines"


def build_packages(
    folder: Path, cache: Path | None, module: str, sm: str, memory_mb: int
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """(engines built, part -> why not). Raises ModelError when there is no TensorRT or no device to build for."""
    name = module or load_tensorrt().__name__
    device = this_device(name, sm)
    prove = None
    if gpu_sm() == device.sm:  # what runs engines is here
        from export.prove import prove_on_device

        prove = prove_on_device
    builder = EngineBuilder(cache or cache_folder() / ENGINES, device, prove, memory_mb)
    built: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        for package in packages_in(folder):
            for part in package.parts:
                label = f"{package.model}/{part.name}"
                bar = bars.add_task(label, total=1.0)

                def report(share: float, left_s: float, bar: Any = bar, label: str = label) -> None:
                    bars.update(bar, completed=share, description=f"{label}: about {left_s:.0f} s left")

                try:
                    built.append(summary(builder.build(package, part, report)))
                except ModelError as error:
                    failed[label] = str(error)
                bars.update(bar, completed=1.0, description=label)
    return built, failed
