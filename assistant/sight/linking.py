"""Which of the home's devices is in view: by what it is, by the room the camera looks at, and by the names it was taught."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from assistant.devices import Entity, select
from assistant.engines import SeenObject, Sight
from assistant.engines.boxes import COCO
from assistant.home import Home
from assistant.sight import Eyes
from assistant.sight.appearance import Box, windows
from assistant.sight.learned import Known
from assistant.sight.pointing import salience
from assistant.understanding.grammar import spoken_form

CALLED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tv": ("tv", "television", "telly", "screen", "monitor", "projector"),
        "laptop": ("laptop", "computer", "notebook"),
        "cell phone": ("phone", "smartphone"),
        "refrigerator": ("refrigerator", "fridge", "freezer"),
        "oven": ("oven", "stove", "cooker"),
        "potted plant": ("plant",),
        "hair drier": ("hairdryer", "drier", "dryer"),
        "lamp": ("lamp", "light", "chandelier"),
        "ceiling fan": ("fan",),
    }
)
"""label -> words in the names of devices that look so. Any other label stands for its own words."""

DOMAINS: Mapping[str, str] = MappingProxyType({"tv": "media_player", "lamp": "light", "ceiling fan": "fan"})
"""label -> the domain whose only device it is, when no name fits."""

NOUNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("light",),
        "lamp": ("light",),
        "fan": ("fan",),
        "tv": ("media_player",),
        "television": ("media_player",),
        "screen": ("media_player",),
        "player": ("media_player",),
        "machine": ("switch",),
    }
)
"""What a noun beside a pointing word says about the domain."""

LIKELY = 0.1
"""Score from which a thing may be of another kind than its label."""

SECOND = 0.3
"""The same, as a part of its label's score; and the part of the surest device's score below which another is not meant. Both
chosen by hand."""

PLAIN = 0.5
"""Salience, as a part of the most salient one's, from which another device could as well be meant; chosen by hand."""


@dataclass(frozen=True, slots=True)
class InView:
    """A device that may be in view. entity: which; box: where; seen: what is seen there, a taught name or a label;
    score: how surely, 0..1."""

    entity: Entity
    box: Box
    seen: str
    score: float


def devices_in_view(eyes: Eyes, home: Home) -> list[InView]:
    """The home's devices in the present frame, those that were taught first. Raises SkillError, ModelError."""
    sight = eyes.look()
    taught = known_in_view(eyes, sight)
    found = [
        InView(entity, windows([thing.box for thing in sight.objects])[known.place], known.name, known.likeness)
        for known in taught
        for entity in select(home.entities, name=known.name)
    ]
    named = {known.place for known in taught}
    for place, thing in enumerate(sight.objects):
        if place not in named:
            found += _looks_like(thing, home, eyes.area)
    best: dict[str, InView] = {}
    for view in found:
        if view.entity.id not in best or salience(view.box, 1) * view.score > salience(*_of(best[view.entity.id])):
            best[view.entity.id] = view
    return list(best.values())


def known_in_view(eyes: Eyes, sight: Sight) -> list[Known]:
    """The taught names in the present frame; `place` counts as in `windows` of the sight's boxes."""
    if not eyes.names.names:
        return []
    boxes = windows([thing.box for thing in sight.objects])
    labels = [thing.label for thing in sight.objects]
    return eyes.names.known(eyes.pixels, boxes, [*labels, *[""] * (len(boxes) - len(labels))])


def devices_called(label: str, home: Home, area: str) -> tuple[Entity, ...]:
    """The devices that a thing of that label may be: by name, then by domain; those of the camera's room before others."""
    wanted = CALLED.get(label, tuple(label.split()))
    controllable = [entity for entity in home.entities if entity.domain != "sensor"]
    by_name = [entity for entity in controllable if _says(entity, wanted)]
    found = by_name or [entity for entity in controllable if entity.domain == DOMAINS.get(label)]
    here = [entity for entity in found if entity.area and entity.area == (area or home.here)]
    return tuple(here or found)


def _looks_like(thing: SeenObject, home: Home, area: str) -> list[InView]:
    """The devices that a thing may be: by its label, or, where no device is called so, by the next likely one."""
    likely = sorted(
        ((float(score), label) for score, label in zip(thing.scores, COCO, strict=True) if label != thing.label), reverse=True
    )
    labels = [(thing.score, thing.label), *(pair for pair in likely[:2] if pair[0] >= max(LIKELY, SECOND * thing.score))]
    for score, label in labels:
        if devices := devices_called(label, home, area):
            return [InView(entity, thing.box, thing.label, score) for entity in devices]
    return []


def plausible(views: Sequence[InView]) -> tuple[InView, ...]:
    """Those that could be meant: not the ones that are much less sure, or much less to be seen, than another."""
    surest = max((view.score for view in views), default=0.0)
    views = [view for view in views if view.score >= SECOND * surest]
    most = max((salience(*_of(view)) for view in views), default=0.0)
    return tuple(view for view in views if salience(*_of(view)) >= PLAIN * most)


def _of(view: InView) -> tuple[Box, float]:
    return view.box, max(view.score, 0.3)  # what was taught or has a device behind it is never "hardly seen"


def _says(entity: Entity, wanted: Sequence[str]) -> bool:
    said = {word for name in entity.names for word in spoken_form(name).split()}
    return bool(said & set(wanted)) if wanted != ("potted", "plant") else "plant" in said
