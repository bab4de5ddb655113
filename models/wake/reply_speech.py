"""All that is said in the scenes of models/wake/reply_scenes.py: by the assistant, and by people who speak into its replies.

    python -m models.wake.reply_speech ../shared/data/text -o speech.npz      # all the commands: models/wake/train_reply.py

The texts are those of models.wake.speak_hours, the voices those of models/wake/voices.py but Pico and joe, who speak in tests.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from assistant.bench_negatives import read_sentences
from assistant.caller import SPELLINGS, Floats
from assistant.engines import CAPTURE_RATE
from assistant.wake.near import near_phrases
from assistant.wake.voices import Voice
from models.wake.speak_hours import TEXTS
from models.wake.voices import all_voices

WORDS = ("okay nabu", "stop")
"""What the network knows, in the order of its outputs."""

SHARES = {"hibari": 2.0, "kokoro": 0.6, "espeak-ng": 3.0}
"""How often a voice speaks compared with others."""

OWN_SHARES = {"hibari": 8.0, "kokoro": 0.5}
"""Of the assistant: hibari is its voice unless somebody wants another."""

FILLERS = ("mm-hmm", "uh-huh", "hmm", "yeah", "okay", "right", "oh", "no", "what", "yes", "thank you", "aha", "good", "hey")
"""What people say into a reply without meaning to end it."""

NEAR = 70
"""Phrases that sound like each word."""

OWN_SECONDS = 24
"""Length of one reply, its sentences 0.1 to 0.6 s apart."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Sounds, each float32, (n,), 16 kHz. nabu, stop: the words; other: what is neither; own: the assistant's replies."""

    nabu: list[Floats]
    stop: list[Floats]
    other: list[Floats]
    own: list[Floats]

    def save(self, file: Path) -> None:
        """Write it, 16 bits a sample."""
        stored = {}
        for part in fields(self):
            sounds: list[Floats] = getattr(self, part.name)
            stored[part.name] = np.rint(np.concatenate(sounds) * 32767).astype(np.int16)
            stored[f"{part.name}_ends"] = np.cumsum([len(sound) for sound in sounds])
        np.savez(file, allow_pickle=False, **stored)

    @staticmethod
    def load(file: Path) -> Speech:
        """What `save` wrote."""
        with np.load(file) as stored:
            cut = {
                part.name: np.split(stored[part.name] / np.float32(32767), stored[f"{part.name}_ends"][:-1])
                for part in fields(Speech)
            }
        return Speech(**cut)


class Speakers:
    """Draws a voice and lets it speak."""

    def __init__(self, voices: dict[str, Voice], random: np.random.Generator) -> None:
        self._voices, self._random = voices, random

    def _drawn(self, shares: dict[str, float]) -> Voice:
        weights = np.array([shares.get(name, 1.0) for name in self._voices])
        return self._voices[str(self._random.choice([*self._voices], p=weights / weights.sum()))]

    def say(self, text: str) -> Floats:
        """A text in some voice."""
        return self._drawn(SHARES)(text, self._random)

    def reply(self, sentences: list[str]) -> Floats:
        """OWN_SECONDS of the assistant, one voice."""
        voice = self._drawn(OWN_SHARES)
        said: list[Floats] = []
        while sum(map(len, said)) < OWN_SECONDS * CAPTURE_RATE:
            pause = np.zeros(int(self._random.uniform(0.1, 0.6) * CAPTURE_RATE), np.float32)
            said += [voice(str(self._random.choice(sentences)), self._random), pause]
        return np.concatenate(said)[: OWN_SECONDS * CAPTURE_RATE]


def make_speech(
    texts: Annotated[Path, typer.Argument(help="folder with " + " and ".join(TEXTS))],
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write, .npz")],
    words: Annotated[int, typer.Option(help="times each word is said")] = 1200,
    others: Annotated[int, typer.Option(help="sentences, fillers and similar words, together")] = 1200,
    replies: Annotated[int, typer.Option(help=f"replies of {OWN_SECONDS} s")] = 160,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """Speak and write it."""
    random = np.random.default_rng(seed)
    speakers = Speakers(all_voices(("pico", "joe")), random)
    sentences = [text for name in TEXTS for text in read_sentences(texts / name) if "stop" not in text.lower()]
    similar = [phrase for word in WORDS for phrase in near_phrases(word, random, NEAR)]
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("speaking", total=2 * words + others + replies)

        def counted(sound: Floats) -> Floats:
            bar.advance(task)
            return sound

        def each(texts: list[str]) -> list[Floats]:
            return [counted(speakers.say(text)) for text in texts]

        pools = (sentences, similar, [*FILLERS])
        other = [str(random.choice(pools[random.choice(3, p=(0.4, 0.4, 0.2))])) for _ in range(others)]
        nabu = [("okay nabu", SPELLINGS["okay nabu"])[number % 2] for number in range(words)]
        own = (counted(speakers.reply(sentences)) for _ in range(replies))
        made = Speech(each(nabu), each(["stop"] * words), each(other), [*own])
    made.save(output)
    typer.echo(f"{output}: {len(made.own) * OWN_SECONDS / 3600:.2f} h of replies, {words} of each word, {others} others")


if __name__ == "__main__":
    typer.run(make_speech)
