"""What the intent model can say: intents, slots, and which COCO classes can be controlled how.

The network's outputs are positions in these tuples; `export.py` writes them into the model's manifest for the runtime.
"""

from __future__ import annotations

HOME_INTENTS = (
    "HassBroadcast",
    "HassCancelAllTimers",
    "HassCancelTimer",
    "HassClimateGetTemperature",
    "HassClimateSetFanMode",
    "HassClimateSetTemperature",
    "HassDecreaseTimer",
    "HassFanSetSpeed",
    "HassGetCurrentDate",
    "HassGetCurrentTime",
    "HassGetState",
    "HassGetWeather",
    "HassIncreaseTimer",
    "HassLawnMowerDock",
    "HassLawnMowerStartMowing",
    "HassLightSet",
    "HassListAddItem",
    "HassListCompleteItem",
    "HassListRemoveItem",
    "HassMediaNext",
    "HassMediaPause",
    "HassMediaPlayerMute",
    "HassMediaPlayerUnmute",
    "HassMediaPrevious",
    "HassMediaSearchAndPlay",
    "HassMediaUnpause",
    "HassPauseTimer",
    "HassSetPosition",
    "HassSetVolume",
    "HassSetVolumeRelative",
    "HassShoppingListAddItem",
    "HassShoppingListCompleteItem",
    "HassStartTimer",
    "HassTimerStatus",
    "HassTurnOff",
    "HassTurnOn",
    "HassUnpauseTimer",
    "HassVacuumCleanArea",
    "HassVacuumReturnToBase",
    "HassVacuumStart",
)
"""Names of Home Assistant's English intents (home-assistant-intents 2026.10.27); small talk and "never mind" are left out."""

SIGHT_INTENTS = ("IdentifyObject", "PresenceQuery", "CountObjects", "WhereIs", "ReadText", "Describe", "Remember")
"""Sentences that are about the picture itself."""

CLARIFY, NOT_FOR_ME = "Clarify", "NotForMe"
"""Nothing in view can do what is asked (ask back); nothing that this assistant does."""

INTENTS = (*HOME_INTENTS, *SIGHT_INTENTS, CLARIFY, NOT_FOR_ME)

FAMILIES = (
    "none",
    "off",
    "on",
    "up",
    "down",
    "pause",
    "resume",
    "what",
    "who",
    "exists",
    "count",
    "where",
    "read",
    "describe",
    "remember",
)
"""What a sentence does to the thing it points at; each but "none" is a file in `wordings/`. "none": it points at nothing."""

FIXED = {
    "what": "IdentifyObject",
    "who": "PresenceQuery",
    "exists": "PresenceQuery",
    "count": "CountObjects",
    "where": "WhereIs",
    "read": "ReadText",
    "describe": "Describe",
    "remember": "Remember",
}
"""Families whose intent does not depend on the picture."""

ACTIONS = ("off", "on", "up", "down", "pause", "resume")
"""Families whose intent depends on the thing in view."""

SLOTS = (
    "area",
    "brightness",
    "color",
    "conversation_command",
    "device_class",
    "fan_mode",
    "floor",
    "hours",
    "item",
    "media_class",
    "message",
    "minutes",
    "name",
    "object",
    "percentage",
    "position",
    "search_query",
    "seconds",
    "start_hours",
    "start_minutes",
    "start_seconds",
    "state",
    "temperature",
    "volume_level",
    "volume_step",
)
"""Names of the slots; the network tags words with O, B-slot and I-slot."""

TAGS = ("O", *(f"{kind}-{slot}" for slot in SLOTS for kind in "BI"))

MEDIA, HEAT, SWITCH = ("tv", "laptop", "cell phone"), ("oven", "refrigerator"), ("microwave", "toaster", "hair drier")
CONTROLLABLE = (*MEDIA, *HEAT, *SWITCH)


def action_intent(family: str, label: str) -> str:
    """What an action means for a thing of a COCO class: "up" is louder for a tv and warmer for an oven, Clarify for a cup."""
    if label not in CONTROLLABLE:
        return CLARIFY
    if family in ("on", "off"):
        return "HassTurnOn" if family == "on" else "HassTurnOff"
    if family in ("up", "down"):
        return "HassSetVolumeRelative" if label in MEDIA else "HassClimateSetTemperature" if label in HEAT else CLARIFY
    if label not in MEDIA:
        return CLARIFY
    return "HassMediaPause" if family == "pause" else "HassMediaUnpause"
