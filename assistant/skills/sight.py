"""What is in view: naming, describing, counting, finding, left and right, reading, and names for things."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from anyio import to_thread

from assistant import spoken
from assistant.engines.boxes import COCO
from assistant.sight.appearance import Box
from assistant.sight.pointing import SURE as CANDIDATE
from assistant.sight.pointing import on_side, side_named, side_of, striking
from assistant.sight.questions import plural_of
from assistant.sight.view import NAMED, View, people, view_of
from assistant.sight.wording import amount_of, many, one, the
from assistant.skills import NoSlots, Reply, Services, eyes_of, skill

NOBODY = "No, I do not see anyone."

SURE = 0.5
"""Score from which a thing is named without "looks like"."""

NOT_HELD = frozenset((*COCO[:14], *COCO[17:24], *COCO[56:63], *COCO[68:73]))
"""COCO's labels of what nobody holds in a hand: people and the street, large animals, furniture, kitchen machines."""

MOST_TOLD = 5
"""Kinds of things in a description: more is not kept in mind by listening."""


@dataclass(frozen=True, slots=True)
class Where:
    """side: left, right or another word of `pointing`, "" = not said."""

    side: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the view. side: left or right; object: what is on a thing of this label or name. "" = not said."""

    side: str = ""
    object: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """object: a label of COCO or a taught name; side: left or right."""

    object: str
    side: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """counted: a label of COCO."""

    counted: str = "person"


@skill("IdentifyObject")
async def identify(slots: Where, services: Services) -> Reply:
    """ "What is this?" """
    view = await look(services)
    side = side_named(slots.side)
    shown = [place for place, name in enumerate(view.names) if name in view.taught or view.scores[place] > CANDIDATE]
    if side:
        shown = list(on_side(shown, side, lambda place: view.places[place]))
    if not shown:
        return Reply("I cannot tell what that is.")
    return _named(view, shown)


@skill("HeldObject")
async def held(slots: NoSlots, services: Services) -> Reply:
    """ "What am I holding?": what is in front of somebody, or else anything that a hand can hold."""
    view = await look(services)
    small = [
        place
        for place, name in enumerate(view.names)
        if name in view.taught or (name not in NOT_HELD and view.scores[place] > CANDIDATE)
    ]
    bodies = [person.box for person in people(view.sight)]
    near = [place for place in small if any(_centre_in(view.places[place], body) for body in bodies)]
    if not small:
        return Reply("I do not see anything in a hand that I know.")
    return _named(view, near or small)


def _named(view: View, shown: list[int]) -> Reply:
    """The name of the most striking of some things, several of one name counted together: a plate of donuts."""
    together: dict[str, float] = defaultdict(float)
    for place in shown:
        name = view.names[place]
        score = 1.0 if name in view.taught else max(view.scores[place], 0.3)
        together[name] += striking(name, view.places[place], score)
    name = max(together, key=lambda told: together[told])
    best = max((place for place in shown if view.names[place] == name), key=lambda place: view.scores[place])
    if name in view.taught:
        return Reply(f"That is {the(name)}.")
    verb = "is" if view.scores[best] >= SURE else "looks like"
    return Reply(f"That {verb} {spoken.article(name)}.")


@skill("DescribeScene")
async def describe_scene(slots: Part, services: Services) -> Reply:
    """ "What do you see on the left?", "what is on the table?", as a sentence."""
    view = await look(services)
    shown = [place for place, name in enumerate(view.names) if name in view.taught or view.scores[place] >= NAMED]
    where = ""
    if slots.side:
        shown = [place for place in shown if _half(view.places[place]) == slots.side]
        where = f" on the {slots.side}"
    elif slots.object and (found := view.called(slots.object)):
        shown = [place for place in shown if any(_stands_on(view, place, below) for below in found)]
        where = f" on {the(slots.object)}"
    told = [view.names[place] for place in shown]
    if not told:
        return Reply(f"I do not see anything{where} that I know.")
    if len(told) == 1:
        return Reply(f"I see {one(told[0], view.taught)}{where or ' ' + side_of(view.places[shown[0]])}.")
    kinds = list(dict.fromkeys(told))[:MOST_TOLD]
    return Reply(f"I see {spoken.listing([amount_of(kind, told.count(kind), view.taught) for kind in kinds])}{where}.")


@skill("PresenceQuery")
async def is_anyone_there(slots: NoSlots, services: Services) -> Reply:
    """ "Is anyone there?" """
    amount = len(people((await look(services)).sight))
    return Reply(f"Yes, I see {many('person', amount)}.") if amount else Reply(NOBODY)


@skill("WhoIsThere")
async def who_is_there(slots: NoSlots, services: Services) -> Reply:
    """ "Who is at the door?": faces are not known."""
    amount = len(people((await look(services)).sight))
    if not amount:
        return Reply("I do not see anyone.")
    return Reply(f"I see {many('person', amount)}, but I do not know faces.")


@skill("CountObjects")
async def count(slots: Counted, services: Services) -> Reply:
    """ "How many people do you see?" """
    view = await look(services)
    amount = len(people(view.sight)) if slots.counted == "person" else len(view.called(slots.counted))
    full = amount > 1 and amount == len(view.sight.objects)
    if not amount:
        return Reply(f"I do not see any {plural_of(slots.counted)}.")
    return Reply(f"I see {'at least ' if full and amount > 7 else ''}{many(slots.counted, amount)}.")


@skill("FindObject")
async def find_object(slots: Thing, services: Services) -> Reply:
    """ "Where is the cup?" """
    view = await look(services)
    found = view.called(slots.object)
    if not found:
        return Reply(f"I do not see {one(slots.object, view.taught)}.")
    if len(found) > 1 and slots.object not in view.taught:
        sides = [side_of(view.places[place]) for place in found[:3]]
        return Reply(f"I see {many(slots.object, len(found))}: {spoken.listing([f'one {side}' for side in sides])}.")
    return Reply(f"{the(slots.object).capitalize()} is {side_of(view.places[found[0]])}{_beside(view, found[0])}.")


@skill("SideQuery")
async def which_side(slots: Thing, services: Services) -> Reply:
    """ "Is the TV on the left or the right?" """
    view = await look(services)
    found = view.called(slots.object)
    if not found:
        return Reply(f"I do not see {one(slots.object, view.taught)}.")
    return Reply(f"{the(slots.object).capitalize()} is on the {_half(view.places[found[0]])}.")


@skill("SideCheck")
async def on_that_side(slots: Thing, services: Services) -> Reply:
    """ "Is the cup on the left?" """
    view = await look(services)
    found = view.called(slots.object)
    if not found:
        return Reply(f"I do not see {one(slots.object, view.taught)}.")
    sides = [_half(view.places[place]) for place in found]
    if slots.side in sides:
        return Reply(f"Yes, {the(slots.object)} is on the {slots.side}.")
    return Reply(f"No, {the(slots.object)} is on the {sides[0]}.")


@skill("NothingInView")
async def nothing_in_view(slots: NoSlots, services: Services) -> Reply:
    """ "Turn that off", and nothing that can be controlled is in view."""
    seen = list(dict.fromkeys(thing.label for thing in (await look(services)).sight.objects if thing.score >= NAMED))
    if not seen:
        return Reply("I do not see a device there. Please say its name.")
    return Reply(f"I see {spoken.listing([spoken.article(name) for name in seen[:3]])}, but nothing there that I can control.")


async def look(services: Services) -> View:
    """What is in view, with taught names. Raises SkillError when there are no eyes or no picture."""
    return await to_thread.run_sync(view_of, eyes_of(services))


def _beside(view: View, place: int) -> str:
    """ " next to the laptop": the nearest other thing, when it is near."""
    box = view.places[place]
    near = [
        (_gap(box, view.places[other]), view.names[other])
        for other in range(len(view.names))
        if other != place and view.names[other] not in ("person", view.names[place]) and view.scores[other] >= SURE
    ]
    return f", next to {the(min(near)[1])}" if near and min(near)[0] < 0.25 else ""


def _centre_in(box: Box, around: Box) -> bool:
    """Whether the middle of a thing is within another's box."""
    across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return around[0] <= across <= around[2] and around[1] <= down <= around[3]


def _stands_on(view: View, place: int, below: int) -> bool:
    """Whether a thing ends within the box of what is below it, and is no person or other such thing."""
    name, (left, _, right, foot), table = view.names[place], view.places[place], view.places[below]
    if name in ("person", view.names[below]):
        return False
    return table[0] <= (left + right) / 2 <= table[2] and table[1] <= foot <= table[3]


def _gap(one: Box, other: Box) -> float:
    """Distance of two centres, as a part of the frame."""
    across, down = (one[0] + one[2] - other[0] - other[2]) / 2, (one[1] + one[3] - other[1] - other[3]) / 2
    return float((across**2 + down**2) ** 0.5)


def _half(box: Box) -> str:
    """The half of the view that a thing's centre is in."""
    return "left" if box[0] + box[2] < 1 else "right"
