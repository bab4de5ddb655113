"""The command line. The only place that configures logging, catches errors and exits.

Exit codes: 0 done, 1 the answer is no (a check failed), 2 wrong usage, and those of errors.py (78 = the configuration is wrong).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.console import Console

import assistant
from assistant import config as settings
from assistant.app import Observer
from assistant.cli_bench import bench
from assistant.cli_bench_asr import register as register_asr
from assistant.cli_bench_intent import intent_command
from assistant.cli_commands import commands
from assistant.cli_config import config_commands
from assistant.cli_ctl import ctl, watch
from assistant.cli_doctor import doctor
from assistant.cli_export import PASS_ON, export
from assistant.cli_eyes import eyes_command
from assistant.cli_models import models
from assistant.cli_privacy import forget, privacy, recordings
from assistant.cli_service import service
from assistant.cli_wake import wake
from assistant.errors import AssistantError
from assistant.events import Event, to_json
from assistant.logs import LogFormat, start_logging

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup  # comes with anyio on Python 3.10

cli = typer.Typer(
    name="assistant",
    help="A private voice assistant that runs wholly on this device. Nothing said is stored or sent anywhere.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.add_typer(models, name="models")
cli.add_typer(config_commands, name="config")
cli.add_typer(commands, name="commands")
cli.add_typer(bench, name="bench")
cli.add_typer(wake, name="wake")
cli.command("export", context_settings=PASS_ON)(export)
register_asr(bench)
bench.command("eyes")(eyes_command)
bench.command("intent")(intent_command)
cli.add_typer(service, name="service")
cli.add_typer(ctl, name="ctl")
cli.add_typer(privacy, name="privacy")
cli.add_typer(recordings, name="recordings")
cli.command()(forget)
cli.command()(watch)
cli.command()(doctor)

Json = Annotated[bool, typer.Option("--json", help="one event a line, as docs/events.md describes")]
Image = Annotated[Path | None, typer.Option("--image", help="a picture as what the camera sees", exists=True, dir_okay=False)]
SoundFile = Annotated[Path, typer.Argument(help="WAV, FLAC or OGG of any rate, mono or stereo")]


@dataclass(frozen=True, slots=True)
class Invocation:
    """What every command needs: the settings in force and the user's folders."""

    config: settings.Config
    folders: settings.Folders
    read_config: Callable[[], settings.Config]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edge-assistant {assistant.__version__}")
        raise typer.Exit


@cli.callback()
def begin(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="an assistant.toml (default: the one in the configuration folder)")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="TABLE.KEY=VALUE, beats file and environment")] = None,
    verbose: Annotated[int, typer.Option("--verbose", "-v", count=True, help="-v: what happens; -vv: everything")] = 0,
    log_format: Annotated[LogFormat, typer.Option(help="of the log; auto: the journal's under systemd")] = LogFormat.auto,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False,
) -> None:
    """Read the settings; every command sees them."""
    start_logging((logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)], log_format)
    if context.invoked_subcommand not in ("config", "doctor"):  # those report a wrong file themselves
        read = partial(settings.load, config, tuple(set_ or ()))
        context.obj = Invocation(read(), settings.folders(), read)
        if context.invoked_subcommand not in ("models", "export"):
            _accelerate(context.obj)
    else:
        context.obj = (config, tuple(set_ or ()))


def _accelerate(invocation: Invocation) -> None:
    """Exported packages of the settings, if any, before anything opens a graph."""
    if invocation.config.runtime != settings.RuntimeConfig():
        from assistant.acceleration import use_packages

        use_packages(invocation.config.runtime, invocation.folders.cache)


def _printer(as_json: bool) -> Observer:
    from assistant.console import EventPrinter

    return _print_json if as_json else EventPrinter(Console())


def _print_nothing(event: Event) -> None:
    """An observer for services: what is said must not reach the journal."""


def _print_json(event: Event) -> None:
    print(to_json(event), flush=True)


