"""Taking back the last change of the home."""

from __future__ import annotations

from collections.abc import Mapping

from assistant.errors import SkillError
from assistant.events import Action, SlotValue
from assistant.skills import NoSlots, Reply, Services, skill
from assistant.skills.devices import told
from assistant.skills.home_control import is_asked, opens_wider

States = Mapping[str, Mapping[str, SlotValue]]
"""Entity id -> attribute -> value, as `Home.snapshot` gives them."""


def restoring(before: States, after: States) -> tuple[Action, ...]:
    """What turns the states after a change into those before it; () = nothing changed. A device's "state" comes first."""
    return tuple(
        Action(entity, attribute, old[attribute])
        for entity, old in before.items()
        for attribute in sorted(old, key=lambda attribute: attribute != "state")
        if entity in after and after[entity].get(attribute) != old[attribute]
    )


@skill("Undo")
async def undo(slots: NoSlots, services: Services) -> Reply:
    """The devices that the last command changed, as they were before it. What is done only after a yes is not done so."""
    home, actions = services.home, services.recall.restoring
    devices = tuple(entity for entity in home.entities if any(action.target == entity.id for action in actions))
    if not devices:
        return Reply("There is nothing that I can take back.")
    for device in devices:
        wanted = next((str(action.value) for action in actions if (action.target, action.attribute) == (device.id, "state")), "")
        if is_asked(device, wanted):
            raise SkillError(f"The {device.name} stays {home.state(device.id)['state']}. If it is to be {wanted} again, say so.")
        if any(opens_wider(device, float(value), home) for value in _positions(device.id, actions)):
            raise SkillError(f"The {device.name} stays as it is. If it is to open further, say so.")
    for action in actions:
        if action.attribute != "area":  # a robot vacuum cleaner that has begun a room can only stop
            await home.apply(action)
    for action in actions:  # a brightness turns a light on that was off
        if action.attribute == "state" and home.state(action.target)["state"] != action.value:
            await home.apply(action)
    return told(devices, "as before", actions)


def _positions(device: str, actions: tuple[Action, ...]) -> list[SlotValue]:
    return [action.value for action in actions if (action.target, action.attribute) == (device, "position")]
