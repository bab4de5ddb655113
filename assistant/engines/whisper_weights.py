"""Turns a published Whisper model file into the weights file that our ONNX graphs expect, once, in a cache folder.

The published file is CTranslate2's `model.bin` (what faster-whisper uses). The graphs in `graphs/` come without weights; the
recipe beside them, `whisper-*.weights.json`, states for every tensor which variable it is made of, how, and where it lies, and
which change of our own (`whisper_change`) is added to the variables before.
The result is the same on every machine, so the recipe also states its SHA-256: a damaged cache is noticed and made again.

Cache folder of one model, named after a hash of model, recipe and graphs:
    whisper-tiny.en-<16 hex digits>/   *.onnx (copies)   whisper-tiny.en.weights   stamp.json
The second encoder, for where many talk, is a model of its own beside it: whisper-tiny.en.babble-<16 hex digits>/.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from assistant.engines.prepared import keeping, write_once
from assistant.engines.whisper_change import changed
from assistant.errors import ModelError

GRAPHS = Path(__file__).parent / "graphs"
"""The graphs and recipes that this package ships; written by models/whisper/build_graphs.py."""

Array = npt.NDArray[Any]

_CT2_VERSION = 6
"""Binary version of CTranslate2 3.x and 4.x model files; the layout is in its source, src/models/model.cc."""

_CT2_DTYPES: dict[int, type[np.generic]] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
"""Type ids of the same source, include/ctranslate2/types.h."""

_STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of the weights file. shape and dtype after the transform; offset: bytes from the start of the file."""

    name: str
    source: str
    transform: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one weights file, and what must come out. change: file with what is added to the published ones, "" = none."""

    model: str
    levels: int
    source_sha256: str
    graphs: tuple[str, ...]
    weights: str
    weights_bytes: int
    weights_sha256: str
    tensors: tuple[Tensor, ...]
    folder: Path
    key: str
    change: str = ""

    @staticmethod
    def load(path: Path) -> Recipe:
        """Reads a `*.weights.json`; the graphs lie in the same folder."""
        text = path.read_bytes()
        fields = json.loads(text)
        tensors = tuple(Tensor(**{**entry, "shape": tuple(entry["shape"])}) for entry in fields["tensors"])
        change = fields.get("change", "")
        files = [*fields["graphs"], *([change] if change else [])]
        parts = [fields["source_sha256"].encode(), text, *((path.parent / name).read_bytes() for name in files)]
        key = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
        names = ("model", "levels", "source_sha256", "weights", "weights_bytes", "weights_sha256")
        chosen = {name: fields[name] for name in names}
        return Recipe(**chosen, graphs=tuple(fields["graphs"]), tensors=tensors, folder=path.parent, key=key, change=change)

    def variables(self, model_bin: Path) -> dict[str, Array]:
        """What the tensors are made of: the published variables with our change. Raises ModelError."""
        published = read_ct2(model_bin)
        return changed(published, self.folder / self.change) if self.change else published


def prepare(model_bin: Path, recipe: Recipe, cache_dir: Path) -> Path:
    """The folder with complete graphs and weights, made now if it is not there yet.

    A warm start costs a few `stat` calls: files whose size and modification time are those noted after the last full check
    are believed. Raises ModelError if `model_bin` is not the file the recipe is for, or if the folder cannot be written.
    """
    if not model_bin.is_file():
        raise ModelError(f"the speech model {model_bin} is missing: run `assistant models pull` to get it")
    folder = cache_dir / f"{recipe.model}-{recipe.key}"
    weights = folder / recipe.weights
    with keeping("speech model", folder, recipe.weights_bytes):
        folder.mkdir(parents=True, exist_ok=True)
        for name in recipe.graphs:
            _copy_if_different(recipe.folder / name, folder / name)
        if not _stamp_is_current(folder, model_bin, weights):
            _check_source(model_bin, recipe)
            if not _is_intact(weights, recipe):
                write_once(weights, lambda file: write_weights(file, recipe.variables(model_bin), recipe))
                _check_result(weights, recipe)
            stamp = json.dumps(_stamp(model_bin, weights)).encode()
            write_once(folder / _STAMP, lambda file: file.write(stamp))
    return folder


# Reading CTranslate2 ---------------------------------------------------------------------------------------------------


def read_ct2(path: Path) -> dict[str, Array]:
    """The variables of a CTranslate2 model file as read-only views of the memory-mapped file.

    Layout, little endian: u32 version, str kind, u32 revision, u32 count; per variable: str name, u8 rank, u32 per dimension,
    u8 type, u32 bytes, data; then u32 count of aliases, two str each. A str is u16 length + bytes with a closing NUL.
    Raises ModelError for anything else.
    """
    with path.open("rb") as file:
        try:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:  # an empty file cannot be mapped
            raise _damaged(path, "it is empty") from error
    reader = _Reader(data)
    try:
        version = reader.number("I")
        if version != _CT2_VERSION:
            raise _damaged(path, f"it is not a CTranslate2 model of version {_CT2_VERSION}")
        reader.text()
        reader.number("I")
        return dict(reader.variable() for _ in range(reader.number("I")))
    except (struct.error, KeyError, ValueError) as error:
        raise _damaged(path, f"it ends or breaks off near byte {reader.position}") from error


class _Reader:
    """A position in a CTranslate2 file. Its methods raise struct.error, KeyError or ValueError on damaged data."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.position = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack_from("<" + kind, self._data, self.position)
        self.position += struct.calcsize("<" + kind)
        return int(value)

    def text(self) -> str:
        return bytes(self._take(self.number("H"))).rstrip(b"\0").decode()

    def variable(self) -> tuple[str, Array]:
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        dtype = np.dtype(_CT2_DTYPES[self.number("B")])
        return name, np.frombuffer(self._take(self.number("I")), dtype).reshape(shape)

    def _take(self, count: int) -> memoryview:
        taken = self._data[self.position : self.position + count]
        if len(taken) != count:
            raise ValueError("past the end")
        self.position += count
        return taken


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"the speech model {path} is damaged: {reason}. Delete it and run `assistant models pull`")


