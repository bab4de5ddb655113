"""Hours of other sound for training: sentences of two data sets by all voices, as they are and in noisy rooms.

    python -m models.wake.speak_hours TEXT_FOLDER -o hours.npz --hours 5
    python -m models.wake.speak_hours TEXT_FOLDER -o assistant/wake/spoken.npz --hours 4 --talk 0.4 --shipped

TEXT_FOLDER holds slurp_devel.jsonl (CC BY 4.0) and clinc150_train_val.json (CC BY 3.0). The bank that comes with the package is
small because every device has it; words that are trained here (`models.wake.train`, `models.wake.evaluate`) learn from this file
as well. It is not shipped: it can be made again from the same seed. What words enrolled on the device learn from is such a file
in a smaller format (`--shipped`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from assistant import factory
from assistant.audiofile import read_audio
from assistant.bench_negatives import read_sentences
from assistant.caller import Floats
from assistant.config import folders
from assistant.engines import CAPTURE_RATE
from assistant.engines.speech_embedding import FEATURES, SpeechEmbedding
from assistant.wake.bank import save_spoken
from assistant.wake.examples import disturbed, plain
from assistant.wake.lesson import NOISE_LEVEL
from assistant.wake.rates import HOP_HOURS
from assistant.wake.sound import Surroundings, leftover, microphone, paced
from assistant.wake.voices import Voice
from models.wake.voices import all_voices

SHARES = {"hibari": 1.0, "kokoro": 0.2, "espeak-ng": 3.0}
"""How often a voice speaks compared with others."""

NOISE_TIMES = 40
"""How often a real recording of noise is heard."""

REPLIES, REPLY_SAMPLES = 5, 8 * CAPTURE_RATE
"""Stretches for each AT_ONCE sentences in which only the assistant speaks, as its echo canceller leaves it, and their length."""

AT_ONCE = 40
"""Sentences spoken before they are set in rooms, one of them in the background of another."""

TEXTS = ("slurp_devel.jsonl", "clinc150_train_val.json")
LEARNED, KEPT = slice(0, None, 2), slice(1, None, 2)
"""Sentences of a file that are learned from, and those that `models.wake.conditions` tests with."""


def speak_hours(
    texts: Annotated[Path, typer.Argument(help="folder with " + " and ".join(TEXTS))],
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write, .npz")],
    hours: Annotated[float, typer.Option(help="how much, half of it in noisy rooms")] = 5.0,
    noise: Annotated[Path | None, typer.Option(help="a recording of noise without speech: added alone, at many levels")] = None,
    noise_seconds: Annotated[float, typer.Option(help="how much of its beginning")] = 30.0,
    talk: Annotated[float, typer.Option(help="share of the noisy rooms in which somebody else talks on, 0 to 1")] = 0.0,
    without: Annotated[list[str] | None, typer.Option(help="leave out voices whose name contains this; repeatable")] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="in the small format that comes with the package")] = False,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """Write embeddings of spoken sentences."""
    random = np.random.default_rng(seed)
    voices = all_voices(tuple(without or ("pico", "joe")))
    sentences = learned(texts)
    embed = SpeechEmbedding(factory.make_registry(folders()).path(FEATURES), folders().cache)
    found = real_noise(noise, noise_seconds, embed, random) if noise is not None else []
    wanted, have = round(hours / HOP_HOURS), 0
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("speaking", total=wanted)
        while have < wanted:
            said = say_some(sentences, AT_ONCE, voices, random)
            parts = [plain(said, embed), disturbed(said, Surroundings(said, [], talk=talk), embed, random, lambda: None)]
            parts += [at_some_level(leftover(said, REPLY_SAMPLES, random), embed, random) for _ in range(REPLIES)]
            found += parts
            have += sum(map(len, parts))
            bar.update(task, completed=have)
    if shipped:
        save_spoken(output, np.concatenate(found))
    else:
        np.savez(output, embeddings=np.concatenate(found).astype(np.float16))
    typer.echo(f"{output}: {have * HOP_HOURS:.2f} h by {', '.join(voices)}")


def learned(texts: Path) -> list[str]:
    """The sentences of a folder's TEXTS that are learned from."""
    return [sentence for name in TEXTS for sentence in read_sentences(texts / name)[LEARNED]]


def say_some(sentences: list[str], count: int, voices: Mapping[str, Voice], random: np.random.Generator) -> list[Floats]:
    """Sentences drawn at random by voices drawn by their SHARES: float32 (n,), 16 kHz."""
    shares = np.array([SHARES.get(name, 1.0) for name in voices])
    speakers = random.choice(list(voices), count, p=shares / shares.sum())
    return [voices[name](str(random.choice(sentences)), random) for name in speakers]


def real_noise(file: Path, seconds: float, embed: SpeechEmbedding, random: np.random.Generator) -> list[Floats]:
    """The beginning of a recording NOISE_TIMES times, each time at another level, tilted and begun elsewhere."""
    sound = read_audio(file)[: int(seconds * CAPTURE_RATE)] / np.float32(32768)
    found = []
    for _ in range(NOISE_TIMES):
        changed = microphone(np.roll(paced(sound, random), random.integers(len(sound))), random)
        found.append(at_some_level(changed, embed, random))
    return found


def at_some_level(sound: Floats, embed: SpeechEmbedding, random: np.random.Generator) -> Floats:
    """Embeddings of a sound from the edge of hearing to very loud, heard from the start: (k, 96)."""
    embed.reset()
    loud = sound * (10 ** random.uniform(*NOISE_LEVEL) / sound.std())
    return embed.feed(np.asarray(np.clip(loud, -32768, 32767), np.int16))


def load_hours(file: Path) -> Floats:
    """What `speak_hours` wrote: (k, 96)."""
    with np.load(file) as stored:
        return np.asarray(stored["embeddings"], np.float32)


if __name__ == "__main__":
    typer.run(speak_hours)
