"""`assistant bench intent`: how well the image-aware intent model understands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from assistant import bench_intent as intent
from assistant import factory
from assistant.engines.intent_fusion import FusionIntent


def intent_command(
    context: typer.Context,
    others: Annotated[
        Path | None, typer.Option(help="a text file of sentences that are not for the assistant, one a line: false accepts")
    ] = None,
    tests: Annotated[Path | None, typer.Option(help="another test set of the same form")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Sentences and scenes nobody trained on: intents and referents with and without the picture, calibration, time."""
    invocation = context.obj
    registry = factory.make_registry(invocation.folders)
    engine = FusionIntent(registry.path("minilm-l6"), invocation.folders.cache)
    found = intent.read_tests(tests)
    strangers = [line.strip() for line in others.read_text("utf-8").splitlines() if line.strip()] if others else []
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sentences", total=4 * len(found.rows))
        results = intent.measure(engine, found, strangers, lambda: bar.advance(task))
    if as_json:
        typer.echo(json.dumps(results))
    else:
        _print(results, len(found.rows))


def _print(results: dict[str, Any], count: int) -> None:
    console = Console()
    table = Table("what", "with the picture", "95 %", "blank", "another's", "one look", "n", title=f"{count} sentences")
    for name, row in results["image"].items():
        others = (f"{results[kind][name]['right']:.3f}" for kind in ("blank", "shuffled", "one look"))
        table.add_row(name, f"{row['right']:.3f}", f"{row['low']:.2f}-{row['high']:.2f}", *others, str(row["n"]))
    console.print(table)
    intents = Table("intent", "precision", "recall", "F1", "n")
    for name, row in results["by intent"].items():
        intents.add_row(name, *(str(row[key]) for key in ("precision", "recall", "f1", "n")))
    console.print(intents)
    for right, said, number in results["confusion"][:12]:
        console.print(f"{number:4d} times {said} instead of {right}")
    for name, row in results["photos"].items():
        console.print(f"on whole photos: {name}: {row['right']:.3f} (n={row['n']}, {row['low']:.2f}-{row['high']:.2f})")
    needed, times = results["image needed"], results["cpu ms"]
    console.print(f"knows whether a picture is needed: {needed['right']:.3f} (n={needed['n']})")
    if "false accepts" in results:
        accepted = results["false accepts"]
        console.print(f"false accepts: {accepted['right']:.3f} (n={accepted['n']}, {accepted['low']:.3f}-{accepted['high']:.3f})")
    console.print(f"calibration error {results['calibration error']}")
    console.print(f"processor ms p50 / p95: {' / '.join(map(str, times['words only'].values()))} words only, ", end="")
    console.print(f"{' / '.join(map(str, times['words and picture'].values()))} with what was seen (detector not included)")
