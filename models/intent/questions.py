"""Sentences about scenes, with the right answers: the rows the picture half is trained and tested on.

A row pairs one scene with one sentence. What is right follows from what is really there (`Scene.truth`), not from what the
detector says; only where no picture shows the thing that is meant, training asks for Clarify (`Row.learned`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.engines import Floats, SeenObject, Sight
from assistant.engines.boxes import COCO
from assistant.engines.sight_memory import FRAMES, TRACKS, remember
from models.intent import sentences as text
from models.intent.labels import ACTIONS, CLARIFY, CONTROLLABLE, action_intent
from models.intent.noise import noisy
from models.intent.scene import Box, Scene, Truth
from models.intent.scenes import matched
from models.intent.sentences import Sentence

SYNONYMS = {
    "tv": ["tv", "television", "screen", "telly"],
    "laptop": ["laptop", "computer", "notebook"],
    "cell phone": ["cell phone", "phone", "mobile", "smartphone"],
    "refrigerator": ["refrigerator", "fridge"],
    "couch": ["couch", "sofa"],
    "potted plant": ["potted plant", "plant"],
    "bicycle": ["bicycle", "bike"],
    "airplane": ["airplane", "plane"],
    "motorcycle": ["motorcycle", "motorbike"],
    "dining table": ["dining table", "table"],
    "sports ball": ["sports ball", "ball"],
    "remote": ["remote", "remote control"],
    "person": ["person", "man", "woman"],
    "cup": ["cup", "mug"],
    "hair drier": ["hair drier", "hair dryer"],
    "teddy bear": ["teddy bear", "teddy"],
}
"""What people call things; the first word is COCO's own."""

SHARES = {
    "off": 9, "on": 9, "up": 9, "down": 9, "pause": 7, "resume": 6, "what": 10, "who": 7, "exists": 10, "count": 8, "where": 8,
    "read": 3, "describe": 2, "remember": 4, "none": 7,
}  # fmt: skip
"""How often each family is asked."""

SEVERAL = 2.5
"""How many times more salient one of two possible things must be to be the one that is meant without saying which."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One sentence about one scene.

    tracks: see sight_memory.remember. intent: what is right; learned: what training asks for. pointer: float32 (TRACKS + 1,), the
    share of each track and, last, of "none". match: int8 (TRACKS,), whether each track is of the kind the sentence names, -1
    unknown. yes: 1, 0 or -1 for no yes/no question. count: -1 when it is not asked. side: "left", "right", "near", "far" or "".
    target: number of the meant thing in the scene's truth, -1 for none or several.
    """

    sentence: Sentence
    scene: Scene
    tracks: Floats
    intent: str
    learned: str
    pointer: Floats
    match: np.ndarray
    yes: int = -1
    count: int = -1
    side: str = ""
    target: int = -1


def area(box: Box) -> float:
    """Part of the picture."""
    return (box[2] - box[0]) * (box[3] - box[1])


def salience(box: Box) -> float:
    """How much a thing stands out: its area, less the further it is from the middle."""
    away = ((box[0] + box[2]) / 2 - 0.5) ** 2 + ((box[1] + box[3]) / 2 - 0.5) ** 2
    return area(box) * math.exp(-4 * away)


def track_truth(tracks: Floats, truth: tuple[Truth, ...]) -> list[int | None]:
    """For every track the true thing its latest box shows."""
    found: list[int | None] = []
    for number in range(TRACKS):
        seen = [tracks[age, number] for age in range(FRAMES) if tracks[age, number, 84] > 0]
        if not seen:
            found.append(None)
            continue
        x, y, width, height = (float(value) for value in seen[-1][80:84])
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found.append(matched(SeenObject("", 0, box, seen[-1][:80], seen[-1][:0]), truth))
    return found


def choose_side(truth: Sequence[Truth], numbers: Sequence[int], random_: random.Random) -> tuple[str, int] | None:
    """A way to tell one of several things from the others, and which one that is: ("left", 3)."""
    middles = {number: (truth[number].box[0] + truth[number].box[2]) / 2 for number in numbers}
    areas = {number: salience(truth[number].box) for number in numbers}
    ways = []
    by_x, by_area = sorted(numbers, key=middles.__getitem__), sorted(numbers, key=areas.__getitem__)
    if middles[by_x[1]] - middles[by_x[0]] > 0.15:
        ways.append(("left", by_x[0]))
    if middles[by_x[-1]] - middles[by_x[-2]] > 0.15:
        ways.append(("right", by_x[-1]))
    if len(numbers) == 2 and areas[by_area[1]] > 2 * areas[by_area[0]]:
        ways += [("near", by_area[1]), ("far", by_area[0])]
    return random_.choice(ways) if ways else None


