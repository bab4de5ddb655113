"""A YAML document whose every value knows its line, so that a mistake can be pointed at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

MOST_NESTED, MOST_NODES = 100, 100_000
"""Brackets within brackets, and values with every alias written out, beyond which a file is no person's."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file. line, column: from 1. fix: what to write instead, "" = obvious. serious: False = a warning only."""

    line: int
    column: int
    message: str
    fix: str = ""
    serious: bool = True

    def __str__(self) -> str:
        """line:column: message (fix)"""
        return f"{self.line}:{self.column}: {self.message}" + (f" ({self.fix})" if self.fix else "")


class Section:
    """A mapping of the document. Its readers add a Problem for what is of the wrong kind and go on."""

    def __init__(self, node: yaml.MappingNode, place: yaml.Node) -> None:
        self._node = node
        self._place = place
        self._values = {str(key.value): (key, value) for key, value in node.value}

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def names(self) -> list[str]:
        """The keys in the order of the file."""
        return list(self._values)

    def node(self, key: str) -> yaml.Node:
        """The value of a key that is there."""
        value: yaml.Node = self._values[key][1]
        return value

    def problem(self, message: str, fix: str = "", key: str = "") -> Problem:
        """A mistake at a key, or at the section itself."""
        return at(self._values[key][0] if key in self._values else self._place, message, fix)

    def only(self, known: Sequence[str], problems: list[Problem]) -> None:
        """Complain about keys that are unknown or said twice."""
        for key, _ in self._values.values():
            if key.value not in known:
                close = get_close_matches(str(key.value), known, n=1, cutoff=0.5)
                fix = f'did you mean "{close[0]}"?' if close else f"known keys: {', '.join(known)}"
                problems.append(at(key, f'unknown key "{key.value}"', fix))
        _no_doubles(self._node, problems)

    def section(self, key: str, problems: list[Problem]) -> Section | None:
        """The mapping under a key; None when there is none."""
        if key not in self._values:
            return None
        place, value = self._values[key]
        if not isinstance(value, yaml.MappingNode):
            problems.append(at(place, f'"{key}" must have keys below it', f"{key}:, then two spaces more on the next line"))
            return None
        return Section(value, place)

    def sections(self, problems: list[Problem]) -> Iterator[tuple[str, Section]]:
        """All values, which are mappings themselves, by name."""
        _no_doubles(self._node, problems)
        for name in self._values:
            entry = self.section(name, problems)
            if entry is not None:
                yield name, entry

    def text(self, key: str, problems: list[Problem]) -> str | None:
        """The single value under a key as text; None when there is none."""
        if key not in self._values:
            return None
        place, value = self._values[key]
        if not isinstance(value, yaml.ScalarNode):
            hint = 'put a text that begins with "{" in quotes' if isinstance(value, yaml.MappingNode) else "write one text"
            problems.append(at(place, f'"{key}" must be one text', hint))
            return None
        return str(value.value)

    def texts(self, key: str, problems: list[Problem]) -> tuple[str, ...]:
        """The list of texts under a key; () when there is none."""
        return tuple(str(node.value) for node in self.text_nodes(key, problems))

    def text_nodes(self, key: str, problems: list[Problem]) -> list[yaml.ScalarNode]:
        """The same with their places."""
        if key not in self._values:
            return []
        place, value = self._values[key]
        if not isinstance(value, yaml.SequenceNode):
            problems.append(at(place, f'"{key}" must be a list', "write each on a line of its own that begins with -"))
            return []
        nodes = [node for node in value.value if isinstance(node, yaml.ScalarNode)]
        for node in value.value:
            if not isinstance(node, yaml.ScalarNode):
                problems.append(at(node, f'an entry of "{key}" is not a text', 'put it in quotes: - "[the] {slot}"'))
        return nodes

    def number(self, key: str, default: float, problems: list[Problem]) -> float:
        """The positive number under a key."""
        text = self.text(key, problems)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = 0.0
        if value <= 0:
            problems.append(self.problem(f'"{key}" must be a number above 0', f"{key}: {default:g}", key=key))
            return default
        return value


def at(node: yaml.Node, message: str, fix: str = "", serious: bool = True) -> Problem:
    """A problem where a node begins."""
    return Problem(node.start_mark.line + 1, node.start_mark.column + 1, message, fix, serious)


def plain(node: yaml.Node) -> Any:
    """A node as plain Python values. Dates and the like stay text."""
    if isinstance(node, yaml.MappingNode):
        return {plain(key): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    if node.tag.endswith((":int", ":float", ":bool", ":null")):
        return yaml.safe_load(node.value)
    return node.value


def read_document(path: Path, problems: list[Problem]) -> Section | None:
    """The file's top mapping; None, with a problem, when there is none. Raises RecursionError when it is nested too deeply."""
    try:
        text = path.read_text(encoding="utf-8")
        if _depth(text) > MOST_NESTED:
            raise RecursionError
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None and _size(node, {}) > MOST_NODES:
            raise RecursionError
    except OSError as error:
        problems.append(Problem(1, 1, f"the file cannot be read: {error.strerror}"))
        return None
    except UnicodeDecodeError:
        problems.append(Problem(1, 1, "the file is not text in UTF-8", "save it as UTF-8"))
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        problems.append(
            Problem(line, column, f"not valid YAML: {error.problem or 'syntax error'}", _yaml_fix(str(error.problem)))
        )
        return None
    except yaml.YAMLError:
        problems.append(Problem(1, 1, "not valid YAML", "remove control characters"))
        return None
    if not isinstance(node, yaml.MappingNode):
        problems.append(Problem(1, 1, "the file has no commands", "begin it with commands:"))
        return None
    return Section(node, node)


def _depth(text: str) -> int:
    """How deeply brackets are nested. PyYAML's time grows with the square of it: a page of brackets would hold it for minutes."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are once every alias is written out. An anchor that holds itself counts as MOST_NODES."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES  # while its contents are counted
    parts: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        parts = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        parts = node.value
    known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def _yaml_fix(problem: str) -> str:
    if "\\t" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values" in problem:
        return "put the text in quotes, and check the indentation"
    if "found character" in problem or "expected" in problem:
        return 'put sentences in quotes: - "[turn on] the {thing}"; check brackets and indentation'
    return "check quotes and indentation"


def _no_doubles(node: yaml.MappingNode, problems: list[Problem]) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.value in seen:
            problems.append(at(key, f'"{key.value}" is there twice', "keep one"))
        seen.add(key.value)
