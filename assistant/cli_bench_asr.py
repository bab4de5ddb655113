"""`assistant bench commands`, `false-commands`, `no-speech`, `endpoint` and `asr`: how well speech is recognised."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant import bench_asr, bench_endpoint, bench_negatives, bench_orders, factory
from assistant.bench_latency import read_noise
from assistant.bench_peers import Hear, peers
from assistant.caller import Room
from assistant.cli_bench import callers
from assistant.commands import load_file
from assistant.config import Config, Folders
from assistant.engines import WordGrammar
from assistant.engines.asr_whisper import WhisperAsr
from assistant.engines.whisper_fit import ACCEPTED
from assistant.events import Samples
from assistant.grammar import compile_grammar

SNRS = [6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0]
"""The levels of Picovoice's benchmark, dB."""

OTHER_VOICES = ["en-GB", "en-US", "en-US@0.9/0.8", "en-GB@1.15/1.2"]
"""Pico's two voices, a lower and a higher one made of them."""

TALK_SENTENCES = 60
"""Sentences of somebody who talks on, about three minutes."""

Json = Annotated[bool, typer.Option("--json", help="one JSON object")]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a bench needs of the settings."""

    config: Config
    folders: Folders

    def asr(self, grammar: WordGrammar | None, accepted: float = ACCEPTED) -> WhisperAsr:
        """A Whisper that makes no partial transcripts. grammar: what it expects; accepted: how sure it must be of it."""
        asr = WhisperAsr(self.model, self.folders.cache, partial_every_ms=0, accepted=accepted)
        if grammar is not None:
            asr.set_grammar(lambda: grammar)
        return asr

    @property
    def model(self) -> Path:
        """The folder of the Whisper weights."""
        return factory.model_folder(factory.make_registry(self.folders), self.config.asr.model)


def hearing(asr: WhisperAsr) -> Hear:
    """A recogniser as a function."""

    def hear(samples: Samples) -> str:
        asr.accept(samples)
        return asr.finish().text

    return hear


def commands_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="recordings and labels.json: {file: {intent, slots}}")],
    commands: Annotated[Path, typer.Option(help="the command file whose sentences are said")],
    noise: Annotated[Path | None, typer.Option(help="a recording of noise to mix in")] = None,
    snr_db: Annotated[list[float] | None, typer.Option(help="levels of the noise; default 6 to 24 in steps of 3")] = None,
    babble_db: Annotated[list[float] | None, typer.Option(help="levels of babble made of the other recordings")] = None,
    home: Annotated[bool, typer.Option("--home", help="expect the home's own sentences beside the file's")] = False,
    with_peers: Annotated[bool, typer.Option("--peers", help="free decoding and installed rivals in the same run")] = False,
    never_refuse: Annotated[bool, typer.Option("--never-refuse", help="a row more: always the best sentence")] = False,
    count: Annotated[int | None, typer.Option(help="how many of the recordings")] = None,
    part: Annotated[str, typer.Option(help="all, even or odd recordings, by name")] = "all",
    seed: Annotated[int, typer.Option(help="where the noise begins")] = 0,
    as_json: Json = False,
) -> None:
    """Recorded commands in noise: how many become the right intent (Picovoice's kitchen table), how long decoding takes."""
    bench = Bench(context.obj.config, context.obj.folders)
    judge = bench_orders.Judge(load_file(commands))
    templates = judge.understanding.templates
    grammar = compile_grammar(templates if home else templates[:1])
    engines: dict[str, Hear] = {"ours": hearing(bench.asr(grammar))}
    if never_refuse:
        engines["ours, never refusing"] = hearing(bench.asr(grammar, accepted=0.0))
    if with_peers:
        engines |= {"ours, no grammar": hearing(bench.asr(None)), **peers(bench.model, grammar)}
    vad = factory.make_vad(bench.config, factory.make_registry(bench.folders))
    orders = bench_orders.read_orders(folder, count)
    orders = {"all": orders, "even": orders[::2], "odd": orders[1::2]}[part]
    sound = read_noise(noise) if noise is not None else None
    rows: list[bench_orders.Row] = []
    for name, sounds in bench_orders.conditions(orders, sound, snr_db or SNRS, babble_db or (), seed):
        parts = [bench_orders.spoken_part(vad, bench.config.ear, heard) for heard in sounds]
        steps = bench_orders.run_condition(name, orders, parts, engines, judge)
        rows += list(_tracked(steps, len(orders), name, as_json))[-1]
    _show_orders(rows, as_json)


def _tracked(steps: Iterator[Any], total: int, name: str, quiet: bool) -> Iterator[Any]:
    return iter(track(steps, name, total, console=Console(stderr=True), transient=True, disable=quiet))


def _show_orders(rows: Sequence[bench_orders.Row], as_json: bool) -> None:
    summaries = [row.summary() for row in rows]
    noisy: dict[str, list[float]] = {}
    for row in summaries:
        if row["condition"].startswith("noise"):
            noisy.setdefault(row["engine"], []).append(row["acceptance"])
    means = {engine: round(sum(values) / len(values), 4) for engine, values in noisy.items()}
    if as_json:
        results = {"rows": summaries, "mean_over_noise": means, "load_average": os.getloadavg()[0], "cores": os.cpu_count()}
        typer.echo(
            json.dumps(
                {
                    **results,
                    "wrong": [{"condition": row.condition, "engine": row.engine, **entry} for row in rows for entry in row.wrong],
                },
                ensure_ascii=False,
            )
        )
        return
    table = Table(
        "condition", "engine", "n", "accepted", "95 %", "strict", "values in text", "CPU ms p50 / p95", "wall ms p50 / p95"
    )
    for row in summaries:
        low, high = row["acceptance_95"]
        table.add_row(
            row["condition"],
            row["engine"],
            str(row["n"]),
            f"{100 * row['acceptance']:.1f} %",
            f"{100 * low:.1f}-{100 * high:.1f}",
            f"{100 * row['strict']:.1f} %",
            f"{100 * row['all_values_in_text']:.1f} %",
            f"{row['cpu_ms_p50']:.0f} / {row['cpu_ms_p95']:.0f}",
            f"{row['wall_ms_p50']:.0f} / {row['wall_ms_p95']:.0f}",
        )
    console = Console()
    console.print(table)
    for engine, mean in means.items():
        console.print(f"mean over the levels of noise, {engine}: {100 * mean:.1f} %")


def endpoint_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="recordings and labels.json: {file: {intent, slots}}")],
    commands: Annotated[Path, typer.Option(help="the command file whose sentences are said")],
    noise: Annotated[Path | None, typer.Option(help="a recording of noise to mix in")] = None,
    snr_db: Annotated[list[float] | None, typer.Option(help="levels of the noise; default 15")] = None,
    talk: Annotated[
        Path | None, typer.Option(help="sentences that synthetic voices go on saying, as `false-commands` reads them")
    ] = None,
    talk_db: Annotated[list[float] | None, typer.Option(help="levels of the talk; default 10, 15 and 20")] = None,
    home: Annotated[bool, typer.Option("--home", help="expect the home's own sentences beside the file's")] = False,
    count: Annotated[int | None, typer.Option(help="how many of the recordings")] = None,
    seed: Annotated[int, typer.Option(help="where the noise begins")] = 0,
    as_json: Json = False,
) -> None:
    """How soon after the last word the text is there, and how many commands are cut off; with a fixed and an adaptive end."""
    bench = Bench(context.obj.config, context.obj.folders)
    judge = bench_orders.Judge(load_file(commands))
    templates = judge.understanding.templates
    asr = bench.asr(compile_grammar(templates if home else templates[:1]))
    vad = factory.make_vad(bench.config, factory.make_registry(bench.folders))
    orders = bench_orders.read_orders(folder, count)
    sound = read_noise(noise) if noise is not None else None
    conditions = list(bench_endpoint.recordings(orders, vad, "noise", sound, snr_db or [15.0], seed))
    if talk is not None:
        others, _ = bench_negatives.other_sentences([talk], judge.understanding, TALK_SENTENCES, seed)
        sound = bench_endpoint.television(others, list(callers(OTHER_VOICES).values()), seed)
        conditions += list(bench_endpoint.recordings(orders, vad, "talk", sound, talk_db or [10.0, 15.0, 20.0], seed))[1:]
    rows: list[dict[str, Any]] = []
    for name, heard in conditions:
        for adaptive in (False, True):
            listener = bench_endpoint.Listener(vad, asr, bench.config.ear, adaptive=adaptive)
            steps = bench_endpoint.run(name, listener, heard, judge)
            rows.append(list(_tracked(steps, len(orders), name, as_json))[-1].summary())
    if as_json:
        typer.echo(json.dumps({"rows": rows, "load_average": os.getloadavg()[0], "cores": os.cpu_count()}))
        return
    _print_rows(rows)


