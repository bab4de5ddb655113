"""Whether sentences get in each other's way: said by two commands, or by the assistant already."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from hassil.expression import Alternative, Expression, Group, ListReference, Permutation, TextChunk
from hassil.parse_expression import parse_sentence

from assistant.commands.document import Problem, Section, read_document
from assistant.commands.slots import Slots, slots_of
from assistant.commands.sound import alike
from assistant.skills import ListSpec

if TYPE_CHECKING:
    from assistant.commands.reading import Command, CommandFile

SAMPLES = 64
"""Sentences tried of a template: enough for two lists of eight words."""

SAMPLES_HEARD = 8
MOST_COMPARED = 160
"""Sentences of a template, and of all of them, whose sounds are compared: about a second of work."""


def slots_of_all(entry: Section, problems: list[Problem]) -> list[Slots]:
    """The slots of each of a command's templates; brackets that do not fit become problems."""
    result = []
    for node in entry.text_nodes("sentences", []):
        read = slots_of(node)
        if isinstance(read, Problem):
            problems.append(read)
        else:
            result.append(read)
    return result


def check_sentences(
    path: Path,
    commands: Sequence[Command],
    others: Sequence[CommandFile],
    built_in: Callable[[str], str] | None,
) -> list[Problem]:
    """The clashes of a file's sentences: with each other, with other files, and with what is understood already (a warning)."""
    owners = {
        sample: f"{command.name} in {file.path.name}"
        for file in others
        for command in file.commands
        for sample in _samples_of(command)
    }
    places = _places(path)
    understood = built_in or _default_home_intent()
    problems: list[Problem] = []
    for command in commands:
        for template in command.sentences:
            node = places.get((command.name, template))
            if node is None or isinstance(slots_of(node), Problem):
                continue
            problems.extend(_clashes(node, command, template, owners, understood))
    return problems


def _clashes(
    node: yaml.ScalarNode, command: Command, template: str, owners: dict[str, str], understood: Callable[[str], str]
) -> Iterator[Problem]:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    samples = list(_samples(template, command.lists))
    twice = next((sample for sample in samples if owners.get(sample, command.name) != command.name), None)
    if twice is not None:
        owner = owners[twice] if " in " in owners[twice] else f"{owners[twice]} in this file"
        yield Problem(line, column, f'"{twice}" is said for {owner} too', "change one of the two sentences")
    owners.update((sample, owners.get(sample, command.name)) for sample in samples)
    known = next(((sample, intent) for sample in samples if (intent := understood(sample))), None)
    if known is not None:
        message = f'"{known[0]}" is understood already, as {known[1]}; your command wins'
        yield Problem(line, column, message, "change the sentence if that is not what you want", serious=False)


def check_sounds(path: Path, commands: Sequence[Command]) -> Iterator[Problem]:
    """Warnings: words of one list, and sentences of different commands, that sound alike."""
    lists = {
        name: tuple(spec) for command in commands for name, spec in command.lists.items() if not isinstance(spec, (str, range))
    }
    lines = path.read_text("utf-8").splitlines()
    for name, values in lists.items():
        line = next((place for place, text in enumerate(lines, 1) if re.match(rf"\s*{re.escape(name)}\s*:", text)), 1)
        for one, other in alike([value.lower() for value in values[:MOST_COMPARED]]):
            yield Problem(line, 1, f'"{one}" and "{other}" sound alike', "use words that differ more", serious=False)
    places = _places(path)
    owners = {
        sample: (command.name, template)
        for command in commands
        for template in command.sentences
        if (node := places.get((command.name, template))) is not None and not isinstance(slots_of(node), Problem)
        for sample in itertools.islice(_samples(template, command.lists), SAMPLES_HEARD)
    }
    told = set()
    for one, other in alike(list(owners)[:MOST_COMPARED]):
        if owners[one][0] != owners[other][0] and owners[other] in places and (owners[one], owners[other]) not in told:
            told.add((owners[one], owners[other]))
            mark = places[owners[other]].start_mark
            message = f'"{other}" sounds like "{one}" of {owners[one][0]}'
            yield Problem(mark.line + 1, mark.column + 1, message, "use words that differ more", serious=False)


def _places(path: Path) -> dict[tuple[str, str], yaml.ScalarNode]:
    """(command, template) -> its place in the file."""
    root = read_document(path, [])
    commands = root.section("commands", []) if root is not None else None
    if commands is None:
        return {}
    return {(name, str(node.value)): node for name, entry in commands.sections([]) for node in entry.text_nodes("sentences", [])}


def _default_home_intent() -> Callable[[str], str]:
    from assistant.home import load_home
    from assistant.understanding import Understanding

    return Understanding(load_home()).matches


def _samples_of(command: Command) -> Iterator[str]:
    for template in command.sentences:
        yield from _samples(template, command.lists)


def _samples(template: str, lists: dict[str, ListSpec] | object) -> Iterator[str]:
    """Some of the sentences that a template stands for, in lower case."""
    known = lists if isinstance(lists, dict) else {}
    for text in itertools.islice(_expand(parse_sentence(template).expression, known), SAMPLES):
        yield " ".join(text.lower().split())


def _expand(expression: Expression, lists: dict[str, ListSpec]) -> Iterator[str]:
    if isinstance(expression, TextChunk):
        yield expression.original_text or expression.text
    elif isinstance(expression, ListReference):
        yield from _words(lists.get(expression.list_name, "text"), expression.list_name)
    elif isinstance(expression, Alternative):
        for item in expression.items:
            yield from _expand(item, lists)
    elif isinstance(expression, (Permutation, Group)):
        yield from _sequence(expression.items, lists)


def _sequence(items: Sequence[Expression], lists: dict[str, ListSpec]) -> Iterator[str]:
    if not items:
        yield ""
        return
    for first in _expand(items[0], lists):
        for rest in _sequence(items[1:], lists):
            yield first + rest


def _words(spec: ListSpec, name: str) -> Iterator[str]:
    """A few of the words of a list; a {wildcard} stands for itself."""
    if isinstance(spec, range):
        yield str(spec[0])
    elif isinstance(spec, str):
        yield f"some {name}"
    else:
        yield from itertools.islice(spec, 8)
