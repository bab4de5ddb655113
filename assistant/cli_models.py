"""`assistant models`: the weights, where they come from, and whether they are what they should be."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from assistant.factory import make_registry
from assistant.registry import Progress as Pulled
from assistant.registry import Registry

models = typer.Typer(help="Fetch and verify the models.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Argument(help="models (default: those the assistant needs)")]


@models.command("list")
def list_models(context: typer.Context) -> None:
    """All models that are known, which are here, and their licences."""
    registry = make_registry(context.obj.folders)
    table = Table("model", "kind", "version", "MB", "licence", "here")
    for entry in registry.entries():
        size = f"{entry.size / 1e6:.1f}" if entry.size else "?"
        name = f"{entry.name} *" if entry.default else entry.name
        table.add_row(name, entry.kind, entry.version, size, entry.licence, "yes" if registry.installed(entry.name) else "-")
    Console().print(table)
    typer.echo(f"* needed by default. Models folder: {registry.folder}")


@models.command()
def pull(
    context: typer.Context,
    names: Names = None,
    trust: Annotated[
        bool, typer.Option("--trust-on-first-use", help="accept a model whose SHA-256 nobody has pinned yet")
    ] = False,
) -> None:
    """Download what is missing and verify everything. Goes on where a download was cut off."""
    registry = make_registry(context.obj.folders)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        for name in names or registry.defaults():
            _pull(registry, name, bars, trust)


def _pull(registry: Registry, name: str, bars: Progress, trust: bool) -> None:
    task: TaskID = bars.add_task(name, total=registry.entry(name).size or None)

    def report(progress: Pulled) -> None:
        bars.update(task, completed=progress.done_bytes, total=progress.total_bytes)

    registry.pull(name, report, trust_on_first_use=trust)
    size = registry.entry(name).size or 1
    bars.update(task, completed=size, total=size, description=f"{name} ✓")


@models.command()
def verify(context: typer.Context, names: Names = None) -> None:
    """Hash every file again. Exit code 1 if one is missing or damaged."""
    registry = make_registry(context.obj.folders)
    table = Table("model", "file", "result")
    good = True
    for name in names or [entry.name for entry in registry.entries() if entry.default or registry.installed(entry.name)]:
        for check in registry.verify(name):
            good = good and check.ok
            table.add_row(name, check.name, "ok" if check.ok else check.reason, style="" if check.ok else "bold red")
    Console().print(table)
    if not good:
        typer.echo("repair with: assistant models pull MODEL", err=True)
        raise typer.Exit(1)
