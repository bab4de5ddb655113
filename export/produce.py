"""One model from its source to a package: build, lint, parity, precision, task, gate, write.

A precision that costs too much is refused and the next better one is taken: int8 -> fp16 -> fp32. The manifest says so and why.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from assistant.engines.session import Array, Backend, OrtBackend, Running, resolved_by
from assistant.engines.session_packages import FORMS, replacement
from assistant.errors import ModelError
from export import parity, precision, surgery
from export.data import Split
from export.lint import Finding, lint
from export.score import Lost, Score, lost
from export.spec import FP32_LIMIT, TARGETS, Feeds, Gate, Model, ModelSpec, Part, Precision, Target
from export.tasks import TASKS

Say = Callable[[str], None]
CALIBRATION_FEEDS = 48
"""Most recorded inputs per graph for the ranges of int8."""

BETTER: dict[Precision, Precision | None] = {"int8": "fp16", "fp16": "fp32", "fp32": None}


class LintFailed(ModelError):
    """A graph holds something its target does not take."""


@dataclass(slots=True)
class Result:
    """One model, ready to be written. graphs: part -> graph in the precision used; refused: precision -> why."""

    spec: ModelSpec
    target: Target
    asked: Precision
    used: Precision
    graphs: dict[str, Model]
    parity: dict[str, dict[str, Any]]
    tasks: dict[Precision, Lost]
    refused: dict[str, str]
    findings: dict[str, dict[Target, list[Finding]]]
    sizes: dict[Precision, int]


class Producer:
    """Works on one model. folder: its source files; scratch: where graphs are kept while they are compared."""

    def __init__(self, spec: ModelSpec, folder: Path, target: Target, say: Say, *, measure: bool = True) -> None:
        self._spec, self._folder, self._target, self._say, self._measure = spec, folder, target, say, measure
        self._parts = [part for part in spec.parts if target in part.targets]
        self._scratch = tempfile.TemporaryDirectory(prefix="export-")
        self._fp32: dict[str, Model] = {}
        self._scores: Score | None = None

    def run(self, asked: Precision) -> Result:
        """Everything but the writing. Raises ModelError: lint not clean, or fp32 already differs from the model."""
        result = Result(self._spec, self._target, asked, asked, {}, {}, {}, {}, {}, {})
        with self._scratch:
            self._build(result)
            wanted: Precision | None = asked
            while wanted is not None and not self._accept(wanted, result):
                wanted = BETTER[wanted]
            assert wanted is not None
            result.used = wanted
        return result

    def _build(self, result: Result) -> None:
        for part in self._parts:
            self._say(f"{part.name}: graph")
            model = part.build(self._folder)
            self._fp32[part.name] = model
            self._refuse_fixed_axes(part, model)
            onnx.save(model, self._file(part, "fp32"))
            result.findings[part.name] = {target: lint(model, target, part.profiles) for target in TARGETS}
            self._refuse_findings(part, result.findings[part.name][self._target])
            result.parity[part.name] = {"fp32": self._compare_fp32(part, model)}
        result.sizes["fp32"] = self._size("fp32")
        if self._measure:
            self._say("task: fp32")
            self._scores = self._task("fp32", "test")
            result.tasks["fp32"] = lost(self._scores, self._scores)

    def _refuse_fixed_axes(self, part: Part, model: Model) -> None:
        """Exporters turn an axis of any length into a fixed one without a word (docs/export.md)."""
        free = surgery.dynamic_axes(model)
        for profile in part.profiles:
            for name, shapes in profile.items():
                varies = {axis for axis, (low, high) in enumerate(zip(shapes.low, shapes.high, strict=True)) if low != high}
                if fixed := sorted(varies - set(free.get(name, varies))):
                    raise ModelError(
                        f"{self._spec.name}/{part.name}: axis {fixed[0]} of {name} is to vary but was exported as fixed"
                    )

    def _refuse_findings(self, part: Part, findings: list[Finding]) -> None:
        if findings:
            first = findings[0]
            more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
            where = f"{first.where}: {first.problem}{more}"
            raise LintFailed(f"{self._spec.name}/{part.name} will not build on {self._target}: {where}; {first.fix}")

    def _compare_fp32(self, part: Part, model: Model) -> dict[str, float]:
        """Against the model it was made of, at every shape; that every axis of any length survived is checked by using it."""
        cases = parity.feeds_of(part, model)
        run = OrtBackend(self._file(part, "fp32")).run
        reference = part.reference(self._folder) if part.reference else None
        errors = parity.compare(run, reference, cases) if reference else {}
        if not reference:
            for _, feeds in cases:
                run(feeds)
        worst = max(errors.values(), default=0.0)
        if not worst <= FP32_LIMIT:
            raise ModelError(
                f"{self._spec.name}/{part.name} differs from the model by {worst:.1e} (limit {FP32_LIMIT}): {errors}"
            )
        return errors

    def _accept(self, wanted: Precision, result: Result) -> bool:
        """Makes the graphs of a precision; whether they pass its gate."""
        if wanted != "fp32":
            self._convert(wanted, result)
        reason = "" if wanted == "fp32" else self._objection(wanted, result)
        if reason:
            result.refused[wanted] = reason
            return False
        result.graphs = {part.name: onnx.load(self._file(part, wanted)) for part in self._parts}
        return True

    def _convert(self, wanted: Precision, result: Result) -> None:
        recorded = self._record() if wanted == "int8" else {}
        for part in self._parts:
            self._say(f"{part.name}: {wanted}")
            model = self._fp32[part.name]
            if wanted == "int8" and part.int8:
                made = precision.to_int8(model, part.int8, recorded[part.name], part.fp32)
            else:
                made = precision.to_fp16(model, part.fp32)
            onnx.save(made, self._file(part, wanted))
            self._refuse_findings(part, lint(made, self._target, part.profiles))
            cases = parity.feeds_of(part, model)
            exact = OrtBackend(self._file(part, "fp32")).run
            result.parity[part.name][wanted] = parity.compare(OrtBackend(self._file(part, wanted)).run, exact, cases)
            if wanted == "fp16":
                onnx.save(parity.rounded_like_half(model, part.fp32), self._rounded(part))
                usual = [case for case in cases if case[0].endswith("usual")] or cases[:1]
                rounded = parity.compare(OrtBackend(self._rounded(part)).run, exact, usual)
                result.parity[part.name]["fp16, every result rounded"] = rounded
        result.sizes[wanted] = self._size(wanted)
        if self._measure and self._scores is not None:
            self._say(f"task: {wanted}")
            result.tasks[wanted] = lost(self._scores, self._task(wanted, "test"))

    def _objection(self, wanted: Precision, result: Result) -> str:
        """Why a precision is refused; "" = it passes."""
        gate: Gate = self._spec.gate
        ratio = result.sizes[wanted] / result.sizes["fp32"]
        if wanted == "int8" and ratio > gate.int8_size:
            return f"int8 is {ratio:.2f} times fp32's size, more than {gate.int8_size}"
        for part, found in result.parity.items():
            if not all(math.isfinite(error) for error in found[wanted].values()):
                return f"{wanted} gives no number in {part}"
        if not self._measure:
            return "int8 needs a measured task" if wanted == "int8" else ""
        task = result.tasks[wanted]
        limit = gate.int8_points if wanted == "int8" else gate.fp16_points
        if math.isnan(task.points) and math.isnan(task.db):
            return f"{task.what}" if wanted == "int8" else ""
        if task.points > limit:
            return f"{wanted} costs {task.points} points of: {task.what} (limit {limit})"
        if task.db < gate.db:
            return f"{wanted} leaves {task.db} dB of: {task.what} (limit {gate.db})"
        return ""

    def _task(self, wanted: Precision, split: Split) -> Score:
        """The model's task on the graphs of a precision; fp16 on the rounded ones, which are the stricter."""

        def backend(part: Part, running: Running) -> Backend:
            return OrtBackend(self._rounded(part) if wanted == "fp16" else self._file(part, wanted), running)

        return self._with(backend, split)

    def _with(self, backend: Callable[[Part, Running], Backend], split: Split) -> Score:
        parts: dict[str, list[Part]] = {}
        for part in self._parts:
            parts.setdefault(part.replaces, []).append(part)

        def resolve(path: Path, running: Running) -> Backend | None:
            named = replacement(parts, path)
            return FORMS[named[0].form](*(backend(part, running) for part in named)) if named else None

        with resolved_by(resolve):
            return TASKS[self._spec.task](self._folder, split)

    def _record(self) -> dict[str, list[Feeds]]:
        """What reaches every graph while the task runs on the calibration half, evenly thinned."""
        seen: dict[str, list[Feeds]] = {part.name: [] for part in self._parts}
        self._say("calibration")
        self._with(lambda part, running: _Recorder(OrtBackend(self._file(part, "fp32"), running), seen[part.name]), "calibration")
        return {name: feeds[:: max(1, -(-len(feeds) // CALIBRATION_FEEDS))] for name, feeds in seen.items()}

    def _file(self, part: Part, wanted: Precision) -> Path:
        return Path(self._scratch.name) / f"{part.name}.{wanted}.onnx"

    def _rounded(self, part: Part) -> Path:
        return Path(self._scratch.name) / f"{part.name}.rounded.onnx"

    def _size(self, wanted: Precision) -> int:
        return sum(self._file(part, wanted).stat().st_size for part in self._parts)


class _Recorder:
    """A backend that keeps what it is fed."""

    def __init__(self, backend: OrtBackend, seen: list[Feeds]) -> None:
        self._backend, self._seen = backend, seen
        self.provider, self.inputs, self.outputs = backend.provider, backend.inputs, backend.outputs
        self.input_shapes = backend.input_shapes

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run."""
        self._seen.append(dict(feeds))
        return self._backend.run(feeds, outputs)


def serialized(model: Model) -> bytes:
    """The file's bytes: the same for the same graph."""
    data: bytes = surgery.tidy(model).SerializeToString(deterministic=True)
    return data
