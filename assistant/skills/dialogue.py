"""The conversation itself: help, repeat, stop, greetings, and saying clearly what was not possible to understand."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.skills import NoSlots, Reply, Services, skill


@dataclass(frozen=True, slots=True)
class Missing:
    """name: what is not in this home; area: the room it was looked for in."""

    name: str
    area: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """choices: "the desk lamp or the bedroom lamp"; unknown: the name that was said and that no device has."""

    choices: str
    unknown: str = ""


@skill("Help")
async def help_(slots: NoSlots, services: Services) -> Reply:
    """What can be asked, with examples of this home."""
    names = [entity.name for entity in services.home.entities if entity.domain in ("light", "switch")]
    example = f"turn on the {names[0]}, " if names else ""
    return Reply(
        f"You can say, for example: {example}set a timer for ten minutes, wake me at seven, what time is it, or make it louder."
    )


@skill("RepeatReply")
async def repeat(slots: NoSlots, services: Services) -> Reply:
    """Say the last thing again."""
    return Reply(services.recall.last_reply or "I have not said anything yet.")


@skill("Stop")
async def stop(slots: NoSlots, services: Services) -> Reply:
    """Be silent."""
    return Reply("")


@skill("Declined")
async def declined(slots: NoSlots, services: Services) -> Reply:
    """No was the answer."""
    return Reply("OK, I leave it.")


@skill("Yes", "No")
async def no_question(slots: NoSlots, services: Services) -> Reply:
    """An answer without a question."""
    return Reply("OK.")


@skill("Greeting")
async def greeting(slots: NoSlots, services: Services) -> Reply:
    """Hello."""
    return Reply("Hello. What can I do for you?")


@skill("Thanks")
async def thanks(slots: NoSlots, services: Services) -> Reply:
    """You're welcome."""
    return Reply("You're welcome.")


@skill("Goodbye")
async def goodbye(slots: NoSlots, services: Services) -> Reply:
    """Good night."""
    return Reply("Good night." if services.clock.now().hour >= 20 else "Goodbye.")


@skill("WhoAreYou")
async def who_are_you(slots: NoSlots, services: Services) -> Reply:
    """About itself."""
    return Reply("I am your assistant. I run on this device alone; nothing you say leaves it.")


@skill("Clarify")
async def clarify(slots: Choices, services: Services) -> Reply:
    """Ask which device is meant. The intent itself carries what the answer will mean."""
    if slots.unknown:
        return Reply(f"There is no {slots.unknown} here. Did you mean {slots.choices}?", expects_answer=True)
    return Reply(f"Did you mean {slots.choices}?", expects_answer=True)


@skill("MissingDevice")
async def missing(slots: Missing, services: Services) -> Reply:
    """Something that this home does not have."""
    where = f" in the {slots.area}" if slots.area else ""
    return Reply(f"I do not know any {slots.name}{where}. You can ask what devices I can control.")


@skill("Unsupported")
async def unsupported(slots: Missing, services: Services) -> Reply:
    """A device that cannot do what was asked."""
    return Reply(f"I cannot do that with the {slots.name}.")


@skill("NotLater")
async def not_later(slots: NoSlots, services: Services) -> Reply:
    """A command for another time."""
    return Reply("I cannot do that later or for a while. I can set a timer to remind you.")


@skill("NotOnEvent")
async def not_on_event(slots: NoSlots, services: Services) -> Reply:
    """A command for when something happens."""
    return Reply("I can do that at a time, once or on some days, but not when something happens.")


@skill("NoReferent")
async def no_referent(slots: NoSlots, services: Services) -> Reply:
    """ "Turn it off", and nothing was talked about."""
    return Reply("I am not sure which device you mean. Please say its name.")


@skill("RestNotUnderstood")
async def rest_not_understood(slots: NoSlots, services: Services) -> Reply:
    """One of several commands made sense, another did not."""
    return Reply("I did not understand the rest.")


@skill("NothingBefore")
async def nothing_before(slots: NoSlots, services: Services) -> Reply:
    """ "Again", and nothing was done."""
    return Reply("There is nothing to repeat yet.")
