"""How well the eyes see and how well that is used, on labelled photos: behind `assistant bench eyes`.

Photos: a folder with images/*.jpg and labels/*.txt in YOLO's form (class of COCO, centre x, centre y, width, height, 0..1).
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import anyio
import numpy as np

from assistant.brain import Brain
from assistant.devices import Entity
from assistant.engines import Floats, Pixels, VisionEngine
from assistant.engines.boxes import COCO, Boxes, overlap, thinned
from assistant.errors import ConfigError
from assistant.home import MemoryHome
from assistant.ports import Image
from assistant.sight import Eyes, LearnedNames
from assistant.sight.appearance import Box, describe, likeness
from assistant.sight.learned import ALIKE
from assistant.sight.linking import devices_in_view
from assistant.timers import SystemClock, Timers

CONTROLLABLE = ("tv", "laptop", "cell phone", "microwave", "oven", "toaster", "refrigerator", "hair drier")
"""COCO's classes that a home can switch."""

SMALLEST = 0.005
"""Part of the frame from which a device counts as one that somebody could mean."""

CLEAR = 0.05
"""Part of the frame from which "what is this" has an answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A labelled photo. boxes: float32 (n, 4), x1 y1 x2 y2, 0..1; labels: their n names."""

    pixels: Pixels
    boxes: Floats
    labels: tuple[str, ...]

    @property
    def areas(self) -> Floats:
        """The part of the frame that each box takes."""
        return np.asarray((self.boxes[:, 2] - self.boxes[:, 0]) * (self.boxes[:, 3] - self.boxes[:, 1]), np.float32)


def read_photos(folder: Path) -> list[Photo]:
    """All photos of a folder that have labels. Raises ConfigError when there are none, DeviceError for a broken one."""
    from device.picture import read_picture

    photos = []
    for path in sorted((folder / "images").glob("*.jpg")):
        label = folder / "labels" / f"{path.stem}.txt"
        rows = (
            np.array([line.split() for line in label.read_text().splitlines()], np.float32)
            if label.exists()
            else np.zeros((0, 5))
        )
        if len(rows):
            corners = np.concatenate([rows[:, 1:3] - rows[:, 3:5] / 2, rows[:, 1:3] + rows[:, 3:5] / 2], axis=1)
            photos.append(Photo(read_picture(path), np.asarray(corners, np.float32), tuple(COCO[int(row[0])] for row in rows)))
    if not photos:
        raise ConfigError(f"{folder} holds no labelled photos: it needs images/*.jpg and labels/*.txt in YOLO's form")
    return photos


def measure(engine: VisionEngine, photos: Sequence[Photo], alone: VisionEngine) -> dict[str, Any]:
    """All numbers, by name. engine: the eyes; alone: the engine whose boxes are measured, without another's help."""
    with tempfile.TemporaryDirectory(prefix="assistant-") as scratch:
        asker = _Asker(engine, Path(scratch))
        results: dict[str, Any] = {
            "photos": len(photos),
            "is_anyone_there": _share([asker.presence(photo) for photo in photos]),
            "is_anyone_there_large": _share([asker.presence(p) for p in photos if _nobody_or_large(p)]),
            "what_is_this": _share([asker.names(photo) for photo in photos if _clear(photo)]),
            "turn_that_off": _share([asker.switches(photo) for photo in photos if _device_in(photo)]),
            "turn_that_off_box": _share([asker.switches(photo, box=True) for photo in photos if _device_in(photo)]),
            "turn_cpu_ms_p50": round(statistics.median(asker.cpu_ms), 1),
        }
    results |= taught_names(photos)
    if isinstance(alone, Candidates):
        results |= average_precision(alone.candidates, photos, alone.labels)
    return results


class _Asker:
    """Asks a brain with those eyes about one photo after another."""

    def __init__(self, engine: VisionEngine, folder: Path) -> None:
        self.cpu_ms: list[float] = []
        self.home = MemoryHome([Entity(f"switch.{name.replace(' ', '_')}", name, "switch", "room") for name in CONTROLLABLE])
        self.eyes = Eyes(lambda: engine, LearnedNames(None))
        clock = SystemClock()
        self.brain = Brain(home=self.home, timers=Timers(folder / "timers.sqlite", clock), clock=clock, eyes=self.eyes)
        self.brain.understand("turn on the tv")

    def ask(self, text: str, photo: Photo) -> str:
        """The reply, after everything before was forgotten."""
        self.brain.forget()
        height, width = photo.pixels.shape[:2]
        began = time.process_time()
        intents = self.brain.understand(text, Image(photo.pixels, width, height))
        outcome = anyio.run(self.brain.act, intents)
        self.cpu_ms.append(1000 * (time.process_time() - began))
        self.acted = [action.target for acted in outcome.acted for action in acted.actions]
        return outcome.reply.text

    def presence(self, photo: Photo) -> bool:
        """Whether "is anyone there" is answered rightly."""
        return self.ask("is anyone there", photo).startswith("Yes") == ("person" in photo.labels)

    def names(self, photo: Photo) -> bool:
        """Whether "what is this" names the thing that is largest and nearest to the centre."""
        return self.ask("what is this", photo).rstrip(".").endswith(photo.labels[int(np.argmax(_salience(photo)))])

    def switches(self, photo: Photo, *, box: bool = False) -> bool:
        """Whether "turn that off" switches a device that is in the photo. box: and was seen where it is (overlap > .5)."""
        self.ask("turn that off", photo)
        names = [entity.name for entity in self.home.entities if entity.id in self.acted]
        if len(names) != 1 or names[0] not in photo.labels:
            return False
        if not box:
            return True
        seen = next(view.box for view in devices_in_view(self.eyes, self.home) if view.entity.name == names[0])
        real = photo.boxes[[label in CONTROLLABLE for label in photo.labels]]
        return bool(overlap(np.asarray(seen, np.float32), real).max() > 0.5)


