"""The weights file of the recogniser: made from a published model file, kept in a cache, mistrusted when it changes."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from assistant.engines import whisper_weights
from assistant.engines.whisper_weights import GRAPHS, Recipe, prepare, read_ct2, sha256, transform
from assistant.errors import ModelError

LEVELS = 127


def ct2_text(text: str) -> bytes:
    data = text.encode() + b"\0"
    return struct.pack("<H", len(data)) + data


def write_ct2(path: Path, variables: dict[str, np.ndarray], version: int = 6) -> None:
    """A CTranslate2 model file as the converter writes it."""
    ids = {np.dtype(np.float32): 0, np.dtype(np.int8): 1, np.dtype(np.float16): 4}
    data = struct.pack("<I", version) + ct2_text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, array in variables.items():
        data += ct2_text(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        data += struct.pack("<BI", ids[array.dtype], array.nbytes) + array.tobytes()
    path.write_bytes(data + struct.pack("<I", 1) + ct2_text("alias") + ct2_text("a/weight"))


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Recipe]:
    """A model of two variables, and a recipe with one tensor of every transform."""
    random = np.random.default_rng(1)
    weight = random.standard_normal((3, 5)).astype(np.float16)
    weight[1] = 0  # an output without weights must not divide by zero
    bias = random.standard_normal(3).astype(np.float32)
    model = tmp_path / "model.bin"
    write_ct2(model, {"a/weight": weight, "a/bias": bias})
    wanted = [("a/bias", "float32"), ("a/weight", "transposed"), ("a/weight", "int8_columns"), ("a/weight", "int8_scales")]
    content, tensors = b"", []
    for source, kind in wanted:
        content += bytes(-len(content) % 64)
        array = transform({"a/weight": weight, "a/bias": bias}[source], kind, LEVELS)
        entry = {"name": f"{source}:{kind}", "source": source, "transform": kind, "dtype": str(array.dtype)}
        tensors.append({**entry, "shape": list(array.shape), "offset": len(content)})
        content += np.ascontiguousarray(array).tobytes()
    fields = {"format": 1, "model": "small", "levels": LEVELS, "source_sha256": sha256(model), "graphs": ["small.onnx"]}
    fields |= {"weights": "small.weights", "weights_bytes": len(content), "tensors": tensors}
    fields["weights_sha256"] = hashlib.sha256(content).hexdigest()
    recipe = tmp_path / "recipes" / "small.weights.json"
    recipe.parent.mkdir()
    (recipe.parent / "small.onnx").write_bytes(b"a graph")
    recipe.write_text(json.dumps(fields))
    return model, Recipe.load(recipe)


def test_a_model_file_is_read_back(small: tuple[Path, Recipe]) -> None:
    variables = read_ct2(small[0])
    assert {name: (array.shape, str(array.dtype)) for name, array in variables.items()} == {
        "a/weight": ((3, 5), "float16"),
        "a/bias": ((3,), "float32"),
    }


def test_every_truncation_and_garbage_is_a_model_error(small: tuple[Path, Recipe], tmp_path: Path) -> None:
    whole = small[0].read_bytes()
    variables_end = len(whole) - 4 - len(ct2_text("alias") + ct2_text("a/weight"))
    bad = tmp_path / "bad.bin"
    for data in [*(whole[:size] for size in range(variables_end)), b"garbage " * 99, b"\xff" * 400]:
        bad.write_bytes(data)
        with pytest.raises(ModelError, match="damaged"):
            read_ct2(bad)


def test_quantised_weights_are_within_half_a_step() -> None:
    values = np.random.default_rng(0).standard_normal((7, 11)).astype(np.float16)
    whole, scales = (transform(values, kind, LEVELS) for kind in ("int8_columns", "int8_scales"))
    assert whole.dtype == np.int8 and whole.shape == (11, 7) and np.abs(whole).max() == LEVELS
    error = np.abs(whole.astype(np.float32) * scales - values.astype(np.float32).T)
    assert (error <= scales / 2 * 1.0001).all()


def test_prepared_once_then_believed(small: tuple[Path, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, recipe = small
    folder = prepare(model, recipe, tmp_path / "cache")
    assert {path.name for path in folder.iterdir()} == {"small.onnx", "small.weights", "stamp.json"}
    assert sha256(folder / "small.weights") == recipe.weights_sha256
    monkeypatch.setattr(whisper_weights, "sha256", lambda path: pytest.fail("a warm start must not read the weights"))
    assert prepare(model, recipe, tmp_path / "cache") == folder


@pytest.mark.parametrize("name", ["small.weights", "stamp.json", "small.onnx"])
@pytest.mark.parametrize("damage", ["flip", "cut", "delete", "empty"])
def test_a_damaged_cache_is_made_again(small: tuple[Path, Recipe], tmp_path: Path, name: str, damage: str) -> None:
    model, recipe = small
    path = prepare(model, recipe, tmp_path / "cache") / name
    data = path.read_bytes()
    time.sleep(0.02)  # a file system stamps in steps of up to 10 ms
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes({"flip": bytes([data[0] ^ 1]) + data[1:], "cut": data[:-1], "empty": b""}[damage])
    folder = prepare(model, recipe, tmp_path / "cache")
    assert sha256(folder / "small.weights") == recipe.weights_sha256
    assert (folder / "small.onnx").read_bytes() == b"a graph"


def test_another_model_is_refused(small: tuple[Path, Recipe], tmp_path: Path) -> None:
    model, recipe = small
    write_ct2(model, {"a/weight": np.zeros((3, 5), np.float16), "a/bias": np.zeros(3, np.float32)})
    with pytest.raises(ModelError, match="not the published small"):
        prepare(model, recipe, tmp_path / "cache")
    model.write_bytes(model.read_bytes()[:40])
    with pytest.raises(ModelError, match="damaged"):
        prepare(model, recipe, tmp_path / "cache")
    model.unlink()
    with pytest.raises(ModelError, match="missing"):
        prepare(model, recipe, tmp_path / "cache")


def test_an_unwritable_cache_says_what_to_do(small: tuple[Path, Recipe], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelError, match=r"file/small-.*1 MB free.*XDG_CACHE_HOME"):
        prepare(*small, tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_cache_says_what_to_do(small: tuple[Path, Recipe], tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o500)
    with pytest.raises(ModelError, match="make that folder writable"):
        prepare(*small, cache)


def test_a_full_disk_leaves_no_parts_behind(small: tuple[Path, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ModelError, match="No space left on device"):
        prepare(*small, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_the_committed_graphs_are_what_their_program_writes() -> None:
    pytest.importorskip("onnx", reason="the extra `export` is not installed")
    from models.whisper.build_graphs import CHANGE, all_files

    files = all_files("int8")
    assert len(files) == 7
    for name, data in files.items():
        assert (GRAPHS / name).read_bytes() == data, f"{name}: run python -m models.whisper.build_graphs"
        assert len(data) < 64_000 or name == CHANGE, f"{name} must not hold weights"


def test_the_recipe_fills_its_file_without_overlap() -> None:
    recipe = Recipe.load(GRAPHS / "whisper-tiny.en.weights.json")
    end = 0
    for tensor in recipe.tensors:
        assert tensor.offset % 64 == 0 and 0 <= tensor.offset - end < 64
        end = tensor.offset + int(np.prod(tensor.shape)) * np.dtype(tensor.dtype).itemsize
    assert end == recipe.weights_bytes
