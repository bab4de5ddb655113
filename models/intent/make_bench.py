"""Writes the test set that `assistant bench intent` runs: held-out wordings in front of what the detector saw in test photos.

    python -m models.intent.make_bench --scenes runs/scenes.pkl --out assistant/intent_bench.json.gz

It holds our own sentences and numbers (boxes and class scores), no photos and no sentences of other projects. The scenes are real
photos and pasted ones, no imagined ones. The same seed gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import pickle
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.engines import MOST_OBJECTS, SeenObject
from models.intent import sentences as text
from models.intent.labels import NOT_FOR_ME
from models.intent.questions import Asker, Row
from models.intent.scene import Scene

KEPT_SCORE = 0.003
"""Class scores below this are left out of the file."""


def thing_row(thing: SeenObject) -> list[Any]:
    """A thing seen as [x1, y1, x2, y2, {class number: score}]."""
    scores = {str(place): round(float(score), 4) for place, score in enumerate(thing.scores) if score >= KEPT_SCORE}
    return [*(round(value, 4) for value in thing.box), scores]


def scene_row(scene: Scene) -> dict[str, Any]:
    """A scene: what was seen in each picture, and what is there."""
    sights = [[thing_row(thing) for thing in sight.objects[:MOST_OBJECTS]] for sight in scene.sights]
    return {"kind": scene.kind, "sights": sights, "truth": [[one.label, *(round(v, 4) for v in one.box)] for one in scene.truth]}


def question_row(row: Row, scene: int) -> dict[str, Any]:
    """A question about a scene and what is right."""
    return {
        "text": row.sentence.text,
        "family": row.sentence.family,
        "scene": scene,
        "intent": row.intent,
        "referents": [place for place in range(MOST_OBJECTS) if row.pointer[place] > 0],
        "meant": row.target >= 0,
        "yes": row.yes,
        "count": row.count,
        "side": row.side,
    }


def questions(scenes: Sequence[Scene], count: int, seed: int) -> list[tuple[Row, int]]:
    """`count` rows with held-out wordings, each with the number of its scene."""
    random_ = random.Random(seed)
    asker = Asker(True, [*text.home_sentences(4, seed + 1), *text.paraphrases(1, seed + 1)], seed + 2)
    found: list[tuple[Row, int]] = []
    while len(found) < count:
        number = random_.randrange(len(scenes))
        row = asker.ask(scenes[number])
        if row is not None:
            found.append((row, number))
    return found


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True, help="what scenes.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7001)
    parser.add_argument("--clinc", type=Path, help="clinc150_train_val.json: with --others, for false accepts")
    parser.add_argument("--others", type=Path, help="text file to write: CLINC150's validation sentences that are not for us")
    arguments = parser.parse_args()
    if arguments.clinc and arguments.others:
        strange = [*text.clinc_sentences(arguments.clinc, "val"), *text.clinc_sentences(arguments.clinc, "oos_val")]
        kept_texts = [one.text for one in strange if one.intent == NOT_FOR_ME]
        arguments.others.write_text("\n".join(kept_texts) + "\n", "utf-8")
    kept = pickle.loads(arguments.scenes.read_bytes())
    scenes = kept["test_photo"] + kept["test_composed"]
    rows = [question_row(row, number) for row, number in questions(scenes, arguments.rows, arguments.seed)]
    photos = [scene_row(scene) for scene in kept["test_plain"]]
    content = {"scenes": [scene_row(scene) for scene in scenes], "rows": rows, "photos": photos}
    data = json.dumps(content, separators=(",", ":")).encode()
    arguments.out.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{arguments.out}: {len(rows)} rows, {len(scenes)} scenes, {len(photos)} photos, {arguments.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
