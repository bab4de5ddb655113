"""Reading what is shown, and names for things: "read this", "this is the reading lamp"."""

from __future__ import annotations

from dataclasses import dataclass

from anyio import to_thread

from assistant import spoken
from assistant.errors import SkillError
from assistant.sight import Eyes
from assistant.sight.appearance import CENTRE
from assistant.sight.pointing import SURE, striking
from assistant.sight.wording import the
from assistant.skills import NoSlots, Reply, Services, eyes_of, skill

LONGEST_TEXT = 60
"""Words that are read aloud at once."""


@dataclass(frozen=True, slots=True)
class Name:
    """What to call it: learned, a new word; name, one of the home's devices; known, one that was taught."""

    learned: str = ""
    name: str = ""
    known: str = ""


@skill("ReadText")
async def read_text(slots: NoSlots, services: Services) -> Reply:
    """ "Read this." """
    eyes = eyes_of(services)
    lines = await to_thread.run_sync(eyes.read)
    words = " ".join(lines).split()
    if not words:
        return Reply("I do not see anything to read.")
    if len(words) > LONGEST_TEXT:
        return Reply(f"It says: {' '.join(words[:LONGEST_TEXT])}. There is more.")
    return Reply(f"It says: {spoken.sentence(' '.join(words))}")


@skill("LearnName")
async def learn_name(slots: Name, services: Services) -> Reply:
    """ "This is the reading lamp." """
    eyes = eyes_of(services)
    name = slots.name or slots.learned
    if not name:
        raise SkillError("I did not catch the name.")
    await to_thread.run_sync(_learn, eyes, name)
    return Reply(f"OK, I will know {the(name)} when I see it.")


@skill("ForgetName")
async def forget_name(slots: Name, services: Services) -> Reply:
    """ "Forget the reading lamp." """
    gone = await to_thread.run_sync(eyes_of(services).names.forget, slots.known or slots.learned)
    return Reply(f"OK, I have forgotten what {the(slots.known)} looks like." if gone else "I did not know that name.")


@skill("ForgetNames")
async def forget_names(slots: NoSlots, services: Services) -> Reply:
    """Forget all names."""
    gone = await to_thread.run_sync(eyes_of(services).names.forget)
    return Reply("OK, I have forgotten all names." if gone else "I do not know any names yet.")


@skill("LearnedNames")
async def learned_names(slots: NoSlots, services: Services) -> Reply:
    """Which names are known."""
    names = eyes_of(services).names.names
    return Reply(f"I know {spoken.listing([the(name) for name in names])}." if names else "You have not taught me any names yet.")


def _learn(eyes: Eyes, name: str) -> None:
    """Give a name to what is shown: a thing of that kind, else the most salient one that is no person, else the middle."""
    things = [thing for thing in eyes.look().objects if thing.label != "person" and thing.score > SURE]
    words = set(name.split())
    fitting = [thing for thing in things if words & set(thing.label.split())] or things
    best = max(fitting, key=lambda thing: striking(thing.label, thing.box, thing.score), default=None)
    eyes.names.learn(name, best.label if best else "", eyes.pixels, best.box if best else CENTRE)
