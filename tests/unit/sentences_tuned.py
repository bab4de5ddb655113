"""Sentences that understanding was developed with: text, then intents as (name, slots that must be there)."""

from __future__ import annotations

Expected = list[tuple[str, dict[str, str | int | float]]]

TUNED: list[tuple[str, Expected]] = [
    # on and off
    ("Turn on the kitchen light.", [("HassTurnOn", {"name": "kitchen light"})]),
    ("turn off the bedroom fan", [("HassTurnOff", {"name": "bedroom fan"})]),
    ("Switch the TV off, please.", [("HassTurnOff", {"name": "tv"})]),
    ("Could you please turn on the desk lamp?", [("HassTurnOn", {"name": "desk lamp"})]),
    ("Um, turn the coffee machine on.", [("HassTurnOn", {"name": "coffee machine"})]),
    ("hey turn on the television", [("HassTurnOn", {"name": "tv"})]),
    ("turn off the fan", [("HassTurnOff", {"name": "bedroom fan"})]),
    ("Turn on the lights.", [("HassTurnOn", {"domain": "light", "area": "living room"})]),
    ("turn on all the lights", [("HassTurnOn", {"domain": "light"})]),
    ("Turn off the lights in the bedroom.", [("HassTurnOff", {"domain": "light", "area": "bedroom"})]),
    ("turn off everything", [("HassTurnOff", {"domain": "any"})]),
    ("turn off everything in the bedroom", [("HassTurnOff", {"domain": "any", "area": "bedroom"})]),
    ("toggle the desk lamp", [("HassToggle", {"name": "desk lamp"})]),
    ("turn on the lamp", [("HassTurnOn", {"name": "living room lamp"})]),
    # brightness, colour
    ("Set the bedroom lamp to 40%.", [("HassLightSet", {"name": "bedroom lamp", "brightness": 40})]),
    ("set the bedroom lamp to forty percent", [("HassLightSet", {"name": "bedroom lamp", "brightness": 40})]),
    ("set the kitchen light to half", [("HassLightSet", {"name": "kitchen light", "brightness": 50})]),
    ("dim the kitchen light to twenty five percent", [("HassLightSet", {"name": "kitchen light", "brightness": 25})]),
    ("make the desk lamp blue", [("HassLightSet", {"name": "desk lamp", "color": "blue"})]),
    ("Change the color of the living room lamp to red.", [("HassLightSet", {"name": "living room lamp", "color": "red"})]),
    ("set the desk lamp to warm white", [("HassLightSet", {"name": "desk lamp", "temperature": 2700})]),
    ("make the desk lamp brighter", [("Adjust", {"name": "desk lamp", "direction": "up"})]),
    ("dim the desk lamp", [("Adjust", {"name": "desk lamp", "direction": "down"})]),
    ("dim the lights", [("Adjust", {"domain": "light", "direction": "down"})]),
    # covers, locks, climate, fans, media
    ("Open the blinds.", [("HassTurnOn", {"name": "blinds"})]),
    ("shut the blinds", [("HassTurnOff", {"name": "blinds"})]),
    ("open the blinds halfway", [("HassSetPosition", {"name": "blinds", "position": 50})]),
    ("set the blinds to 30 percent", [("HassSetPosition", {"name": "blinds", "position": 30})]),
    ("Lock the front door.", [("HassTurnOn", {"name": "front door"})]),
    ("unlock the front door", [("HassTurnOff", {"name": "front door"})]),
    ("lock the door", [("HassTurnOn", {"name": "front door"})]),
    ("open the garage", [("HassTurnOn", {"name": "garage door"})]),
    ("Set the heater to 21.5 degrees.", [("HassClimateSetTemperature", {"name": "heater", "temperature": 21.5})]),
    ("set the temperature to twenty one degrees", [("HassClimateSetTemperature", {"temperature": 21})]),
    ("set the bedroom fan to low", [("HassFanSetSpeed", {"name": "bedroom fan", "percentage": 33})]),
    ("set the fan speed to 60 percent", [("HassFanSetSpeed", {"name": "bedroom fan", "percentage": 60})]),
    ("pause the tv", [("HassMediaPause", {"name": "tv"})]),
    ("next song", [("HassMediaNext", {})]),
    ("turn up the tv", [("Adjust", {"name": "tv", "direction": "up"})]),
    # questions
    ("Is the front door locked?", [("HassGetState", {"name": "front door", "state": "locked"})]),
    ("which lights are on", [("HassGetState", {"domain": "light", "state": "on", "question": "which"})]),
    ("is the garage open", [("HassGetState", {"name": "garage door", "state": "open"})]),
    ("how warm is it in the bedroom", [("HassClimateGetTemperature", {"area": "bedroom"})]),
    ("What's the temperature?", [("HassClimateGetTemperature", {})]),
    # timers
    ("Set a timer for 5 minutes.", [("TimerSet", {"seconds": 300})]),
    ("set a timer for an hour and a half", [("TimerSet", {"seconds": 5400})]),
    ("set a timer for twenty five minutes and thirty seconds", [("TimerSet", {"seconds": 1530})]),
    ("half an hour timer", [("TimerSet", {"seconds": 1800})]),
    ("a 5-minute timer", [("TimerSet", {"seconds": 300})]),
    ("set a pasta timer for ten minutes", [("TimerSet", {"seconds": 600, "name": "pasta"})]),
    ("Set a 3 minute timer for the eggs.", [("TimerSet", {"seconds": 180, "name": "eggs"})]),
    ("how much time is left", [("TimerLeft", {})]),
    ("how long is left on the pasta timer", [("TimerLeft", {"name": "pasta"})]),
    ("cancel the timer", [("TimerCancel", {})]),
    ("cancel the pasta timer", [("TimerCancel", {"name": "pasta"})]),
    ("cancel all timers", [("TimerCancel", {"all": 1})]),
    ("list my timers", [("TimerLeft", {})]),
    # alarms, clock
    ("Wake me at 7:30 tomorrow.", [("AlarmSet", {"time": "07:30", "day": "tomorrow"})]),
    ("set the alarm for twenty to eight", [("AlarmSet", {"time": "07:40", "either": 1})]),
    ("set an alarm for half past six in the evening", [("AlarmSet", {"time": "18:30"})]),
    ("Wake me up at 7 a.m.", [("AlarmSet", {"time": "07:00"})]),
    ("cancel my alarm", [("AlarmCancel", {})]),
    ("what alarms do i have", [("AlarmList", {})]),
    ("What time is it?", [("HassGetCurrentTime", {})]),
    ("what day is it today", [("HassGetCurrentDate", {})]),
    # volume
    ("volume up", [("VolumeChange", {"direction": "up"})]),
    ("set the volume to 40 percent", [("VolumeSet", {"level": 40})]),
    ("louder please", [("VolumeChange", {"direction": "up"})]),
    ("mute", [("VolumeMute", {"mute": 1})]),
    # the conversation
    ("what can you do", [("Help", {})]),
    ("Say that again.", [("RepeatReply", {})]),
    ("never mind", [("Stop", {})]),
    ("Stop.", [("Stop", {})]),
    ("thank you", [("Thanks", {})]),
    # several commands
    ("turn off the fan and close the blinds", [("HassTurnOff", {"name": "bedroom fan"}), ("HassTurnOff", {"name": "blinds"})]),
    (
        "turn on the kitchen light and the fan",
        [("HassTurnOn", {"name": "kitchen light"}), ("HassTurnOn", {"name": "bedroom fan"})],
    ),
    (
        "Turn the kitchen light and the fan off.",
        [("HassTurnOff", {"name": "kitchen light"}), ("HassTurnOff", {"name": "bedroom fan"})],
    ),
    (
        "set the lamp to 40 percent then lock the door",
        [("HassLightSet", {"name": "living room lamp", "brightness": 40}), ("HassTurnOn", {"name": "front door"})],
    ),
    (
        "set the desk lamp and the bedroom lamp to 40 percent",
        [("HassLightSet", {"name": "desk lamp"}), ("HassLightSet", {"name": "bedroom lamp"})],
    ),
    (
        "turn off the kitchen and bedroom lights",
        [("HassTurnOff", {"name": "kitchen light"}), ("HassTurnOff", {"area": "bedroom", "domain": "light"})],
    ),
    (
        "turn off the tv, the lamp and the fan",
        [
            ("HassTurnOff", {"name": "tv"}),
            ("HassTurnOff", {"name": "living room lamp"}),
            ("HassTurnOff", {"name": "bedroom fan"}),
        ],
    ),
    (
        "turn on the desk lamp and make it blue",
        [("HassTurnOn", {"name": "desk lamp"}), ("HassLightSet", {"name": "desk lamp", "color": "blue"})],
    ),
    (
        "set a timer for 5 minutes and turn on the kitchen light",
        [("TimerSet", {"seconds": 300}), ("HassTurnOn", {"name": "kitchen light"})],
    ),
    (
        "set a timer for 5 minutes called pasta and turn on the light",
        [("TimerSet", {"seconds": 300, "name": "pasta"}), ("HassTurnOn", {"name": "living room lamp"})],
    ),
    ("set a timer for 5 minutes and an alarm for 7 am", [("TimerSet", {"seconds": 300}), ("AlarmSet", {"time": "07:00"})]),
    # misheard, missing
    ("turn on the kitchen lite", [("HassTurnOn", {"name": "kitchen light"})]),
    ("turn on the lamb", [("HassTurnOn", {"name": "living room lamp"})]),
    ("turn off the bed room fan", [("HassTurnOff", {"name": "bedroom fan"})]),
    ("turn on the dishwasher", [("MissingDevice", {"name": "dishwasher"})]),
    ("turn on the dishwasher and the fan", [("MissingDevice", {"name": "dishwasher"}), ("HassTurnOn", {"name": "bedroom fan"})]),
    ("open the kitchen light", [("Unsupported", {"name": "kitchen light"})]),
    ("turn on the bathroom fan", [("Clarify", {"unknown": "bathroom fan"})]),
    ("turn it off", [("NoReferent", {})]),
    ("tell me a joke", []),
    ("the weather in paris is lovely", []),
]
