"""Reading command files: YAML into commands, and every mistake with its line, its column and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from assistant.commands.document import Problem, Section, plain, read_document
from assistant.commands.sentences import check_sentences, check_sounds, slots_of_all
from assistant.commands.slots import check_slots
from assistant.errors import ConfigError
from assistant.skills import ListSpec

COMMAND_KEYS = ("sentences", "lists", "mqtt", "shell", "http", "reply")
ACTION_KEYS = ("mqtt", "shell", "http")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
DEFAULT_TIMEOUT_S = 10.0
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True, slots=True)
class MqttMessage:
    """Publish `payload` to `topic`; both may hold {slots}."""

    topic: str
    payload: str


@dataclass(frozen=True, slots=True)
class ShellCall:
    """Run a program with these arguments, the first is the program; stop it after timeout_s seconds."""

    arguments: tuple[str, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class HttpCall:
    """Call an address of this machine, or of the host that the file allows. json: the body, None = none."""

    url: str
    method: str
    json: Any
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Command:
    """One command: sentences, the lists of their {slots}, what to do (None = only reply) and what to say (None = "Done.")."""

    name: str
    sentences: tuple[str, ...]
    lists: Mapping[str, ListSpec]
    action: MqttMessage | ShellCall | HttpCall | None
    reply: str | None


@dataclass(frozen=True, slots=True)
class CommandFile:
    """A file's commands."""

    path: Path
    commands: tuple[Command, ...]


def check_file(
    path: Path, *, others: tuple[CommandFile, ...] = (), built_in: Callable[[str], str] | None = None
) -> list[Problem]:
    """Everything wrong with one file, in the order of its lines; [] = it is fine.

    others: files whose sentences must not be said again. built_in: names the built-in intent of a sentence ("" = none);
    None = that of the default home is asked.
    """
    file, problems = _read(path)
    if file is not None:
        problems.extend(check_sentences(path, file.commands, others, built_in))
        problems.extend(check_sounds(path, file.commands))
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def load_file(path: Path) -> CommandFile:
    """One file's commands. Raises ConfigError with the first mistake."""
    file, problems = _read(path)
    problems.extend(check_sentences(path, file.commands, (), lambda text: "") if file is not None else [])
    serious = [problem for problem in problems if problem.serious]
    if file is None or serious:
        raise ConfigError(f"{path}:{serious[0]}")
    return file


def load_folder(folder: Path | None) -> tuple[tuple[CommandFile, ...], tuple[str, ...]]:
    """The commands of all *.yaml and *.yml files of a folder, and a line for each mistake. A file with mistakes is left out."""
    files: list[CommandFile] = []
    lines: list[str] = []
    if folder is None or not folder.is_dir():
        return (), ()
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        file, problems = _read(path)
        problems.extend(check_sentences(path, file.commands, tuple(files), lambda text: "") if file is not None else [])
        lines.extend(f"{path}:{problem}" for problem in problems)
        if file is not None and not any(problem.serious for problem in problems):
            files.append(file)
    return tuple(files), tuple(lines)


def _read(path: Path) -> tuple[CommandFile | None, list[Problem]]:
    """A file as commands, None when it is no such file at all; with the problems of its form."""
    try:
        return _read_sane(path)
    except RecursionError:
        return None, [Problem(1, 1, "it is nested too deeply", "check brackets, and that no &anchor holds itself")]


def _read_sane(path: Path) -> tuple[CommandFile | None, list[Problem]]:
    """As `_read`. Raises RecursionError for a file that is nested more deeply than any person writes."""
    problems: list[Problem] = []
    root = read_document(path, problems)
    if root is None:
        return None, problems
    root.only(("commands", "lists"), problems)
    shared = _lists(root.section("lists", problems), problems)
    section = root.section("commands", problems)
    if section is None:
        problems.append(root.problem("no commands in this file", "write commands: and below it a name for each command"))
        return None, problems
    commands = [_command(name, entry, shared, problems) for name, entry in section.sections(problems)]
    return CommandFile(path, tuple(command for command in commands if command is not None)), problems


def _command(name: str, entry: Section, shared: Mapping[str, ListSpec], problems: list[Problem]) -> Command | None:
    entry.only(COMMAND_KEYS, problems)
    sentences = entry.texts("sentences", problems)
    if not sentences:
        problems.append(entry.problem(f"the command {name} has no sentences", 'add sentences: ["what you will say"]'))
        return None
    lists = {**shared, **_lists(entry.section("lists", problems), problems)}
    actions = [key for key in ACTION_KEYS if key in entry]
    if len(actions) > 1:
        problems.append(
            entry.problem(f"the command {name} has {' and '.join(actions)}", "keep one; make a second command of the other")
        )
    action = _action(actions[0], entry, problems) if actions else None
    reply = entry.text("reply", problems) if "reply" in entry else None
    if action is None and reply is None and not actions:
        problems.append(entry.problem(f"the command {name} does nothing", "add mqtt:, shell:, http: or reply:"))
    used = list(slots_of_all(entry, problems))
    names = {slot for slots in used for slot in slots.every}
    check_slots(entry, used, lists, actions, problems)
    own = {slot: lists[slot] for slot in lists if slot in names}
    return Command(name, sentences, own, action, reply)


