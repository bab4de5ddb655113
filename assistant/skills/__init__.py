"""What the assistant can do. A skill is an async function with a decorator:

    @dataclass(frozen=True)
    class Sides:
        sides: int = 6

    @skill("RollDice", sentences=["roll [a|the] (die|dice) [with {sides} sides]"], lists={"sides": range(2, 101)})
    async def roll(slots: Sides, services: Services) -> Reply:
        return Reply(f"You rolled a {random.randint(1, slots.sides)}.")

The slots' dataclass says what the skill needs; the words are converted to its types. A skill that cannot do it raises SkillError
with a sentence to speak. Skills get narrow services, never the pipeline, and never block the event loop.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

from assistant.engines import Pixels
from assistant.errors import SkillError
from assistant.events import Action
from assistant.home import Home
from assistant.intents import Intent, Question
from assistant.lists import Lists
from assistant.sight import Eyes
from assistant.spoken import Fact
from assistant.timers import Clock, Timers

__all__ = ["Chat", "NoSlots", "Recall", "Reply", "Services", "Skill", "SkillError", "Volume", "skill"]

ListSpec = Sequence[str] | Mapping[str, str] | range | str
"""What a {slot} may be: words; words -> value; whole numbers; or "text" for anything that is said."""


class Volume(Protocol):
    """The assistant's own loudspeaker volume, in percent, 0..100."""

    def get(self) -> int:
        """The present volume."""
        ...

    def set(self, percent: int) -> None:
        """Change it. Fast; raises SkillError when the sound card refuses."""
        ...


class MemoryVolume:
    """A volume that is only a number, for tests and machines without a mixer."""

    def __init__(self, percent: int = 60) -> None:
        self._percent = percent

    def get(self) -> int:
        """The present volume."""
        return self._percent

    def set(self, percent: int) -> None:
        """Change it."""
        self._percent = percent


class Recall(Protocol):
    """What a skill may know about the conversation."""

    @property
    def last_reply(self) -> str:
        """What the assistant said last; "" at the beginning."""
        ...

    @property
    def restoring(self) -> tuple[Action, ...]:
        """What would take back the last change of the home; () = nothing was changed yet."""
        ...


class Chat(Protocol):
    """A language model on the local network, for questions that no skill answers."""

    sends_pictures: bool
    """Whether it may be shown what the camera sees."""

    def answer(self, question: str, pixels: Pixels | None = None) -> str:
        """What it says. Blocking, seconds; raises SkillError with a sentence to speak."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """All that skills may use. eyes, chat: None = there are none."""

    clock: Clock
    timers: Timers
    home: Home
    volume: Volume
    recall: Recall
    eyes: Eyes | None = None
    chat: Chat | None = None
    lists: Lists = field(default_factory=Lists)


def eyes_of(services: Services) -> Eyes:
    """The eyes. Raises SkillError, with a sentence to speak, when there is no camera."""
    if services.eyes is None:
        raise SkillError("I have no camera, so I cannot see anything.")
    return services.eyes


@dataclass(frozen=True, slots=True)
class Reply:
    """What a skill has to say.

    text: one or two short sentences for the ear; "" = nothing to say. expects_answer: the assistant asks something and listens.
    actions: what was changed. question: what the answer will mean, when it asks. fact: the text as a statement that can be
    joined with the next one's ("The fan is off and the blinds are closed."). devices: ids of the entities it was about, which
    "it" and "them" then mean; () = leave as it was.
    """

    text: str
    expects_answer: bool = False
    actions: tuple[Action, ...] = ()
    question: Question | None = None
    fact: Fact | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoSlots:
    """For skills that need none."""


Function = Callable[[Any, Services], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, eq=False)
class Skill:
    """A function that answers intents. names: of the intents; sentences and lists: its own grammar, if it brings one."""

    names: tuple[str, ...]
    function: Function
    slots_type: type
    sentences: tuple[str, ...] = ()
    lists: Mapping[str, ListSpec] = field(default_factory=lambda: MappingProxyType({}))

    async def __call__(self, slots: Any, services: Services) -> Reply:
        """Run it, as in a test."""
        return await self.function(slots, services)

    def convert(self, intent: Intent) -> Any:
        """The intent's slots as the skill's dataclass. Raises SkillError with a polite sentence when one is missing or wrong."""
        hints = typing.get_type_hints(self.slots_type)
        values: dict[str, Any] = {}
        for place in dataclasses.fields(self.slots_type):
            if place.name in intent.slots:
                values[place.name] = _convert(intent.slots[place.name], hints[place.name], place.name)
            elif place.default is dataclasses.MISSING and place.default_factory is dataclasses.MISSING:
                raise SkillError(f"I understood what to do, but not the {place.name.replace('_', ' ')}.")
        return self.slots_type(**values)


def skill(*names: str, sentences: Sequence[str] = (), lists: Mapping[str, ListSpec] | None = None) -> Callable[[Function], Skill]:
    """Make a skill of an async function `(slots, services) -> Reply`.

    names: the intents it answers. sentences: hassil templates, understood as the first name: [optional] (one|other) {slot}.
    lists: what each {slot} in them may be. Raises TypeError, at import, when the function does not fit.
    """
    if not names:
        raise TypeError("@skill needs the name of an intent: @skill('RollDice')")

    def decorate(function: Function) -> Skill:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"a skill must be an async function: async def {function.__name__}(slots, services)")
        parameters = list(inspect.signature(function).parameters)
        if len(parameters) != 2:
            raise TypeError(f"a skill takes two arguments: async def {function.__name__}(slots, services)")
        slots_type = typing.get_type_hints(function).get(parameters[0], NoSlots)
        if not dataclasses.is_dataclass(slots_type) or not isinstance(slots_type, type):
            raise TypeError(f"the first argument of {function.__name__} must be annotated with a dataclass of its slots")
        return Skill(names, function, slots_type, tuple(sentences), MappingProxyType(dict(lists or {})))

    return decorate


def _convert(value: object, wanted: Any, name: str) -> Any:
    """A slot's value as the type that the dataclass names."""
    options = [option for option in typing.get_args(wanted) or (wanted,) if option is not type(None)]
    if wanted is Any or type(value) in options:
        return value
    for option in options:
        try:
            number = float(str(value)) if option in (int, float) else 0.0
        except ValueError:
            continue
        if option is str:
            return str(value)
        if option is bool:
            return str(value).lower() in ("1", "true", "yes", "on")
        if option is float or (option is int and number.is_integer()):
            return option(number)
    raise SkillError(f"I understood what to do, but not the {name.replace('_', ' ')}.")
