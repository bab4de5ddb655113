"""The sentences about what is in view, in hassil's form; they are understood only when there are eyes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.engines.boxes import COCO
from assistant.understanding.grammar import Sentences

OTHER_WORDS = {
    "television": "tv",
    "telly": "tv",
    "screen": "tv",
    "monitor": "tv",
    "phone": "cell phone",
    "mobile": "cell phone",
    "fridge": "refrigerator",
    "plant": "potted plant",
    "sofa": "couch",
    "mug": "cup",
    "glass": "wine glass",
    "computer": "laptop",
    "table": "dining table",
    "desk": "dining table",
    "remote control": "remote",
    "bike": "bicycle",
    "plane": "airplane",
    "bag": "handbag",
    "rucksack": "backpack",
    "stove": "oven",
    "ball": "sports ball",
    "hair dryer": "hair drier",
    "hairdryer": "hair drier",
    "people": "person",
    "man": "person",
    "woman": "person",
    "child": "person",
    "men": "person",
    "women": "person",
    "children": "person",
    "persons": "person",
    "knives": "knife",
    "mice": "mouse",
    "doughnut": "donut",
    "motorbike": "motorcycle",
    "flat screen": "tv",
}
"""What people say -> COCO's word."""

_WHO = "(anyone|anybody|someone|somebody|a person|people|any people|any person|a man|a woman)"
_WHERE = (
    "(there|here|in there|in here|around|in [the|this] (room|house|picture|view|image)|in view"
    "|in front of (you|the camera|the door|me)"
    "|at the [front] door|outside|outside the door|on the (doorstep|porch)|at home|home|in the {area})"
)
_THE = "(the|my|our|a|an|any|your|that|this)"
_POLITE = "[(do you know|can you (tell me|see|say)|tell me)]"
_ASIDE = "[[(over|right)] (there|here)|in my hand|in my hands|in front of (me|you)|on the table|on the {side}|to the {side}]"

ODD_PLURALS = {
    "person": "people",
    "people": "people",
    "man": "men",
    "woman": "women",
    "child": "children",
    "mouse": "mice",
    "knife": "knives",
    "scissors": "scissors",
    "skis": "skis",
    "sheep": "sheep",
}

_HIM = "(he|she|the (man|woman|person|child|boy|girl))"
_HELD = "(there|here|in (my|his|her|the|their) (hand|hands))"

QUESTIONS: dict[str, tuple[str, ...]] = {
    "IdentifyObject": (
        f"{_POLITE} (what|what's|whats|what is) [is] (this|that|it) [(thing|object|called)] {_ASIDE}",
        f"{_POLITE} what (this|that) [(thing|object)] is",
        f"(what|what's|what is) [is] (the|this|that) (thing|object|one) {_ASIDE}",
        "what (am i|are you|is she|is he) (looking at|pointing at|pointing to|showing [you|me])",
        "what do i have (here|there)",
        "what (kind|sort|type) of (thing|object) is (this|that)",
        "what (thing|object) is (this|that)",
        "(identify|name|recognize|recognise) (this|that|it) [(thing|object)]",
    ),
    "HeldObject": (
        f"what (am i|is {_HIM}|are they) (holding|carrying) [{_HELD}]",
        "what do i have in my (hand|hands)",
        "(what is|what's) in my (hand|hands)",
    ),
    "DescribeScene": (
        "what (do|can) you [can] see (on|to|at) [the|my|your] {side} [side]",
        "(what|what's|what is) [is] [there] (on|to) [the|my|your] {side} [side]",
        f"(what|what's|what is) [is] [there] on {_THE} {{object}}",
        "[tell me] what [(do|can|could)] you [can] see [(there|here|now|right now|in front of you|around you|in the {area})]",
        "what (is|are|'s) [there] in (front of you|view|sight|the picture|the image|this picture|this image|the frame)",
        "what's (in front of you|in view|in sight|in the picture|in the image|in this picture)",
        "describe [what you see|what's there|what is there|the (scene|room|picture|view|image)|this (scene|room|picture|image)]",
        "(have|take) a look [around]",
        "look around",
        "what (is going|'s going) on [(here|there)]",
        "which (things|objects) (do|can) you see",
    ),
    "PresenceQuery": (
        f"is {_WHO} [standing|waiting|sitting] {_WHERE}",
        f"is there {_WHO} [standing|waiting|sitting] [{_WHERE}]",
        f"are there [any] (people|persons) [{_WHERE}]",
        f"(do|can) you see {_WHO} [{_WHERE}]",
        "(am i|are we) alone [here|in here]",
        f"(check|see|look) (if|whether) (there is|there's) {_WHO} [{_WHERE}]",
        f"(check|see|look) (if|whether) {_WHO} is {_WHERE}",
        "is the room empty",
    ),
    "WhoIsThere": (f"(who|who's) [is] [that] [{_WHERE}]", "who do you see [there|here]", "who (am i|is this|is that)"),
    "CountObjects": (
        f"how many {{counted}} ((do|can) you see|are there|are|can you count|do i have) [{_WHERE}|on the table|on the {{side}}]",
        f"count [the|all|all the] {{counted}} [{_WHERE}]",
    ),
    "FindObject": (
        f"(where|where's|where is|where are) [is|are] [{_THE}] {{object}} [now]",
        f"(do|can) you see [{_THE}] {{object}} [{_WHERE}|on the table]",
        f"(is|are) there [{_THE}] {{object}} [{_WHERE}|on the table]",
        f"(have you seen|find|look for|show me|can you find) [{_THE}] {{object}}",
    ),
    "SideQuery": (
        f"(is|are) [{_THE}] {{object}} (on|to) [the|my|your] {{side}} or [(on|to)] [the|my|your] [other|left|right] [side]",
        f"(is|are) [{_THE}] {{object}} {{side}} or (left|right)",
        f"(on|to) (which|what) side is [{_THE}] {{object}}",
        f"(which|what) side is [{_THE}] {{object}} [on]",
    ),
    "SideCheck": (f"(is|are) [{_THE}] {{object}} (on|to|at) [the|my|your] {{side}} [side]",),
    "ReadText": (
        "read (this|that|it) [(to me|out|aloud|out loud|out to me|text|label|sign|letter|page)]",
        "read (the|this|that) (text|label|sign|letter|page|screen|note|book|box|bottle|paper|menu) [(to me|out|aloud|out loud)]",
        "what (does|do) (this|that|it|the (text|label|sign|letter|page|screen|note|box|bottle|paper)) (say|read)",
        "(what is|what's) (written|printed|standing) (here|there|on (this|that|it|the (box|label|sign|paper|screen|bottle)))",
        "what does it say [here|there|on (this|that|the (box|label|sign|paper|screen|bottle))]",
        "read [me] (what it says|what is written|what you see)",
    ),
    "LearnName": (
        "[remember] (this|that) is [called] [(the|my|our)] {name}",
        "[remember] (this|that) is (the|my|our|called|called the|called my|named) {learned}",
        "(remember|learn|save|store|know) (this|that|it) (as|is|by the name of|by the name) [(the|my|our|a|an)] {learned}",
        "(call|name) (this|that|it) [(the|my|our)] {learned}",
    ),
    "ForgetNames": ("forget (all|everything|all the) [(the|of the)] (names|things|objects) [you (have learned|learned|know)]",),
    "LearnedNames": ("(what|which) (names|things|objects) (have you learned|did you learn|do you know by name|do you remember)",),
}
"""intent -> templates. {object}, {counted}: what can be seen; {side}: left or right; {learned}: a new name, anything."""

