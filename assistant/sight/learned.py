"""The names of things that the user has taught ("this is the reading lamp"), kept on the disk as numbers, never as pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.engines import Floats, Pixels
from assistant.engines.prepared import write_once
from assistant.errors import SkillError
from assistant.sight.appearance import LENGTH, Box, describe, likeness

NAMES_FILE = "learned_names.json"
"""In the state folder."""

ALIKE = 0.64
"""Likeness from which a thing is taken for a named one: 95 % of changed views, 0.1 % of other things (`assistant bench eyes`)."""

VIEWS = 4
"""Looks of one thing that are kept; the oldest goes first."""


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A named thing. name: as it was said; label: what the detector took it for, "" = nothing; looks: see `describe`."""

    name: str
    label: str
    looks: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A named thing in a picture. name: its name; place: index of the box it fits best; likeness: 0..1."""

    name: str
    place: int
    likeness: float


class LearnedNames:
    """All that has been taught. file: where it is kept; None = in memory alone. A damaged file counts as empty."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._things = {thing.name: thing for thing in _read(file)}

    @property
    def names(self) -> tuple[str, ...]:
        """The names, oldest first; () after the file was deleted, as `assistant forget` does."""
        if self._things and self._file is not None and not self._file.exists():
            self._things = {}
        return tuple(self._things)

    def learn(self, name: str, label: str, pixels: Pixels, box: Box) -> None:
        """A thing's name and looks. One more look when the name is known. Raises SkillError when the disk is full."""
        before = self._things.get(name)
        looks = (*(before.looks if before else ()), describe(pixels, box))[-VIEWS:]
        self._things[name] = Learned(name, label, looks)
        self._write()

    def forget(self, name: str = "") -> bool:
        """Forget one name, or all for "". Whether there was anything to forget."""
        gone = [name] if name in self._things else [] if name else list(self._things)
        for key in gone:
            del self._things[key]
        if gone:
            self._write()
        return bool(gone)

    def known(self, pixels: Pixels, boxes: list[Box], labels: list[str]) -> list[Known]:
        """Which named things are in a picture, the most alike first, each box and each name at most once.

        boxes: where to look; labels: what the detector takes each for, "" = nothing. A box that is clearly something else than
        what the name was given to is no match.
        """
        if not self.names:
            return []
        looks = [describe(pixels, box) for box in boxes]
        pairs = [
            Known(thing.name, place, max(likeness(look, other) for other in thing.looks))
            for thing in self._things.values()
            for place, look in enumerate(looks)
            if not (labels[place] and thing.label and labels[place] != thing.label)
        ]
        found: list[Known] = []
        for pair in sorted(pairs, key=lambda pair: -pair.likeness):
            taken = any(pair.name == other.name or pair.place == other.place for other in found)
            if pair.likeness >= ALIKE and not taken:
                found.append(pair)
        return found

    def _write(self) -> None:
        if self._file is None:
            return
        things = [
            {
                "name": thing.name,
                "label": thing.label,
                "looks": [[round(float(value), 4) for value in look] for look in thing.looks],
            }
            for thing in self._things.values()
        ]
        text = json.dumps({"version": 1, "things": things})
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if not things:
                self._file.unlink(missing_ok=True)
                return
            write_once(self._file, lambda file: file.write(text.encode()))
        except OSError as error:
            raise SkillError("I could not keep that name: the disk is full or cannot be written.") from error


def _read(file: Path | None) -> list[Learned]:
    if file is None or not file.exists():
        return []
    try:
        things = json.loads(file.read_text("utf-8"))["things"]
        found = [
            Learned(str(entry["name"]), str(entry["label"]), tuple(np.asarray(look, np.float32) for look in entry["looks"]))
            for entry in things
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return [thing for thing in found if thing.looks and all(look.shape == (LENGTH,) for look in thing.looks)]
