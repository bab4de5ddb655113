"""`assistant export`: every neural network of the assistant as verified ONNX packages, and engines from them on the device.

assistant export --all --out packages --target jp6          # Jetson Orin, JetPack 6; fp16
assistant export build packages                             # on the device: engines, checked, cached
assistant export show|verify packages, assistant export diff A B
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from assistant.errors import AssistantError, ModelError
from export import package
from export.spec import ModelSpec, Precision, Target

export = typer.Typer(
    name="assistant export",
    help=(__doc__ or "").split("\n")[0],
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
Json = Annotated[bool, typer.Option("--json", help="print JSON instead of a table")]
Folder = Annotated[Path, typer.Argument(help="a package, or a folder of packages", exists=True, file_okay=False)]


class TargetName(str, Enum):
    """Choices of --target."""

    cpu = "cpu"
    jp6 = "jp6"
    jp7 = "jp7"
    rtx = "rtx"


class PrecisionName(str, Enum):
    """Choices of --precision."""

    fp32 = "fp32"
    fp16 = "fp16"
    int8 = "int8"


@export.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="every model that is installed here")] = False,
    model: Annotated[list[str] | None, typer.Option(help="one model by its registry name; repeatable")] = None,
    voice: Annotated[list[Path] | None, typer.Option(help="the .onnx file of a Piper voice; repeatable", exists=True)] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="folder for the packages")] = Path("packages"),
    target: Annotated[TargetName, typer.Option(help="cpu, jp6 (Orin), jp7 (Orin, Thor) or rtx (a PC)")] = TargetName.cpu,
    precision: Annotated[PrecisionName | None, typer.Option(help="default: fp32 for cpu, else fp16")] = None,
    measure: Annotated[bool, typer.Option("--measure/--no-measure", help="measure each model's task (minutes in all)")] = True,
    triton: Annotated[Path | None, typer.Option(help="also write a Triton model repository into this folder")] = None,
    as_json: Json = False,
) -> None:
    """Export models; see the sub-commands for what to do with the packages."""
    if context.invoked_subcommand is not None:
        return
    if triton is not None:
        from export.triton import write_repository

        written = write_repository(triton)
        typer.echo(f"Triton model repository in {triton}: {', '.join(written)}. Start: tritonserver --model-repository={triton}")
        if not (every or model or voice):
            return
    chosen = _chosen(every, model or [], voice or [])
    wanted: Precision = precision.value if precision else ("fp32" if target is TargetName.cpu else "fp16")
    rows = _export_all(chosen, target.value, wanted, out, measure)
    _print_exported(rows, as_json)
    if any(row["error"] for row in rows):
        raise typer.Exit(1)


def _chosen(every: bool, models: list[str], voices: list[Path]) -> list[tuple[ModelSpec, Path, dict[str, Any]]]:
    """(spec, folder of its files, where they came from)."""
    from export.catalog import sources

    return sources(every, models, voices)


def _export_all(
    chosen: list[tuple[ModelSpec, Path, dict[str, Any]]], target: Target, wanted: Precision, out: Path, measure: bool
) -> list[dict[str, Any]]:
    from export.catalog import extra_of
    from export.produce import Producer

    rows: list[dict[str, Any]] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        total = bars.add_task("all models", total=len(chosen))
        for spec, folder, source in chosen:
            bar = bars.add_task(spec.name, total=None)
            began = time.monotonic()
            row: dict[str, Any] = {"model": spec.name, "target": target, "error": ""}
            try:
                result = Producer(spec, folder, target, _teller(bars, bar, spec.name), measure=measure).run(wanted)
                path = package.write(result, source, out, extra_of(spec, folder))
                row |= _row(package.manifests(path)[0][1])
            except AssistantError as error:
                row["error"] = str(error)
            row["seconds"] = round(time.monotonic() - began, 1)
            rows.append(row)
            bars.update(bar, total=1, completed=1, description=f"{spec.name} {'✗' if row['error'] else '✓'}")
            bars.advance(total)
    return rows


def _teller(bars: Progress, bar: TaskID, name: str) -> Callable[[str], None]:
    return lambda text: bars.update(bar, description=f"{name}: {text}")


def _row(manifest: dict[str, Any]) -> dict[str, Any]:
    used = manifest["precision"]
    worst = [error for part in manifest["parts"] for error in part["parity"].get(used, {}).values()]
    task = manifest["task"].get(used)
    return {
        "precision": used,
        "refused": manifest["refused"],
        "parts": len(manifest["parts"]),
        "mb": round(sum(part["bytes"] for part in manifest["parts"]) / 1e6, 1),
        "worst_error": max(worst, default=None),
        "task": task,
        "lint": {target: sum(len(part["lint"][target]) for part in manifest["parts"]) for target in ("jp6", "jp7", "rtx")},
    }


def _print_exported(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table("model", "precision", "parts", "MB", "worst error", "task lost", "lint jp6/jp7/rtx", "s")
    for row in rows:
        if row["error"]:
            table.add_row(row["model"], "failed", "", "", "", "", "", str(row["seconds"]), style="bold red")
            continue
        lint = "/".join(str(row["lint"][target]) for target in ("jp6", "jp7", "rtx"))
        worst = "-" if row["worst_error"] is None else f"{row['worst_error']:.1e}"
        cells = (row["model"], row["precision"], row["parts"], row["mb"], worst, _lost(row["task"]), lint, row["seconds"])
        table.add_row(*map(str, cells))
    console = Console()
    console.print(table)
    for row in rows:
        for name, why in row.get("refused", {}).items():
            console.print(f"{row['model']}: {name} refused: {why}")
        if row["error"]:
            console.print(f"{row['model']}: {row['error']}", style="red")


def _lost(task: dict[str, Any] | None) -> str:
    if task is None:
        return "not measured"
    if task["points"] is not None:
        return f"{task['points']} points (n={task['n']})"
    return f"{task['db']} dB (n={task['n']})" if task["db"] is not None else "not measured"


@export.command()
def show(folder: Folder, as_json: Json = False) -> None:
    """What the packages hold: precision, size, parity, task, lint."""
    found = package.manifests(folder)
    if as_json:
        typer.echo(json.dumps([manifest for _, manifest in found], ensure_ascii=False))
        return
    _print_exported([{"model": manifest["model"], "error": "", "seconds": "", **_row(manifest)} for _, manifest in found], False)


@export.command()
def verify(folder: Folder, as_json: Json = False) -> None:
    """Hash every file again and compare with the manifests. Exit code 1 if one is missing, damaged or unknown."""
    found = {manifest["model"]: package.problems(path, manifest) for path, manifest in package.manifests(folder)}
    if as_json:
        typer.echo(json.dumps(found))
    else:
        table = Table("package", "result")
        for name, wrong in found.items():
            table.add_row(name, "; ".join(wrong) or "ok", style="bold red" if wrong else "")
        Console().print(table)
    if any(found.values()):
        raise typer.Exit(1)


@export.command()
def diff(
    left: Annotated[Path, typer.Argument(help="a package", exists=True)],
    right: Annotated[Path, typer.Argument(help="another")],
    as_json: Json = False,
) -> None:
    """What differs between two packages. Exit code 1 if anything does."""
    one, other = package.manifests(left)[0][1], package.manifests(right)[0][1]
    found = list(package.differences(one, other))
    if as_json:
        typer.echo(json.dumps([{"place": place, "left": a, "right": b} for place, a, b in found]))
    else:
        table = Table("place", str(left), str(right))
        for place, a, b in found:
            table.add_row(place, str(a), str(b))
        Console().print(table if found else "no difference")
    if found:
        raise typer.Exit(1)


@export.command()
def build(
    folder: Folder,
    cache: Annotated[Path | None, typer.Option(help="where engines are kept (default: the assistant's cache)")] = None,
    module: Annotated[str, typer.Option(help="tensorrt, tensorrt_rtx; default: the one that is installed")] = "",
    sm: Annotated[str, typer.Option(help="build for another GPU: SM86, SM120 (tensorrt_rtx only)")] = "",
    memory_mb: Annotated[int, typer.Option(help="cap of the building process; 0 = none")] = 0,
    as_json: Json = False,
) -> None:
    """Build the engines of packages, one at a time, each checked against ONNX Runtime on this device before it may be used."""
    from export.build_all import build_packages

    built, failed = build_packages(folder, cache, module, sm, memory_mb)
    if as_json:
        typer.echo(json.dumps({"built": built, "failed": failed}))
    else:
        table = Table("engine", "MB", "s", "peak MB", "may be used")
        for row in built:
            use = "yes" if row["proven"] else "no: not proven on this device"
            took = "cached" if row["cached"] else str(row["seconds"])
            table.add_row(row["part"], f"{row['megabytes']:.1f}", took, str(row["peak_mb"]), use)
        Console().print(table)
        for name, why in failed.items():
            Console().print(f"{name}: {why}", style="red")
    if failed:
        raise typer.Exit(1)


def main() -> None:
    """Errors become one line and an exit code, as in the assistant's own command."""
    try:
        export(standalone_mode=True)
    except AssistantError as error:
        print(f"assistant export: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        wrong = ModelError(f"this needs the Python package {error.name!r}: pip install 'edge-assistant[export]'")
        print(f"assistant export: {wrong}", file=sys.stderr)
        sys.exit(wrong.exit_code)
