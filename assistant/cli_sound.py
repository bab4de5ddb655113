"""`assistant bench echo` and `assistant bench soak`: the sound path, measured."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated, Any

import anyio
import typer
from rich.console import Console
from rich.table import Table

from assistant import app

Json = Annotated[bool, typer.Option("--json", help="one JSON object")]


def echo_command(
    context: typer.Context,
    words: Annotated[int, typer.Option(help="wake words and stops in every room, condition and ratio")] = 8,
    self_minutes: Annotated[float, typer.Option(help="minutes of own speech to look for self-triggers in; 0 = none")] = 9.0,
    cancel: Annotated[bool, typer.Option(help="with echo cancellation, or without for comparison")] = True,
    as_json: Json = False,
) -> None:
    """The wake word and "stop" said into replies, in simulated rooms: how many are heard, how soon, and self-triggers."""
    from assistant import bench_echo

    invocation = context.obj
    with app.example_home(invocation.folders) as folders:
        engines = app.load_engines(invocation.config, folders)
        results: dict[str, Any] = {"filter": bench_echo.filter_figures(engines)}
        results["heard"] = bench_echo.run(engines, words=words, cancel=cancel)
        if self_minutes:
            results["own_speech"] = bench_echo.self_triggers(engines, self_minutes)
    if as_json:
        typer.echo(json.dumps(results))
        return
    table = Table("speech to echo", "word", "n", "heard", "share", "95 %", "after p50 ms", "p95 ms")
    for row, kinds in results["heard"].items():
        for kind, score in kinds.items():
            low, high = score["share_95"]
            cells = (score["n"], score["heard"], score["share"], f"{low}-{high}", score["delay_p50_ms"], score["delay_p95_ms"])
            table.add_row(row, kind, *map(str, cells))
    Console().print(table)
    Console().print({name: results[name] for name in ("filter", "own_speech") if name in results})


def idle_command(
    context: typer.Context,
    seconds: Annotated[float, typer.Option(help="how long to measure", min=1)] = 60.0,
    as_json: Json = False,
) -> None:
    """What waiting for the wake word costs on this computer's microphone, as `assistant run` does it. Keep quiet meanwhile."""
    from assistant.bench_idle import idle
    from assistant.daemon import Home

    invocation = context.obj
    result = anyio.run(idle, invocation.config, Home(invocation.folders, invocation.read_config), seconds)
    share, wakes = 100 * result["share"], result["wakes_per_second"]
    line = (
        f"{share:.1f} % of one core, woken {wakes} times a second ({result['seconds']} s, load average {result['load_average']})"
    )
    typer.echo(json.dumps(result) if as_json else line)
    sys.stdout.flush()
    os._exit(0)  # see `assistant run`: PortAudio's exit handler can wait for ever


def soak_command(
    context: typer.Context,
    hours: Annotated[float, typer.Option(help="hours of sound")] = 8.0,
    minutes: Annotated[float, typer.Option(help="stop after so many minutes of computing; 0 = never")] = 0.0,
    as_json: Json = False,
) -> None:
    """Hours of speech, music, noise, requests and replies with echo through the whole assistant, faster than real time."""
    from assistant import bench_soak

    invocation = context.obj
    with app.example_home(invocation.folders) as folders:
        engines = app.load_engines(invocation.config, folders)
        result = bench_soak.soak(invocation.config, engines, hours, minutes or None)
    typer.echo(json.dumps(result)) if as_json else Console().print(result)
    if result["dropped_seconds"] or result["self_triggers"]:
        raise typer.Exit(1)
