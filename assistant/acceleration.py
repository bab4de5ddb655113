"""Puts exported packages under the engines: the settings' `runtime` table -> what runs every graph opened from then on."""

from __future__ import annotations

from pathlib import Path

from assistant.config import RuntimeConfig
from assistant.engines.session import install_resolver
from assistant.engines.session_engines import open_with_tensorrt
from assistant.engines.session_packages import ALWAYS_LISTENING, Open, Packages, open_with_onnxruntime
from assistant.engines.session_triton import open_with_triton
from assistant.errors import ConfigError

ENGINES = "engines"
"""Folder below the cache that holds TensorRT engines."""


_used: set[str] = set()
"""Settings that are in force already: a command and the assistant it starts both ask."""


def use_packages(runtime: RuntimeConfig, cache: Path) -> None:
    """Installs a resolver for the packages of the settings; without any, nothing changes. Raises ConfigError or ModelError."""
    if not runtime.packages:
        if runtime.backend != "cpu":
            raise ConfigError(
                f"runtime.backend = {runtime.backend!r} needs runtime.packages, a folder made by `assistant export`"
            )
        return
    if (key := runtime.model_dump_json()) in _used:
        return
    _used.add(key)
    folder = Path(runtime.packages).expanduser()
    without = ALWAYS_LISTENING if runtime.backend == "cuda" else ()
    install_resolver(Packages(folder, opener(runtime, folder, cache), without))


def opener(runtime: RuntimeConfig, folder: Path, cache: Path) -> Open:
    """What opens the parts of packages on the backend of the settings."""
    if runtime.backend == "tensorrt":
        return open_with_tensorrt(folder, cache / ENGINES)
    if runtime.backend == "triton":
        return open_with_triton(runtime.server)
    return open_with_onnxruntime(runtime.backend)