def false_commands_command(
    context: typer.Context,
    sentences: Annotated[list[Path], typer.Argument(help=".txt (a sentence a line), SLURP's .jsonl or CLINC150's .json")],
    commands: Annotated[Path | None, typer.Option(help="a command file that is expected beside the home's sentences")] = None,
    voice: Annotated[list[str] | None, typer.Option(help="as in `bench latency`; repeatable, they take turns")] = None,
    count: Annotated[int, typer.Option(help="how many sentences")] = 300,
    babble_db: Annotated[float | None, typer.Option(help="twelve of the voices talk at once behind it, at this level")] = None,
    seed: Annotated[int, typer.Option(help="which ones")] = 0,
    as_json: Json = False,
) -> None:
    """Sentences of other domains in synthetic voices: how many become a command, with and without expecting commands."""
    bench = Bench(context.obj.config, context.obj.folders)
    understanding = bench_orders.Judge(load_file(commands) if commands is not None else None).understanding
    chosen, left_out = bench_negatives.other_sentences(sentences, understanding, count, seed)
    speakers = callers(voice or OTHER_VOICES)
    results: dict[str, Any] = {"sentences": len(chosen), "left_out_as_commands": left_out}
    behind = None
    if babble_db is not None:
        behind = bench_endpoint.crowd(bench_endpoint.television(chosen[:TALK_SENTENCES], list(speakers.values()), seed), seed)
    for name, grammar in (("ours", compile_grammar(understanding.templates)), ("ours, no grammar", None)):
        room = Room(behind, babble_db)
        steps = bench_negatives.say_sentences(chosen, speakers, hearing(bench.asr(grammar)), understanding, room)
        tallies = list(_tracked(steps, len(chosen), name, as_json))[-1]
        total = bench_negatives.Tally("all voices", sum(t.n for t in tallies.values()), sum(t.wrong for t in tallies.values()))
        results[name] = [tally.summary() for tally in (total, *tallies.values())]
    if as_json:
        typer.echo(json.dumps(results, ensure_ascii=False))
        return
    for name in ("ours", "ours, no grammar"):
        typer.echo(f"{name}, {len(chosen)} sentences ({left_out} that are commands as written were left out)")
        _print_rows(results[name])


