"""Pictures for training and testing: real photos, photos pasted together, and imagined detections.

    python -m models.intent.scenes --data ../shared/data/vision --out scenes.pkl      # runs the real detector, some minutes

photo      a COCO128 photo under small movements of the camera; truth = its labels
composed   photos of single things (Caltech-101, groceries) pasted on a COCO128 photo; truth = labels and what was pasted
imagined   no picture: things at random places with class scores drawn from what the detector said about real things, misses
           and false boxes at its own rates (made while training, see `imagine`)

A photo is for training or for testing by a hash of its name (`is_test`), and so is everything made of it. DoorDetect is not used:
it has no licence file.
"""

from __future__ import annotations

import argparse
import pickle
import random
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from assistant.config import folders
from assistant.engines import Pixels, SeenObject, Sight, VisionEngine
from assistant.engines.boxes import COCO
from assistant.engines.sight_memory import FRAMES
from assistant.engines.vision_yolox import Yolox
from assistant.factory import make_registry
from models.intent.scene import Box, Scene, Truth
from models.intent.sentences import fraction

CALTECH = {
    "laptop": "laptop",
    "cellphone": "cell phone",
    "cup": "cup",
    "chair": "chair",
    "windsor_chair": "chair",
    "umbrella": "umbrella",
    "scissors": "scissors",
    "pizza": "pizza",
    "soccer_ball": "sports ball",
    "dalmatian": "dog",
    "Faces_easy": "person",
    "bonsai": "potted plant",
}
"""Caltech-101 folder -> COCO class. Other folders hold things the detector has no name for: they make false boxes."""

GROCERY = {"Banana": "banana", "Apple": "apple", "Orange": "orange", "Carrots": "carrot"}

SIDE = 480
"""Pixels along each side of a composed picture."""


def is_test(path: Path) -> bool:
    """Half of the COCO128 photos and a quarter of the others are for testing."""
    coco = "coco128" in str(path)
    return fraction(path.name) < (0.5 if coco else 0.25)


def read(path: Path) -> Pixels:
    """A picture file as RGB."""
    pixels: Pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return pixels


def coco_truth(image: Path) -> tuple[Truth, ...]:
    """The labels of a COCO128 photo: a text file of class, centre x, centre y, width, height."""
    label = image.parent.parent / "labels" / f"{image.stem}.txt"
    found = []
    for line in label.read_text().splitlines() if label.is_file() else []:
        kind, x, y, width, height = map(float, line.split())
        found.append(Truth(COCO[int(kind)], (x - width / 2, y - height / 2, x + width / 2, y + height / 2)))
    return tuple(found)


def moved(pixels: Pixels, random_: random.Random, amount: float) -> tuple[Pixels, Box]:
    """The picture as seen a moment earlier or later: shifted, nearer, brighter or blurred. Also the part that is in view."""
    height, width = pixels.shape[:2]
    zoom = 1 - random_.uniform(0, amount)
    x, y = random_.uniform(0, 1 - zoom), random_.uniform(0, 1 - zoom)
    view = pixels[int(y * height) : int((y + zoom) * height), int(x * width) : int((x + zoom) * width)].astype(np.float32)
    view = np.clip(view * random_.uniform(0.7, 1.2) + random_.uniform(-15, 15), 0, 255)
    if random_.random() < 0.25:
        view = cv2.GaussianBlur(view, (0, 0), random_.uniform(0.6, 1.8))
    return view.astype(np.uint8), (x, y, x + zoom, y + zoom)


def seen_through(box: Box, view: Box) -> Box | None:
    """Where a box lies in a part of the picture; None when less than half of it is in view."""
    width, height = view[2] - view[0], view[3] - view[1]
    x1, x2 = ((value - view[0]) / width for value in (box[0], box[2]))
    y1, y2 = ((value - view[1]) / height for value in (box[1], box[3]))
    cut = (max(x1, 0.0), max(y1, 0.0), min(x2, 1.0), min(y2, 1.0))
    inside = max(cut[2] - cut[0], 0) * max(cut[3] - cut[1], 0)
    return cut if inside > 0.5 * (x2 - x1) * (y2 - y1) else None


def watch(engine: VisionEngine, pixels: Pixels, truth: tuple[Truth, ...], kind: str, random_: random.Random) -> Scene:
    """FRAMES looks at a picture from a camera that is not quite still."""
    sights, view = [], (0.0, 0.0, 1.0, 1.0)
    for _ in range(FRAMES):
        frame, view = moved(pixels, random_, 0.08)
        sight = engine.look(frame)
        sights.append(Sight(sight.objects, None))
    placed = ((one.label, seen_through(one.box, view)) for one in truth)
    return Scene(tuple(sights), tuple(Truth(label, box) for label, box in placed if box), kind)


