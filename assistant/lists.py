"""Lists that are kept for people: what to buy, what to do. One small JSON file with what was said, because it was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from assistant.damaged import move_aside
from assistant.engines.prepared import write_once
from assistant.errors import SkillError

LISTS_FILE = "lists.json"
"""Its name in the state folder."""


class Lists:
    """All lists by name, the things on each in the order they were put there. file: where they are kept; None = in memory alone.

    A damaged file is moved aside. Every change raises SkillError when it cannot be kept, and then nothing is changed.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lists: dict[str, list[str]] | None = None

    def things(self, name: str) -> tuple[str, ...]:
        """What is on a list."""
        return tuple(self._read().get(name, ()))

    def add(self, name: str, things: Sequence[str]) -> tuple[str, ...]:
        """Put things on a list, each once. What was not there yet."""
        there = self.things(name)
        new = [thing for thing in dict.fromkeys(things) if thing not in there]
        if new:
            self._write(name, [*there, *new])
        return tuple(new)

    def remove(self, name: str, things: Sequence[str]) -> tuple[str, ...]:
        """Take things off a list. What was there."""
        there = self.things(name)
        gone = tuple(thing for thing in there if thing in things)
        if gone:
            self._write(name, [thing for thing in there if thing not in gone])
        return gone

    def _read(self) -> dict[str, list[str]]:
        """Read anew after `assistant forget` has deleted the file."""
        if self._lists is None or (self._file is not None and not self._file.exists()):
            self._lists = self._loaded()
        return self._lists

    def _loaded(self) -> dict[str, list[str]]:
        if self._file is None or not self._file.exists():
            return {}
        try:
            stored = json.loads(self._file.read_text("utf-8"))["lists"]
            return {str(name): [str(thing) for thing in things] for name, things in stored.items()}
        except OSError as error:
            raise SkillError("I cannot read the lists.") from error
        except (ValueError, KeyError, TypeError, AttributeError):
            move_aside(self._file, "lists")
            return {}

    def _write(self, name: str, things: list[str]) -> None:
        lists = {key: value for key, value in {**self._read(), name: things}.items() if value}
        text = json.dumps({"version": 1, "lists": lists}, ensure_ascii=False)
        if self._file is not None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_once(self._file, lambda file: file.write(text.encode()))
            except OSError as error:
                raise SkillError("I could not keep the list: the disk is full or cannot be written.") from error
        self._lists = lists
