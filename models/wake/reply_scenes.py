"""Scenes to learn words in replies from: the assistant speaks in a room, people speak into it, the echo path does what it can.

    python -m models.wake.reply_scenes speech.npz -o scenes.npz --scenes 800 --noise NOISE

NOISE: a recording of noise without speech, of which the first 30 s are used; the rest is for tests. The rooms are drawn; those of
`assistant bench echo` are not among them. What is written is what the network sees (assistant/wake/reply_features.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from assistant.audiofile import read_audio
from assistant.bench_echo import CHUNK
from assistant.bench_rooms import Box, Point, answer_of, convolve, drifted
from assistant.caller import Floats, int16
from assistant.engines import CAPTURE_RATE
from assistant.events import Samples
from assistant.wake.reply_features import ReplyFeatures
from assistant.wake.sound import Surroundings, paced, some_noise
from device.echo_path import EchoPath
from models.wake.reply_speech import Speech

NOISE_SECONDS = 30
ROOMS, PERSONS = 70, 2
"""Rooms drawn for one file, and places in each at which somebody speaks."""

SIDES = ((2.0, 7.0), (1.8, 5.0), (2.2, 3.0))
RT60 = (0.15, 0.6)
WALL = 0.35
"""Nothing is closer to a wall, metres."""

ECHO_DB = (-40.0, -14.0)
"""Level of the echo, of full scale."""

SPEECH_TO_ECHO_DB = (-14.0, 8.0)
NOISE_TO_ECHO_DB = (-50.0, -8.0)
DRIFT_PPM = 100.0
DRIVE = (0.0, 3.0)
"""Of the loudspeaker's tanh: 0 = linear."""

LOW_CUT_HZ = (40.0, 350.0)
DELAY = (0, 4800)
"""Samples between playing and hearing."""

ALONE = 0.2
"""Share of scenes in which only the assistant speaks, unless another is asked for."""

FIRST, PAUSE = (2.5, 5.0), (0.6, 2.5)
"""Seconds until somebody speaks for the first time, and between two."""

KINDS = ("nabu", "stop", "other")
CHANCES = (0.36, 0.36, 0.28)
STEP_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Scenes:
    """columns: float16, (n, COLUMNS), scene after scene; ends: (scenes,), where each ends; said: float32, (m, 5), one row for
    whatever was said: scene, index into KINDS, begin and end in columns within the scene, speech-to-echo ratio in dB;
    somebody: bool, (n,), what the echo canceller thought."""

    columns: np.ndarray
    ends: np.ndarray
    said: np.ndarray
    somebody: np.ndarray

    @staticmethod
    def load(*files: Path) -> Scenes:
        """All of several files, one after another."""
        parts = [{name: stored[name] for name in Scenes.__slots__} for stored in map(np.load, files)]
        scenes = columns = 0
        for part in parts:
            part["said"][:, 0] += scenes
            part["ends"] += columns
            scenes, columns = scenes + len(part["ends"]), columns + len(part["columns"])
        return Scenes(**{name: np.concatenate([part[name] for part in parts]) for name in Scenes.__slots__})


@dataclass(frozen=True, slots=True)
class Place:
    """A room's answers: to the loudspeaker, to the same somewhere else, to people."""

    speaker: Floats
    moved: Floats
    persons: list[Floats]


def some_place(random: np.random.Generator) -> Place:
    """A room with everything in it somewhere."""
    size = np.array([random.uniform(*side) for side in SIDES])
    microphone = _inside(size, size * random.uniform(0.2, 0.8, 3))

    def near(low: float, high: float) -> Point:
        direction = random.standard_normal(3) * (1, 1, 0.4)
        return _inside(size, microphone + direction / np.linalg.norm(direction) * random.uniform(low, high))

    def answer(source: Point) -> Floats:
        return answer_of(box, source, int(random.integers(1 << 30)))

    speaker, moved = near(0.05, 0.4 if random.random() < 0.75 else 1.5), near(0.1, 1.5)
    box = Box("drawn", _inside(size * 3, size), float(random.uniform(*RT60)), microphone, speaker, moved, near(0.4, 4.0))
    return Place(answer(speaker), answer(moved), [answer(near(0.4, 4.0)) for _ in range(PERSONS)])


def _inside(size: np.ndarray, point: np.ndarray) -> Point:
    x, y, z = (float(value) for value in np.clip(point, WALL, size - WALL))
    return x, y, z


def echo_in(own: Floats, place: Place, random: np.random.Generator) -> Floats:
    """What the microphone gets of a reply, root mean square drawn: the loudspeaker bends it, its clock drifts, or it is moved."""
    change = random.integers(3)
    played = drifted(own, random.uniform(-DRIFT_PPM, DRIFT_PPM)) if change == 1 else own
    drive = np.float32(random.uniform(*DRIVE))
    played = _cut_low(np.tanh(drive * played) / drive if drive > 0.1 else played, random.uniform(*LOW_CUT_HZ))
    played = np.concatenate([np.zeros(random.integers(*DELAY), np.float32), played])[: len(own)]
    echo = convolve(played, place.speaker)
    if change == 2:
        at = int(random.uniform(0.2, 0.8) * len(echo))
        echo[at:] = convolve(played, place.moved)[at:]
    return np.asarray(echo * (10 ** (random.uniform(*ECHO_DB) / 20) / np.sqrt(np.mean(echo**2))), np.float32)


