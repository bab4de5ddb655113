"""Packages written by `assistant export`: which file of the assistant each replaces, and what runs them here.

A package is a folder with graphs and a manifest.json. `Packages` is a resolver for assistant.engines.session: when an engine
opens a graph that a package replaces, it gets the package's, on the backend of the settings. What cannot run there runs on the
processor from the assistant's own file, and the log says why.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from assistant.engines.session import Backend, OrtBackend, Running
from assistant.engines.session_parts import StaticMemory, TwoGraphVoice
from assistant.errors import ModelError

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
FORMAT = 1

FORMS: dict[str, Callable[..., Backend]] = {
    "same": lambda part: part,
    "static_memory": StaticMemory,
    "two_graph_voice": TwoGraphVoice,
}
"""How the parts that replace one file are put together; the parts come in the manifest's order."""


@dataclass(frozen=True, slots=True)
class PackagePart:
    """One graph of a package. profiles: for each, input -> [smallest, usual, largest shape]; inputs: mean and deviation of what
    an input is fed with, where known."""

    name: str
    path: Path
    sha256: str
    precision: str
    profiles: list[dict[str, list[list[int]]]]
    replaces: str
    form: str
    inputs: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Package:
    """One exported model. kind: what it is for, "asr"; extra: what its engine needs besides, such as a voice's rate."""

    model: str
    kind: str
    target: str
    parts: tuple[PackagePart, ...]
    extra: Mapping[str, Any]

    @staticmethod
    def read(folder: Path) -> Package:
        """A package folder. Raises ModelError when it is none."""
        try:
            data = json.loads((folder / MANIFEST).read_text("utf-8"))
            if data["format"] != FORMAT:
                raise ModelError(f"{folder} has package format {data['format']}, this assistant reads {FORMAT}: export it again")
            parts = tuple(
                PackagePart(
                    part["name"],
                    folder / part["file"],
                    part["sha256"],
                    part["precision"],
                    part["profiles"],
                    part["replaces"],
                    part["form"],
                    {name: (float(middle), float(size)) for name, (middle, size) in part.get("inputs", {}).items()},
                )
                for part in data["parts"]
            )
            return Package(data["model"], data["kind"], data["target"], parts, data["extra"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder} holds no package of `assistant export` ({error!r}): export it again") from error

    def part(self, name: str) -> PackagePart:
        """One part by name. Raises ModelError."""
        for part in self.parts:
            if part.name == name:
                return part
        raise ModelError(f"the package of {self.model} has no part {name}: export it again")


def packages_in(folder: Path) -> list[Package]:
    """All packages directly below a folder, by name."""
    return [Package.read(path.parent) for path in sorted(folder.glob(f"*/{MANIFEST}"))]


T = TypeVar("T")


def replacement(parts: Mapping[str, T], path: Path) -> T | None:
    """What replaces a file of the assistant. parts: by the file's name, or by folder and name where several have one name."""
    return parts.get(path.name) or parts.get(f"{path.parent.name}/{path.name}")


Open = Callable[[PackagePart, Running], Backend]
"""(a part, how) -> what runs it. Raises ModelError when it cannot run here."""


ALWAYS_LISTENING = frozenset({"wake", "vad"})
"""Kinds of models that run from morning to night, on pieces of sound so small that a GPU needs longer for them than a processor
core (BENCHMARKS.md)."""


class Packages:
    """A resolver over the packages below `folder`; `open_part` decides what runs them. without: kinds of models that stay what
    they are."""

    def __init__(self, folder: Path, open_part: Open, without: Collection[str] = ()) -> None:
        self._open = open_part
        self._parts: dict[str, list[PackagePart]] = {}
        packages = packages_in(folder)
        for package in packages:
            for part in package.parts if package.kind not in without else ():
                self._parts.setdefault(part.replaces, []).append(part)
        if not packages:
            raise ModelError(f"no packages in {folder}: make them with `assistant export --all --out {folder}`")

    def __call__(self, path: Path, running: Running) -> Backend | None:
        """See Resolver."""
        parts = replacement(self._parts, path)
        if not parts:
            return None
        try:
            return FORMS[parts[0].form](*(self._open(part, running) for part in parts))
        except ModelError as error:
            log.warning("%s runs from the assistant's own file: %s", path.name, error)
            return None


def open_with_onnxruntime(device: str) -> Open:
    """Runs parts with ONNX Runtime on "cpu" or "cuda"."""
    return lambda part, running: OrtBackend(part.path, running, device)
