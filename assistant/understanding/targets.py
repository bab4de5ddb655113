"""Which devices are meant when no name was said: "the lights", "the lamp in the bedroom", "the fan", "the doors"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.events import SlotValue
from assistant.home import Entity, Home, select
from assistant.intents import Intent, Question
from assistant.spoken import listing, words
from assistant.understanding.grammar import Match, spoken_form
from assistant.understanding.quantities import clock_slots

EVERY = re.compile(r"\b(?:all|every|each|everything|everywhere|whole|entire|both|any|anything)\b")
NOUNS = frozenset(words("lights lamps fans switches blinds curtains shades shutters doors windows gates locks heaters"))
"""Plurals: the group is meant and not one of it."""

COMMANDS = frozenset(
    words(
        "HassTurnOn HassTurnOff HassLightSet HassSetPosition HassClimateSetTemperature HassFanSetSpeed Adjust "
        "HassMediaPause HassMediaUnpause HassMediaNext HassMediaPrevious HassToggle HassMediaPlayerMute "
        "HassMediaPlayerUnmute HassVacuumStart HassVacuumReturnToBase"
    )
)
"""Intents that change devices, and so must know which."""

NOT_DONE = frozenset({"MissingDevice", "Unsupported", "NoReferent", "NothingBefore"})
"""Intents that say why something cannot be done."""

DOMAIN_OF = {"HassClimateSetTemperature": "climate", "HassMediaPause": "media_player", "HassMediaUnpause": "media_player",
             "HassMediaNext": "media_player", "HassMediaPrevious": "media_player", "HassFanSetSpeed": "fan",
             "HassVacuumStart": "vacuum", "HassVacuumReturnToBase": "vacuum"}  # fmt: skip
"""What an intent's devices are when the words do not say."""

SPOKEN_DOMAINS = {"light": "light", "switch": "switch", "fan": "fan", "cover": "blind or door", "media_player": "tv or player",
                  "climate": "heating", "lock": "lock", "vacuum": "vacuum cleaner", "sensor": "sensor"}  # fmt: skip


def settle(match: Match, text: str, home: Home) -> Intent:
    """The intent of a match with its devices settled: one name, or a room and a domain; or a Clarify or MissingDevice intent."""
    slots = _timed(match.slots)
    if slots.get("domain") == "any":
        del slots["domain"]
    if match.question:
        slots["question"] = match.question
    intent = Intent(match.intent, slots, 0.9 if match.free else 1.0, text)
    if "name" in slots or match.intent not in COMMANDS:
        return intent
    domain = domain_of(match)
    kind, area = str(slots.get("device_class", "")), str(slots.get("area", ""))
    if match.slots.get("domain") == "any":
        return intent.with_slots({"domain": "any"})
    found = select(home.entities, area=area, domain=domain, kind=kind)
    if not found:
        return _missing(kind or SPOKEN_DOMAINS.get(domain, "such device"), area, text)
    return _choose(intent.with_slots({"domain": domain} if domain else {}), found, text, home)


def group_of(match: Match, home: Home) -> tuple[Entity, ...]:
    """The devices of a match that names none: of its domain, or all that can be switched, in its room or in the whole home."""
    return select(home.entities, area=str(match.slots.get("area", "")), domain=domain_of(match) or "any")


def domain_of(match: Match) -> str:
    """What kind of device a match is about, "" for any."""
    domain = str(match.slots.get("domain") or DOMAIN_OF.get(match.intent, ""))
    return "" if domain == "any" else domain


def devices_of(intent: Intent, home: Home) -> tuple[str, ...]:
    """Names of the devices an intent is about; () when it is about none in particular."""
    slots = intent.slots
    if intent.name in ("MissingDevice", "Unsupported", "Clarify") or intent.name.startswith(("Timer", "Alarm")):
        return ()
    if "name" in slots:
        return tuple(entity.name for entity in select(home.entities, name=str(slots["name"])))
    domain, area = str(slots.get("domain", "")), str(slots.get("area", ""))
    if not domain or domain == "any":
        return ()
    return tuple(entity.name for entity in select(home.entities, area=area, domain=domain))


def _timed(slots: Mapping[str, SlotValue]) -> dict[str, SlotValue]:
    """A clock token's number as the slots time ("07:30") and either (1: morning or evening)."""
    result = {key: value for key, value in slots.items() if key != "clock"}
    if "clock" in slots:
        time, either = clock_slots(int(slots["clock"]))
        result["time"] = time
        if either:
            result["either"] = 1
    return result


def _choose(intent: Intent, found: tuple[Entity, ...], text: str, home: Home) -> Intent:
    """One device, all of a room, or a question."""
    if len(found) == 1:
        return _named(intent, found[0])
    if "area" in intent.slots or EVERY.search(text):
        return intent
    near_by = tuple(entity for entity in found if home.here and entity.area == home.here)
    plural = bool(NOUNS & set(text.split()))
    if plural or intent.name in ("HassMediaPause", "HassMediaUnpause"):
        return intent.with_slots({"area": home.here}) if near_by else intent
    said = set(text.split())
    for group in (near_by, found):
        by_noun = tuple(entity for entity in group if said & set(spoken_form(entity.name).split()))
        if len(by_noun or group) == 1:
            return _named(intent, (by_noun or group)[0])
    if near_by and intent.name == "Adjust":
        return intent.with_slots({"area": home.here})
    return clarify([(entity.name, (_named(intent, entity),)) for entity in near_by or found], text)


def _named(intent: Intent, entity: Entity) -> Intent:
    slots = {key: value for key, value in intent.slots.items() if key not in ("area", "domain", "device_class")}
    return Intent(intent.name, {**slots, "name": entity.name}, intent.confidence, intent.text)


def _missing(noun: str, area: str, text: str) -> Intent:
    return Intent("MissingDevice", {"name": noun, **({"area": area} if area else {})}, 1.0, text)


def clarify(options: list[tuple[str, tuple[Intent, ...]]], text: str, unknown: str = "") -> Intent:
    """A question which of several devices is meant. unknown: what was said instead of a name, for "there is no ..."."""
    names = [f"the {name}" for name, _ in options[:4]]
    question = Question(yes=options[0][1] if len(options) == 1 else (), options=dict(options[:4]))
    slots: dict[str, SlotValue] = {"choices": listing(names, "or")}
    if unknown:
        slots["unknown"] = unknown
    return Intent("Clarify", slots, 0.5, text, question)
