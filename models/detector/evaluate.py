"""The numbers of the card: mAP50 of our detector and of its teacher on photos that ours was not trained on.

python -m models.detector.evaluate --data shared/data/vision --teacher ~/.local/share/edge-assistant/models/yolox-nano-0.1.1rc0
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assistant.bench_eyes import Photo as Marked
from assistant.bench_eyes import average_precision
from assistant.bench_eyes import read_photos as read_marked
from assistant.engines.boxes import COCO
from assistant.engines.vision_own import GRAPH, LABELS, OwnVision
from assistant.engines.vision_yolox import Yolox
from models.detector.data import OWN, Photo, read_photos


def main() -> None:
    """Read the command line, measure, print one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with coco128_train and objects/caltech101")
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the model yolox-nano")
    parser.add_argument("--graph", type=Path, default=GRAPH, help="our detector")
    options = parser.parse_args()
    teacher, own = Yolox(options.teacher), OwnVision(options.graph)
    held_out = [photo for photo in read_photos(options.data, teacher) if photo.test]
    sets = {
        "coco, boxes by people": [photo for photo in held_out if photo.real],
        "caltech, boxes by the teacher or the folder": [photo for photo in held_out if not photo.real],
        "both": held_out,
    }
    shared = [label for label in LABELS if label in COCO]
    for name, photos in sets.items():
        marked = [_marked(photo) for photo in photos if len(photo.kinds)]
        line = {"set": name, "photos": len(marked)}
        line["own"] = average_precision(own.candidates, marked, LABELS)
        line["own, teacher's labels"] = _of(own, marked, shared)
        line["yolox"] = average_precision(teacher.candidates, marked, [label if label in shared else "" for label in COCO])
        print(json.dumps(line), flush=True)
    print(json.dumps(_of_our_kinds(own, held_out, read_marked(options.data / "coco128_train"))), flush=True)
    print(json.dumps({"cpu_ms_p50": _cpu_ms(own, held_out[:60]), "yolox_cpu_ms_p50": _cpu_ms(teacher, held_out[:60])}))


def _of(own: OwnVision, photos: Sequence[Marked], labels: Sequence[str]) -> object:
    """The numbers over some of our labels."""
    return average_precision(own.candidates, photos, [label if label in labels else "" for label in LABELS])


def _of_our_kinds(own: OwnVision, held_out: Sequence[Photo], scenes: Sequence[Marked]) -> dict[str, str]:
    """On how many photos a kind that COCO lacks is seen: where it is, on other things' photos, and on COCO's."""
    seen = {}
    for label in OWN:
        kind = LABELS.index(label)
        there = [photo for photo in held_out if kind in photo.kinds]
        others = [photo for photo in held_out if not photo.real and kind not in photo.kinds]
        for name, photos in ("where it is", there), ("other things", others), ("scenes of COCO", scenes):
            hits = sum(any(thing.label == label for thing in own.look(photo.pixels).objects) for photo in photos)
            seen[f"{label}, {name}"] = f"{hits}/{len(photos)}"
    return seen


def _marked(photo: Photo) -> Marked:
    height, width = photo.pixels.shape[:2]
    boxes = np.asarray(photo.boxes / np.asarray([width, height, width, height], np.float32), np.float32)
    return Marked(photo.pixels, boxes, tuple(LABELS[kind] for kind in photo.kinds))


def _cpu_ms(engine: OwnVision | Yolox, photos: Sequence[Photo]) -> float:
    """Processor time of a look, the median."""
    spent = []
    for photo in photos:
        began = time.process_time()
        engine.look(photo.pixels)
        spent.append(1000 * (time.process_time() - began))
    return round(statistics.median(spent), 1)


if __name__ == "__main__":
    main()
