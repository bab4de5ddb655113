"""What is in view, with the names that things were given: what the skills about sight work with."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.engines import SeenObject, Sight
from assistant.sight import Eyes
from assistant.sight.appearance import Box, windows
from assistant.sight.linking import known_in_view

PERSON = 0.25
"""Score from which somebody is there: .2 and .25 were best of seven from .15 to .5 on 126 photos of COCO."""

NAMED = 0.3
"""Score from which a thing is counted, found or told of."""


@dataclass(frozen=True, slots=True)
class View:
    """What a skill sees: things with their taught names. names: for each thing, its label or what it was called."""

    sight: Sight
    names: tuple[str, ...]
    places: tuple[Box, ...]
    scores: tuple[float, ...]
    taught: frozenset[str]

    def called(self, name: str) -> list[int]:
        """The things of a label or taught name, the surest first."""
        labels = [thing.label for thing in self.sight.objects]
        return [
            place
            for place, told in enumerate(self.names)
            if told == name or (place < len(labels) and labels[place] == name and self.scores[place] >= NAMED)
        ]


def view_of(eyes: Eyes) -> View:
    """The present frame. Blocking; raises SkillError, ModelError."""
    sight = eyes.look()
    boxes = windows([thing.box for thing in sight.objects])
    names = [thing.label for thing in sight.objects]
    scores = [thing.score for thing in sight.objects]
    places = [thing.box for thing in sight.objects]
    for known in known_in_view(eyes, sight):
        if known.place < len(sight.objects):
            names[known.place] = known.name
        else:
            names.append(known.name)
            scores.append(known.likeness)
            places.append(boxes[known.place])
    return View(sight, tuple(names), tuple(places), tuple(scores), frozenset(eyes.names.names))


def people(sight: Sight) -> list[SeenObject]:
    """The people in view."""
    return [thing for thing in sight.objects if thing.label == "person" and thing.score >= PERSON]
