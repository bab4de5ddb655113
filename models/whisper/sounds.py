"""What our change to Whisper (models/whisper/train_encoder.py) learns from: what somebody says, and what else is heard.

    python -m models.whisper.sounds ../shared/data/text -o speech.npz --minutes 165

The sentences are those of models.wake.speak_hours that are learned from; the voices those of models/wake/voices.py but Pico, who
speaks in tests, and joe, whose licence is unsettled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import Progress

from assistant.audiofile import read_audio
from assistant.caller import SNR_FRAME, Floats, trimmed
from assistant.engines import CAPTURE_RATE
from assistant.wake.sound import clatter, coloured_noise, paced, room
from models.wake.build_bank import LEARNED_FILES
from models.wake.speak_hours import TEXTS, learned
from models.wake.voices import all_voices

SHARES = {"hibari": 1.0, "kokoro": 3.8, "espeak-ng": 0.8}
"""How often a voice speaks; each other one half as often as hibari. Kokoro is 54, most like people, and half of all."""

SENTENCE_WORDS = (3, 14)
SHORT, LONG = 4 * CAPTURE_RATE, 8 * CAPTURE_RATE
"""Samples of a lesson, of which half are short and half are long."""

ONCE = 0.5
"""Share of the lessons in which one thing is said, with nothing before and behind it but the rest."""

RECORDED, READ = 0.2, 0.08
"""Share of what is heard that are recorded single words, and pieces of a recorded reader; the rest is synthetic."""

TALK_IN_NOISE = 0.2
"""Share of noise that has talkers behind it."""


@dataclass(frozen=True, slots=True)
class Scenes:
    """What else is heard where somebody speaks. talkers: how many may talk at once; talk: share of talkers alone, the rest is
    noise; clatter: share of clatter in noise, 0..1."""

    talkers: tuple[int, ...]
    talk: float
    clatter: float


ANYTHING = Scenes((1, 2, 3, 4, 6, 8, 10, 12, 14, 16), 0.6, 0.5)
CROWDS = Scenes((6, 8, 10, 12, 14, 16), 0.75, 0.12)


@dataclass(frozen=True, slots=True)
class Voices:
    """Everything that is speech, each float32, (n,), 16 kHz. spoken: synthetic sentences; words: recorded, one each; read: long
    recordings of a reader."""

    spoken: list[Floats]
    words: list[Floats]
    read: list[Floats]

    @staticmethod
    def load(spoken: Path, recordings: Path) -> Voices:
        """spoken: what `speak` wrote; recordings: folder with `wake` and `speech_de`."""
        with np.load(spoken) as stored:
            cut = np.split(stored["sound"] / np.float32(32767), stored["ends"][:-1])
        words = [trimmed(_full_scale(file)) for file in sorted((recordings / "wake").rglob("*.flac"))]
        read = sorted((recordings / "speech_de").glob("*.ogg"))[:LEARNED_FILES]
        return Voices(cut, words, [_full_scale(file) for file in read])

    def drawn(self, random: np.random.Generator) -> Floats:
        """Something that somebody says."""
        kind = random.random()
        if kind < RECORDED:
            return self.words[random.integers(len(self.words))]
        if kind < RECORDED + READ:
            sound = self.read[random.integers(len(self.read))]
            start = int(random.integers(max(1, len(sound) - SHORT)))
            return sound[start : start + SHORT]
        return self.spoken[random.integers(len(self.spoken))]


def _full_scale(file: Path) -> Floats:
    return np.asarray(read_audio(file) / np.float32(32768), np.float32)


def somebody(voices: Voices, samples: int, random: np.random.Generator) -> Floats:
    """People who speak one after another, or somebody who speaks once, as if near the microphone: float32, (samples,)."""
    sound = np.zeros(samples, np.float32)
    once = random.random() < ONCE
    place = int(random.uniform(0, 0.4 * samples if once else 0.8 * CAPTURE_RATE))
    while place < samples - CAPTURE_RATE // 4:
        said = equalized(paced(voices.drawn(random), random), random)
        said = said / (np.float32(_loudness(said)) + 1e-6)
        if random.random() < 0.3:
            said = (said * 1.5 + room(said, random)) / 2.5
        said = said[: samples - place]
        sound[place : place + len(said)] += said
        if once:
            break
        place += len(said) + int(random.uniform(0.05, 1.2 if random.random() < 0.5 else 0.2) * CAPTURE_RATE)
    return sound


def others(voices: Voices, scenes: Scenes, random: np.random.Generator) -> Floats:
    """Everything else that is heard, of a random kind: float32, (LONG,), variance 1."""
    if random.random() < scenes.talk:
        return _talking(voices, scenes, random)
    sound = noise(scenes, LONG, random)
    if random.random() < TALK_IN_NOISE:
        sound = sound + _talking(voices, scenes, random) * np.float32(random.uniform(0.2, 1))
    return np.asarray(sound / (sound.std() + 1e-9), np.float32)


def noise(scenes: Scenes, samples: int, random: np.random.Generator) -> Floats:
    """Clatter or coloured noise: float32, (samples,), variance 1."""
    if random.random() < scenes.clatter:
        hiss = equalized(random.standard_normal(samples).astype(np.float32), random)
        sound = clatter(samples, random) + hiss / hiss.std() * np.float32(random.uniform(0.02, 0.4))
    else:
        sound = equalized(coloured_noise(samples, random), random)
    return np.asarray(sound / (sound.std() + 1e-9), np.float32)


def _talking(voices: Voices, scenes: Scenes, random: np.random.Generator) -> Floats:
    """Several people at once, each about as loud: float32, (LONG,), variance 1."""
    sound = np.zeros(LONG, np.float32)
    for _ in range(int(random.choice(scenes.talkers))):
        said = paced(_saying(voices, random), random)
        level = 10 ** (random.normal(0, 2) / 20) / (np.sqrt((said**2).mean()) + 1e-6)
        sound += said[(random.integers(len(said)) + np.arange(LONG)) % len(said)] * np.float32(level)
    if random.random() < 0.5:
        sound = room(sound, random)
    if random.random() < 0.5:
        sound = equalized(sound, random)
    return np.asarray(sound / (sound.std() + 1e-9), np.float32)


def _saying(voices: Voices, random: np.random.Generator) -> Floats:
    """SHORT or more of what is said, one thing after the other: what fills the time again and again."""
    said = list[Floats]()
    while sum(map(len, said)) < SHORT:
        sound = voices.drawn(random)
        said.append(sound / (np.float32(_loudness(sound)) + 1e-6))
    return np.concatenate(said)


def equalized(sound: Floats, random: np.random.Generator) -> Floats:
    """Through a microphone and a room whose response differs by a few dB over frequency, and is tilted."""
    spectrum = np.fft.rfft(sound)
    return np.asarray(np.fft.irfft(spectrum * response(len(spectrum), random), len(sound)), np.float32)


def response(bins: int, random: np.random.Generator) -> Floats:
    """What such a microphone makes of each frequency, a factor: (bins,)."""
    place = np.linspace(0, 1, bins)
    decibels = np.interp(place, np.sort(random.uniform(0, 1, 5)), random.normal(0, 4, 5)) + random.normal(0, 6) * (place - 0.5)
    return np.asarray(10 ** (decibels / 20), np.float32)


Halves = npt.NDArray[np.float16]
Make = Callable[[np.random.Generator], Floats]
_MAKE: list[Make] = []
"""What the processes that `many` forks make: they find it here, so that nobody copies the hours of speech that it holds."""


def many(make: Make, count: int, seed: tuple[int, ...], what: str) -> Iterator[Halves]:
    """That many sounds, float16, each (samples,), its peak 1; made by all cores, and the same with any number of them.

    what: for the progress bar.
    """
    seeds = [(*seed, *what.encode(), index) for index in range(count)]
    _MAKE[:] = [make]
    with get_context("fork").Pool(len(os.sched_getaffinity(0))) as pool, Progress(console=Console(stderr=True)) as bar:
        yield from bar.track(pool.imap(_one, seeds, 8), total=count, description=what)


def _one(seed: tuple[int, ...]) -> Halves:
    sound = _MAKE[0](np.random.default_rng(seed))
    return np.asarray(sound / (np.abs(sound).max() + 1e-9), np.float16)


def _loudness(sound: Floats) -> float:
    """Root mean square of what is not a pause."""
    frames = (sound[: len(sound) // SNR_FRAME * SNR_FRAME].reshape(-1, SNR_FRAME) ** 2).mean(1)
    return float(np.sqrt(frames[frames >= frames.max() * 1e-3].mean()))


def speak(
    texts: Annotated[Path, typer.Argument(help="folder with " + " and ".join(TEXTS))],
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write, .npz")],
    minutes: Annotated[float, typer.Option(help="how much")] = 66.0,
    seed: Annotated[int, typer.Option(help="of everything random")] = 1,
) -> None:
    """Speak sentences and write them, 16 bits a sample, all equally loud."""
    random = np.random.default_rng(seed)
    voices = all_voices(("pico", "joe"))
    shares = np.array([SHARES.get(name, 0.5) for name in voices])
    least, most = SENTENCE_WORDS
    sentences = [text for text in learned(texts) if least <= len(text.split()) <= most]
    said: list[Floats] = []
    wanted = int(minutes * 60 * CAPTURE_RATE)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("speaking", total=wanted)
        while sum(map(len, said)) < wanted:
            name = str(random.choice(list(voices), p=shares / shares.sum()))
            sound = voices[name](str(random.choice(sentences)), random)
            if len(sound) >= CAPTURE_RATE // 2 and np.abs(sound).max() > 0:
                said.append(sound * np.float32(0.6 / np.abs(sound).max()))
            bar.update(task, completed=sum(map(len, said)))
    whole = np.rint(np.concatenate(said) * 32767).astype(np.int16)
    np.savez(output, allow_pickle=False, sound=whole, ends=np.cumsum([len(sound) for sound in said]))
    typer.echo(f"{output}: {len(whole) / CAPTURE_RATE / 60:.0f} min, {len(said)} sentences by {', '.join(voices)}")


if __name__ == "__main__":
    typer.run(speak)
