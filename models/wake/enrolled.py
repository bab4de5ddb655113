"""What a word enrolled on the device hears, at the threshold that enrolment chose: `assistant wake enroll` as a user runs it,
then the default engine on real recordings that it never heard, and on hours of other sound.

    python -m models.wake.enrolled AUDIO_FOLDER CLINC150_JSON jarvis snowboy computer --recordings 4 --seeds 2

AUDIO_FOLDER as for models.wake.evaluate. Recordings of a word are freed of near-duplicates and split by how they sound
(models/wake/recordings.py): a few of one side are enrolled, the other side is the test. Places as in models.wake.conditions.
Other sound: orders and the other words' test side, as they are, in kitchen noise and beside talkers, and the German files that
the bank does not learn from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from assistant import factory
from assistant.audiofile import read_audio
from assistant.bench_wake import in_room
from assistant.caller import Floats
from assistant.config import Config, WakeConfig, folders
from assistant.engines import CAPTURE_RATE, WakeEngine
from assistant.engines.speech_embedding import FEATURES
from assistant.events import Samples
from assistant.wake.enroll import Order, learn_word
from models.wake import recordings as real
from models.wake.conditions import beside_words, heard, scenes

BESIDE_DB = 10.0
"""How far below other words the kitchen and the talkers are."""


def other_sound(folder: Path, words: list[Floats], beside: dict[str, Floats]) -> Iterator[tuple[str, list[Samples]]]:
    """(what it is, the sounds). words: of other words than the one that is listened for."""
    commands = [read_audio(path) / np.float32(32768) for path in sorted((folder / "commands").glob("*.flac"))]
    sounds = [*commands, *words]
    yield "as they are", [said.sound for said in in_room(sounds, None, None)]
    for name, sound in beside.items():
        yield f"{name} {BESIDE_DB:g} dB", [said.sound for said in in_room(sounds, sound, BESIDE_DB)]
    yield "German", real.unlearned_speech(folder)


def enrolled(word: str, chosen: list[Floats], seed: int, bar: Progress) -> WakeEngine:
    """The default engine for a word that was enrolled from some recordings."""
    registry, order = factory.make_registry(folders()), Order(word, word, chosen, seed)
    with tempfile.TemporaryDirectory() as data:
        task = bar.add_task(f"learning {word}", total=order.work())
        learn_word(order, Path(data) / "wake" / word, registry.path(FEATURES), folders().cache, lambda: bar.advance(task))
        bar.remove_task(task)
        config = Config(wake=WakeConfig(model=word))
        return factory.make_wake(config, registry, folders().model_copy(update={"data": Path(data)}))


def evaluate(
    folder: Annotated[Path, typer.Argument(help="with commands, wake, speech_de and noise")],
    texts: Annotated[Path, typer.Argument(help="CLINC150's sentences, for those who talk on beside the word")],
    words: Annotated[list[str], typer.Argument(help="words to enroll; every folder below wake/ serves as other sound")],
    recordings: Annotated[int, typer.Option(help="recordings to enroll from")] = 4,
    seeds: Annotated[int, typer.Option(help="enrolments of each word, from other recordings")] = 1,
) -> None:
    """Enroll words and print what they hear, and what wakes them falsely."""
    sounds = {path.name: real.load(path) for path in sorted((folder / "wake").iterdir())}
    sides = {name: real.split(found) for name, found in sounds.items()}
    beside = beside_words(folder, texts, seed=5)
    table: Table | None = None
    with Progress(console=Console(stderr=True)) as bar:
        for word in words:
            learn, test = ([sounds[word][index] for index in side] for side in sides[word])
            rest = [sounds[name][index] for name in sounds if name != word for index in sides[name][1]]
            said, others = dict(scenes(test, beside)), dict(other_sound(folder, rest, beside))
            hours = [sum(map(len, part)) / CAPTURE_RATE / 3600 for part in others.values()]
            headings = [f"false: {name}, {length:.2f} h" for name, length in zip(others, hours, strict=True)]
            table = table or Table("word", "of", *said, *headings, title=f"enrolled from {recordings} recordings")
            for seed in range(seeds):
                order = np.random.default_rng(seed + 100).permutation(len(learn))[:recordings]
                engine = enrolled(word, [learn[index] for index in order], seed, bar)
                hits = [sum(heard(engine, sound) > 0 for sound in place) for place in said.values()]
                false = [sum(heard(engine, sound) for sound in part) for part in others.values()]
                table.add_row(word, str(len(test)), *map(str, [*hits, *false]))
    Console(width=220).print(table)


if __name__ == "__main__":
    typer.run(evaluate)
