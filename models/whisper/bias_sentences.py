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

LONGER = (
    "What time is it in Tokyo?", "What time is it when the shops close?",
    "What time is it when the train leaves?", "Close the blinds before the neighbours see us.",
    "Turn on the heater when it gets cold outside.", "Open the blinds as soon as the sun is up.",
    "Turn off the bedroom fan if nobody is there.", "Turn on the kitchen light if somebody comes home.",
    "Is the front door locked at my parents' house?", "Is the garage door open on the other side?",
    "Set a timer for five minutes longer than yesterday.", "Set the volume to thirty percent of what it was.",
    "Close the blinds were his last words.", "Lock the front door was the first thing she said.",
    "I told him to lock the front door.", "He never listens when I say pause the TV.",
    "She asked me what time is it.", "The sign on the wall said close the blinds.",
    "My brother said pause the TV.", "Somebody in the film shouted turn off the lights.",
    "Do you remember how to open the blinds?", "I forgot who wanted to turn on the TV.",
    "Never mind the gap between the train and the platform.", "Good night and good luck is a film about television.",
    "Stop telling me what to do.", "Stop at the next corner and wait for us.",
    "Yes but only on Tuesdays.", "No one came to the party.",
    "Good night moon is a children's book.", "Cancel the timer function in my old washing machine.",
    "Turn up the volume of the shares we own.", "Turn up the volume knob was the title of the song.",
    "Lights off is what the coach shouted.", "Open the garage door company's web page.",
    "The kitchen light is on fire.", "Mute the TV presenter who talks all day.",
    "What's the date of the last election?", "What's the date today in the Chinese calendar?",
    "What is the temperature in the bedroom supposed to be in winter?", "Turn off everything that I do not need next week.",
    "What is the temperature on the moon?", "What is the temperature in the bedroom of the hotel in Paris?",
    "Are the blinds closed on Sundays?", "Are the blinds closed whenever you sleep?",
    "Turn on the TV at eight tomorrow morning.", "Turn off the hallway light after the last guest has left.",
    "Unlock the front door for the plumber on Friday.", "Open the garage door for the truck that comes at noon.",
    "Cancel the alarm system contract with the company.", "Cancel the alarm subscription I never use.",
    "I wonder which doors are unlocked in the museum.", "They want to know which doors are unlocked.",
    "They asked us to turn off everything before the flight.", "We learned that you should turn off everything.",
    "Mute the TV or I will leave.", "Dim the bedroom lamp until I fall asleep.",
    "Is the kitchen light on your shopping list?", "Is the kitchen light on in the picture above?",
    "Make it warmer than the last time I came.", "Make it warmer but not as warm as it was last night.",
    "We had to open the garage door by hand.", "The children like to turn on the coffee machine.",
    "It was dark so turn on the floor lamp she said.", "My teacher always told us lights off.",
    "What lights are on the Christmas tree this year?", "What lights are on top of the tower?",
    "Volume down two percent on the stock exchange.", "Unmute yourself in the meeting.",
    "Wake me up before you go.", "Turn on the desk lamp that we bought in Sweden.",
    "Resume the TV show about the dinosaurs from last week.", "Resume the TV series where we fell asleep.",
    "Switch off the coffee machine after I had my second cup.", "Turn on the coffee machine ten minutes before I get up.",
)  # fmt: skip
"""Other sentences in which a command stands, or nearly: doing it would be wrong. Every second one is for measuring."""


def other_speech(folder: Path, count: int) -> list[str]:
    """Sentences about other things, seeded: SLURP's development set without its home intents, and CLINC150."""
    lines = [json.loads(line) for line in (folder / "slurp_devel.jsonl").read_text("utf-8").splitlines()]
    slurp = [line["sentence"] for line in lines if not line["intent"].startswith(("iot", "alarm", "audio", "datetime"))]
    clinc = [text for text, _ in json.loads((folder / "clinc150_train_val.json").read_text("utf-8"))["val"]]
    choose = random.Random(1)
    return [*choose.sample(slurp, count - count // 2), *choose.sample(clinc, count // 2)]
