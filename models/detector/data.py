"""Photos, their boxes, and the pictures that training sees.

Photos: 21 folders of Caltech-101; 128 of COCO train2017, groceries and frames of security cameras, whose labels are not used.
What is in them says the teacher, YOLOX-Nano; where it does not see the folder's kind, the box is where the picture is not its
background. One photo of COCO and Caltech-101 in five is never trained on: the test. There COCO's boxes, drawn by people, count.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assistant.engines.boxes import COCO, thinned
from assistant.engines.cells import SIDE
from assistant.engines.vision_own import LABELS
from assistant.engines.vision_yolox import Yolox

FOLDERS = {
    "Faces_easy": "person",
    "cellphone": "cell phone",
    "chair": "chair",
    "windsor_chair": "chair",
    "cup": "cup",
    "dalmatian": "dog",
    "ewer": "vase",
    "laptop": "laptop",
    "pizza": "pizza",
    "scissors": "scissors",
    "umbrella": "umbrella",
    "watch": "clock",
    "soccer_ball": "sports ball",
    "bonsai": "potted plant",
    "lamp": "lamp",
    "chandelier": "lamp",
    "menorah": "",
    "ceiling_fan": "ceiling fan",
    "electric_guitar": "",
    "grand_piano": "",
    "gramophone": "",
}
"""Caltech's folder -> label; "" = no label, seen only so that it is taken for nothing."""

OWN = LABELS[len(COCO) :]
"""Kinds that COCO lacks."""

GROCERIES = 4
"""One grocery photo in so many is read: they are alike."""

FRAMES = 10
"""Frames of a security camera side by side in one file; the first is read."""

TEACHER = 0.35
"""Score of the teacher's boxes that count."""

HELD_OUT = 5
"""One photo in so many is for the test."""

Boxes = NDArray[np.float32]
Kinds = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo. pixels: uint8 (H, W, 3) RGB; boxes: float32 (n, 4), pixels; kinds: int64 (n,), in LABELS; test: held out."""

    name: str
    pixels: NDArray[np.uint8]
    boxes: Boxes
    kinds: Kinds
    test: bool

    @property
    def real(self) -> bool:
        """Whether it shows a scene, not one thing: COCO's."""
        return self.name.startswith("coco/")