FORGET_ONE = ("forget [(what|the look of|how)] [(the|my|our)] {known} [(looks like|looks)]",)


_IT = "((this|that) [(one|thing|device|lamp|light|fan|screen)] [(there|over there|here)]|it)"
_ONE = "(one|thing|device|lamp|light|fan|screen|machine)"
_THERE = (
    f"(the (left|right|other|middle|nearer|closer|bigger|smaller|upper|lower) {_ONE}"
    f"|(the|that|this) {_ONE} (on|to|in) the (left|right|middle))"
)

POINTING = (
    f"(turn|switch) (on|off|up|down) {_IT}",
    f"(turn|switch) {_IT} (on|off|up|down)",
    f"(turn|switch) (on|off|up|down) {_THERE}",
    f"(turn|switch) {_THERE} (on|off|up|down)",
    f"make {_IT} (brighter|darker|louder|quieter|warmer|cooler)",
    f"make {_THERE} (brighter|darker|louder|quieter|warmer|cooler)",
    f"(open|close|pause|mute|unmute|dim|brighten|toggle|start|stop) ({_IT}|{_THERE})",
    f"[no] {_THERE}",
)
"""Commands that point, for the recogniser alone: `resolve.py` understands these and more."""


def object_words(learned: Sequence[str] = ()) -> dict[str, str]:
    """What may be asked for -> its label; the names that were taught stand for themselves. Plurals included."""
    words = {**{label: label for label in COCO}, **OTHER_WORDS}
    plural = {plural_of(word): label for word, label in words.items()}
    return {**plural, **words, **{name: name for name in learned}}


def sight_sentences(learned: Sequence[str] = ()) -> tuple[Sentences, ...]:
    """All sentences about the view. learned: the names that were taught so far."""
    words = object_words(learned)
    lists: dict[str, Sequence[str] | Mapping[str, str] | range | str] = {
        "object": words,
        "counted": words,
        "side": ["left", "right"],
        "learned": "text",
    }
    found = [
        Sentences(intent, templates, {name: spec for name, spec in lists.items() if any(f"{{{name}}}" in t for t in templates)})
        for intent, templates in QUESTIONS.items()
    ]
    if learned:
        found.append(Sentences("ForgetName", FORGET_ONE, {"known": list(learned)}))
    return tuple(found)


def plural_of(noun: str) -> str:
    """ "cup" -> "cups", "knife" -> "knives", "person" -> "people"."""
    if noun in ODD_PLURALS:
        return ODD_PLURALS[noun]
    return f"{noun}es" if noun.endswith(("s", "sh", "ch", "x")) else f"{noun}s"