def compose(
    background: Pixels, truth: tuple[Truth, ...], things: list[tuple[Pixels, str]], random_: random.Random
) -> tuple[Pixels, tuple[Truth, ...]]:
    """Pastes things side by side on a background. Returns the picture and all that is in it."""
    canvas = cv2.resize(background, (SIDE, SIDE))
    found = list(truth)
    width = 1 / len(things)
    for place, (pixels, label) in enumerate(random_.sample(things, len(things))):
        size = random_.uniform(0.55, 0.95) * min(width, 0.6)
        x = place * width + random_.uniform(0, width - size)
        high = min(size * pixels.shape[0] / pixels.shape[1], 0.9)
        y = random_.uniform(0, 1 - high)
        left, top, right, bottom = (int(value * SIDE) for value in (x, y, x + size, y + high))
        canvas[top:bottom, left:right] = cv2.resize(pixels, (right - left, bottom - top))
        box = (x, y, x + size, y + high)
        found = [one for one in found if _hidden(one.box, box) < 0.4]
        found.append(Truth(label, box))
    return canvas, tuple(found)


def _hidden(box: Box, by: Box) -> float:
    """Which part of a box another covers."""
    width, height = min(box[2], by[2]) - max(box[0], by[0]), min(box[3], by[3]) - max(box[1], by[1])
    return max(width, 0) * max(height, 0) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


@dataclass(slots=True)
class Photos:
    """The photos of one split. coco: whole photos; things: single things by COCO class, "" for those without a name."""

    coco: list[Path]
    things: dict[str, list[Path]]


def photos(data: Path, test: bool) -> Photos:
    """All photos that are for training, or all for testing. data: the folder with coco128_train and objects."""
    coco = sorted((data / "coco128_train" / "images").glob("*.jpg"))
    things: dict[str, list[Path]] = {}
    for path in sorted((data / "objects" / "caltech101").glob("*/*.jpg")):
        things.setdefault(CALTECH.get(path.parent.name, ""), []).append(path)
    for path in sorted((data / "objects" / "grocery").rglob("*.jpg")):
        kind = next((label for part, label in GROCERY.items() if part in path.parts), "")
        if kind:
            things.setdefault(kind, []).append(path)
    kept = {label: [path for path in paths if is_test(path) == test] for label, paths in things.items()}
    return Photos([path for path in coco if is_test(path) == test], kept)


def composed(engine: VisionEngine, pool: Photos, count: int, random_: random.Random) -> list[Scene]:
    """Pasted pictures; half of the things are ones that can be controlled."""
    scenes: list[Scene] = []
    labels = sorted(pool.things)
    while len(scenes) < count:
        back = random_.choice(pool.coco)
        chosen = [
            random_.choice(("laptop", "cell phone")) if random_.random() < 0.45 else random_.choice(labels)
            for _ in range(random_.randint(1, 3))
        ]
        things = [(read(random_.choice(pool.things[label])), label) for label in chosen]
        picture, truth = compose(read(back), coco_truth(back), things, random_)
        scenes.append(watch(engine, picture, truth, "composed", random_))
    return scenes


def watched(engine: VisionEngine, pool: Photos, times: int, random_: random.Random) -> list[Scene]:
    """Every COCO128 photo some times, mirrored every other time."""
    scenes: list[Scene] = []
    for path in pool.coco:
        pixels, truth = read(path), coco_truth(path)
        for turn in range(times):
            if turn % 2:
                flipped = tuple(Truth(one.label, (1 - one.box[2], one.box[1], 1 - one.box[0], one.box[3])) for one in truth)
                scene = watch(engine, np.ascontiguousarray(pixels[:, ::-1]), flipped, "photo", random_)
            else:
                scene = watch(engine, pixels, truth, "photo", random_)
            scenes.append(Scene(scene.sights, scene.truth, "photo", path.name))
    return scenes


def plain(engine: VisionEngine, pool: Photos) -> list[Scene]:
    """Every COCO128 photo once, unchanged, as a single look."""
    found = []
    for path in pool.coco:
        sight = engine.look(read(path))
        found.append(Scene((Sight(sight.objects, None),), coco_truth(path), "plain", path.name))
    return found


def matched(thing: SeenObject, truth: tuple[Truth, ...], least: float = 0.4) -> int | None:
    """Which true thing a box shows: the one with the largest overlap; a pasted photo counts when the box lies in it."""
    best, value = None, least
    x1, y1, x2, y2 = thing.box
    area = (x2 - x1) * (y2 - y1)
    for number, one in enumerate(truth):
        inside = _hidden(thing.box, one.box) * area
        other = (one.box[2] - one.box[0]) * (one.box[3] - one.box[1])
        over = inside / max(area + other - inside, 1e-9)
        if over > value:
            best, value = number, over
    return best


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with coco128_train and objects")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--composed", type=int, default=1200, help="pasted training pictures; a quarter as many for testing")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    engine = Yolox(make_registry(folders()).pull("yolox-nano"))
    random_ = random.Random(arguments.seed)
    found: dict[str, list[Scene]] = {}
    for part, test in (("test", True), ("train", False)):
        pool = photos(arguments.data, test)
        found[f"{part}_plain"] = plain(engine, pool)
        found[f"{part}_photo"] = watched(engine, pool, 2 if test else 6, random_)
        count = arguments.composed // 4 if test else arguments.composed
        found[f"{part}_composed"] = composed(engine, pool, count, random_)
        print(part, {name: len(scenes) for name, scenes in found.items()}, flush=True)
    arguments.out.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main()
