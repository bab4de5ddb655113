"""`assistant bench`: numbers, each with its n and its conditions."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assistant import app
from assistant import bench_latency as latency
from assistant.bench_commands import COMMANDS
from assistant.caller import Room
from assistant.cli_bench_models import models, voices
from assistant.cli_bench_wake import bench_wake
from assistant.cli_sound import echo_command, idle_command, soak_command
from assistant.config import HomeConfig
from assistant.engines import TtsEngine
from assistant.engines.tts_pico import PicoTts

DEFAULT_VOICES = ["en-GB", "en-US@0.9/0.8"]
"""Two of Pico's voices, a British one and a lower, slower American one."""

bench = typer.Typer(help="Measure the assistant on this machine.", no_args_is_help=True)


bench.command("voices")(voices)
bench.command("models")(models)


@bench.callback()
def _group() -> None:
    """Keeps `latency` a sub-command while it is the only one."""


def callers(names: list[str]) -> dict[str, TtsEngine]:
    """Callers by name: en-GB and en-US are Pico's, with speed and pitch behind them; a path ending in .onnx is a Piper voice."""
    found: dict[str, TtsEngine] = {}
    for name in names:
        if name.endswith(".onnx"):
            from assistant.engines.tts_piper import PiperTts

            found[Path(name).stem] = PiperTts(Path(name), 1.0)
        else:
            voice, _, style = name.partition("@")
            speed, _, pitch = style.partition("/")
            found[name] = PicoTts(voice, float(speed or 1), float(pitch or 1))
    return found


bench.command("wake")(bench_wake)
bench.command("echo")(echo_command)
bench.command("idle")(idle_command)
bench.command("soak")(soak_command)


@bench.command("latency")
def latency_command(
    context: typer.Context,
    voice: Annotated[
        list[str] | None, typer.Option(help="en-GB, en-US, en-US@SPEED/PITCH or a Piper voice's .onnx; repeatable")
    ] = None,
    noise: Annotated[Path | None, typer.Option(help="a recording of noise, played behind the requests")] = None,
    snr_db: Annotated[float | None, typer.Option(help="loudest speech frame over loudest noise frame, dB")] = None,
    count: Annotated[int, typer.Option(help="how many of the 20 commands")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """20 home commands per voice, in real time: right actions, end of speech to first audible sample, memory, idle load."""
    invocation = context.obj
    config = invocation.config.model_copy(update={"home": HomeConfig()})
    began = time.perf_counter()
    with app.example_home(invocation.folders) as folders:
        engines = app.load_engines(config, folders)
        loaded_s = time.perf_counter() - began
        results: dict[str, Any] = {"load_s": round(loaded_s, 2), "load_average": os.getloadavg()[0], "cores": os.cpu_count()}
        results["idle_share"] = round(latency.idle_share(engines, config), 4)
        sound = latency.read_noise(noise) if noise else None
        runs = {}
        for name, speaker in callers(voice or DEFAULT_VOICES).items():
            runs[name] = latency.run_commands(engines, config, speaker, COMMANDS[:count], Room(sound, snr_db))
        results["memory_mb"], results["peak_memory_mb"] = (round(value, 1) for value in latency.memory_mb())
    results["voices"] = {name: latency.summary(found) for name, found in runs.items()}
    if as_json:
        typer.echo(json.dumps(results, ensure_ascii=False))
    else:
        _print(results, runs)


def _print(results: dict[str, Any], runs: dict[str, list[latency.Run]]) -> None:
    console = Console()
    for name, found in runs.items():
        wrong = [run for run in found if not run.right]
        for run in wrong:
            done = ", ".join(f"{action.target}.{action.attribute}={action.value}" for action in run.actions)
            console.print(f"[red]{name}[/]: “{run.command}” heard as “{run.heard}”: {done or 'nothing happened'}")
    table = Table(
        "voice", "n", "right", "95 %", "p50 ms", "p95 ms", "of it endpointing p50", title="End of speech to first audible sample"
    )
    for name, row in results["voices"].items():
        low, high = row["right_95"]
        cells = (
            row["n"],
            row["right"],
            f"{low:.2f}-{high:.2f}",
            row["total_p50_ms"],
            row["total_p95_ms"],
            row["endpoint_p50_ms"],
        )
        table.add_row(name, *map(str, cells))
    console.print(table)
    console.print(
        f"engines loaded in {results['load_s']} s, idle listening {100 * results['idle_share']:.1f} % of a core (60 s), memory "
        f"{results['memory_mb']} MB (peak {results['peak_memory_mb']} MB), load average {results['load_average']:.1f}"
    )
