"""What all skills about the home share: finding the devices that are meant, changing them, and saying what was done."""

from __future__ import annotations

from dataclasses import dataclass

from assistant import spoken
from assistant.devices import RANGES, Entity, select
from assistant.errors import SkillError
from assistant.events import Action, SlotValue
from assistant.home import Home
from assistant.skills import Reply
from assistant.spoken import Fact

STEPS: dict[str, tuple[str, float]] = {
    "light": ("brightness", 20),
    "fan": ("speed", 25),
    "media_player": ("volume", 10),
    "climate": ("temperature", 1),
    "cover": ("position", 25),
}
"""domain -> what "more" and "less" change, and by how much when it is not said."""


GROUPS = {"light": "lights", "fan": "fans", "cover": "blinds", "lock": "doors", "switch": "switches", "vacuum": "vacuum cleaners"}
"""domain -> what several of its devices are called."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which devices. name: one; or all of a domain and kind, in a room or in the whole home. confirmed: 1 after a yes."""

    name: str = ""
    area: str = ""
    domain: str = ""
    device_class: str = ""
    confirmed: int = 0


def find(slots: Target, home: Home, domain: str = "") -> tuple[Entity, ...]:
    """The devices that are meant. Raises SkillError when there are none, or none that this can be done with."""
    wanted = slots.domain or domain
    found = select(
        home.entities,
        name=slots.name,
        area=slots.area,
        kind=slots.device_class,
        domain="" if slots.name else wanted,
    )
    if slots.name and domain and found and found[0].domain != domain:
        raise SkillError(f"I cannot do that with the {found[0].name}.")
    if not found:
        raise SkillError("I do not know a device like that.")
    return found


async def set_all(devices: tuple[Entity, ...], attribute: str, value: SlotValue, said: str, home: Home) -> Reply:
    """Set one attribute of some devices and say so."""
    actions = tuple(Action(device.id, attribute, value) for device in devices)
    for action in actions:
        await home.apply(action)
    return told(devices, said, actions)


async def step_all(devices: tuple[Entity, ...], size: float, home: Home) -> Reply:
    """Change by a step, within the device's range."""
    actions: list[Action] = []
    value = 0.0
    for device in devices:
        attribute, _ = STEPS[device.domain]
        state = home.state(device.id)
        low, high = (float(limit) for limit in RANGES[attribute])
        off = device.domain in ("light", "fan") and state["state"] == "off"
        value = min(high, max(low, (0.0 if off else float(state[attribute])) + size))
        actions.append(Action(device.id, attribute, int(value) if value.is_integer() else value))
        await home.apply(actions[-1])
    said = {
        "climate": f"set to {spoken.degrees(value)}",
        "cover": f"{spoken.percent(value)} open",
        "media_player": f"at {spoken.percent(value)} volume",
    }.get(devices[0].domain, f"at {spoken.percent(value)}" if value else "off")
    return told(devices, said, tuple(actions))


def told(devices: tuple[Entity, ...], said: str, actions: tuple[Action, ...], slots: Target | None = None) -> Reply:
    """The sentence about what was done; groups are named as groups."""
    group = slots is not None and len(devices) > 1 and not slots.name
    if group and slots is not None:
        noun = GROUPS.get(slots.domain, "things")
        where = f" in the {slots.area}" if slots.area else ""
        subjects: tuple[str, ...] = (f"everything{where}",) if noun == "things" else (f"all the {noun}{where}",)
        plural = noun != "things"
    else:
        subjects = tuple(f"the {device.name}" if device.name != "tv" else "the TV" for device in devices)
        plural = len(devices) == 1 and devices[0].name.endswith("s")
    fact = Fact(subjects, said, plural)
    return Reply(spoken.tell([fact]), actions=actions, fact=fact, devices=tuple(device.id for device in devices))
