"""How well the image-aware intent model understands: behind `assistant bench intent`.

The test set ships with the assistant (intent_bench.json.gz, made by models/intent/make_bench.py): sentences nobody trained on, in
front of what the detector saw in photos nobody trained on. Each is parsed with its picture, with none, and with another one.
"""

from __future__ import annotations

import gzip
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines import IntentEngine, IntentGuess, SeenObject, Sight
from assistant.engines.boxes import COCO, overlap
from assistant.intervals import wilson

ACTIONS = frozenset({"off", "on", "up", "down", "pause", "resume"})
"""Families of sentences whose intent depends on the thing in view."""

Row = dict[str, Any]
Box = tuple[float, float, float, float]

SWITCHES = ("tv", "laptop", "cell phone", "microwave", "oven", "toaster", "refrigerator", "hair drier")
"""COCO's classes that a home can switch."""

CLEAR = 0.05
"""Part of a photo from which "what is this?" has an answer."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A labelled photo as the detector saw it. truth: class and box of everything that is there."""

    sight: Sight
    truth: list[tuple[str, Box]]


@dataclass(frozen=True, slots=True)
class TestSet:
    """rows: sentences with what is right; scenes: what was seen before and now, by number; photos: single looks."""

    rows: list[Row]
    scenes: list[tuple[Sight, ...]]
    photos: list[Photo]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the engine made of every row, and how long it took in ms of processor time."""

    guesses: list[IntentGuess]
    cpu_ms: list[float]


def read_tests(path: Path | None = None) -> TestSet:
    """The test set that ships with the assistant, or another file of its form."""
    data = (resources.files("assistant") / "intent_bench.json.gz" if path is None else path).read_bytes()
    content = json.loads(gzip.decompress(data))
    scenes = [tuple(Sight(tuple(map(_thing, sight))) for sight in scene["sights"]) for scene in content["scenes"]]
    photos = [
        Photo(Sight(tuple(map(_thing, one["sights"][-1]))), [(row[0], tuple(row[1:])) for row in one["truth"]])
        for one in content["photos"]
    ]
    return TestSet(content["rows"], scenes, photos)


def _thing(row: list[Any]) -> SeenObject:
    scores = np.zeros(len(COCO), np.float32)
    for place, score in row[4].items():
        scores[int(place)] = score
    best = int(scores.argmax())
    return SeenObject(COCO[best], float(scores[best]), (row[0], row[1], row[2], row[3]), scores, scores[:0])


def ask(engine: IntentEngine, tests: TestSet, look: Callable[[int], tuple[Sight, ...]], progress: Callable[[], None]) -> Answers:
    """Parses every row. look: from a row's number to what is shown; progress: called after every row."""
    guesses, times = [], []
    for number, row in enumerate(tests.rows):
        began = time.process_time()
        guesses.append(engine.parse(row["text"], look(number)))
        times.append(1000 * (time.process_time() - began))
        progress()
    return Answers(guesses, times)


def share(hits: Iterable[bool]) -> dict[str, float]:
    """How many are right, of how many, with a 95 % interval."""
    values = list(hits)
    low, high = wilson(sum(values), len(values))
    right = sum(values) / len(values) if values else float("nan")
    return {"right": round(right, 4), "n": len(values), "low": round(low, 4), "high": round(high, 4)}


def numbers(tests: TestSet, answers: Answers) -> dict[str, dict[str, float]]:
    """The shares that are right, by question."""
    pairs = list(zip(tests.rows, answers.guesses, strict=True))

    def right(chosen: Callable[[Row], bool]) -> dict[str, float]:
        return share(guess.intent == row["intent"] for row, guess in pairs if chosen(row))

    def pointed(chosen: Callable[[Row], bool]) -> dict[str, float]:
        return share(guess.referent in row["referents"] for row, guess in pairs if row["meant"] and chosen(row))

    return {
        "intent, deictic": right(lambda row: row["family"] in ACTIONS),
        "intent, explicit": right(lambda row: row["family"] == "none"),
        "intent, all": right(lambda row: True),
        "referent": pointed(lambda row: True),
        "referent, detected": pointed(lambda row: bool(row["referents"])),
        "left or right": pointed(lambda row: row["side"] in ("left", "right")),
        "left or right, detected": pointed(lambda row: row["side"] in ("left", "right") and bool(row["referents"])),
        "what is this": pointed(lambda row: row["family"] == "what"),
        "is anyone there": share(_said_yes(guess) == row["yes"] for row, guess in pairs if row["family"] == "who"),
        "is there a thing": share(_said_yes(guess) == row["yes"] for row, guess in pairs if row["family"] == "exists"),
        "how many": share(guess.count == row["count"] for row, guess in pairs if row["count"] >= 0),
    }


def _said_yes(guess: IntentGuess) -> int:
    """1 or 0; -1 when it was not taken for a yes/no question."""
    return -1 if guess.yes is None else int(guess.yes > 0.5)