# Writing the weights file ----------------------------------------------------------------------------------------------


def write_weights(file: BinaryIO, variables: dict[str, Array], recipe: Recipe) -> None:
    """Writes every tensor of the recipe at its offset, one at a time (peak memory: the largest one as float32)."""
    for tensor in recipe.tensors:
        array = transform(variables[tensor.source], tensor.transform, recipe.levels)
        if array.shape != tensor.shape or array.dtype != tensor.dtype:
            raise ModelError(f"{tensor.source} is {array.dtype}{array.shape}, not {tensor.dtype}{tensor.shape}")
        file.seek(tensor.offset)
        file.write(np.ascontiguousarray(array).data)


def transform(variable: Array, kind: str, levels: int) -> Array:
    """One tensor of the weights file from one variable of the source. levels: largest magnitude of an int8 weight.

    Kinds: "float32" as it is; "transposed" (out, in) -> (in, out); "int8_columns" the same in int8, every output divided by
    its own scale; "int8_scales" those scales, float32 (out,). Only exactly rounded operations: same bytes everywhere.
    """
    values: Array = variable.astype(np.float32)
    if kind == "float32":
        return values
    if kind == "transposed":
        turned: Array = values.T
        return turned
    peaks = np.abs(values).max(axis=1)
    scales: Array = np.where(peaks > 0, peaks / np.float32(levels), np.float32(1)).astype(np.float32)
    if kind == "int8_scales":
        return scales
    if kind == "int8_columns":
        columns: Array = np.rint(values / scales[:, None]).astype(np.int8).T
        return columns
    raise ValueError(f"unknown transform {kind!r}")


def _copy_if_different(source: Path, target: Path) -> None:
    wanted = source.read_bytes()
    if not target.is_file() or target.read_bytes() != wanted:
        write_once(target, lambda file: file.write(wanted))


# Checks ----------------------------------------------------------------------------------------------------------------


def _stamp(*files: Path) -> list[list[int]]:
    """Size and modification time in ns of each file: changes when a file is written."""
    return [[status.st_size, status.st_mtime_ns] for status in (file.stat() for file in files)]


def _stamp_is_current(folder: Path, *files: Path) -> bool:
    try:
        return bool(json.loads((folder / _STAMP).read_bytes()) == _stamp(*files))
    except (FileNotFoundError, ValueError):
        return False


def _check_source(model_bin: Path, recipe: Recipe) -> None:
    """A file that is not the expected one is either damaged, which reading tells better, or another model."""
    if sha256(model_bin) == recipe.source_sha256:
        return
    read_ct2(model_bin)
    raise ModelError(
        f"{model_bin} is not the published {recipe.model} (its SHA-256 differs): delete it and run `assistant models pull`"
    )


def _is_intact(weights: Path, recipe: Recipe) -> bool:
    return weights.is_file() and weights.stat().st_size == recipe.weights_bytes and sha256(weights) == recipe.weights_sha256


def _check_result(weights: Path, recipe: Recipe) -> None:
    if not _is_intact(weights, recipe):
        raise ModelError(
            f"the prepared speech model {weights} does not match its recipe (its SHA-256 is {sha256(weights)}): "
            "check the disk and the memory of this machine, or report a bug"
        )


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