SMALLEST = 0.01
"""Part of the picture below which a thing is too small for anybody to ask about it; such questions are not asked."""

NOTHING = 0.3
"""Part of the commands without anything to control that are kept: about one row in five of all commands."""


class Asker:
    """Makes rows. held_out: with the wordings kept for testing; home: explicit commands to be asked in front of a picture."""

    def __init__(self, held_out: bool, home: Sequence[Sentence], seed: int) -> None:
        self._random = random.Random(seed)
        self._home = home
        self._wordings = {family: text.wordings(family, held_out) for family in SHARES if family != "none"}
        self._sides = text.side_phrases(held_out)
        self._noise = (0.2, 0.08)

    def ask(self, scene: Scene, family: str = "") -> Row | None:
        """A row about a scene; None when the question makes no sense there."""
        family = family or self._random.choices(list(SHARES), list(SHARES.values()))[0]
        tracks = remember(scene.sights)
        shown = track_truth(tracks, scene.truth)
        if family == "none":
            sentence = self._random.choice(self._home)
            return self._row(sentence, scene, tracks, shown, sentence.intent)
        if family in ACTIONS or family in ("what", "remember"):
            return self._point(family, scene, tracks, shown)
        if family in ("who", "exists", "count", "where"):
            return self._kind(family, scene, tracks, shown)
        sentence = self._say(family, "")
        return self._row(sentence, scene, tracks, shown, sentence.intent)

    def _say(self, family: str, words: str, kind: Callable[[str], bool] = lambda wording: True) -> Sentence:
        wording = self._random.choice([one for one in self._wordings[family] if kind(one)])
        sentence = text.fill(wording, family, words, self._random)
        return noisy([sentence], self._random.randrange(1 << 30), *self._noise)[0]

    def _point(self, family: str, scene: Scene, tracks: Floats, shown: list[int | None]) -> Row | None:
        """Sentences that mean one thing in view."""
        truth = scene.truth
        acts = family in ACTIONS
        fits = [n for n, one in enumerate(truth) if (action_intent(family, one.label) != CLARIFY if acts else one.label != "")]
        if any(area(truth[n].box) < SMALLEST for n in fits):
            return None
        if acts and not fits and self._random.random() > NOTHING:
            return None
        if not acts and (not fits or len(fits) < len(truth)):
            return None
        side, targets = "", fits
        if len(fits) > 1:
            by_salience = sorted(fits, key=lambda n: -salience(truth[n].box))
            way = choose_side(truth, fits, self._random) if family != "remember" and self._random.random() < 0.75 else None
            if way:
                side, targets = way[0], [way[1]]
            elif salience(truth[by_salience[0]].box) > SEVERAL * salience(truth[by_salience[1]].box):
                targets = by_salience[:1]
            elif not acts:
                return None
        words = self._random.choice(self._sides[side]) if side else ""
        sentence = self._say(family, words, lambda wording: not side or "<" in wording)
        intents = {action_intent(family, truth[n].label) for n in targets} if acts else {sentence.intent}
        intent = intents.pop() if len(intents) == 1 else CLARIFY
        return self._row(sentence, scene, tracks, shown, intent, targets, side)

    def _kind(self, family: str, scene: Scene, tracks: Floats, shown: list[int | None]) -> Row | None:
        """Sentences about things of a kind."""
        labels = sorted({one.label for one in scene.truth if one.label})
        present = bool(labels) and self._random.random() < (0.5 if family == "exists" else 0.8)
        label = "person" if family == "who" else self._random.choice(labels if present else COCO)
        targets = [n for n, one in enumerate(scene.truth) if one.label == label]
        if any(area(scene.truth[n].box) < SMALLEST for n in targets) or (family == "where" and len(targets) > 1):
            return None
        sentence = self._say(family, "" if family == "who" else self._random.choice(SYNONYMS.get(label, [label])))
        yes = int(bool(targets)) if family in ("who", "exists") else -1
        if sentence.group in ALONE:
            yes = 1 - yes
        row = self._row(sentence, scene, tracks, shown, sentence.intent, targets[:1] if len(targets) == 1 else targets)
        match = np.array(
            [-1 if not seen else int(n in targets) for n, seen in zip(shown, _present(tracks), strict=True)], np.int8
        )
        count = len(targets) if family == "count" else -1
        return Row(row.sentence, scene, tracks, row.intent, row.learned, row.pointer, match, yes, count, "", row.target)

    def _row(
        self,
        sentence: Sentence,
        scene: Scene,
        tracks: Floats,
        shown: list[int | None],
        intent: str,
        targets: Sequence[int] = (),
        side: str = "",
    ) -> Row:
        pointer = np.zeros(TRACKS + 1, np.float32)
        for number, thing in enumerate(shown):
            pointer[number] = thing is not None and thing in targets
        found = pointer.sum() > 0
        pointer = pointer / pointer.sum() if found else pointer
        pointer[-1] = not found
        learned = CLARIFY if targets and not found and sentence.family in ACTIONS else intent
        unknown = np.full(TRACKS, -1, np.int8)
        target = targets[0] if len(targets) == 1 else -1
        return Row(sentence, scene, tracks, intent, learned, pointer, unknown, side=side, target=target)


