"""`assistant doctor`: is everything well, and what mends what is not?"""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from assistant import config as settings
from assistant.doctor import Patient, examine, mend, read_settings
from device.probes import Finding

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "fault": ("✗", "bold red")}


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="one finding a line")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="mend what can be mended without asking: models, the recordings' key")
    ] = False,
    silent: Annotated[bool, typer.Option("--silent", help="play no chirp, so measure no echo")] = False,
    root: Annotated[Path, typer.Option(help="examine the system files of another machine", hidden=True)] = Path("/"),
) -> None:
    """Look at everything: sound, camera, models, disk, memory, processor, power, clock, rights, settings. Exit code 1 on a fault.

    It listens for two seconds and plays a chirp of four; nothing heard or seen is kept.
    """
    file, overrides = context.obj
    config, trouble = read_settings(partial(settings.load, file, overrides))
    patient = Patient(config, settings.folders(), root, silent)
    faults = 0
    for finding in examine(patient, trouble):
        if fix and mend(finding, patient):
            finding = dataclasses.replace(finding, verdict="ok", detail=f"mended; it was: {finding.detail}", mend="")
        faults += finding.verdict == "fault"
        _show(finding, as_json)
    if faults:
        raise typer.Exit(1)


def _show(finding: Finding, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(finding), ensure_ascii=False))
        return
    mark, style = MARKS[finding.verdict]
    line = Text(f"{mark} ", style=style).append(f"{finding.subject:<12}", style="bold").append(finding.detail, style="")
    console = Console()
    console.print(line, soft_wrap=True)
    if finding.mend:
        console.print(Text(f"              mend: {finding.mend}", style="yellow"), soft_wrap=True)