def taught_names(photos: Sequence[Photo]) -> dict[str, Any]:
    """How often a thing that was named is known again in a changed view, and how often another thing is taken for it.

    The changed view: the box moved by a tenth of its size and a tenth larger, the light 15 % weaker. Another thing: the most
    salient one of each other photo. Both from one photo each, so real rooms, angles and distances are harder.
    """
    boxes = [_main_box(photo) for photo in photos if _clear(photo)]
    clear = [photo for photo in photos if _clear(photo)]
    first = [describe(photo.pixels, box) for photo, box in zip(clear, boxes, strict=True)]
    again = [describe((photo.pixels * 0.85).astype(np.uint8), _moved(box)) for photo, box in zip(clear, boxes, strict=True)]
    known = [likeness(one, other) >= ALIKE for one, other in zip(first, again, strict=True)]
    wrong = [likeness(one, other) >= ALIKE for i, one in enumerate(first) for j, other in enumerate(again) if i != j]
    return {"taught_known_again": _share(known), "taught_mistaken": _share(wrong)}


def _main_box(photo: Photo) -> Box:
    x1, y1, x2, y2 = (float(value) for value in photo.boxes[int(np.argmax(_salience(photo)))])
    return x1, y1, x2, y2


def _moved(box: Box) -> Box:
    width, height = box[2] - box[0], box[3] - box[1]
    moved = (box[0] + 0.05 * width, box[1] + 0.05 * height, box[2] + 0.15 * width, box[3] + 0.15 * height)
    return (min(moved[0], 0.95), min(moved[1], 0.95), min(moved[2], 1.0), min(moved[3], 1.0))


@runtime_checkable
class Candidates(Protocol):
    """An engine that gives all its boxes, for measuring it."""

    labels: tuple[str, ...]

    def candidates(self, pixels: Pixels) -> Boxes:
        """Every box, not thinned."""
        ...


def average_precision(look: Callable[[Pixels], Boxes], photos: Sequence[Photo], labels: Sequence[str]) -> dict[str, Any]:
    """mAP50 over the labels that the photos have (101-point, as COCO's), and that of "person"."""
    found = []
    for photo in photos:
        height, width = photo.pixels.shape[:2]
        boxes = thinned(look(photo.pixels), 0.01)
        part = np.asarray(boxes.corners / np.asarray([width, height, width, height], np.float32), np.float32)
        found.append(Boxes(part, boxes.scores))
    there = [label for label in labels if any(label in photo.labels for photo in photos)]
    each = {label: _precision(label, list(labels).index(label), found, photos) for label in there}
    return {
        "map50": round(statistics.mean(each.values()), 3),
        "classes": len(there),
        "person_ap50": round(each.get("person", 0.0), 3),
    }


def _precision(label: str, kind: int, found: Sequence[Boxes], photos: Sequence[Photo]) -> float:
    """The average precision of one label at an overlap of .5. kind: its place in the scores."""
    entries = []
    real = [photo.boxes[[name == label for name in photo.labels]] for photo in photos]
    for place, boxes in enumerate(found):
        for row in np.flatnonzero(boxes.scores.argmax(axis=1) == kind):
            entries.append((float(boxes.scores[row, kind]), place, boxes.corners[row]))
    used = [np.zeros(len(boxes), bool) for boxes in real]
    hits = []
    for _, place, box in sorted(entries, key=lambda entry: -entry[0]):
        over = overlap(box, real[place]) if len(real[place]) else np.zeros(1, np.float32)
        best = int(over.argmax())
        hit = bool(over[best] > 0.5 and not used[place][best])
        if hit:
            used[place][best] = True
        hits.append(hit)
    total = sum(map(len, real))
    right = np.cumsum(hits)
    recall = right / total
    precision = np.maximum.accumulate((right / np.arange(1, len(hits) + 1))[::-1])[::-1]
    places = [int(np.searchsorted(recall, share)) for share in np.linspace(0, 1, 101)]
    return float(np.mean([precision[place] if place < len(hits) else 0.0 for place in places])) if hits else 0.0


def _nobody_or_large(photo: Photo) -> bool:
    people = photo.areas[[label == "person" for label in photo.labels]]
    return not len(people) or bool(people.max() > 0.01)


def _clear(photo: Photo) -> bool:
    return bool(photo.areas[int(np.argmax(_salience(photo)))] > CLEAR)


def _salience(photo: Photo) -> Floats:
    """How likely each thing is what "this" means; independent of the assistant's own rule, though of the same form."""
    across = (photo.boxes[:, 0] + photo.boxes[:, 2]) / 2 - 0.5
    down = (photo.boxes[:, 1] + photo.boxes[:, 3]) / 2 - 0.5
    return np.asarray(photo.areas * np.exp(-4 * (across**2 + down**2)), np.float32)


def _device_in(photo: Photo) -> bool:
    return any(label in CONTROLLABLE and area > SMALLEST for label, area in zip(photo.labels, photo.areas, strict=True))


def _share(right: Sequence[bool]) -> dict[str, Any]:
    """How many were right, with Wilson's 95 % interval."""
    n, hits = len(right), sum(right)
    if not n:
        return {"right": None, "n": 0}
    share, z = hits / n, 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return {"right": round(share, 3), "n": n, "low": round(middle - half, 3), "high": round(middle + half, 3)}
