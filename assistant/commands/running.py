"""Doing what a command file says: publish, run a program, call a web address. Nothing here goes through a shell."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio import to_thread

from assistant.commands.publish import Publisher
from assistant.commands.reading import Command, CommandFile, HttpCall, MqttMessage, ShellCall
from assistant.errors import SkillError
from assistant.events import Action
from assistant.skills import ListSpec, Reply, Services, Skill
from assistant.understanding.grammar import Sentences

SLOT = re.compile(r"\{(\w+)\}")
"""A place in a topic, an argument, an address or a reply that a slot's value goes into."""


@dataclass(frozen=True, slots=True)
class Values:
    """The slots of a command, as text."""

    values: Mapping[str, str]


class CommandSkill(Skill):
    """A skill made of a command: it takes whatever slots the sentences have."""

    __slots__ = ()

    def convert(self, intent: Any) -> Values:
        """All slots as text."""
        return Values({name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in intent.slots.items()})


def command_sentences(files: Iterable[CommandFile]) -> list[Sentences]:
    """The grammar of all commands."""
    return [Sentences(command.name, command.sentences, command.lists) for file in files for command in file.commands]


def command_skills(files: Iterable[CommandFile], publisher: Publisher) -> list[Skill]:
    """One skill for each command."""
    return [_skill(command, publisher) for file in files for command in file.commands]


def _skill(command: Command, publisher: Publisher) -> Skill:
    async def answer(slots: Values, services: Services) -> Reply:
        """Do the command's action and say its reply."""
        values = slots.values
        action = await _do(command, values, publisher)
        reply = filled(command.reply, values) if command.reply is not None else "Done."
        return Reply(reply, actions=(action,) if action is not None else ())

    empty: Mapping[str, ListSpec] = {}
    return CommandSkill((command.name,), answer, Values, (), empty)


async def _do(command: Command, values: Mapping[str, str], publisher: Publisher) -> Action | None:
    match command.action:
        case MqttMessage(topic, payload):
            place = filled(topic, {name: re.sub(r"[+#/\x00]", "", value) for name, value in values.items()})
            await to_thread.run_sync(publisher.publish, place, filled(payload, values))
            return Action(place, "payload", filled(payload, values))
        case ShellCall(arguments, timeout_s):
            await _run(arguments, values, timeout_s)
            return Action(arguments[0], "ran", 1)
        case HttpCall() as call:
            await to_thread.run_sync(partial(_request, call, values), abandon_on_cancel=True)
            return Action(call.url, "method", call.method)
        case _:
            return None


def filled(template: str, values: Mapping[str, str]) -> str:
    """A text with its {slots} replaced; a slot that was not said is left out."""
    return SLOT.sub(lambda match: values.get(match[1], ""), template)


async def _run(arguments: tuple[str, ...], values: Mapping[str, str], timeout_s: float) -> None:
    """Run a program. A value fills (a part of) one argument and can never become another argument or an option."""
    words = [arguments[0]]
    for argument in arguments[1:]:
        word = filled(argument, values)
        if word.startswith("-") and not argument.startswith("-"):
            raise SkillError("I cannot pass that on to the program.")
        if word or not SLOT.search(argument):
            words.append(word)
    try:
        with anyio.fail_after(timeout_s):
            done = await anyio.run_process(
                words, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
    except TimeoutError as error:
        raise SkillError("The program took too long; I stopped it.") from error
    except OSError as error:
        raise SkillError("I cannot start the program of that command.") from error
    if done.returncode != 0:
        raise SkillError("The program of that command reported an error.")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A local service must not send us elsewhere."""

    def redirect_request(self, *arguments: Any) -> None:
        """Follow none."""
        return None


def _request(call: HttpCall, values: Mapping[str, str]) -> None:
    """One HTTP request, in a worker thread; no proxy, no redirects."""
    url = filled(call.url, {name: urllib.parse.quote(value, safe="") for name, value in values.items()})
    body = None if call.json is None else json.dumps(_fill_tree(call.json, values)).encode()
    headers = {"Content-Type": "application/json"} if body is not None else {}
    request = urllib.request.Request(url, data=body, headers=headers, method=call.method)
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
    try:
        opener.open(request, timeout=call.timeout_s).close()
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise SkillError("The service of that command did not answer as it should.") from error


def _fill_tree(tree: Any, values: Mapping[str, str]) -> Any:
    """A JSON body with the slots in its texts replaced."""
    if isinstance(tree, str):
        return filled(tree, values)
    if isinstance(tree, dict):
        return {key: _fill_tree(value, values) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_fill_tree(value, values) for value in tree]
    return tree
