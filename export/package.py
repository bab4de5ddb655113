"""Writes, reads and compares packages: a folder per model with graphs, manifest.json and card.md.

A package appears at once and complete; the same inputs give the same bytes (no times, no machine names).
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines.session_packages import FORMAT, MANIFEST
from assistant.errors import ModelError
from export.lint import dla_report
from export.parity import input_dtypes
from export.produce import Result, serialized
from export.spec import TARGET_NAMES, TARGETS, Model, Part

CARD = "card.md"


def write(result: Result, source: dict[str, Any], out: Path, extra: dict[str, Any] | None = None) -> Path:
    """The model's folder below `out`. source: where its files came from (registry name, version, hashes)."""
    out.mkdir(parents=True, exist_ok=True)
    final, new, old = (out / f"{prefix}{result.spec.name}" for prefix in ("", ".new-", ".old-"))
    for path in (new, old):
        shutil.rmtree(path, ignore_errors=True)
    new.mkdir()
    parts = [_part(name, result, new) for name in result.graphs]
    manifest = _manifest(result, source, parts, extra or {})
    (new / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    (new / CARD).write_text(_card(manifest), "utf-8")
    if final.exists():
        os.rename(final, old)
    os.rename(new, final)
    shutil.rmtree(old, ignore_errors=True)
    return final


def _part(name: str, result: Result, folder: Path) -> dict[str, Any]:
    part, model = result.spec.part(name), result.graphs[name]
    suffix = "" if result.used == "fp32" else f".{result.used}"
    data = serialized(model)
    file = folder / f"{name}{suffix}.onnx"
    file.write_bytes(data)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    shapes = [{key: [list(r.low), list(r.usual), list(r.high)] for key, r in profile.items()} for profile in part.profiles]
    names = {value.name for value in model.graph.input}
    return {
        "name": name,
        "file": file.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "opset": opset,
        "precision": result.used,
        "fp32_islands": list(part.fp32) if result.used != "fp32" else [],
        "profiles": [{key: value for key, value in profile.items() if key in names} for profile in shapes],
        "inputs": _sizes(part, model),
        "replaces": part.replaces,
        "form": part.form,
        "parity": {kind: {case: _plain(error) for case, error in found.items()} for kind, found in result.parity[name].items()},
        "lint": {target: [asdict(finding) for finding in result.findings[name][target]] for target in TARGETS},
        "dla": dla_report(model),
    }


def _sizes(part: Part, model: Model) -> dict[str, list[float]]:
    """Input -> mean and deviation of what the export checked it with; whole numbers are left out."""
    feeds = part.feeds(part.profiles[0], "usual", input_dtypes(model))
    floats = {name: array for name, array in feeds.items() if np.issubdtype(array.dtype, np.floating)}
    return {name: [float(f"{array.mean():.3g}"), float(f"{array.std():.3g}")] for name, array in floats.items()}


def _manifest(result: Result, source: dict[str, Any], parts: list[dict[str, Any]], extra: dict[str, Any]) -> dict[str, Any]:
    tasks = {name: {key: _plain(value) for key, value in asdict(task).items()} for name, task in result.tasks.items()}
    return {
        "format": FORMAT,
        "model": result.spec.name,
        "kind": result.spec.kind,
        "licence": result.spec.licence,
        "homepage": result.spec.homepage,
        "summary": result.spec.summary,
        "source": source,
        "target": result.target,
        "asked": result.asked,
        "precision": result.used,
        "refused": result.refused,
        "bytes_by_precision": result.sizes,
        "task": tasks,
        "gate": asdict(result.spec.gate),
        "parts": parts,
        "extra": extra,
    }


def _plain(value: Any) -> Any:
    """NaN and infinity have no place in JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _card(manifest: dict[str, Any]) -> str:
    lines = [
        f"# {manifest['model']}",
        "",
        manifest["summary"] + ".",
        "",
        f"- Made for: {TARGET_NAMES[manifest['target']]}",
        f"- Licence of the weights: {manifest['licence']}; from {manifest['homepage'] or manifest['source'].get('name', '')}",
        f"- Precision: {manifest['precision']}"
        + "".join(f"; {name} refused: {why}" for name, why in manifest["refused"].items()),
        "- Execution on a device was not part of this export: `assistant export build` checks parity there.",
        "",
        "| part | file | MB | opset | worst error against fp32 or the model |",
        "|---|---|---|---|---|",
    ]
    for part in manifest["parts"]:
        errors = part["parity"].get(manifest["precision"], {})
        worst = max(errors.values(), default=None)
        shown = "-" if worst is None else f"{worst:.1e}"
        lines.append(f"| {part['name']} | {part['file']} | {part['bytes'] / 1e6:.1f} | {part['opset']} | {shown} |")
    for name, task in manifest["task"].items():
        cost = f"{task['points']} points lost" if task["points"] is not None else f"{task['db']} dB"
        lines += ["", f"{name}: {task['what']}, n = {task['n']}: {cost}."] if name != "fp32" else []
    return "\n".join(lines) + "\n"


def manifests(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """(package folder, manifest) of a package, or of all packages below a folder. Raises ModelError when there is none."""
    paths = [folder / MANIFEST] if (folder / MANIFEST).is_file() else sorted(folder.glob(f"*/{MANIFEST}"))
    if not paths:
        raise ModelError(f"no packages in {folder}: make them with `assistant export --all --out {folder}`")
    found = []
    for path in paths:
        try:
            found.append((path.parent, json.loads(path.read_text("utf-8"))))
        except ValueError as error:
            raise ModelError(f"{path} is damaged ({error}): export the model again") from error
    return found


def problems(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """What is wrong with a package's files; [] = all as the manifest says."""
    found = []
    for part in manifest["parts"]:
        path = folder / part["file"]
        if not path.is_file():
            found.append(f"{part['file']} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != part["sha256"]:
            found.append(f"{part['file']} has changed")
    listed = {part["file"] for part in manifest["parts"]} | {MANIFEST, CARD}
    found += [f"{path.name} is not in the manifest" for path in sorted(folder.glob("*.onnx")) if path.name not in listed]
    return found


def differences(left: Any, right: Any, at: str = "") -> Iterable[tuple[str, Any, Any]]:
    """(place, left value, right value) for everything that differs between two manifests."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key), right.get(key), f"{at}.{key}" if at else key)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for place, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{at}[{place}]")
    elif left != right:
        yield at, left, right
