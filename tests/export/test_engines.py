"""Engines: built, cached, and never loaded when anything about them is wrong; the answer is right all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.engines.session import OnnxSession, OrtBackend, resolved_by
from assistant.engines.session_engines import EngineLoader, plan_path, recipe_of
from assistant.engines.session_packages import Package, Packages, packages_in
from assistant.engines.session_passport import Device, Passport, passport_path, read_passport, sha256, write_passport
from assistant.errors import ModelError
from export.build import EngineBuilder
from export.engine import BuildFailed

DEVICE = Device("tensorrt_rtx 1.7.1.116", "SM86", "x86_64")
NEEDS_RTX = "TensorRT for RTX is not installed: pip install 'edge-assistant[rtx]'"


class Loads:
    """Stands for deserialising: remembers what it was asked to load, and computes with ONNX Runtime."""

    def __init__(self) -> None:
        self.asked: list[Path] = []

    def __call__(self, part, plan: Path, device: Device) -> OrtBackend:
        self.asked.append(plan)
        backend = OrtBackend(part.path)
        backend.provider = "engine"
        return backend


@pytest.fixture
def engine(packages: Path, tmp_path: Path) -> tuple[Package, Path, Path]:
    """(package, cache, engine): built with TensorRT for RTX where it is installed, else made-up bytes with the same header."""
    package, cache = packages_in(packages)[0], tmp_path / "engines"
    part = package.parts[0]
    plan = plan_path(part, DEVICE, cache)
    try:
        import tensorrt_rtx  # noqa: F401

        EngineBuilder(cache, DEVICE, lambda part, plan: {"ok": True}).build(package, part, lambda share, left: None)
    except ImportError:
        cache.mkdir()
        plan.write_bytes(b"vtrt" + bytes(20) + bytes([1, 7, 1, 116]) + bytes(4000))
        passport = Passport(
            "small/net", plan.stem, part.sha256, recipe_of(part), DEVICE, sha256(plan), plan.stat().st_size, True, {}
        )
        write_passport(plan, passport)
    return package, cache, plan


def truncated(package: Package, plan: Path) -> Device:
    plan.write_bytes(plan.read_bytes()[:-1000])
    return DEVICE


def one_byte(package: Package, plan: Path) -> Device:
    data = bytearray(plan.read_bytes())
    data[len(data) // 2] ^= 1
    plan.write_bytes(bytes(data))
    return DEVICE


def version_bytes(package: Package, plan: Path) -> Device:
    """An engine of another version whose passport was adapted: only the header tells."""
    data = bytearray(plan.read_bytes())
    data[26] = 9
    plan.write_bytes(bytes(data))
    passport = read_passport(plan)
    assert passport is not None
    write_passport(plan, replace(passport, plan=sha256(plan)))
    return DEVICE


def changed_onnx(package: Package, plan: Path) -> Device:
    path = package.parts[0].path
    path.write_bytes(path.read_bytes() + b"\x00")
    return DEVICE


def changed_profile(package: Package, plan: Path) -> Device:
    manifest = package.parts[0].path.parent / "manifest.json"
    data = json.loads(manifest.read_text())
    data["parts"][0]["profiles"][0]["x"][2][2] = 128
    manifest.write_text(json.dumps(data))
    return DEVICE


def other_gpu(package: Package, plan: Path) -> Device:
    return replace(DEVICE, sm="SM120")


def other_version(package: Package, plan: Path) -> Device:
    return replace(DEVICE, tensorrt="tensorrt_rtx 1.8.0.1")


def moved_from_other_gpu(package: Package, plan: Path) -> Device:
    """An engine copied from another device to the name this one would use."""
    there = replace(DEVICE, sm="SM120")
    target = plan_path(package.parts[0], there, plan.parent)
    target.write_bytes(plan.read_bytes())
    passport_path(target).write_bytes(passport_path(plan).read_bytes())
    return there


def no_passport(package: Package, plan: Path) -> Device:
    passport_path(plan).unlink()
    return DEVICE


def broken_passport(package: Package, plan: Path) -> Device:
    passport_path(plan).write_text(passport_path(plan).read_text()[:100])
    return DEVICE


def not_proven(package: Package, plan: Path) -> Device:
    passport = read_passport(plan)
    assert passport is not None
    write_passport(plan, replace(passport, proven=False))
    return DEVICE


FAULTS = [
    truncated,
    one_byte,
    version_bytes,
    changed_onnx,
    changed_profile,
    other_gpu,
    other_version,
    moved_from_other_gpu,
    no_passport,
    broken_passport,
    not_proven,
]


def answer(
    packages: Path, cache: Path, device: Device, loads: Loads, rebuilds: list[int], source: Path
) -> tuple[OnnxSession, np.ndarray]:
    loader = EngineLoader(cache, lambda: rebuilds.append(1), device, loads)
    with resolved_by(Packages(packages, loader)):
        session = OnnxSession(source / "small.onnx")
    x = np.random.default_rng(1).standard_normal((1, 4, 20)).astype(np.float32)
    return session, session.run({"x": x})["y"] - OrtBackend(source / "small.onnx").run({"x": x})["y"]


def test_a_good_engine_is_loaded(engine, packages: Path, source: Path) -> None:
    _, cache, plan = engine
    loads, rebuilds = Loads(), []
    session, error = answer(packages, cache, DEVICE, loads, rebuilds, source)
    assert session.provider == "engine" and loads.asked == [plan] and not rebuilds
    assert np.abs(error).max() < 2e-3  # fp16


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_caught_before_deserialising(engine, packages: Path, source: Path, fault) -> None:
    package, cache, plan = engine
    device = fault(package, plan)
    loads, rebuilds = Loads(), []
    session, error = answer(packages, cache, device, loads, rebuilds, source)
    assert loads.asked == [], "the engine must not reach TensorRT"
    assert rebuilds == [1], "a new engine is built in the background"
    assert session.provider == "cpu" and np.abs(error).max() == 0


def test_engines_are_cached_and_their_bytes_are_reproducible(packages: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason=NEEDS_RTX)
    package = packages_in(packages)[0]
    shares: list[float] = []
    builder = EngineBuilder(tmp_path / "a", DEVICE)
    first = builder.build(package, package.parts[0], lambda share, left: shares.append(share))
    again = builder.build(package, package.parts[0], lambda share, left: None)
    assert again.cached and again.plan == first.plan and not first.cached
    assert not first.proven, "nothing here can run it"
    assert shares and shares == sorted(shares) and 0 < shares[-1] <= 1
    other = EngineBuilder(tmp_path / "b", DEVICE).build(package, package.parts[0], lambda share, left: None)
    assert other.plan.read_bytes() == first.plan.read_bytes()


def test_memory_runs_out(packages: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason=NEEDS_RTX)
    package = packages_in(packages)[0]
    builder = EngineBuilder(tmp_path / "a", DEVICE, memory_mb=30)
    with pytest.raises(BuildFailed, match="not enough memory"):
        builder.build(package, package.parts[0], lambda share, left: None)
    assert not list((tmp_path / "a").glob("*.plan"))


def test_cuda_is_not_claimed_where_it_is_not(source: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    with pytest.raises(ModelError, match="CUDAExecutionProvider"):
        OrtBackend(source / "small.onnx", device="cuda")
