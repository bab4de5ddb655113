"""Turns the published MiniLM weights into the weights file that our trunk graph expects, once, in a cache folder.

Only the lower layers are taken; the upper ones are our own and come with the program. The recipe, its transforms and the rules
of the cache are those of `whisper_weights`.
"""

from __future__ import annotations

import json
import struct
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from assistant.engines.prepared import keeping, write_once
from assistant.engines.whisper_weights import GRAPHS, Array, Recipe, sha256, write_weights
from assistant.errors import ModelError

RECIPE = GRAPHS / "minilm-l6.weights.json"
TRUNK = "minilm-l6.trunk.onnx"
HELP = "run `assistant models pull minilm-l6`"


def prepare(published: Path, cache_dir: Path, recipe_path: Path = RECIPE) -> Path:
    """The folder with the complete trunk graph, made now if it is not there yet.

    published: model.safetensors. Raises ModelError if that is missing or another file, or if the folder cannot be written.
    """
    if not published.is_file():
        raise ModelError(f"the language model {published} is missing: {HELP} to get it")
    recipe = Recipe.load(recipe_path)
    folder = cache_dir / f"{recipe.model}-{recipe.key}"
    weights = folder / recipe.weights
    with keeping("language model", folder, recipe.weights_bytes):
        if not (folder / TRUNK).is_file() or not weights.is_file() or weights.stat().st_size != recipe.weights_bytes:
            _build(published, recipe, folder)
    return folder


def _build(published: Path, recipe: Recipe, folder: Path) -> None:
    if sha256(published) != recipe.source_sha256:
        raise ModelError(f"{published} is not the published model (its SHA-256 differs): delete it and {HELP}")
    folder.mkdir(parents=True, exist_ok=True)
    write_once(folder / recipe.weights, lambda file: write_weights(file, read_safetensors(published), recipe))
    if sha256(folder / recipe.weights) != recipe.weights_sha256:
        found = sha256(folder / recipe.weights)
        (folder / recipe.weights).unlink()
        raise ModelError(
            f"the prepared language model does not match its recipe (its SHA-256 is {found}): check the disk and the memory of "
            "this machine, or report a bug"
        )
    for name in recipe.graphs:  # the graph last: its presence says that the weights are whole
        graph = (recipe.folder / name).read_bytes()
        write_once(folder / name, partial(_put, graph))


def _put(content: bytes, file: BinaryIO) -> None:
    file.write(content)


def read_safetensors(path: Path) -> dict[str, Array]:
    """The float32 tensors of a safetensors file as views of its memory map: u64 length, JSON with offsets, data."""
    data = np.memmap(path, np.uint8, "r")
    (length,) = struct.unpack_from("<Q", data[:8].tobytes())
    header: dict[str, Any] = json.loads(data[8 : 8 + length].tobytes())
    found: dict[str, Array] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            found[name] = data[start:end].view("<f4").reshape(entry["shape"])
    return found
