"""`assistant service`: the assistant as a systemd service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.config import Config, Folders
from assistant.factory import make_registry
from device.service import Service, running_systemd
from device.service_unit import DATA_HOME, NAME, UNIT, UnitOptions, accelerator_nodes, system_unit, user_unit

service = typer.Typer(help="Run the assistant from boot on, as a systemd service.", no_args_is_help=True)
User = Annotated[bool, typer.Option("--user", help="in your login session (PipeWire, PulseAudio) instead of the whole system")]
Memory = Annotated[int, typer.Option(help="the kernel ends the service beyond this many MB")]


def _command() -> Path:
    """The `assistant` command beside the Python that runs this."""
    return Path(sys.executable).with_name("assistant")


def _options(config: Config, network: bool, memory_mb: int) -> UnitOptions:
    wanted = network or bool(config.mqtt.host) or bool(config.chat.url)
    return UnitOptions(_command(), wanted, bool(config.camera.source), accelerator_nodes(), memory_mb, config.recording.enabled)


@service.command()
def install(
    context: typer.Context,
    user: User = False,
    network: Annotated[
        bool, typer.Option("--network", help="let it reach the network even without MQTT or a chat model")
    ] = False,
    memory_mb: Memory = 2048,
    start: Annotated[bool, typer.Option(help="start it now and at every boot")] = True,
    models: Annotated[bool, typer.Option(help="fetch the default models for it first")] = True,
) -> None:
    """Write the unit, fetch the models, start it now and at every boot. The system's service needs sudo.

    The unit allows what the present settings need: a camera when camera.source is set, the network when mqtt.host or chat.url is.
    Install again after changing those.
    """
    options = _options(context.obj.config, network, memory_mb)
    written = Service(user).write(options)
    typer.echo(f"wrote {written}")
    if models and not user:
        _pull_models(context.obj.folders.model_copy(update={"data": DATA_HOME / NAME}))
    if start and running_systemd():
        Service(user).start()
        typer.echo(f"{UNIT} runs; see `assistant service status{' --user' if user else ''}`")
    elif start:
        typer.echo("systemd does not run here, so nothing was started")


def _pull_models(folders: Folders) -> None:
    """Fetch the default models to where the service reads them."""
    registry = make_registry(folders)
    for name in registry.defaults():
        registry.pull(name)
    typer.echo(f"the models are in {registry.folder}")


@service.command()
def uninstall(user: User = False) -> None:
    """Stop it and remove the unit. Settings, timers and models stay."""
    done = Service(user).remove()
    typer.echo("removed" if done else "there was no service to remove")


@service.command()
def status(user: User = False) -> None:
    """What systemd says about it."""
    raise typer.Exit(Service(user).show("systemctl", "status", "--no-pager", UNIT))


@service.command()
def logs(
    user: User = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="go on as new lines come")] = False,
    count: Annotated[int, typer.Option("--lines", "-n", help="how many of the last lines")] = 100,
) -> None:
    """Its log. No line holds what was said or seen."""
    more = ["--follow"] if follow else []
    unit = "--user-unit" if user else "--unit"
    raise typer.Exit(Service().show("journalctl", unit, UNIT, "--no-pager", "--lines", str(count), *more))


@service.command()
def unit(context: typer.Context, user: User = False, network: bool = False, memory_mb: Memory = 2048) -> None:
    """Print the unit without installing it."""
    options = _options(context.obj.config, network, memory_mb)
    typer.echo(user_unit(options) if user else system_unit(options), nl=False)
