"""`assistant bench voices` and `assistant bench models`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assistant import bench_models, bench_voices
from assistant.config import RuntimeConfig
from assistant.engines import TtsEngine
from assistant.factory import make_registry

Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table")]


def voices(
    context: typer.Context,
    package: Annotated[Path | None, typer.Option(help="a Piper voice's package, from `assistant export`", exists=True)] = None,
    rounds: Annotated[int, typer.Option(help="how often each reply is spoken")] = 7,
    as_json: Json = False,
) -> None:
    """How soon each voice sounds, in turn with piper-tts in one process; medians."""
    from assistant.engines.tts_hibari import HibariTts

    folder = make_registry(context.obj.folders).path("piper-joe")
    hibari = HibariTts()
    speakers: dict[str, tuple[bench_voices.Speak, int]] = {
        bench_voices.BASELINE: bench_voices.piper_as_it_comes(next(folder.glob("*.onnx"))),
        "hibari": (hibari.synthesize, hibari.rate),
    }
    if package is not None:
        from assistant.engines.tts_piper import PiperTts
        from assistant.engines.tts_vits import VitsTts

        ours: dict[str, TtsEngine] = {
            "three graphs, espeak-ng": PiperTts(package),
            "three graphs, hibari's G2P": VitsTts(package),
        }
        speakers |= {name: (engine.synthesize, engine.rate) for name, engine in ours.items()}
    rows = bench_voices.compare(speakers, rounds)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("reply", "voice", "first audible ms", "times sooner", "total ms", "sound s", "RTF", title=f"n = {rounds}")
    for row in rows:
        keys = ("reply", "voice", "first_audible_ms", "times_sooner", "total_ms", "sound_s", "real_time_factor")
        table.add_row(*(str(row[key]) for key in keys))
    Console().print(table)


def models(
    context: typer.Context,
    packages: Annotated[Path, typer.Option(help="a folder made by `assistant export`", exists=True, file_okay=False)],
    backend: Annotated[list[str] | None, typer.Option(help="cpu, cuda, tensorrt, triton; repeatable")] = None,
    rounds: Annotated[int, typer.Option(help="runs per graph and backend")] = 20,
    as_json: Json = False,
) -> None:
    """Every graph of the packages on every backend that runs here, side by side, and the difference to the first."""
    folders = context.obj.folders
    runtime: RuntimeConfig = context.obj.config.runtime
    found = bench_models.compare(packages, backend or ["cpu", "cuda", "tensorrt"], runtime, folders.cache, rounds)
    if as_json:
        typer.echo(json.dumps(found))
        return
    table = Table("graph", "backend", "first ms", "median ms", "p95 ms", "difference")
    for row in found["rows"]:
        table.add_row(*(str(row[key]) for key in ("graph", "backend", "first_ms", "median_ms", "p95_ms", "difference")))
    console = Console()
    console.print(table)
    for name, why in found["not_here"].items():
        console.print(f"{name}: {why}", style="yellow")
    machine = ", ".join(f"{key} {value}" for key, value in found["machine"].items())
    console.print(f"{machine}; n = {rounds}; usual shapes")
