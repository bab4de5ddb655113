"""The twenty home commands of `assistant bench latency`, over the example home, and what is right for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from assistant.events import Action, SlotValue


@dataclass(frozen=True, slots=True)
class Command:
    """A request and what is right for it.

    intent: the intent's name, for questions that change nothing; "" = the actions say it all.
    actions: (target, attribute, value) in any order, exactly these; a target may end in "*", value None = any.
    """

    text: str
    actions: tuple[tuple[str, str, SlotValue | None], ...] = ()
    intent: str = ""

    def right(self, intents: Sequence[str], actions: Sequence[Action]) -> bool:
        """Whether exactly this was understood and done."""
        if self.intent and list(intents) != [self.intent]:
            return False
        left = list(actions)
        for target, attribute, value in self.actions:
            found = [done for done in left if fnmatchcase(done.target, target) and done.attribute == attribute]
            found = [done for done in found if value is None or done.value == value]
            if not found:
                return False
            left.remove(found[0])
        return not left


COMMANDS = (
    Command("Turn on the kitchen light.", (("light.kitchen_light", "state", "on"),)),
    Command("Turn off the bedroom fan.", (("fan.bedroom_fan", "state", "off"),)),
    Command("Set the living room lamp to fifty percent.", (("light.living_room_lamp", "brightness", 50),)),
    Command("What time is it?", (), "HassGetCurrentTime"),
    Command("Close the blinds.", (("cover.blinds", "state", "closed"),)),
    Command("Lock the front door.", (("lock.front_door", "state", "locked"),)),
    Command("Turn on the heater.", (("climate.heater", "state", "on"),)),
    Command("Set the kitchen light to red.", (("light.kitchen_light", "color", "red"),)),
    Command("Set a timer for five minutes.", (("timer:*", "seconds", 300.0),)),
    Command("Turn off all the lights in the kitchen.", (("light.kitchen_light", "state", "off"),)),
    Command("Is the front door locked?", (), "HassGetState"),
    Command("Turn the living room lamp off.", (("light.living_room_lamp", "state", "off"),)),
    Command("Pause the TV.", (("media_player.tv", "state", "paused"),)),
    Command("What is the temperature in the bedroom?", (), "HassClimateGetTemperature"),
    Command("Set the volume to thirty percent.", (("volume", "percent", 30),)),
    Command("Cancel the timer.", (("timer:*", "cancelled", None),)),
    Command(
        "Switch on the bedroom fan and open the blinds.", (("fan.bedroom_fan", "state", "on"), ("cover.blinds", "state", "open"))
    ),
    Command("Turn on the coffee machine.", (("switch.coffee_machine", "state", "on"),)),
    Command("Turn it off.", (("switch.coffee_machine", "state", "off"),)),
    Command("Set the heater to twenty one degrees.", (("climate.heater", "temperature", 21.0),)),
)
