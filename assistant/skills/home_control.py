"""Changing the home: on and off, brightness, colour, position, temperature, speed, playing, locks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from assistant import spoken
from assistant.devices import Entity
from assistant.errors import SkillError
from assistant.events import Action
from assistant.home import Home
from assistant.intents import Intent, Question
from assistant.skills import Reply, Services, skill
from assistant.skills.devices import STEPS, Target, find, set_all, step_all, told

ASKED_FIRST = {"lock": "unlocked", "garage": "open"}
"""What is done only after a yes: a mistake here lets strangers in. domain or kind -> the state."""


@dataclass(frozen=True, slots=True)
class LightTarget(Target):
    """brightness: percent; temperature: kelvin."""

    brightness: int | None = None
    color: str = ""
    temperature: int | None = None


@dataclass(frozen=True, slots=True)
class PositionTarget(Target):
    """position: percent, 100 = open."""

    position: int = 0


@dataclass(frozen=True, slots=True)
class TemperatureTarget(Target):
    """temperature: degrees Celsius."""

    temperature: float = 20.0


@dataclass(frozen=True, slots=True)
class SpeedTarget(Target):
    """percentage: of the full speed."""

    percentage: int = 100


@dataclass(frozen=True, slots=True)
class Step(Target):
    """direction: "up" or "down"; amount: None = the usual step."""

    direction: str = "up"
    amount: int | None = None


@skill("HassTurnOn")
async def turn_on(slots: Target, services: Services) -> Reply:
    """On, open, locked: whatever "on" means for the device."""
    return await _switch(slots, services, "HassTurnOn")


@skill("HassTurnOff")
async def turn_off(slots: Target, services: Services) -> Reply:
    """Off, closed, unlocked."""
    return await _switch(slots, services, "HassTurnOff")


@skill("HassToggle")
async def toggle(slots: Target, services: Services) -> Reply:
    """The opposite of what it is."""
    found = find(slots, services.home)
    on = all(services.home.state(device.id)["state"] in ("off", "closed", "unlocked") for device in found)
    return await _switch(slots, services, "HassTurnOn" if on else "HassTurnOff")


@skill("HassLightSet")
async def set_light(slots: LightTarget, services: Services) -> Reply:
    """Brightness, colour, warm or cold white."""
    found = find(slots, services.home, "light")
    if slots.brightness and slots.color:
        coloured = await set_all(found, "color", slots.color, "", services.home)
        said = f"{slots.color} at {spoken.percent(slots.brightness)} now"
        reply = await set_all(found, "brightness", slots.brightness, said, services.home)
        return replace(reply, actions=(*coloured.actions, *reply.actions))
    if slots.brightness is not None:
        said = f"at {spoken.percent(slots.brightness)}" if slots.brightness else "off"
        return await set_all(found, "brightness", slots.brightness, said, services.home)
    if slots.color:
        return await set_all(found, "color", slots.color, f"{slots.color} now", services.home)
    if slots.temperature is not None:
        said = "warm white now" if slots.temperature < 3500 else "cool white now"
        return await set_all(found, "color_temperature", slots.temperature, said, services.home)
    raise SkillError("I understood which light, but not what to set. Say a color, or how bright.")


@skill("HassSetPosition")
async def set_position(slots: PositionTarget, services: Services) -> Reply:
    """Blinds half open; a garage door asks first."""
    found = find(slots, services.home, "cover")
    careful = tuple(device for device in found if opens_wider(device, slots.position, services.home))
    if careful and not slots.confirmed:
        return _ask(careful, "open", Intent("HassSetPosition", {"name": careful[0].name, "position": slots.position}))
    said = {0: "closed", 100: "open"}.get(slots.position, f"{spoken.percent(slots.position)} open")
    return await set_all(found, "position", slots.position, said, services.home)


@skill("HassClimateSetTemperature")
async def set_temperature(slots: TemperatureTarget, services: Services) -> Reply:
    """The heating's target."""
    found = find(slots, services.home, "climate")
    said = f"set to {spoken.degrees(slots.temperature)}"
    return await set_all(found, "temperature", slots.temperature, said, services.home)


@skill("HassFanSetSpeed")
async def set_speed(slots: SpeedTarget, services: Services) -> Reply:
    """A fan's speed."""
    found = find(slots, services.home, "fan")
    said = f"at {spoken.percent(slots.percentage)}" if slots.percentage else "off"
    return await set_all(found, "speed", slots.percentage, said, services.home)