def no_speech_command(
    context: typer.Context,
    recordings: Annotated[list[Path] | None, typer.Argument(help="recordings without speech, cut into pieces of 5 s")] = None,
    minutes: Annotated[float, typer.Option(help="how much sound in all; every kind has the same share")] = 30.0,
    as_json: Json = False,
) -> None:
    """Silence, noises and synthetic music, straight into the recogniser: any text is invented."""
    bench = Bench(context.obj.config, context.obj.folders)
    asr = bench.asr(compile_grammar(bench_orders.Judge(None).understanding.templates))
    vad = factory.make_vad(bench.config, factory.make_registry(bench.folders))
    pieces = bench_negatives.noises(recordings or (), minutes, read_noise)
    steps = bench_negatives.listen(pieces, vad, bench.config.ear.speech_on, hearing(asr))
    total = round(minutes * 60 / bench_negatives.PIECE_SECONDS)
    rows = list(list(_tracked(steps, total, "no speech", as_json))[-1].values())
    texts, seconds = sum(row["texts"] for row in rows), sum(row["seconds"] for row in rows)
    if as_json:
        typer.echo(json.dumps({"seconds": seconds, "texts": texts, "kinds": rows}, ensure_ascii=False))
        return
    _print_rows(rows)
    typer.echo(f"{texts} texts in {seconds / 60:.0f} minutes without speech")


def asr_command(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="recordings with NAME.txt beside each, or a .tsv or .jsonl list")],
    with_peers: Annotated[bool, typer.Option("--peers", help="installed rivals in the same run")] = False,
    count: Annotated[int | None, typer.Option(help="how many recordings")] = None,
    as_json: Json = False,
) -> None:
    """Word and character error rate on your own recordings, with intervals. Needs jiwer."""
    bench = Bench(context.obj.config, context.obj.folders)
    clips = bench_asr.find_clips(folder)[:count]
    engines: dict[str, Hear] = {"ours": hearing(bench.asr(None)), **(peers(bench.model, None) if with_peers else {})}
    rows = list(_tracked(bench_asr.run(clips, engines), len(clips), "recordings", as_json))[-1]
    summaries = [row.summary() for row in rows]
    if as_json:
        typer.echo(json.dumps({"rows": summaries, "load_average": os.getloadavg()[0], "cores": os.cpu_count()}))
        return
    _print_rows(summaries)


def _print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    Console().print(table)


def _cell(value: object) -> str:
    """An interval as "low-high", other lists by their first entries."""
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(bound, float) for bound in value):
            return f"{value[0]:.3f}-{value[1]:.3f}"
        return "; ".join(map(str, value[:3]))
    return str(value)


def register(bench: typer.Typer) -> None:
    """Add the commands of this file."""
    bench.command("commands")(commands_command)
    bench.command("endpoint")(endpoint_command)
    bench.command("false-commands")(false_commands_command)
    bench.command("no-speech")(no_speech_command)
    bench.command("asr")(asr_command)