ALONE = ("is the room empty", "are we alone", "am i alone in here", "am i alone")
"""Wordings to which "yes" means that nobody is there."""


def _present(tracks: Floats) -> list[bool]:
    return [bool(tracks[:, number, 84].any()) for number in range(TRACKS)]


# Imagined scenes ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Bank:
    """What the detector said in training pictures. right: class -> score vectors of true boxes; false: those of false ones."""

    right: dict[str, list[Floats]]
    false: list[SeenObject]
    missed: float


def learn_bank(scenes: Sequence[Scene]) -> Bank:
    """Collects the detector's answers to things larger than 2 % of a picture."""
    right: dict[str, list[Floats]] = {}
    false, there, found = [], 0, 0
    for scene in scenes:
        shown = [matched(thing, scene.truth) for thing in scene.sights[-1].objects]
        for thing, number in zip(scene.sights[-1].objects, shown, strict=True):
            if number is None:
                false.append(thing)
            elif scene.truth[number].label:
                right.setdefault(scene.truth[number].label, []).append(thing.scores)
        large = [n for n, one in enumerate(scene.truth) if one.label and salience(one.box) > 0.02]
        there, found = there + len(large), found + sum(n in shown for n in large)
    return Bank(right, false, 1 - found / max(there, 1))


PAIRS = 0.5
"""Part of the imagined scenes with two or more controllable things: there left, right, near and far are learned."""


def imagine(bank: Bank, random_: random.Random) -> Scene:
    """A scene without a picture."""
    truth, sights = [], []
    pair = random_.random() < PAIRS
    for place in range(random_.choice((2, 2, 3, 4) if pair else (0, 1, 1, 2, 2, 3, 3, 4, 5))):
        label = (
            random_.choice(CONTROLLABLE)
            if random_.random() < 0.5 or (pair and place < 2)
            else random_.choice((*COCO, *["person"] * 12))
        )
        width, height = (random_.choice((0.1, 0.2, 0.3, 0.5)) * random_.uniform(0.7, 1.5) for _ in range(2))
        x, y = random_.uniform(0, 1 - width), random_.uniform(0, 1 - height)
        truth.append(Truth(label, (x, y, x + width, y + height)))
    ghosts = [random_.choice(bank.false) for _ in range(random_.choice((0, 0, 1, 2)))] if bank.false else []
    for _ in range(FRAMES):
        things = [_imagined(one, bank, random_) for one in truth if random_.random() > bank.missed]
        things += [ghost for ghost in ghosts if random_.random() < 0.6]
        things.sort(key=lambda thing: -thing.score)
        sights.append(Sight(tuple(things[:8])))
    return Scene(tuple(sights), tuple(truth), "imagined")


def _imagined(one: Truth, bank: Bank, random_: random.Random) -> SeenObject:
    """A detection of a thing: scores of a real one of its class, or of another class with the two classes exchanged."""
    place = COCO.index(one.label)
    known = bank.right.get(one.label, [])
    if len(known) >= 8 and random_.random() < 0.7:
        scores = random_.choice(known)
    else:
        other = random_.choice([label for label, vectors in bank.right.items() if len(vectors) >= 3])
        scores = random_.choice(bank.right[other]).copy()
        scores[[place, COCO.index(other)]] = scores[[COCO.index(other), place]]
    shift = [random_.gauss(0, 0.015) for _ in range(4)]
    x1, y1, x2, y2 = (min(max(value + move, 0.0), 1.0) for value, move in zip(one.box, shift, strict=True))
    best = int(scores.argmax())
    return SeenObject(COCO[best], float(scores[best]), (x1, y1, max(x2, x1 + 0.01), max(y2, y1 + 0.01)), scores, scores[:0])
