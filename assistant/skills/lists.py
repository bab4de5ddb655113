"""The shopping list and the list of what is to be done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anyio import to_thread

from assistant import spoken
from assistant.errors import SkillError
from assistant.intents import Intent, Question
from assistant.skills import Reply, Services, skill
from assistant.understanding.text import without_article

MOST_READ = 12
"""Things that are read aloud at once."""

SHOPPING, TO_DO = "shopping", "to-do"

_FOR_WHOM = re.compile(r"^(?:me|us) (?=.)")

_NOTHING = frozenset(spoken.words("it them this that these those something anything items item thing things everything"))
"""What names no thing."""


@dataclass(frozen=True, slots=True)
class OnList:
    """item: what was said, "milk and some eggs"; list: which; all: 1 = everything; confirmed: 1 after a yes."""

    item: str = ""
    list: str = SHOPPING
    all: int = 0
    confirmed: int = 0


@skill("ListAdd")
async def add(slots: OnList, services: Services) -> Reply:
    """Put things on a list."""
    things = _things(slots)
    new = await to_thread.run_sync(services.lists.add, slots.list, things)
    if not new:
        return Reply(f"{_the(slots).capitalize()} has {_told(things)} already.")
    return Reply(f"I put {_told(new)} on {_the(slots)}.")


@skill("ListRemove")
async def remove(slots: OnList, services: Services) -> Reply:
    """Take things off a list, or all after a yes."""
    if not slots.all:
        return await _take_off(slots, services)
    there = await to_thread.run_sync(services.lists.things, slots.list)
    if not there:
        return _empty(slots)
    if not slots.confirmed:
        again = Question(yes=(Intent("ListRemove", {"list": slots.list, "all": 1, "confirmed": 1}),))
        what = there[0] if len(there) == 1 else spoken.all_of(len(there), "things").lower()
        return Reply(f"Do you want me to take {what} off {_the(slots)}?", expects_answer=True, question=again)
    await to_thread.run_sync(services.lists.remove, slots.list, there)
    return _empty(slots)


async def _take_off(slots: OnList, services: Services) -> Reply:
    there = await to_thread.run_sync(services.lists.things, slots.list)
    meant = [thing for thing in there if any(_alike(thing, said) for said in _things(slots))]
    if not meant:
        return Reply(f"{_the(slots).capitalize()} has no {_told(_things(slots), 'or')}.")
    await to_thread.run_sync(services.lists.remove, slots.list, meant)
    return Reply(f"I took {_told(meant)} off {_the(slots)}.")


@skill("ListShow")
async def show(slots: OnList, services: Services) -> Reply:
    """Read a list, say whether something is on it, or how long all lists are."""
    if slots.all:
        lengths = [f"the {name} list with {await _length(name, services)}" for name in (SHOPPING, TO_DO)]
        return Reply(f"There is {spoken.listing(lengths)}.")
    there = await to_thread.run_sync(services.lists.things, slots.list)
    if slots.item:
        missing = [said for said in _things(slots) if not any(_alike(thing, said) for thing in there)]
        if missing:
            return Reply(f"No, {_the(slots)} has no {_told(missing, 'or')}.")
        return Reply(f"Yes, {_the(slots)} has {_told(_things(slots))}.")
    if not there:
        return _empty(slots)
    read, more = there[:MOST_READ], len(there) - MOST_READ
    rest = (f"{spoken.number(more)} more",) if more > 0 else ()
    return Reply(f"On {_the(slots)}: {_told((*read, *rest))}.")


async def _length(name: str, services: Services) -> str:
    """How much is on a list, in words."""
    there = await to_thread.run_sync(services.lists.things, name)
    return spoken.count(len(there), "thing") if there else "nothing on it"


def _things(slots: OnList) -> tuple[str, ...]:
    """The things in what was said; on the list of what to do it is one."""
    parts = slots.item.split(" and ") if slots.list == SHOPPING else [slots.item]
    things = tuple(without_article(_FOR_WHOM.sub("", part.strip())) for part in parts if part.strip())
    if any(thing.split()[-1] in _NOTHING for thing in things):
        raise SkillError(f"Say what it is, and that it belongs on {_the(slots)}.")
    return things


def _alike(one: str, other: str) -> bool:
    """The same thing, one or several: "egg" and "eggs"."""
    return one.rstrip("s") == other.rstrip("s")


def _told(things: Sequence[str], last: str = "and") -> str:
    return spoken.listing([spoken.to_you(thing) for thing in things], last)


def _the(slots: OnList) -> str:
    return f"the {slots.list} list"


def _empty(slots: OnList) -> Reply:
    return Reply(f"{_the(slots).capitalize()} is empty.")