@dataclass(frozen=True, slots=True)
class CleaningTarget:
    """name: of the vacuum cleaner, "" = any; area: the room to clean, "" = the one the assistant stands in."""

    name: str = ""
    area: str = ""


@skill("HassVacuumStart")
async def start_vacuum(slots: Target, services: Services) -> Reply:
    """A vacuum cleaner cleans everywhere."""
    return await _switch(slots, services, "HassTurnOn", "vacuum")


@skill("HassVacuumReturnToBase")
async def dock_vacuum(slots: Target, services: Services) -> Reply:
    """A vacuum cleaner goes home."""
    return await _switch(slots, services, "HassTurnOff", "vacuum")


@skill("HassVacuumCleanArea")
async def clean_area(slots: CleaningTarget, services: Services) -> Reply:
    """A vacuum cleaner cleans one room."""
    area = slots.area or services.home.here
    if not area:
        raise SkillError("I do not know which room this is.")
    found = find(Target(name=slots.name, domain="vacuum"), services.home, "vacuum")
    return await set_all(found[:1], "area", area, f"cleaning the {area}", services.home)


@skill("Adjust")
async def adjust(slots: Step, services: Services) -> Reply:
    """A bit more or less: brighter, warmer, faster, louder."""
    found = find(slots, services.home)
    usable = tuple(device for device in found if device.domain in STEPS)
    if not usable:
        raise SkillError(f"I cannot turn the {found[0].name} up or down.")
    size = float(slots.amount) if slots.amount is not None else STEPS[usable[0].domain][1]
    careful = tuple(device for device in usable if is_asked(device, "open"))
    if careful and slots.direction == "up" and not slots.confirmed:
        amount = {} if slots.amount is None else {"amount": slots.amount}
        return _ask(careful, "open", Intent("Adjust", {"name": careful[0].name, "direction": "up", **amount}))
    return await step_all(usable, size if slots.direction == "up" else -size, services.home)


def asks_first(intent: Intent, home: Home) -> bool:
    """Whether a command is done only after a yes."""
    on = intent.name == "HassTurnOn" or bool(intent.slots.get("position")) or intent.slots.get("direction") == "up"
    name, area, domain, kind = (str(intent.slots.get(key, "")) for key in ("name", "area", "domain", "device_class"))
    try:
        found = find(Target(name, area, domain, kind), home)
    except SkillError:
        return False
    return any(is_asked(device, _state_for(device, on)) for device in found if device.domain != "sensor")


async def _switch(slots: Target, services: Services, name: str, domain: str = "") -> Reply:
    """Turn on or off, and ask before a door is opened to the street. domain: what can only be meant, "" = anything."""
    found = find(slots, services.home, domain)
    on = name == "HassTurnOn"
    states = {device.id: _state_for(device, on) for device in found}
    careful = tuple(device for device in found if is_asked(device, states[device.id]))
    if careful and not slots.confirmed:
        return _ask(
            careful,
            "unlock" if careful[0].domain == "lock" else "open",
            *(Intent(name, {"name": device.name}) for device in careful),
        )
    actions: list[Action] = []
    for device in found:
        actions.append(Action(device.id, "state", states[device.id]))
        await services.home.apply(actions[-1])
    return told(found, states[found[0].id], tuple(actions), slots)


def _state_for(device: Entity, on: bool) -> str:
    """What on and off mean for a device."""
    if device.domain == "cover":
        return "open" if on else "closed"
    if device.domain == "lock":
        return "locked" if on else "unlocked"
    if device.domain == "vacuum":
        return "cleaning" if on else "docked"
    if device.domain == "sensor":
        raise SkillError(f"The {device.name} can only be read.")
    return "on" if on else "off"


def is_asked(device: Entity, state: str) -> bool:
    """Whether a device is brought into a state only after a yes."""
    return ASKED_FIRST.get(device.kind or device.domain) == state


def opens_wider(device: Entity, position: float, home: Home) -> bool:
    """Whether something that opens only after a yes would be further open than it is. position: percent, 100 = open."""
    return is_asked(device, "open") and position > float(home.state(device.id).get("position", 0))


def _ask(found: tuple[Entity, ...], verb: str, *then: Intent) -> Reply:
    names = spoken.listing([f"the {device.name}" for device in found])
    question = Question(yes=tuple(intent.with_slots({"confirmed": 1}) for intent in then))
    return Reply(f"Do you want me to {verb} {names}?", expects_answer=True, question=question, devices=tuple(d.id for d in found))
