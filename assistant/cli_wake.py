"""`assistant wake`: words of your own, learned on this device (docs/wake.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio
import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from assistant import factory
from assistant.audiofile import open_audio, read_audio
from assistant.caller import SPEECH_PEAK, Floats, trimmed
from assistant.engines import CAPTURE_RATE
from assistant.engines.speech_embedding import FEATURES
from assistant.errors import ConfigError, DeviceError
from assistant.wake.word import find_word, read_card, user_words, word_name, words

wake = typer.Typer(help="Wake words of your own, learned on this device.", no_args_is_help=True)

WANTED = (3, 5)
"""Recordings to learn from: fewer than the first tell too little, more than the second tire people."""

BEFORE_SECONDS = 2
"""Silence put before a recording that is tested."""

Json = Annotated[bool, typer.Option("--json", help="one JSON object")]
Word = Annotated[str, typer.Argument(help="a word of `assistant wake list`, such as hey_mira")]


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A bar on the terminal; yields the function that moves it by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("learning", total=total)
        yield lambda: bar.advance(task)
        bar.update(task, completed=total)


@wake.command()
def enroll(
    context: typer.Context,
    phrase: Annotated[str, typer.Argument(help='what you will say, such as "hey mira"')],
    from_: Annotated[
        list[Path] | None, typer.Option("--from", help="recordings of it instead of the microphone; repeatable")
    ] = None,
    count: Annotated[int, typer.Option(help="recordings to make", min=0, max=20)] = WANTED[1],
    said_as: Annotated[str, typer.Option(help="how synthetic voices must spell it to say it as you do; A / B = both ways")] = "",
    seed: Annotated[int, typer.Option(help="of everything random: the same seed and recordings give the same word")] = 0,
    as_json: Json = False,
) -> None:
    """Learn a wake word from 3 to 5 recordings, offline, in a few minutes; synthetic voices and similar words are added."""
    from assistant.wake.enroll import Order, learn_word
    from assistant.wake.voices import missing_programs

    invocation = context.obj
    name = word_name(phrase)
    if missing := missing_programs():
        typer.echo(f"more voices make a better word: apt install {' '.join(missing)}", err=True)
    recordings = [_recording(path) for path in from_] if from_ else anyio.run(_record, invocation, phrase, count)
    folder = user_words(invocation.folders.data) / name
    order = Order(phrase.lower(), said_as or phrase.lower(), recordings, seed)
    features = factory.make_registry(invocation.folders).path(FEATURES)
    with _progress(order.work()) as tick:
        card = learn_word(order, folder, features, invocation.folders.cache, tick)
    if as_json:
        typer.echo(json.dumps({"word": name, "folder": str(folder), **card.point}))
        return
    typer.echo(f"learned “{card.phrase}”: {card.point['text']}")
    typer.echo(f'use it: wake.model = "{name}" in assistant.toml; try it: assistant wake test {name}')


def _recording(path: Path) -> Floats:
    from assistant.wake.take import complaint

    sound = read_audio(path) / np.float32(32768)
    peak = float(np.abs(sound).max(initial=0))
    heard = np.asarray(trimmed(sound) * (peak / SPEECH_PEAK) if peak else sound, np.float32)
    if reason := complaint(heard):
        raise ConfigError(f"{path} cannot be learned from: {reason}")
    return heard


async def _record(invocation: Any, phrase: str, count: int) -> list[Floats]:
    """Guide a person through `count` recordings, with a level meter."""
    from assistant.wake.take import Take

    console = Console(stderr=True)
    vad = factory.make_vad(invocation.config, factory.make_registry(invocation.folders))
    found: list[Floats] = []
    if not count:
        return found
    microphone = _microphone(invocation)
    try:
        while len(found) < count:
            console.print(f"[bold]{len(found) + 1} of {count}[/]: say “{phrase}”, as you will say it, then be silent")
            take = Take(vad)
            with console.status("") as meter:
                while not take.done:
                    chunk = await microphone.read()
                    if chunk is None:
                        raise DeviceError("the microphone ended")
                    take.feed(chunk.samples)
                    meter.update(level(chunk.samples))
            if reason := take.complaint():
                console.print(f"[yellow]{reason}[/]")
            else:
                found.append(take.sound())
                console.print("[green]good[/]")
    finally:
        microphone.close()
    return found


def level(samples: Any) -> str:
    """A bar as long as the sound is loud: -60 dB empty, full scale 30 signs."""
    peak = float(np.abs(samples.astype(np.float32)).max(initial=1.0)) / 32768
    return "▮" * int(np.clip(30 * (1 + np.log10(peak) / 3), 0, 30))


def _microphone(invocation: Any) -> Any:
    from device.audio import MicrophoneSettings, PyAudioMicrophone
    from device.privacy import PrivacySwitch

    if PrivacySwitch(invocation.folders.state, "microphone").off:
        raise DeviceError("the microphone is switched off: `assistant privacy microphone on`")
    return PyAudioMicrophone(MicrophoneSettings(invocation.config.audio.input))


@wake.command("list")
def list_words(context: typer.Context, as_json: Json = False) -> None:
    """The words that are here, and how good each was when it was learned."""
    data = context.obj.folders.data
    cards = {name: read_card(folder) for name, folder in sorted(words(data).items())}
    if as_json:
        typer.echo(json.dumps({name: card.point for name, card in cards.items()}))
        return
    table = Table("word", "say", "when it was learned")
    for name, card in cards.items():
        table.add_row(name, card.phrase, str(card.point.get("text", "")))
    Console().print(table)
    typer.echo(f"the words you enrol are kept in {user_words(data)}")


@wake.command()
def test(
    context: typer.Context,
    word: Word,
    files: Annotated[list[Path] | None, typer.Argument(help="recordings; without any, the microphone until Ctrl-C")] = None,
    threshold: Annotated[float | None, typer.Option(help="score 0 to 1 instead of the word's own 0.5", min=0, max=1)] = None,
    as_json: Json = False,
) -> None:
    """Where a word is heard: in recordings (say of it, or hours of what is not it), or from the microphone."""
    invocation = context.obj
    registry, folders = factory.make_registry(invocation.folders), invocation.folders
    settings = {"engine": "verified", "model": str(find_word(word, folders.data)), "threshold": threshold}
    config = invocation.config.model_copy(update={"wake": invocation.config.wake.model_copy(update=settings)})
    engine = factory.make_wake(config, registry, folders)
    if not files:
        anyio.run(_listen, invocation, engine)
        return
    found, hours = [], 0.0
    for path in files:
        engine.reset()
        events = [item for piece in _between_silences(path) for item in engine.feed(piece)]
        heard = [(max(0.0, round(item.word_end / CAPTURE_RATE - BEFORE_SECONDS, 2)), item.score) for item in events]
        hours += open_audio(path).seconds / 3600
        found.append({"file": str(path), "heard": heard})
        if not as_json:
            typer.echo(f"{path}: " + (", ".join(f"{at:.2f} s ({score:.2f})" for at, score in heard) or "-"))
    total, named = sum(len(entry["heard"]) for entry in found), sum(bool(entry["heard"]) for entry in found)
    summary = f"heard {total} times, in {named} of {len(found)} recordings, {hours:.2f} h"
    typer.echo(json.dumps({"files": found, "hours": round(hours, 4), "heard": total}) if as_json else summary)


def _between_silences(path: Path) -> Iterator[Any]:
    """A recording between faint noise: the network wants to hear a little before the word, and after it."""
    noise = (np.random.default_rng(0).standard_normal(BEFORE_SECONDS * CAPTURE_RATE) * 8).astype(np.int16)
    yield noise
    yield from open_audio(path)
    yield noise[: len(noise) // 2]


async def _listen(invocation: Any, engine: Any) -> None:
    console = Console()
    microphone = _microphone(invocation)
    console.print(f"listening for “{engine.phrase}”; Ctrl-C ends")
    try:
        while (chunk := await microphone.read()) is not None:
            for item in engine.feed(chunk.samples):
                console.print(f"[green]heard[/] ({item.score:.2f})")
    finally:
        microphone.close()


@wake.command()
def mistake(
    context: typer.Context,
    word: Word,
    files: Annotated[list[Path], typer.Argument(help="recordings of what woke it and should not have")],
    as_json: Json = False,
) -> None:
    """Learn a word again, with recordings that woke it wrongly as examples of what it is not."""
    from assistant.wake.enroll import learn_again, work_again

    invocation = context.obj
    folder = user_words(invocation.folders.data) / word
    features = factory.make_registry(invocation.folders).path(FEATURES)
    sounds = [read_audio(path) / np.float32(32768) for path in files]
    with _progress(work_again(len(sounds))) as tick:
        card = learn_again(folder, sounds, features, invocation.folders.cache, tick)
    typer.echo(json.dumps({"word": word, **card.point}) if as_json else f"learned “{card.phrase}” again: {card.point['text']}")
