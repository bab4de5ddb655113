"""All sentences of the training and test sets, with everything that is known about each.

Four sources: Home Assistant's templates and our own paraphrases of them, our own wordings in
`wordings/`, CLINC150 and SLURP. Splits:
  wordings   one in four lines of every file is kept for testing chosen by a hash of the line, so a line keeps
             its side when others are added; test scenes use only those lines, training scenes never do
  CLINC150   its own train / val / oos_train / oos_val parts
  SLURP      devel is cut into `FOLDS` parts by sentence id; a model that is tested on a part has not seen it
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.intent.labels import FAMILIES, FIXED, HOME_INTENTS, NOT_FOR_ME
from models.intent.sampler import AREAS, DEVICES, Sampler, split

WORDINGS = Path(__file__).parent / "wordings"
FOLDS = 3
ANY = "?"
"""Intent of a sentence whose intent depends on the picture, or which no intent of ours fits for sure: it trains other heads."""

SLURP_TO_HOME = {
    "iot_hue_lightoff": ("HassTurnOff",),
    "iot_hue_lighton": ("HassTurnOn",),
    "iot_hue_lightup": ("HassLightSet",),
    "iot_hue_lightdim": ("HassLightSet",),
    "iot_hue_lightchange": ("HassLightSet",),
    "iot_wemo_on": ("HassTurnOn",),
    "iot_wemo_off": ("HassTurnOff",),
    "iot_cleaning": ("HassVacuumStart", "HassVacuumCleanArea", "HassTurnOn"),
    "iot_coffee": ("HassTurnOn",),
    "audio_volume_up": ("HassSetVolumeRelative", "HassSetVolume"),
    "audio_volume_down": ("HassSetVolumeRelative", "HassSetVolume"),
    "audio_volume_mute": ("HassMediaPlayerMute",),
    "weather_query": ("HassGetWeather",),
    "datetime_query": ("HassGetCurrentTime", "HassGetCurrentDate"),
    "lists_createoradd": ("HassListAddItem", "HassShoppingListAddItem"),
    "play_music": ("HassMediaSearchAndPlay",),
}
"""SLURP's intent -> the intents of ours that are right for it; the first is trained on."""

SLURP_UNSURE = ("alarm", "calendar", "lists", "play", "music", "datetime", "audio", "weather")
"""Scenarios that hold sentences which might be for us; those not in the table above train no intent."""

CLINC_TO_HOME = {
    "timer": "HassStartTimer",
    "weather": "HassGetWeather",
    "time": "HassGetCurrentTime",
    "date": "HassGetCurrentDate",
    "play_music": "HassMediaSearchAndPlay",
    "next_song": "HassMediaNext",
    "shopping_list_update": ANY,
    "todo_list_update": ANY,
}
CLINC_UNSURE = (
    "alarm",
    "change_volume",
    "smart_home",
    "shopping_list",
    "todo_list",
    "update_playlist",
    "reminder",
    "reminder_update",
    "what_song",
    "whisper_mode",
    "next_holiday",
    "find_phone",
    "timezone",
    "repeat",
    "yes",
    "no",
    "maybe",
    "cancel",
    "greeting",
    "goodbye",
    "thank_you",
    "what_can_i_ask_you",
    "calendar",
    "change_speed",
    "calendar_update",
    "carry_on",
)

