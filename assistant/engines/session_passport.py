"""The engine passport: what a TensorRT engine was built from, for which device, and whether it proved itself there.

An engine file is opaque and fits one TensorRT version and one GPU. Beside `NAME.plan` lies `NAME.plan.json`, and nothing is
deserialised before the passport agrees with the package, the device and the bytes of the engine. An engine is never trusted
because it exists.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FORMAT = 1
"""Version of the passport and of the code that builds engines; a change rebuilds every engine."""

RTX_MAGIC = b"vtrt"
RTX_VERSION_AT = 24
"""TensorRT for RTX begins its engines with this magic; four bytes from here are its version (seen in 1.7.1)."""


@dataclass(frozen=True, slots=True)
class Device:
    """What an engine depends on. tensorrt: module and version, "tensorrt 10.3.0"; sm: "SM87"; system: JetPack's release line, or
    the machine's architecture."""

    tensorrt: str
    sm: str
    system: str


@dataclass(frozen=True, slots=True)
class Passport:
    """Sizes in bytes; hashes are SHA-256 in hex. recipe: hash of profiles, precision and builder settings. proven: parity on the
    device passed; parity: its numbers."""

    part: str
    fingerprint: str
    onnx: str
    recipe: str
    device: Device
    plan: str
    size: int
    proven: bool
    parity: Mapping[str, Any]
    format: int = FORMAT


def fingerprint(onnx: str, recipe: str, device: Device) -> str:
    """The name under which an engine is kept: a hash of all it depends on."""
    text = json.dumps([FORMAT, onnx, recipe, asdict(device)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def recipe(profiles: Any, precision: str, settings: Mapping[str, Any]) -> str:
    """The hash of how an engine is built."""
    return hashlib.sha256(json.dumps([profiles, precision, settings], sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Hash of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def passport_path(plan: Path) -> Path:
    """Where an engine's passport lies."""
    return plan.with_name(f"{plan.name}.json")


def write_passport(plan: Path, passport: Passport) -> None:
    """Write it beside the engine; the reader sees the old or the new one, never half."""
    path = passport_path(plan)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(asdict(passport), indent=1, sort_keys=True), "utf-8")
    os.replace(part, path)


def read_passport(plan: Path) -> Passport | None:
    """The passport of an engine; None when it is missing or unreadable."""
    try:
        data = json.loads(passport_path(plan).read_text("utf-8"))
        return Passport(**{**data, "device": Device(**data["device"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def objections(plan: Path, onnx: Path, recipe_hash: str, device: Device) -> list[str]:
    """Why this engine must not be loaded here; [] = it may. Reads the files, touches no GPU library."""
    passport = read_passport(plan)
    if passport is None:
        return ["its passport is missing or unreadable"]
    if passport.format != FORMAT:
        return [f"its passport has format {passport.format}, not {FORMAT}"]
    found = []
    if passport.device != device:
        old, new = asdict(passport.device), asdict(device)
        found += [f"built for {key} {old[key]}, this is {new[key]}" for key in old if old[key] != new[key]]
    if passport.recipe != recipe_hash:
        found.append("shapes, precision or settings have changed")
    if not onnx.is_file() or passport.onnx != sha256(onnx):
        found.append("the ONNX file has changed")
    if passport.fingerprint != fingerprint(passport.onnx, passport.recipe, passport.device):
        found.append("its passport contradicts itself")
    found += _damage(plan, passport)
    if not found and not passport.proven:
        found.append("it has not passed parity on this device")
    return found


def _damage(plan: Path, passport: Passport) -> list[str]:
    """What is wrong with the engine's own bytes."""
    try:
        size = plan.stat().st_size
        if size != passport.size:
            return [f"it is {size} bytes long, not {passport.size}"]
        with plan.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        return [f"it cannot be read ({error.strerror})"]
    if head[:4] == RTX_MAGIC:
        version = ".".join(str(byte) for byte in head[RTX_VERSION_AT : RTX_VERSION_AT + 4])
        wanted = passport.device.tensorrt.split()[-1]
        if version != wanted:
            return [f"its header says version {version}, not {wanted}"]
    return [] if sha256(plan) == passport.plan else ["its bytes have changed"]


def system_name() -> str:
    """JetPack's release line (L4T) on a Jetson, else the machine's architecture."""
    try:
        first = Path("/etc/nv_tegra_release").read_text("utf-8").splitlines()[0]
        return first.split(", GCID")[0].lstrip("# ").strip()
    except (OSError, IndexError):
        return os.uname().machine


_MAJOR, _MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR of the CUDA driver API."""


def gpu_sm() -> str | None:
    """The first GPU's architecture, such as "SM87"; None without a GPU or its driver."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    major, minor, handle = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(handle), 0):
        return None
    for value, attribute in ((major, _MAJOR), (minor, _MINOR)):
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, handle):
            return None
    return f"SM{major.value}{minor.value}"
