"""`assistant ctl`: speak to the running assistant from another terminal or program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant import repeating
from assistant.control_client import ask as request
from assistant.control_client import find_socket, lines

ctl = typer.Typer(help="Speak to the running assistant.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="the answer as one line of JSON")]


@ctl.callback()
def begin(
    context: typer.Context,
    socket: Annotated[Path | None, typer.Option(help="its control socket (default: yours, else the system service's)")] = None,
) -> None:
    """Find the running assistant."""
    context.obj = find_socket(socket)


def _do(context: typer.Context, as_json: bool, do: str, **more: str) -> dict[str, Any]:
    answer = request(context.obj, {"do": do, **more})
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    return answer


@ctl.command()
def say(context: typer.Context, text: str, as_json: Json = False) -> None:
    """Let it say a text; returns when it has been said."""
    _do(context, as_json, "say", text=text)


@ctl.command()
def ask(context: typer.Context, text: str, as_json: Json = False) -> None:
    """Ask in writing; it acts and answers in writing."""
    answer = _do(context, as_json, "ask", text=text)
    if not as_json:
        typer.echo(answer["reply"])


@ctl.command()
def mute(context: typer.Context, as_json: Json = False) -> None:
    """Close the microphone until `unmute` or the next start. (`assistant privacy microphone off` holds longer.)"""
    _do(context, as_json, "mute")


@ctl.command()
def unmute(context: typer.Context, as_json: Json = False) -> None:
    """Open the microphone again."""
    _do(context, as_json, "unmute")


@ctl.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """What it is doing, its switches, memory and timers."""
    answer = _do(context, as_json, "status")
    if not as_json:
        for name, value in answer["status"].items():
            shown = ", ".join(f"{key} {state}" for key, state in value.items()) if isinstance(value, dict) else value
            typer.echo(f"{name:<12} {shown}")


@ctl.command()
def timers(context: typer.Context, as_json: Json = False) -> None:
    """Timers and alarms that have not rung."""
    answer = _do(context, as_json, "timers")
    if not as_json:
        for timer in answer["timers"]:
            every = f", {repeating.told(timer['days'])}" if timer["days"] else ""
            typer.echo(f"{timer['due']}  in {timer['left_s']} s  {timer['title']}{every}")


@ctl.command()
def reload(context: typer.Context, as_json: Json = False) -> None:
    """Read settings, home, skills and commands anew, without losing timers; says what is wrong if something is."""
    _do(context, as_json, "reload")


def watch(
    socket: Annotated[Path | None, typer.Option(help="its control socket (default: yours, else the system service's)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="every line as it comes: states, levels, events")] = False,
) -> None:
    """Watch the running assistant: level, state, what it hears, sees and says, the time the last turns took. Ctrl-C ends."""
    from rich.live import Live

    from assistant.watch import View

    view = View()
    answers = lines(find_socket(socket), {"do": "watch"}, patient=True)
    try:
        if as_json:
            for line in answers:
                print(json.dumps(line, ensure_ascii=False), flush=True)
            return
        with Live(get_renderable=view.render, refresh_per_second=10) as live:
            for line in answers:
                view.feed(line)
            live.refresh()
    except KeyboardInterrupt:
        return
