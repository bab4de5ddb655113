"""Trains a wake word from all the voices at hand and optional recordings: the same lesson as `assistant wake enroll`, but larger.

    python -m models.wake.speak_hours ../shared/data/text -o hours.npz --hours 4 --talk 0.4
    python -m models.wake.speak_hours ../shared/data/text -o more.npz --hours 5 --seed 1 --talk 0.4
    for lesson in "2 10 4000" "6 6 2000" "7 6 3000"; do set -- $lesson
        python -m models.wake.train "okay nabu" --said-as "okay nabu / okay naboo" --without pico --without joe --spoken 800 \
            --scenes $2 --steps $3 --seed $1 --talk 0.3 --replies 0 --texts ../shared/data/text \
            --hours hours.npz --hours more.npz --check ../shared/data/audio/commands -o lessons/$1
    done
    python -m models.wake.join lessons/2 lessons/6 lessons/7 -o assistant/wake/words/okay_nabu \
        --check ../shared/data/audio/commands --check ../shared/data/audio/wake --least 1

numpy only, some minutes on one core, with a progress bar. The voices are those of models/wake/voices.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from assistant import factory
from assistant.audiofile import read_audio
from assistant.bench_wake import sound_files
from assistant.caller import trimmed
from assistant.config import folders
from assistant.engines.speech_embedding import FEATURES, SpeechEmbedding
from assistant.wake.bank import Bank, load_bank
from assistant.wake.enroll import finish
from assistant.wake.examples import plain
from assistant.wake.lesson import Scale, Teacher
from assistant.wake.rates import HOP_HOURS
from models.wake.speak_hours import learned, load_hours, say_some
from models.wake.voices import all_voices

SHARES = {"hibari": 2.0, "kokoro": 0.5, "espeak-ng": 3.0, "piper joe": 1.0}
"""How often a voice speaks compared with others: espeak-ng is a hundred variants, Kokoro is slow."""

SENTENCES = 400
"""Of those who talk beside the word."""


def train_word(
    phrase: str,
    output: Annotated[Path, typer.Option("--output", "-o", help="the word's folder")],
    said_as: Annotated[str, typer.Option(help="how synthetic voices must spell it; A / B = both ways")] = "",
    recordings: Annotated[list[Path] | None, typer.Option(help="recordings of the word; repeatable")] = None,
    without: Annotated[list[str] | None, typer.Option(help="leave out voices whose name contains this; repeatable")] = None,
    spoken: Annotated[int, typer.Option(help="times the voices say the word")] = 600,
    scenes: Annotated[int, typer.Option(help="scenes of each of these")] = 6,
    check: Annotated[
        list[Path] | None,
        typer.Option(help="folder of ordinary sound: the threshold is chosen on every second file, too; repeatable"),
    ] = None,
    near: Annotated[int, typer.Option(help="phrases that sound like the word")] = 300,
    replies: Annotated[float, typer.Option(help="share of scenes in which the assistant speaks itself, 0 to 1")] = 0.25,
    talk: Annotated[float, typer.Option(help="share of scenes in which somebody else talks on, 0 to 1")] = 0.0,
    texts: Annotated[Path | None, typer.Option(help="folder of sentences for those, as models.wake.speak_hours takes it")] = None,
    steps: Annotated[int, typer.Option(help="training steps")] = 3000,
    hours: Annotated[list[Path] | None, typer.Option(help="more other sound, by models.wake.speak_hours; repeatable")] = None,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """Train and write a word."""
    registry = factory.make_registry(folders())
    sounds = [trimmed(read_audio(path) / np.float32(32768)) for path in recordings or []]
    scale = Scale(spoken, scenes, steps, SHARES, near, replies, talk)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(phrase, total=scale.work(len(sounds)))
        embed = SpeechEmbedding(registry.path(FEATURES), folders().cache)
        voices = all_voices(tuple(without or ()))
        random = np.random.default_rng(seed)
        others = say_some(learned(texts), SENTENCES, voices, random) if texts else []
        teacher = Teacher(voices, embed, random, lambda: bar.advance(task), scale, others)
        lesson = teacher.prepare(said_as or phrase, sounds)
        lesson = replace(lesson, near=np.concatenate([lesson.near, *map(load_hours, hours or [])]))
        bank = checked(check or [], embed)
        card = finish(teacher, lesson, phrase, len(sounds), output, bank)
    typer.echo(card.point["text"])


def checked(folders_: list[Path], embed: SpeechEmbedding) -> Bank:
    """The package's bank with more sound to choose the threshold on: every second file, the others are for testing."""
    bank = load_bank()
    files = [path for folder in folders_ for path in sound_files([folder])[::2]]
    if not files:
        return bank
    more = plain([np.asarray(read_audio(path) / np.float32(32768), np.float32) for path in files], embed)
    about = f"{bank.about}; {len(more) * HOP_HOURS:.2f} h of {len(files)} recordings of other words"
    return Bank(bank.learn, np.concatenate([bank.check, more]), about)


if __name__ == "__main__":
    typer.run(train_word)
