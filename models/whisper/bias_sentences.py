"""What measure_bias.py says: commands of the example home, near misses, other speech. Every second one is for tuning."""

from __future__ import annotations

import json
import random
from pathlib import Path

COMMANDS = (
    # as in `assistant bench latency`
    "Turn on the kitchen light.", "Turn off the bedroom fan.", "Set the living room lamp to fifty percent.",
    "What time is it?", "Close the blinds.", "Lock the front door.", "Turn on the heater.",
    "Set the kitchen light to red.", "Set a timer for five minutes.", "Turn off all the lights in the kitchen.",
    "Is the front door locked?", "Turn the living room lamp off.", "Pause the TV.",
    "What is the temperature in the bedroom?", "Set the volume to thirty percent.", "Cancel the timer.",
    "Switch on the bedroom fan and open the blinds.", "Turn on the coffee machine.", "Stop.",
    "Set the heater to twenty one degrees.",
    # more
    "Unlock the front door.", "Turn off the hallway light.", "Dim the bedroom lamp.", "Open the garage door.",
    "Mute the TV.", "Yes.", "No.", "Turn on the desk lamp.", "Switch off the coffee machine.",
    "Make the living room lamp brighter.", "Set the desk lamp to blue.", "Wake me up at seven thirty tomorrow.",
    "Set an alarm for six o'clock.", "Cancel the alarm.", "How much time is left on the timer?", "Turn up the volume.",
    "Volume down.", "What's the date today?", "Are the blinds closed?", "Is the garage door open?",
    "Turn off everything.", "Turn on the lights in the living room.", "Bedroom fan on, please.", "Resume the TV.",
    "Set the blinds to forty percent.", "Open the blinds halfway.", "Could you please turn off the heater?",
    "Set a timer for one hour and fifteen minutes.", "Turn on the TV.", "Turn off the television.", "Lights off.",
    "Is the kitchen light on?", "Set the bedroom fan to seventy percent.", "Make it warmer.", "Unmute.",
    "Brighten the hallway light.", "Close the garage.", "What lights are on?", "Never mind.", "Good night.",
    "Turn on the floor lamp.", "Set the bedside lamp to twenty percent.", "Lock the front door and turn off all the lights.",
    "Which doors are unlocked?",
)  # fmt: skip

NEAR_MISSES = (
    "Turn on the garden light.", "Turn off the attic fan.", "Unlock the back door.", "Open the window.",
    "Set the dining room lamp to fifty percent.", "Turn on the dishwasher.", "Pause the washing machine.",
    "Close the shutters in the office.", "Is the shed door locked?", "Turn on the bathroom light.",
    "Start the robot vacuum.", "Turn on the porch light.", "Turn off the basement light.", "Turn on the sprinkler.",
    "Set the oven to two hundred degrees.", "Lock the car.", "Turn on the radio.", "Open the back gate.",
    "Turn off the nursery lamp.", "Is the balcony door closed?", "Turn on the Christmas tree.", "Feed the cat.",
    "Turn on the study lamp.", "Switch off the kettle.", "Close the cellar door.", "Set the pool to thirty degrees.",
    "Turn on the air conditioner.", "Dim the closet light.", "Turn off the printer.", "Open the cabinet.",
    # that sound like something the home has
    "Turn on the bathroom fan.", "Turn off the guest room lamp.", "Lock the garden door.", "Turn on the headlight.",
    "Turn on the disk lamp.", "Unlock the patio door.", "Turn off the chicken light.", "Set the playroom lamp to blue.",
    "Turn on the ballroom lamp.", "Open the blender.", "Turn on the coffee grinder.", "Close the carport door.",
    "Turn on the heat lamp.", "Turn on the bed warmer.", "Lock the trunk door.", "Turn on the copy machine.",
)  # fmt: skip
"""Commands about devices that the example home does not have: they must not become commands about those it has."""


def other_speech(folder: Path, count: int) -> list[str]:
    """Sentences about other things, seeded: SLURP's development set without its home intents, and CLINC150."""
    lines = [json.loads(line) for line in (folder / "slurp_devel.jsonl").read_text("utf-8").splitlines()]
    slurp = [line["sentence"] for line in lines if not line["intent"].startswith(("iot", "alarm", "audio", "datetime"))]
    clinc = [text for text, _ in json.loads((folder / "clinc150_train_val.json").read_text("utf-8"))["val"]]
    choose = random.Random(1)
    return [*choose.sample(slurp, count - count // 2), *choose.sample(clinc, count // 2)]
