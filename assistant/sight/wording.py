"""Things in view as words: "a cup", "the reading lamp", "three people"."""

from __future__ import annotations

from collections.abc import Container

from assistant import spoken
from assistant.sight.questions import plural_of


def the(name: str) -> str:
    """ "the cup"; a taught name such as "my mug" stays."""
    return name if name.startswith(("my ", "the ")) else f"the {name}"


def one(name: str, taught: Container[str]) -> str:
    """ "a cup", or "the reading lamp" when the name was taught."""
    return the(name) if name in taught else spoken.article(name)


def many(name: str, amount: int) -> str:
    """ "one person", "three cups"."""
    return f"{spoken.number(amount)} {name if amount == 1 else plural_of(name)}"


def amount_of(name: str, amount: int, taught: Container[str]) -> str:
    """ "a cup", "three cups"."""
    return one(name, taught) if amount == 1 else many(name, amount)
