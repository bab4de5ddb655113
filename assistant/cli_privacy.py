"""`assistant privacy`, `assistant forget`, `assistant recordings`: what it may see and hear, and what it keeps."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from assistant import recording as records
from assistant.audiofile import write_wav
from assistant.config import Folders
from assistant.control_client import ask, find_socket
from assistant.engines import CAPTURE_RATE
from assistant.errors import DeviceError
from assistant.forgetting import forget as forget_files
from device.privacy import SENSES, PrivacySwitch, Sense

SERVICE_STATE = Path("/var/lib/edge-assistant")
"""The state folder of the system service."""

privacy = typer.Typer(help="Switch the camera or the microphone off for good, over restarts.", no_args_is_help=True)
recordings = typer.Typer(help="What was kept, if you switched recording on (docs/privacy.md).", no_args_is_help=True)


class Position(str, Enum):
    """Where a switch can be, or a look at it."""

    on = "on"
    off = "off"
    status = "status"


def _states(folders: Folders) -> list[Path]:
    """The state folders of this machine that are ours to look into: the user's and the service's."""
    return [folders.state, *([SERVICE_STATE] if SERVICE_STATE.is_dir() and folders.state != SERVICE_STATE else [])]


def _switch(folders: Folders, sense: Sense, position: Position) -> None:
    """Move or show one switch: through the running assistant, or where it will look when it starts."""
    try:
        if position is Position.status:
            shown = ask(find_socket(), {"do": "status"})["status"]["privacy"][sense]
        else:
            shown = ask(find_socket(), {"do": "privacy", "sense": sense, "on": position is Position.on})["privacy"][sense]
    except DeviceError:
        switches = [PrivacySwitch(state, sense) for state in _states(folders)]
        for switch in switches if position is not Position.status else ():
            switch.turn(on=position is Position.on)
        shown = "off" if any(switch.off for switch in switches) else "on"
    if position.value not in (shown, "status"):
        raise DeviceError(f"the {sense} is {shown}: the switch on the case says so")
    typer.echo(f"{sense}: {shown}")


Where = Annotated[Position, typer.Argument(help="on, off or status")]


@privacy.command()
def camera(context: typer.Context, position: Where = Position.status) -> None:
    """The camera: off closes it at once and keeps it closed, over restarts, until on."""
    _switch(context.obj.folders, "camera", position)


@privacy.command()
def microphone(context: typer.Context, position: Where = Position.status) -> None:
    """The microphone: off closes it at once and keeps it closed, over restarts, until on."""
    _switch(context.obj.folders, "microphone", position)


@privacy.command()
def status(context: typer.Context) -> None:
    """Both switches."""
    for sense in SENSES:
        _switch(context.obj.folders, sense, Position.status)


def forget(context: typer.Context) -> None:
    """Delete what it keeps of you: recordings, learned names, lists, the last turns in memory. Timers and settings stay."""
    try:
        done = list(ask(find_socket(), {"do": "forget"})["forgotten"])
    except DeviceError:
        done = []
    for state in _states(context.obj.folders):
        done += forget_files(state)
    typer.echo(f"forgotten: {', '.join(done)}" if done else "there was nothing to forget on the disk")


@recordings.command()
def key(context: typer.Context) -> None:
    """Make the key that recordings are encrypted with."""
    path = context.obj.folders.config / records.KEY_FILE
    records.make_key(path)
    typer.echo(f"wrote {path}; keep a copy elsewhere, or nobody can read the recordings")


@recordings.command("list")
def list_recordings(context: typer.Context) -> None:
    """The recordings, the oldest first."""
    for path in records.recordings(context.obj.folders.state):
        typer.echo(path.name)


@recordings.command()
def export(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder for the readable files")] = Path("recordings"),
) -> None:
    """Decrypt all recordings into WAV files and event lists that anybody can read."""
    folders: Folders = context.obj.folders
    secret = records.read_key(records.key_path(folders.config))
    output.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = records.recordings(folders.state)
    for path in found:
        recording = records.unseal(path.read_bytes(), secret, path.name)
        write_wav(output / f"{path.stem}.wav", recording.sound, CAPTURE_RATE)
        lines = [json.dumps(event, ensure_ascii=False) for event in recording.events]
        (output / f"{path.stem}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    typer.echo(f"{len(found)} recordings in {output}")
