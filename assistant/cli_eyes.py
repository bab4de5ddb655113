"""`assistant bench eyes`: how well the eyes see, on photos of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant import bench_eyes as eyes
from assistant import factory


def eyes_command(
    context: typer.Context,
    photos: Annotated[Path, typer.Argument(help="a folder with images/*.jpg and labels/*.txt in YOLO's form (classes of COCO)")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Is anyone there, what is this, turn that off, and the detector's mAP50, on labelled photos, through the whole mind."""
    invocation = context.obj
    config, registry = invocation.config, factory.make_registry(invocation.folders)
    engine = factory.make_vision(config, registry)
    alone = factory.make_vision(config.model_copy(update={"vision": config.vision.model_copy(update={"also": ""})}), registry)
    results = eyes.measure(engine, eyes.read_photos(photos), alone)
    if as_json:
        typer.echo(json.dumps(results))
        return
    table = Table("what", "right", "n", "95 %", title=f"{results['photos']} photos, engine {invocation.config.vision.engine}")
    for name, row in results.items():
        if isinstance(row, dict) and row["n"]:
            table.add_row(name, f"{row['right']:.3f}", str(row["n"]), f"{row['low']:.2f}-{row['high']:.2f}")
        elif not isinstance(row, dict) and name != "photos":
            table.add_row(name, str(row), "", "")
    Console().print(table)
