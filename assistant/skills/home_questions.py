"""Telling about the home: is the front door locked, which lights are on, how warm is it, what devices are there."""

from __future__ import annotations

from dataclasses import dataclass

from assistant import spoken
from assistant.errors import SkillError
from assistant.home import Entity, Home, select
from assistant.skills import Reply, Services, skill
from assistant.skills.devices import Target

NOUNS = {"light": "light", "fan": "fan", "cover": "blind", "lock": "door", "switch": "switch", "media_player": "player",
         "vacuum": "vacuum cleaner"}  # fmt: skip
MEANT = {"on": ("playing", "paused", "cleaning"), "off": ("docked",)}
"""What else is called on and off."""


@dataclass(frozen=True, slots=True)
class StateQuestion(Target):
    """state: what is asked for, such as "on"; question: how: one, one_yesno, any, all, which or how_many."""

    state: str = ""
    question: str = "one"


@skill("HassGetState")
async def get_state(slots: StateQuestion, services: Services) -> Reply:
    """Answer about one device or a group."""
    home = services.home
    if slots.name:
        device = _one(slots.name, home)
        return Reply(_about_one(device, slots.state, home), devices=(device.id,))
    found = select(home.entities, area=slots.area, domain=slots.domain, kind=slots.device_class)
    if not found:
        raise SkillError(f"I do not know any {slots.device_class or NOUNS.get(slots.domain, 'device')}{_where(slots.area)}.")
    having = tuple(device for device in found if _is(device, slots.state, home))
    text = _about_group(slots, found, having, home)
    return Reply(text, devices=tuple(device.id for device in (having or found)))


@skill("HassClimateGetTemperature")
async def get_temperature(slots: Target, services: Services) -> Reply:
    """How warm a room is, from a thermometer or the heating."""
    home = services.home
    area = slots.area or (select(home.entities, name=slots.name) or (Entity("", "", ""),))[0].area
    sensors = select(home.entities, area=area, domain="sensor", kind="temperature")
    heating = select(home.entities, area=area, domain="climate")
    if not area and home.here:
        sensors = select(sensors, area=home.here) or sensors
        heating = select(heating, area=home.here)
    if heating and not (area and sensors):
        degrees = float(home.state(heating[0].id)["current_temperature"])
        place = heating[0].area
    elif sensors:
        degrees = float(home.state(sensors[0].id)["state"])
        place = sensors[0].area
    else:
        raise SkillError(f"I have no thermometer{_where(area)}.")
    return Reply(f"It is {spoken.degrees(degrees)}{_where(place)}.")


@dataclass(frozen=True, slots=True)
class Area:
    """area: "" = the whole home."""

    area: str = ""


@skill("ListDevices")
async def list_devices(slots: Area, services: Services) -> Reply:
    """What can be controlled."""
    found = select(services.home.entities, area=slots.area)
    names = [f"the {device.name}" for device in found if device.domain != "sensor"]
    if not names:
        return Reply(f"I know no devices{_where(slots.area)}.")
    shown = names if len(names) <= 8 else [*names[:7], f"{spoken.number(len(names) - 7)} more"]
    return Reply(f"I can control {spoken.listing(shown)}{_where(slots.area)}.")


def _one(name: str, home: Home) -> Entity:
    found = select(home.entities, name=name)
    if not found:
        raise SkillError("I do not know that device.")
    return found[0]


def _is(device: Entity, wanted: str, home: Home) -> bool:
    state = str(home.state(device.id)["state"])
    return state == wanted or state in MEANT.get(wanted, ())


def _about_one(device: Entity, wanted: str, home: Home) -> str:
    verb = "are" if device.name.endswith("s") else "is"
    told = spoken.sentence(f"the {_title(device)} {verb} {_described(device, home)}")
    if not wanted:
        return told
    if _is(device, wanted, home):
        return f"Yes, the {_title(device)} {verb} {wanted}."
    return f"No, {told[:1].lower()}{told[1:]}"


def _described(device: Entity, home: Home) -> str:
    """The state of a device in words."""
    state = home.state(device.id)
    word = str(state["state"])
    if device.domain == "light" and word == "on":
        return f"on at {spoken.percent(float(state['brightness']))}"
    if device.domain == "fan" and word == "on":
        return f"on at {spoken.percent(float(state['speed']))}"
    if device.domain == "cover" and 0 < float(state["position"]) < 100:
        return f"{spoken.percent(float(state['position']))} open"
    if device.domain == "climate":
        return f"{word}, set to {spoken.degrees(float(state['temperature']))}"
    if device.domain == "vacuum" and state["area"]:
        return f"{word} the {state['area']}"
    if device.domain == "sensor" and device.kind == "temperature":
        return f"at {spoken.degrees(float(state['state']))}"
    return word


def _about_group(slots: StateQuestion, found: tuple[Entity, ...], having: tuple[Entity, ...], home: Home) -> str:
    noun = NOUNS.get(slots.domain, "device")
    where, state = _where(slots.area), slots.state
    names = spoken.listing([f"the {_title(device)}" for device in having])
    verb = "is" if len(having) == 1 else "are"
    if slots.question == "how_many":
        return spoken.sentence(f"{spoken.count(len(having), noun)} {verb} {state}{where}")
    if slots.question == "all":
        if len(having) == len(found):
            return f"Yes, {names} {verb} {state}."
        other = [device for device in found if device not in having]
        rest = spoken.listing([f"the {_title(device)}" for device in other])
        return f"No, {rest} is {_described(other[0], home)}." if len(other) == 1 else f"No, {rest} are not {state}."
    if not having:
        return f"No {noun} is {state}{where}." if slots.question == "which" else f"No, no {noun} is {state}{where}."
    return f"{'Yes, ' + names if slots.question == 'any' else spoken.sentence(names)[:-1]} {verb} {state}."


def _title(device: Entity) -> str:
    return "TV" if device.name == "tv" else device.name


def _where(area: str) -> str:
    return f" in the {area}" if area else ""
