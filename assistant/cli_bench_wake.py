"""`assistant bench wake`: wake word engines side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from assistant import bench_wake as measure
from assistant import factory
from assistant.bench_latency import read_noise
from assistant.caller import Floats
from assistant.engines import ScoringWake, engine_class
from assistant.engines.tts_pico import PicoTts
from assistant.errors import ConfigError

DEFAULT = ["micro:okay_nabu"]
"""Measured beside the engine of the settings when none is named."""


def bench_wake(
    context: typer.Context,
    engine: Annotated[
        list[str] | None, typer.Option(help="ENGINE:MODEL, such as own:hey_mira, micro:okay_nabu, openwakeword:PATH; repeatable")
    ] = None,
    positives: Annotated[Path | None, typer.Option(help="folder of recordings of the word (default: Pico says it)")] = None,
    negatives: Annotated[list[Path] | None, typer.Option(help="folder or file of sound without the word; repeatable")] = None,
    noise: Annotated[Path | None, typer.Option(help="a recording of noise, played behind the word")] = None,
    snr_db: Annotated[float | None, typer.Option(help="loudest speech frame over loudest noise frame, dB")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """What each wake word engine misses at the same false accepts per hour, with intervals, on the same sound."""
    invocation = context.obj
    wake = invocation.config.wake
    names = list(dict.fromkeys(engine or [f"{wake.engine}:{wake.model}", *DEFAULT]))
    engines = {name: _open(invocation, name) for name in names}
    others = measure.sound_files(negatives or [])
    behind = read_noise(noise) if noise else None
    words = measure.recorded(positives) if positives else []
    results: dict[str, Any] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        for name, listener in engines.items():
            said = measure.in_room(words or _spoken(listener.phrase), behind, snr_db)
            task = bar.add_task(name, total=len(said) + len(others))
            heard = measure.listen(listener, said, others, lambda task=task: bar.advance(task))  # type: ignore[misc]
            results[name] = measure.summary(heard)
    if as_json:
        typer.echo(json.dumps({"engines": results, "noise_snr_db": snr_db if noise else None}, ensure_ascii=False))
    else:
        _print(results)


def _open(invocation: Any, name: str) -> ScoringWake:
    kind, _, model = name.partition(":")
    engine_class("wake", kind)  # names the choices
    settings = {"engine": kind, "model": model or invocation.config.wake.model, "threshold": None}
    config = invocation.config.model_copy(update={"wake": invocation.config.wake.model_copy(update=settings)})
    found = factory.make_wake(config, factory.make_registry(invocation.folders), invocation.folders)
    if not isinstance(found, ScoringWake):
        raise ConfigError(f"the wake word engine {kind!r} shows no scores, so it cannot be measured at several thresholds")
    return found


def _spoken(phrase: str) -> list[Floats]:
    voices = {name: lambda speed, pitch, name=name: PicoTts(name, speed, pitch) for name in ("en-GB", "en-US")}
    return measure.synthetic(phrase, voices)  # type: ignore[arg-type]


def _print(results: dict[str, Any]) -> None:
    table = Table("engine", "n", "hours", *(f"at {rate:g}/h" for rate in measure.RATES), "own threshold", "% of a core")
    for name, row in results.items():
        cells = [_cell(point) for point in row["at_false_accepts_per_hour"].values()]
        own = row["at_own_threshold"]
        cells += [f"{_cell(own)}, {own['false_accepts']} false", f"{100 * row['processor_share']:.2f}"]
        table.add_row(name, str(row["said"]), f"{row['hours']:.2f}", *cells)
    console = Console()
    console.print("Words missed in % (95 % interval) at so many false accepts per hour; thresholds are set on this very sound")
    console.print(table)
    for name, row in results.items():
        if row["hours"]:
            console.print(
                f"{name}: {row['hours']:.2f} h can show no rate below {row['no_rate_below_per_hour']} per hour (3/T, 95 %)"
            )


def _cell(point: dict[str, Any]) -> str:
    low, high = point["miss_95"]
    return f"{100 * point['miss']:.1f} ({100 * low:.0f}-{100 * high:.0f})"
