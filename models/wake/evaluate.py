"""How well words are learned: real recordings that training never heard, against hours of other sound, over several seeds.

    python -m models.wake.evaluate AUDIO_FOLDER computer jarvis snowboy --recordings 0 --recordings 20 --recordings 999

AUDIO_FOLDER holds wake/<word>/*.flac, commands/*.flac, speech_de/*.ogg and noise/*.flac. Recordings of a word are freed of
near-duplicates and split by how they sound (models/wake/recordings.py); training may use so many of one side, the other side is
the test, clean and in noise (Picovoice's peak-frame rule). Other sound of the test: the commands and the other words' test side,
clean and in noise, and the speech files that the bank does not learn from. The threshold is set on this sound, as published
benchmarks do.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.progress import track

from assistant import factory
from assistant.audiofile import read_audio
from assistant.bench_wake import RATES, in_room
from assistant.caller import Floats
from assistant.config import folders
from assistant.engines.embedding_head import WINDOW
from assistant.engines.speech_embedding import FEATURES, SpeechEmbedding
from assistant.engines.wake_own import SETTLED
from assistant.intervals import wilson
from assistant.wake.bank import load_bank
from assistant.wake.examples import Examples, bags, disturbed, plain
from assistant.wake.lesson import SCENES_OF_RECORDING, Scale, Teacher, scenes_and_shares
from assistant.wake.network import Network, score
from assistant.wake.rates import HOP_HOURS, events, point_at
from assistant.wake.sound import Surroundings
from assistant.wake.training import train
from models.wake import recordings as real
from models.wake.speak_hours import load_hours
from models.wake.voices import all_voices

VOICES = {"hibari": 1.5, "kokoro": 0.25, "espeak-ng": 2.5}
"""Shares of the voices; Kokoro costs a second of processor a word."""

SCENES_OF_OTHER_WORDS = 2

UNSETTLED = SETTLED - WINDOW
"""Windows at the beginning that have heard sound which was not there. The word comes later."""


class Test:
    """The sound a word is tested on, as embeddings."""

    def __init__(self, folder: Path, noise: Floats, snr_db: float, embed: SpeechEmbedding) -> None:
        self._noise, self._snr_db, self._embed = noise, snr_db, embed
        commands = [read_audio(path) / np.float32(32768) for path in sorted((folder / "commands").glob("*.flac"))]
        self._others = [plain(commands, embed), self._noisy(commands)]
        speech = real.unlearned_speech(folder)
        self._others += [plain([sound / np.float32(32768)], embed) for sound in track(speech, "other sound")]

    def _noisy(self, sounds: list[Floats]) -> Floats:
        return np.concatenate(self.each(sounds, noisy=True))

    def each(self, words: list[Floats], *, noisy: bool) -> list[Floats]:
        """Embeddings of every word in its room."""
        found = []
        for said in in_room(words, self._noise if noisy else None, self._snr_db if noisy else None):
            self._embed.reset()
            found.append(self._embed.feed(said.sound))
        return found

    def run(self, network: Network, words: list[Floats], other_words: list[Floats]) -> dict[str, object]:
        """Misses at RATES, clean and in noise, with 95 % intervals."""
        others = [*self._others, *self.each(other_words, noisy=False), *self.each(other_words, noisy=True)]
        heard = sorted((peak for stream in others for peak in events(score(network, stream))), reverse=True)
        hours = sum(map(len, others)) * HOP_HOURS
        result: dict[str, object] = {"n": len(words), "hours": round(hours, 2), "no_rate_below_per_hour": round(3 / hours, 2)}
        for name, noisy in (("clean", False), ("noisy", True)):
            said = [float(score(network, stream)[UNSETTLED:].max()) for stream in self.each(words, noisy=noisy)]
            points = [point_at(rate, said, heard, hours) for rate in RATES[:3]]
            result[name] = {
                f"{rate:g} per hour ({point.accepts} accepts)": f"{100 * point.misses / point.said:.1f} % missed "
                + "({:.1f}-{:.1f})".format(*(100 * bound for bound in wilson(point.misses, point.said)))
                for rate, point in zip(RATES, points, strict=False)
            }
        return result


def _others(sounds: dict[str, list[Floats]], sides: dict[str, Any], word: str, side: int) -> list[Floats]:
    """One side of all recordings but those of a word."""
    return [sounds[name][index] for name in sounds if name != word for index in sides[name][side]]


def evaluate(
    folder: Annotated[Path, typer.Argument(help="the folder with wake, commands, speech_de and noise")],
    words: Annotated[list[str], typer.Argument(help="words to learn; every folder below wake/ serves as other sound")],
    recordings: Annotated[list[int] | None, typer.Option(help="recordings to learn from; repeatable")] = None,
    seeds: Annotated[int, typer.Option(help="trainings of each, from other random numbers and other recordings")] = 1,
    snr_db: Annotated[float, typer.Option(help="of the noisy test")] = 10.0,
    spoken: Annotated[int, typer.Option(help="synthetic recordings of the word")] = 300,
    scenes: Annotated[int, typer.Option(help="scenes of each of these")] = 4,
    steps: Annotated[int, typer.Option(help="training steps")] = 600,
    hours: Annotated[list[Path] | None, typer.Option(help="more other sound, by models.wake.speak_hours; repeatable")] = None,
) -> None:
    """Learn and test words; one JSON object a line."""
    embed = SpeechEmbedding(factory.make_registry(folders()).path(FEATURES), folders().cache)
    noise = np.asarray(read_audio(next((folder / "noise").glob("*.flac"))) / np.float32(32768), np.float32)
    test = Test(folder, noise, snr_db, embed)
    sounds = {path.name: real.load(path) for path in sorted((folder / "wake").iterdir())}
    sides = {name: real.split(found) for name, found in sounds.items()}
    voices = all_voices(("joe",))
    more = [load_hours(file) for file in hours or []]
    for word in words:
        learn, heard = ([sounds[word][index] for index in side] for side in sides[word])
        other_learn, other_test = (_others(sounds, sides, word, side) for side in (0, 1))
        for seed in range(seeds):
            random = np.random.default_rng(seed)
            teacher = Teacher(voices, embed, random, lambda: None, Scale(spoken, scenes, steps, VOICES))
            lesson = teacher.prepare(word, [])
            around = Surroundings(other_learn, [])
            hard = disturbed(other_learn * SCENES_OF_OTHER_WORDS, around, embed, random, lambda: None)
            order = random.permutation(len(learn))
            bank = load_bank()
            for count in recordings or [0, 20, 999]:
                chosen = [learn[index] for index in order[:count]]
                copies = min(SCENES_OF_RECORDING, 1200 // max(1, len(chosen)))
                taught = (
                    replace(lesson, recorded=bags(chosen * copies, around, embed, random, lambda: None)) if chosen else lesson
                )
                examples = Examples(*scenes_and_shares(taught), (bank.learn, lesson.near, hard, *more))
                network = train(examples, np.random.default_rng(seed), lambda: None, steps)
                found = test.run(network, heard, other_test)
                typer.echo(json.dumps({"word": word, "seed": seed, "recordings": len(chosen), **found}))


if __name__ == "__main__":
    typer.run(evaluate)