@cli.command()
def run(
    context: typer.Context,
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="print no events: nothing that is said reaches the output")] = False,
) -> None:
    """Listen to the microphone until Ctrl-C."""
    from assistant.daemon import Home
    from assistant.live import run_live

    invocation: Invocation = context.obj
    home = Home(invocation.folders, invocation.read_config)
    anyio.run(partial(run_live, invocation.config, home, _print_nothing if quiet else _printer(as_json)))
    sys.stdout.flush()
    os._exit(0)  # PortAudio's exit handler can wait for a sound server for ever; nothing is left to do


@cli.command()
def listen(
    context: typer.Context,
    file: SoundFile,
    image: Image = None,
    as_json: Json = False,
    realtime: Annotated[bool, typer.Option("--realtime", help="at the speed of a clock instead of as fast as possible")] = False,
    replies: Annotated[Path | None, typer.Option("--replies", help="write what the loudspeaker plays to this WAV file")] = None,
) -> None:
    """Hear a recording through the whole assistant, as if a microphone had heard it. Same file, same events."""
    from assistant import offline

    invocation: Invocation = context.obj
    camera = offline.still_camera(image)
    sound = offline.recording(file)
    replay = offline.listen(invocation.config, invocation.folders, sound, camera, [_printer(as_json)], realtime=realtime)
    if replies is not None:
        offline.write_replies(replies, replay)


@cli.command()
def ask(context: typer.Context, text: str, image: Image = None, as_json: Json = False) -> None:
    """Ask in writing. No sound, no recogniser, no voice."""
    from assistant import offline

    invocation: Invocation = context.obj
    publish = _print_json if as_json else None
    reply = anyio.run(partial(offline.ask, invocation.config, invocation.folders, text, offline.still_camera(image), publish))
    if not as_json:
        typer.echo(reply)


@cli.command()
def say(
    context: typer.Context,
    text: str,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="a WAV file (default: the loudspeaker)")] = None,
) -> None:
    """Speak a text with the assistant's voice."""
    from assistant import live, offline

    invocation: Invocation = context.obj
    if output is not None:
        offline.say(invocation.config, invocation.folders, text, output)
    else:
        anyio.run(partial(live.say, invocation.config, invocation.folders, text))


@cli.command()
def transcribe(context: typer.Context, file: SoundFile, as_json: Json = False) -> None:
    """Write down what is said in a recording, without wake word and without acting on it."""
    from assistant import offline

    invocation: Invocation = context.obj
    transcript = offline.transcribe(invocation.config, invocation.folders, file)
    if as_json:
        import json

        typer.echo(json.dumps({"text": transcript.text, "confidence": round(transcript.confidence, 4)}, ensure_ascii=False))
    else:
        typer.echo(transcript.text)


@cli.command()
def demo(
    context: typer.Context,
    play: Annotated[bool, typer.Option("--play", help="play requests and replies on the loudspeaker")] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for the WAV files")] = Path("demo-output"),
) -> None:
    """Three spoken requests through the whole assistant: watch it hear, understand, act and answer."""
    from assistant.demo import run_demo

    invocation: Invocation = context.obj
    if not run_demo(invocation.config, invocation.folders, output, play=play):
        raise typer.Exit(1)


@cli.command()
def devices(context: typer.Context) -> None:
    """List microphones and loudspeakers."""
    from rich.table import Table

    from device.audio import sound_devices

    table = Table("device", "microphone", "loudspeaker", "rate (Hz)")
    for device in sound_devices():
        table.add_row(device.name, str(device.inputs or "-"), str(device.outputs or "-"), str(device.rate))
    Console().print(table)


def _only_error(group: BaseExceptionGroup[BaseException]) -> AssistantError:
    """The error of ours in what a task group raised; anything else is raised again, as it is a defect."""
    ours, defects = group.split(AssistantError)
    if ours is None or defects is not None:
        raise group
    first: BaseException = ours
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, AssistantError)
    return first


def main() -> None:
    """The `assistant` command: run it, turn an error into one line and an exit code."""
    try:
        cli(standalone_mode=True)
    except AssistantError as error:
        print(f"assistant: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BaseExceptionGroup as group:
        ours = _only_error(group)
        print(f"assistant: {ours}", file=sys.stderr)
        sys.exit(ours.exit_code)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