def _cut_low(sound: Floats, hz: float) -> Floats:
    """Through a loudspeaker too small for low tones: 12 dB per octave below `hz`."""
    frequencies = np.fft.rfftfreq(len(sound), 1 / CAPTURE_RATE)
    return np.asarray(np.fft.irfft(np.fft.rfft(sound) * frequencies**2 / (frequencies**2 + hz**2), len(sound)), np.float32)


class Maker:
    """Makes scenes. noises: recordings without speech; alone: share of scenes in which only the assistant speaks."""

    def __init__(self, speech: Speech, noises: list[Floats], random: np.random.Generator, alone: float = ALONE) -> None:
        self._speech, self._random, self._alone = speech, random, alone
        self._around = Surroundings(speech.other, noises, replies=0.0)
        self._places = [some_place(random) for _ in track(range(ROOMS), "rooms", console=Console(stderr=True))]

    def scene(self) -> tuple[Floats, np.ndarray, list[tuple[float, ...]]]:
        """Columns, what the echo canceller thought, what was said."""
        random = self._random
        own = self._speech.own[random.integers(len(self._speech.own))]
        own = np.roll(own, random.integers(len(own))) * np.float32(10 ** random.uniform(-0.5, 0.2))
        place = self._places[random.integers(len(self._places))]
        echo = echo_in(own, place, random)
        level = float(np.sqrt(np.mean(echo**2)))
        noise = some_noise(self._around, len(own), random)
        sound = echo + noise * np.float32(level * 10 ** (random.uniform(*NOISE_TO_ECHO_DB) / 20) / (noise.std() + 1e-9))
        said = [] if random.random() < self._alone else self._speak_into(sound, level, place)
        return *_behind_echo_path(int16(sound), int16(own)), said

    def _speak_into(self, sound: Floats, level: float, place: Place) -> list[tuple[float, ...]]:
        random, at = self._random, self._random.uniform(*FIRST)
        said: list[tuple[float, ...]] = []
        answer = place.persons[random.integers(len(place.persons))]
        while True:
            kind = int(random.choice(len(KINDS), p=CHANCES))
            pool: list[Floats] = getattr(self._speech, KINDS[kind])
            word = paced(pool[random.integers(len(pool))], random)[: 3 * CAPTURE_RATE]
            start = int(at * CAPTURE_RATE)
            wet = convolve(np.concatenate([word, np.zeros(CAPTURE_RATE // 5, np.float32)]), answer)
            if start + len(wet) > len(sound):
                return said
            ratio = random.uniform(*SPEECH_TO_ECHO_DB)
            power = np.mean(wet[: len(word)] ** 2)
            sound[start : start + len(wet)] += wet * np.float32(level * 10 ** (ratio / 20) / np.sqrt(power))
            end = at + len(word) / CAPTURE_RATE
            said.append((kind, at / STEP_SECONDS, end / STEP_SECONDS, ratio))
            at = end + random.uniform(*PAUSE)


def _behind_echo_path(near: Samples, far: Samples) -> tuple[Floats, np.ndarray]:
    path, features = EchoPath(), ReplyFeatures()
    columns, somebody = [], []
    for start in range(0, len(near), CHUNK):
        chunk = path.clean(near[start : start + CHUNK], far[start : start + CHUNK])
        assert chunk.left is not None and chunk.echo is not None
        columns.append(features.feed(chunk.left, chunk.echo))
        somebody += [chunk.somebody] * len(columns[-1])
    return np.concatenate(columns), np.array(somebody)


def make_scenes(
    speech: Annotated[Path, typer.Argument(help="by models.wake.reply_speech")],
    output: Annotated[Path, typer.Option("--output", "-o", help="file to write, .npz")],
    scenes: Annotated[int, typer.Option(help="how many")] = 800,
    noise: Annotated[Path | None, typer.Option(help="a recording of noise without speech")] = None,
    alone: Annotated[float, typer.Option(help="share in which only the assistant speaks, 0 to 1")] = ALONE,
    seed: Annotated[int, typer.Option(help="of everything random")] = 0,
) -> None:
    """Make scenes and write them."""
    noises = [read_audio(noise)[: NOISE_SECONDS * CAPTURE_RATE] / np.float32(32768)] if noise is not None else []
    maker = Maker(Speech.load(speech), noises, np.random.default_rng(seed), alone)
    columns, somebody, said = [], [], []
    for number in track(range(scenes), "scenes", console=Console(stderr=True)):
        seen, thought, words = maker.scene()
        columns.append(seen.astype(np.float16))
        somebody.append(thought)
        said += [(number, *word) for word in words]
    ends = np.cumsum([len(seen) for seen in columns])
    rows = np.array(said, np.float32).reshape(-1, 5)
    np.savez(output, columns=np.concatenate(columns), ends=ends, said=rows, somebody=np.concatenate(somebody))
    typer.echo(f"{output}: {ends[-1] * STEP_SECONDS / 3600:.2f} h, {len(rows)} times somebody spoke")


if __name__ == "__main__":
    typer.run(make_scenes)
