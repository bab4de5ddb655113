"""`assistant config`: which settings are in force, and whether a file is right."""

from __future__ import annotations

import typer

from assistant import config as settings
from assistant.engines import engine_class
from assistant.home import load_home

config_commands = typer.Typer(help="Show and check the settings.", no_args_is_help=True)


@config_commands.command()
def show(context: typer.Context) -> None:
    """The settings in force, as an assistant.toml, and the folders in use."""
    file, overrides = context.obj
    typer.echo(settings.as_toml(settings.load(file, overrides)))
    typer.echo("")
    for name, folder in settings.folders().model_dump().items():
        typer.echo(f"# {name}: {folder}")


@config_commands.command()
def check(context: typer.Context) -> None:
    """Check assistant.toml, the engines it names, and the home. Prints the fix for a mistake; exit code 78."""
    file, overrides = context.obj
    config = settings.load(file, overrides)
    for kind, name in (
        ("wake", config.wake.engine),
        ("vad", config.ear.vad),
        ("asr", config.asr.engine),
        ("tts", config.tts.engine),
    ):
        engine_class(kind, name)
    from assistant.app import home_file

    home = load_home(home_file(config, settings.folders()))
    typer.echo(f"The settings are right. The home has {len(home.entities)} entities in {len(home.areas)} areas.")