def _action(kind: str, entry: Section, problems: list[Problem]) -> MqttMessage | ShellCall | HttpCall | None:
    section = entry.section(kind, problems)
    if section is None:
        return None
    if kind == "mqtt":
        section.only(("topic", "payload"), problems)
        topic = section.text("topic", problems)
        if not topic:
            problems.append(section.problem("mqtt has no topic", 'add topic: "home/coffee"'))
        return MqttMessage(topic or "", section.text("payload", problems) or "")
    if kind == "shell":
        return _shell(section, problems)
    return _http(section, problems)


def _shell(section: Section, problems: list[Problem]) -> ShellCall:
    section.only(("command", "timeout_s"), problems)
    arguments = section.texts("command", problems)
    if not arguments:
        problems.append(section.problem("shell has no command", 'add command: ["/path/to/program", "argument"]'))
    elif "{" in arguments[0]:
        problems.append(section.problem("the program itself must not be a slot", "write its path", key="command"))
    elif len(arguments) == 1 and " " in arguments[0]:
        fix = 'write each argument on its own: command: ["program", "argument"]; there is no shell here'
        problems.append(section.problem("the program's name has a space", fix, key="command"))
    return ShellCall(arguments or ("",), section.number("timeout_s", DEFAULT_TIMEOUT_S, problems))


def _http(section: Section, problems: list[Problem]) -> HttpCall:
    section.only(("url", "method", "json", "timeout_s", "allow_host"), problems)
    url = section.text("url", problems) or ""
    _check_url(section, url, section.text("allow_host", problems) or "", problems)
    method = (section.text("method", problems) or ("POST" if "json" in section else "GET")).upper()
    if method not in METHODS:
        problems.append(section.problem(f"method {method} is unknown", f"choose one of {', '.join(METHODS)}", key="method"))
    body = plain(section.node("json")) if "json" in section else None
    return HttpCall(url, method, body, section.number("timeout_s", DEFAULT_TIMEOUT_S, problems))


def _check_url(section: Section, url: str, allowed: str, problems: list[Problem]) -> None:
    """Only this machine, or the one host that the file names in so many words; no slot may choose the host."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        problems.append(section.problem("http needs an address", 'add url: "http://localhost:8080/path"', key="url"))
    elif "{" in parts.netloc:
        problems.append(section.problem("a slot must not choose the host", "write the host in full", key="url"))
    elif host not in LOCAL_HOSTS and host != allowed.lower():
        fix = f'if you trust it, add allow_host: "{host}"'
        problems.append(section.problem(f"{host} is not this machine", fix, key="url"))


def _lists(section: Section | None, problems: list[Problem]) -> dict[str, ListSpec]:
    """The lists of a section: words, words -> value, {from, to}, or text."""
    result: dict[str, ListSpec] = {}
    if section is None:
        return result
    for name in section.names():
        spec = _list(plain(section.node(name)))
        if spec is None:
            fix = f"write {name}: [small, large], {name}: {{from: 1, to: 10}}, {name}: {{words: value}} or {name}: text"
            problems.append(section.problem(f"the list {name} is not a list of words", fix, key=name))
            spec = "text"
        result[name] = spec
    return result


def _list(value: Any) -> ListSpec | None:
    if value == "text":
        return "text"
    if isinstance(value, list) and value and not any(isinstance(word, (dict, list)) for word in value):
        return tuple(str(word) for word in value)
    if isinstance(value, dict) and set(value) in ({"from", "to"}, {"from", "to", "step"}):
        numbers = (value["from"], value["to"], value.get("step", 1))
        if all(isinstance(number, int) for number in numbers) and numbers[0] <= numbers[1] and numbers[2] > 0:
            return range(numbers[0], numbers[1] + 1, numbers[2])
        return None
    if isinstance(value, dict) and value and not any(isinstance(word, (dict, list)) for word in value.values()):
        return {str(words): str(out) for words, out in value.items()}
    return None


__all__ = [
    "Command",
    "CommandFile",
    "HttpCall",
    "MqttMessage",
    "Problem",
    "ShellCall",
    "check_file",
    "load_file",
    "load_folder",
    "yaml",
]