def read_photos(root: Path, teacher: Yolox) -> list[Photo]:
    """All photos below data/vision."""
    photos = []
    for path in sorted((root / "coco128_train/images").glob("*.jpg")):
        pixels = _read(path)
        name = f"coco/{path.stem}"
        label = root / "coco128_train/labels" / f"{path.stem}.txt"
        photos.append(_photo(name, pixels, *(_drawn(label, pixels) if held_out(name) else _taught(pixels, "", teacher))))
    for folder, kind in FOLDERS.items():
        for path in sorted((root / "objects/caltech101" / folder).glob("*.jpg")):
            pixels = _read(path)
            photos.append(_photo(f"{folder}/{path.stem}", pixels, *_taught(pixels, kind, teacher)))
    for path in sorted((root / "objects/grocery").rglob("*.jpg"))[::GROCERIES]:
        photos.append(_unmarked(_read(path), path, teacher))
    for path in sorted((root / "fight_strips").rglob("*.jpg")):
        strip = _read(path)
        photos.append(_unmarked(np.ascontiguousarray(strip[:, : strip.shape[1] // FRAMES]), path, teacher))
    return photos


def held_out(name: str) -> bool:
    """Whether a photo of COCO or Caltech-101 is for the test."""
    return zlib.crc32(name.encode()) % HELD_OUT == 0


def compose(random: np.random.Generator, photos: Sequence[Photo]) -> tuple[NDArray[np.uint8], Boxes, Kinds]:
    """A picture to train on: one photo, four, or things pasted on a photo. Pixels uint8 (416, 416, 3), boxes in them, kinds."""
    way = random.random()
    if way < 0.45:
        return _jittered(random, *_placed(random, photos[int(random.integers(len(photos)))]))
    if way < 0.75:
        return _jittered(random, *_mosaic(random, photos))
    return _jittered(random, *_pasted(random, photos))


def letterboxed(photo: Photo) -> tuple[NDArray[np.uint8], float]:
    """A photo as the engine shows it to the network, and how many new pixels one old one makes."""
    height, width = photo.pixels.shape[:2]
    scale = min(SIDE / height, SIDE / width)
    square = np.full((SIDE, SIDE, 3), 114, np.uint8)
    small = cv2.resize(photo.pixels, (int(width * scale), int(height * scale)))
    square[: small.shape[0], : small.shape[1]] = small
    return square, scale


def _photo(name: str, pixels: NDArray[np.uint8], boxes: Boxes, kinds: Kinds) -> Photo:
    return Photo(name, pixels, boxes, kinds, held_out(name))


def _unmarked(pixels: NDArray[np.uint8], path: Path, teacher: Yolox) -> Photo:
    """A photo of which nothing is known but what the teacher sees; never one to test on."""
    return Photo(path.stem, pixels, *_taught(pixels, "", teacher), test=False)


def _read(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path))
    assert pixels is not None, path
    return np.asarray(pixels[:, :, ::-1], np.uint8)


def _drawn(label: Path, pixels: NDArray[np.uint8]) -> tuple[Boxes, Kinds]:
    """COCO's boxes, drawn by people."""
    height, width = pixels.shape[:2]
    boxes, kinds = [], []
    for line in label.read_text().splitlines() if label.exists() else ():
        kind, x, y, w, h = (float(value) for value in line.split())
        boxes.append([(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height])
        kinds.append(int(kind))
    return np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(kinds, np.int64)


def _taught(pixels: NDArray[np.uint8], label: str, teacher: Yolox) -> tuple[Boxes, Kinds]:
    """The teacher's boxes; where none is of the folder's kind, the part that is not background."""
    found = thinned(teacher.candidates(pixels), TEACHER)
    names = [COCO[kind] for kind in found.scores.argmax(axis=1)]
    kept = [place for place, name in enumerate(names) if name == "person" or label not in OWN]
    boxes = [found.corners[place] for place in kept]
    kinds = [LABELS.index(names[place]) for place in kept]
    if label and label not in (names[place] for place in kept):
        boxes.append(_not_background(pixels))
        kinds.append(LABELS.index(label))
    return np.asarray(boxes, np.float32).reshape(-1, 4), np.asarray(kinds, np.int64)


def _not_background(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The box of what differs from the colour of the border; all but a margin when the border has many colours."""
    height, width = pixels.shape[:2]
    border = np.concatenate([pixels[:3].reshape(-1, 3), pixels[-3:].reshape(-1, 3), pixels[:, :3].reshape(-1, 3)])
    different = np.abs(pixels.astype(np.float32) - np.median(border, axis=0)).max(axis=2) > 30
    rows, columns = (np.flatnonzero(different.mean(axis=axis) > 0.02) for axis in (1, 0))
    if border.std(axis=0).max() > 25 or not len(rows) or not len(columns):
        return np.asarray([width * 0.08, height * 0.08, width * 0.92, height * 0.92], np.float32)
    return np.asarray([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


Picture = tuple[NDArray[np.uint8], Boxes, Kinds]


def _placed(random: np.random.Generator, photo: Photo, side: int = SIDE) -> Picture:
    """A photo at a random size and place in a grey square, mirrored half of the time."""
    height, width = photo.pixels.shape[:2]
    scale = min(side / height, side / width) * random.uniform(0.55, 1.5)
    new_width, new_height = max(8, int(width * scale)), max(8, int(height * scale * random.uniform(0.85, 1.18)))
    small = cv2.resize(photo.pixels, (new_width, new_height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    boxes = photo.boxes * np.asarray([new_width / width, new_height / height] * 2, np.float32)
    if random.random() < 0.5:
        small = small[:, ::-1]
        boxes = np.stack([new_width - boxes[:, 2], boxes[:, 1], new_width - boxes[:, 0], boxes[:, 3]], axis=1)
    x, y = (int(random.uniform(min(0, side - size), max(0, side - size))) for size in (new_width, new_height))
    square = np.full((side, side, 3), 114, np.uint8)
    cut = small[max(0, -y) : side - y, max(0, -x) : side - x]
    square[max(0, y) : max(0, y) + cut.shape[0], max(0, x) : max(0, x) + cut.shape[1]] = cut
    return (square, *_inside(boxes + np.asarray([x, y, x, y], np.float32), photo.kinds, side))


def _mosaic(random: np.random.Generator, photos: Sequence[Photo]) -> Picture:
    """Four photos side by side."""
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    half = SIDE // 2
    parts = []
    for x, y in ((0, 0), (half, 0), (0, half), (half, half)):
        pixels, boxes, kinds = _placed(random, photos[int(random.integers(len(photos)))], half)
        square[y : y + half, x : x + half] = pixels
        parts.append((boxes + np.asarray([x, y, x, y], np.float32), kinds))
    return square, np.concatenate([boxes for boxes, _ in parts]), np.concatenate([kinds for _, kinds in parts])


def _pasted(random: np.random.Generator, photos: Sequence[Photo]) -> Picture:
    """Up to three things cut out of photos of one thing, on a photo of COCO."""
    behind = [photo for photo in photos if photo.real]
    single = [photo for photo in photos if not photo.real and len(photo.kinds) == 1]
    square, boxes, kinds = _placed(random, behind[int(random.integers(len(behind)))])
    for _ in range(random.integers(1, 4)):
        photo = single[int(random.integers(len(single)))]
        x1, y1, x2, y2 = photo.boxes[0].clip(0).astype(int)
        part = photo.pixels[y1:y2, x1:x2]
        if min(part.shape[:2]) < 8:
            continue
        scale = random.uniform(0.2, 0.6) * SIDE / max(part.shape[:2])
        part = cv2.resize(part, (max(6, int(part.shape[1] * scale)), max(6, int(part.shape[0] * scale))))
        height, width = part.shape[:2]
        x, y = int(random.uniform(0, SIDE - width)), int(random.uniform(0, SIDE - height))
        square[y : y + height, x : x + width] = part
        new = np.asarray([[x, y, x + width, y + height]], np.float32)
        hidden = _covered(boxes, new[0]) > 0.6
        boxes, kinds = np.concatenate([boxes[~hidden], new]), np.concatenate([kinds[~hidden], photo.kinds])
    return square, boxes, kinds


def _covered(boxes: Boxes, by: NDArray[np.float32]) -> NDArray[np.float32]:
    """Which part of each box another one covers."""
    sides = np.clip(np.minimum(by[2:], boxes[:, 2:]) - np.maximum(by[:2], boxes[:, :2]), 0, None)
    return np.asarray(sides.prod(axis=1) / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1), np.float32)


def _inside(boxes: Boxes, kinds: Kinds, side: int) -> tuple[Boxes, Kinds]:
    """The boxes cut at the border; those that are mostly outside or tiny are dropped."""
    cut = boxes.clip(0, side)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    left = (cut[:, 2:] - cut[:, :2]).prod(axis=1)
    kept = (left > 0.4 * area) & (left > 64)
    return cut[kept].astype(np.float32), kinds[kept]


def _jittered(random: np.random.Generator, pixels: NDArray[np.uint8], boxes: Boxes, kinds: Kinds) -> Picture:
    """Brightness, contrast, tint; grey one time in twenty."""
    image = pixels.astype(np.float32) * random.uniform(0.7, 1.3) + random.uniform(-20, 20)
    image *= random.uniform(0.92, 1.08, 3)
    if random.random() < 0.05:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    return image.clip(0, 255).astype(np.uint8), boxes, kinds
