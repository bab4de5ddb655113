"""What a person wants, as plain data: the words that understanding, skills and the brain share. A leaf beside events.py."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from assistant.events import Slot, SlotValue


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that is wanted, such as HassTurnOn with name = "kitchen light".

    name: what to do, the key of a skill. slots: read-only filled places. confidence: 0..1; 1.0 = every word was understood,
    0.8 = a name was recognised although it was misspelt. text: the words that said it (never logged above DEBUG).
    question: what has to be asked before anything can be done; the intent's skill then only asks it. referent: the thing in view
    that was meant, a label or a taught name, "" = none. used_image: whether the camera's frame had a part in it.
    """

    name: str
    slots: Mapping[str, SlotValue] = field(default_factory=lambda: MappingProxyType({}))
    confidence: float = 1.0
    text: str = ""
    question: Question | None = None
    referent: str = ""
    used_image: bool = False

    def __post_init__(self) -> None:
        """Freeze the slots, whatever mapping was given."""
        object.__setattr__(self, "slots", MappingProxyType(dict(self.slots)))

    def with_slots(self, changes: Mapping[str, SlotValue]) -> Intent:
        """The same intent with some slots added or replaced."""
        return replace(self, slots={**self.slots, **changes})

    def slot_tuple(self) -> tuple[Slot, ...]:
        """The slots as events carry them."""
        return tuple(Slot(name, value) for name, value in self.slots.items())


@dataclass(frozen=True, slots=True)
class Question:
    """What the assistant is waiting to be told.

    yes: the intents that "yes" means; () for a question that "yes" cannot answer. options: what may be answered by name,
    such as "desk lamp", and what that means. completes: the beginning of a sentence that the answer completes: after
    "for how long?" "five minutes" is read as "set a timer for five minutes". Anything else drops the question.
    """

    yes: tuple[Intent, ...] = ()
    options: Mapping[str, tuple[Intent, ...]] = field(default_factory=lambda: MappingProxyType({}))
    completes: str = ""


def packed(intents: Sequence[Intent]) -> str:
    """Intents as a line of text, to be done later; questions and the words that said it are left out."""
    return json.dumps([[intent.name, dict(intent.slots)] for intent in intents])


def unpacked(text: str) -> tuple[Intent, ...]:
    """The intents of `packed`. Raises ValueError for any other text."""
    try:
        return tuple(Intent(str(name), dict(slots)) for name, slots in json.loads(text))
    except (TypeError, ValueError) as error:
        raise ValueError("these are no packed intents") from error