_NAME_CALL = re.compile(r"^(hey )?(olly|siri|alexa|house|google)[ ,]+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and its labels.

    intent: of `labels.INTENTS`, or ANY. family: of `labels.FAMILIES`. tags: one for each word, () when they are not known.
    clinc: CLINC150's intent, "oos" for its out-of-scope sentences, "" for other sources. source: "home", "wording", "clinc"
    or "slurp". group: SLURP's intent, or the wording.
    """

    text: str
    intent: str
    family: str = "none"
    tags: tuple[str, ...] = ()
    clinc: str = ""
    source: str = ""
    group: str = ""


def fraction(text: str) -> float:
    """A number in 0..1 that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def wordings(family: str, held_out: bool) -> list[str]:
    """The lines of one file of `wordings/`, those for training or those kept for testing (one in four)."""
    lines = (WORDINGS / f"{family}.txt").read_text("utf-8").split("\n")
    return [line for line in lines if line and (fraction(line) < 0.25) == held_out]


def home_sentences(each: int, seed: int) -> list[Sentence]:
    """Up to `each` different sentences of every Home Assistant intent."""
    sampler = Sampler(seed)
    found: dict[str, Sentence] = {}
    for intent in HOME_INTENTS:
        for _ in range(each):
            drawn = sampler.draw(intent)
            text = " ".join(drawn.words)
            if len(drawn.words) <= 16 and text not in found:
                found[text] = Sentence(text, intent, tags=drawn.tags, source="home", group=intent)
    return list(found.values())


def paraphrases(each: int, seed: int) -> list[Sentence]:
    """Our own ways of asking for things at home that Home Assistant's templates do not have: the lines of `wordings/home.txt`."""
    random_ = random.Random(seed)
    devices = [name for kind in ("light", "fan", "media_player", "switch", "climate") for name in split(DEVICES[kind])]
    found: dict[str, Sentence] = {}
    for line in (WORDINGS / "home.txt").read_text("utf-8").splitlines():
        intent, _, pattern = line.partition(": ")
        for _ in range(each):
            words, tags = [], []
            for word in pattern.split():
                slot = {"<area>": "area", "<device>": "name"}.get(word, "")
                filling = random_.choice(split(AREAS) if slot == "area" else devices).split() if slot else [word]
                words += filling
                tags += [f"{'I' if place else 'B'}-{slot}" if slot else "O" for place in range(len(filling))]
            text = " ".join(words)
            found[text] = Sentence(text, intent, tags=tuple(tags), source="home", group=pattern)
    return list(found.values())


def clinc_sentences(path: Path, part: str) -> list[Sentence]:
    """part: "train", "val", "oos_train" or "oos_val" of CLINC150."""
    rows = json.loads(path.read_text("utf-8"))[part]
    sentences = []
    for text, name in rows:
        intent = ANY if name in CLINC_UNSURE else CLINC_TO_HOME.get(name, NOT_FOR_ME)
        sentences.append(Sentence(text.lower(), intent, clinc=name, source="clinc", group=name))
    return sentences


def slurp_sentences(path: Path) -> list[tuple[int, Sentence]]:
    """Every sentence of SLURP's devel part with its fold, 0 .. FOLDS - 1. Words that call the assistant are taken off."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        group = f"{row['scenario']}_{row['action']}"
        text = _NAME_CALL.sub("", row["sentence"].lower())
        unsure = ANY if row["scenario"] in SLURP_UNSURE else NOT_FOR_ME
        intent = SLURP_TO_HOME.get(group, (unsure,))[0]
        fold = int(fraction(text) * FOLDS)  # by text, so that the same words are never on both sides
        found.append((fold, Sentence(text, intent, source="slurp", group=group)))
    return found


# Our own wordings --------------------------------------------------------------------------------------------------------

POINTERS = ["that", "this", "it", "that thing", "this thing", "this one", "that one"]
NEW_NAMES = [
    "reading lamp",
    "bedroom tv",
    "coffee corner",
    "old radio",
    "kids tablet",
    "gaming computer",
    "kitchen screen",
    "work laptop",
    "desk lamp",
    "big screen",
    "guest tv",
    "spare oven",
    "wine fridge",
    "night light",
    "my favourite chair",
    "front room telly",
    "bob",
    "grandma's clock",
]


def fill(wording: str, family: str, words: str, random_: random.Random) -> Sentence:
    """A sentence from one line of `wordings/`.

    words: what stands in the place in angle brackets: a class name for <obj>, a side's words, or "" for a pointing word. A line
    without such a place gets the words after a comma.
    """
    before, mark, rest = wording.partition("<")
    inside, _, after = rest.partition(">")
    slot = {"obj": "object", "new": "name"}.get(inside, "")
    if inside in ("it", "that", "this"):
        words = words or (inside if random_.random() < 0.5 else random_.choice(POINTERS))
    elif inside == "new":
        words = words or random_.choice(NEW_NAMES)
    else:
        words = words or inside
    if slot == "object" and words[:1] in "aeiou" and before.endswith(" a "):
        before = before[:-1] + "n "
    if not mark:
        return Sentence(wording, FIXED.get(family, ANY), family, tuple("O" for _ in wording.split()), "", "wording", wording)
    if slot == "object" and after.startswith("s"):
        words, after = plural(words), after[1:]
    parts = [(before, ""), (words, slot), (after, "")]
    tags = [
        "O" if not name else f"{'I' if place else 'B'}-{name}" for text, name in parts for place, _ in enumerate(text.split())
    ]
    return Sentence(before + words + after, FIXED.get(family, ANY), family, tuple(tags), "", "wording", wording)


def plural(noun: str) -> str:
    """English plural of a class name: "person" -> "people"."""
    last = noun.split()[-1]
    odd = {"person": "people", "mouse": "mice", "knife": "knives", "sheep": "sheep", "scissors": "scissors", "skis": "skis"}
    if last in odd:
        return noun[: len(noun) - len(last)] + odd[last]
    return noun + ("es" if last.endswith(("s", "sh", "ch", "x")) else "s")


def side_phrases(held_out: bool) -> dict[str, list[str]]:
    """left, right, near, far -> ways of saying it."""
    found: dict[str, list[str]] = {}
    for line in wordings("side", held_out):
        side, _, words = line.partition(": ")
        found.setdefault(side, []).append(words)
    return found


def wording_sentences(labels: Sequence[str], held_out: bool, each: int, seed: int) -> list[Sentence]:
    """Every wording `each` times with different fillings: things to count and find, sides, pointing words. Without noise."""
    random_ = random.Random(seed)
    sides = side_phrases(held_out)
    found = []
    for family in FAMILIES[1:]:
        for wording in wordings(family, held_out):
            for _ in range(each):
                words = ""
                if "<obj>" in wording:
                    words = random_.choice(labels)
                elif "<new>" not in wording and family in ("off", "on", "up", "down", "pause", "resume", "what"):
                    words = random_.choice(sides[random_.choice(sorted(sides))]) if random_.random() < 0.3 else ""
                found.append(fill(wording, family, words, random_))
    return found
