"""Finding skills and running them: built-in ones, those of other packages, and a user's own folder."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import traceback
from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from assistant.errors import ConfigError, ModelError, SkillError
from assistant.intents import Intent
from assistant.skills import Reply, Services, Skill
from assistant.understanding.grammar import Sentences

log = logging.getLogger(__name__)

BUILT_IN = (
    "home_control",
    "media",
    "home_questions",
    "undo",
    "timers",
    "alarms",
    "reminders",
    "lists",
    "later",
    "clock",
    "volume",
    "dialogue",
    "sight",
    "taught",
    "questions",
)
"""Modules of this package that hold skills."""

ENTRY_POINTS = "assistant.skills"
"""The group of entry points by which another package offers a module of skills, or a single skill."""


class Skills:
    """All skills by the intent they answer. A later one replaces an earlier: built-in < other packages < the user's folder.

    folder: the user's skills, every *.py in it; None = none. A file that fails is left out and told of in `problems`.
    """

    problems: tuple[str, ...]
    """One line for each skill that could not be loaded: file, line, what is wrong."""

    def __init__(self, services: Services, *, folder: Path | None = None, extra: Iterable[Skill] = ()) -> None:
        self._services = services
        self._skills: dict[str, Skill] = {}
        problems: list[str] = []
        for name in BUILT_IN:
            self._add(_skills_in(importlib.import_module(f"assistant.skills.{name}")))
        problems.extend(self._load_entry_points())
        if folder is not None and folder.is_dir():
            for path in sorted(folder.glob("*.py")):
                problems.extend(self._load_file(path))
        self._add(extra)
        self.sentences = tuple(_sentences(self._skills.values()))
        self.problems = tuple(problems)

    @property
    def names(self) -> frozenset[str]:
        """The intents that can be answered."""
        return frozenset(self._skills)

    async def run(self, intent: Intent) -> Reply:
        """Answer an intent. Raises SkillError, with a sentence to speak, when that is not possible."""
        skill = self._skills.get(intent.name)
        if skill is None:
            raise SkillError("Sorry, I cannot do that yet.")
        try:
            return await skill.function(skill.convert(intent), self._services)
        except (SkillError, ModelError, ConfigError):  # a sentence to speak; or what has to be installed or set up first
            raise
        except Exception as error:  # a skill is foreign code: whatever it raises, the assistant goes on
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error("the skill for %s failed: %s at %s:%s", intent.name, type(error).__name__, frame.filename, frame.lineno)
            raise SkillError("Sorry, something went wrong with that.") from error

    def _add(self, skills: Iterable[Skill]) -> None:
        for skill in skills:
            self._skills.update(dict.fromkeys(skill.names, skill))

    def _load_entry_points(self) -> list[str]:
        problems = []
        for point in entry_points(group=ENTRY_POINTS):
            try:
                found = point.load()
            except Exception as error:  # another package's import may fail in any way
                problems.append(f"{point.value}: {type(error).__name__}: {error}")
                continue
            self._add(_skills_in(found) if isinstance(found, ModuleType) else [found])
        return problems

    def _load_file(self, path: Path) -> list[str]:
        """Import one of the user's files; what is wrong with it, or []."""
        spec = importlib.util.spec_from_file_location(f"assistant_user_skills.{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # the user's code may fail in any way
            return [f"{path}:{_line(path, error)}: {type(error).__name__}: {error}"]
        found = _skills_in(module)
        if not found:
            return [f"{path}:1: no skill in this file: put @skill(...) before an async function"]
        self._add(found)
        return []


def _skills_in(module: ModuleType) -> list[Skill]:
    return [value for value in vars(module).values() if isinstance(value, Skill)]


def _sentences(skills: Iterable[Skill]) -> Iterable[Sentences]:
    """The grammar that skills bring along; built-in ones have theirs in en.yaml."""
    for skill in dict.fromkeys(skills):
        if skill.sentences:
            yield Sentences(skill.names[0], skill.sentences, skill.lists)


def _line(path: Path, error: Exception) -> int:
    """The line of the user's file at which loading it failed."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines and lines[-1] is not None else 1