def photo_numbers(engine: IntentEngine, photos: Sequence[Photo], switches: Sequence[str]) -> dict[str, dict[str, float]]:
    """Three questions about whole photos. switches: the classes that "turn that off" can mean."""
    there, named, meant = [], [], []
    for photo in photos:
        guess = engine.parse("is anyone there", (photo.sight,))
        there.append(_said_yes(guess) == any(label == "person" for label, _ in photo.truth))
        clearest = max(photo.truth, key=lambda one: _salience(one[1]), default=None)
        if clearest and _area(clearest[1]) > CLEAR:
            place = engine.parse("what is this", (photo.sight,)).referent
            named.append(place is not None and photo.sight.objects[place].label == clearest[0])
        devices = [box for label, box in photo.truth if label in switches and _area(box) > CLEAR / 10]
        if devices:
            guess = engine.parse("turn that off", (photo.sight,))
            box = None if guess.referent is None else photo.sight.objects[guess.referent].box
            meant.append(guess.intent == "HassTurnOff" and box is not None and any(_overlap(box, one) > 0.5 for one in devices))
    return {"is anyone there": share(there), "what is this": share(named), "turn that off": share(meant)}


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _salience(box: Box) -> float:
    """Area, less the further from the middle."""
    return _area(box) * exp(-4 * (((box[0] + box[2]) / 2 - 0.5) ** 2 + ((box[1] + box[3]) / 2 - 0.5) ** 2))


def _overlap(one: Box, two: Box) -> float:
    """Intersection over union."""
    values = overlap(np.array(one, np.float32), np.array([two], np.float32))
    return float(values[0])


def by_intent(tests: TestSet, guesses: Sequence[IntentGuess]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and n of every intent."""
    true, said = [row["intent"] for row in tests.rows], [guess.intent for guess in guesses]
    both = Counter(one for one, two in zip(true, said, strict=True) if one == two)
    found = {}
    for name in sorted({*true, *said}):
        precision = both[name] / max(said.count(name), 1)
        recall = both[name] / max(true.count(name), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        found[name] = {"precision": round(precision, 3), "recall": round(recall, 3), "f1": round(f1, 3), "n": true.count(name)}
    return found


def confusion(tests: TestSet, guesses: Sequence[IntentGuess]) -> list[tuple[str, str, int]]:
    """(right, said, how often), the commonest mistakes first."""
    pairs = zip(tests.rows, guesses, strict=True)
    wrong = Counter((row["intent"], guess.intent) for row, guess in pairs if row["intent"] != guess.intent)
    return [(right, said, count) for (right, said), count in wrong.most_common()]


def needs(engine: IntentEngine, tests: TestSet, others: Sequence[str]) -> dict[str, float]:
    """How often the engine knows whether a picture is needed. others: more sentences that need none."""
    hits = [(engine.needs_image(row["text"]) >= 0.5) == (row["family"] != "none") for row in tests.rows]
    return share([*hits, *(engine.needs_image(text) < 0.5 for text in others)])


def calibration(tests: TestSet, guesses: Sequence[IntentGuess]) -> float:
    """Expected calibration error over ten bins of confidence."""
    right = np.array([guess.intent == row["intent"] for row, guess in zip(tests.rows, guesses, strict=True)], np.float64)
    confidence = np.array([guess.confidence for guess in guesses])
    bins = np.minimum((confidence * 10).astype(int), 9)
    parts = [bins == number for number in range(10)]
    gaps = [abs(right[part].mean() - confidence[part].mean()) * part.mean() for part in parts if part.any()]
    return round(float(sum(gaps)), 4)


def milliseconds(answers: Answers) -> dict[str, float]:
    """Median and 95th percentile of the processor time of a sentence."""
    ordered = sorted(answers.cpu_ms)
    return {"p50": round(statistics.median(ordered), 2), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 2)}


def measure(engine: IntentEngine, tests: TestSet, others: Sequence[str], progress: Callable[[], None]) -> dict[str, Any]:
    """Everything as one JSON-able table. others: sentences that are not for the assistant and need no picture; () = none."""
    scenes = [tests.scenes[row["scene"]] for row in tests.rows]
    kinds: dict[str, Callable[[int], tuple[Sight, ...]]] = {
        "image": lambda number: scenes[number],
        "blank": lambda number: (Sight(()),),
        "shuffled": lambda number: scenes[(number + 1) % len(scenes)],
        "one look": lambda number: scenes[number][-1:],
    }
    answers = {name: ask(engine, tests, look, progress) for name, look in kinds.items()}
    seen = answers["image"].guesses
    results: dict[str, Any] = {name: numbers(tests, found) for name, found in answers.items()}
    results["image needed"] = needs(engine, tests, others)
    results["by intent"] = by_intent(tests, seen)
    results["confusion"] = confusion(tests, seen)
    results["calibration error"] = calibration(tests, seen)
    results["cpu ms"] = {"words only": _words_ms(engine, tests), "words and picture": milliseconds(answers["image"])}
    results["photos"] = photo_numbers(engine, tests.photos, SWITCHES)
    if others:
        accepted = [engine.parse(text, ()).intent not in ("NotForMe", "Clarify") for text in others]
        results["false accepts"] = share(accepted)
    return results


def _words_ms(engine: IntentEngine, tests: TestSet) -> dict[str, float]:
    """Time of sentences that need no picture."""
    explicit = TestSet([row for row in tests.rows if row["family"] == "none"], tests.scenes, [])
    return milliseconds(ask(engine, explicit, lambda number: (), lambda: None))
