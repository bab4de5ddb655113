"""What our change to Whisper (models/whisper/train_encoder.py) learns from: what somebody says, and what else is heard.

    python -m models.whisper.sounds ../shared/data/text -o speech.npz --minutes 66

The sentences are those of models.wake.speak_hours that are learned from; the voices those of models/wake/voices.py but Pico, who
speaks in tests, and joe, whose licence is unsettled.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
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
SECONDS = 4.0
SAMPLES = int(SECONDS * CAPTURE_RATE)
"""Of one lesson."""

RECORDED, READ = 0.2, 0.08
"""Share of what is heard that are recorded single words, and pieces of a recorded reader; the rest is synthetic."""

TALKERS = (1, 2, 3, 4, 6, 8, 10, 12, 14, 16)
"""How many may talk at once behind somebody."""

TALK, CLATTER, TALK_IN_NOISE = 0.6, 0.5, 0.2
"""Share of other talkers alone among what else is heard; the rest is noise: shares of clatter in it, and of talkers behind it."""


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
            start = int(random.integers(max(1, len(sound) - SAMPLES)))
            return sound[start : start + SAMPLES]
        return self.spoken[random.integers(len(self.spoken))]


def _full_scale(file: Path) -> Floats:
    return np.asarray(read_audio(file) / np.float32(32768), np.float32)


def somebody(voices: Voices, random: np.random.Generator) -> Floats:
    """SAMPLES in which people speak one after another, as if near the microphone: float32, (SAMPLES,)."""
    sound = np.zeros(SAMPLES, np.float32)
    place = int(random.uniform(0, 0.8) * CAPTURE_RATE)
    while place < SAMPLES - CAPTURE_RATE // 4:
        said = equalized(paced(voices.drawn(random), random), random)
        said = said / (np.float32(_loudness(said)) + 1e-6)
        if random.random() < 0.3:
            said = (said * 1.5 + room(said, random)) / 2.5
        said = said[: SAMPLES - place]
        sound[place : place + len(said)] += said
        place += len(said) + int(random.uniform(0.05, 1.2 if random.random() < 0.5 else 0.2) * CAPTURE_RATE)
    return sound


def others(voices: Voices, random: np.random.Generator) -> Floats:
    """Everything else that is heard, of a random kind: float32, (SAMPLES,), variance 1."""
    if random.random() < TALK:
        return _talking(voices, random)
    sound = noise(random)
    if random.random() < TALK_IN_NOISE:
        sound = sound + _talking(voices, random) * np.float32(random.uniform(0.2, 1))
    return np.asarray(sound / (sound.std() + 1e-9), np.float32)


def noise(random: np.random.Generator) -> Floats:
    """Clatter or coloured noise: float32, (SAMPLES,), variance 1."""
    if random.random() < CLATTER:
        hiss = equalized(random.standard_normal(SAMPLES).astype(np.float32), random)
        sound = clatter(SAMPLES, random) + hiss / hiss.std() * np.float32(random.uniform(0.02, 0.4))
    else:
        sound = equalized(coloured_noise(SAMPLES, random), random)
    return np.asarray(sound / (sound.std() + 1e-9), np.float32)


def _talking(voices: Voices, random: np.random.Generator) -> Floats:
    """Several people at once, each about as loud: variance 1."""
    sound = np.zeros(SAMPLES, np.float32)
    for _ in range(int(random.choice(TALKERS))):
        said = paced(voices.drawn(random), random)
        level = 10 ** (random.normal(0, 2) / 20) / (np.sqrt((said**2).mean()) + 1e-6)
        sound += said[(random.integers(len(said)) + np.arange(SAMPLES)) % len(said)] * np.float32(level)
    if random.random() < 0.5:
        sound = room(sound, random)
    if random.random() < 0.5:
        sound = equalized(sound, random)
    return np.asarray(sound / (sound.std() + 1e-9), np.float32)


def equalized(sound: Floats, random: np.random.Generator) -> Floats:
    """Through a microphone and a room whose response differs by a few dB over frequency, and is tilted."""
    spectrum = np.fft.rfft(sound)
    place = np.linspace(0, 1, len(spectrum))
    decibels = np.interp(place, np.sort(random.uniform(0, 1, 5)), random.normal(0, 4, 5)) + random.normal(0, 6) * (place - 0.5)
    return np.asarray(np.fft.irfft(spectrum * 10 ** (decibels / 20), len(sound)), np.float32)


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
