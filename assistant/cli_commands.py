"""`assistant commands`: the user's own command files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.commands import check_file

commands = typer.Typer(help="Check your own command files (docs/commands.md).", no_args_is_help=True)


@commands.command()
def check(files: Annotated[list[Path], typer.Argument(help="YAML files with commands")]) -> None:
    """Explain what is wrong in a command file, with line numbers. Exit code 1 if something is."""
    wrong = warnings = 0
    for file in files:
        for problem in check_file(file):
            wrong += problem.serious
            warnings += not problem.serious
            kind = "" if problem.serious else "note: "
            fix = f" ({problem.fix})" if problem.fix else ""
            typer.echo(f"{file}:{problem.line}:{problem.column}: {kind}{problem.message}{fix}")
    if wrong:
        raise typer.Exit(1)
    typer.echo("No problems found." if not warnings else "No mistakes, see the notes.")
