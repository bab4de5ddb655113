"""The words that point: "that", "the left one", "the other lamp"; and which of several things in view they point at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp
from typing import TypeVar

from assistant.sight.appearance import Box

T = TypeVar("T")

_SIDES = {
    "left": "left|left hand|leftmost",
    "right": "right|right hand|rightmost",
    "middle": "middle|centre|center|central",
    "near": "near|nearer|nearest|close|closer|closest|front|in front|big|bigger|biggest|large|larger|largest",
    "far": "far|farther|farthest|further|furthest|back|behind|small|smaller|smallest|little",
    "top": "top|upper|topmost",
    "bottom": "bottom|lower|bottommost",
    "other": "other",
}
_SIDE = "|".join(_SIDES.values())
_THING = "one|1|thing|device|object|gadget|light|lamp|fan|tv|television|screen|machine|player|appliance"
_PLACE = (
    rf"(?: (?:(?:on|to|at|in) (?:the|my|your) )?(?P<place>{_SIDE})(?: side| hand side)?| over there| there| here| over here)?"
)

POINTING = re.compile(
    rf"(?<!\S)(?:(?:that|this|the|my) (?P<side>{_SIDE}) (?P<thing>{_THING})"
    rf"|(?:that|this|the) (?P<noun>{_THING}){_PLACE}"
    rf"|(?P<bare>that|this|it){_PLACE.replace('place', 'at')})(?!\S)"
)
"""A phrase that points at a thing."""

GENERIC = frozenset({"one", "1", "thing", "device", "object", "gadget", "appliance"})
"""Nouns that say nothing of what is pointed at."""

SURE = 0.25
"""Score from which a box may be what is meant."""

TABLE, BENEATH = "dining table", 0.4
"""What things stand on fills the view and is rarely what is asked about: it counts a part. On the 110 photos of `assistant bench
eyes`, where it was chosen, a half to a fifth are alike."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A sentence that points. text: with "it" in place of the phrase; side: where, "" = not said; noun: what, "" = not said;
    shown: whether "this" or "that" was said, which point even when something was talked about before."""

    text: str
    side: str
    noun: str
    shown: bool


def pointed(text: str) -> Pointed | None:
    """What a cleaned text points at; None when it does not point."""
    found = POINTING.search(text)
    if found is None:
        return None
    side = side_named(found["side"] or found["place"] or found["at"] or "")
    noun = found["thing"] or found["noun"] or ""
    if found["noun"] and not side and noun not in GENERIC and found[0].startswith("the"):
        return None  # "the lamp" is a name
    shown = found[0].split()[0] in ("that", "this") or bool(side)
    return Pointed(f"{text[: found.start()]}it{text[found.end() :]}", side, "" if noun in GENERIC else noun, shown)


def side_named(word: str) -> str:
    """The side that a word means: left, right, middle, near, far, top, bottom or other; "" for none."""
    return next((side for side, words in _SIDES.items() if word in words.split("|")), "")


def on_side(things: Sequence[T], side: str, box: Callable[[T], Box]) -> tuple[T, ...]:
    """Those of several things that are on a side: what is in the box furthest there, or all for "" and "other"."""
    if not things or side in ("", "other"):
        return tuple(things)
    chosen = min((box(thing) for thing in things), key=lambda place: _distance(place, side))
    return tuple(thing for thing in things if box(thing) == chosen)


def _distance(box: Box, side: str) -> float:
    """How far a box is from being the one on that side."""
    across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    area = (box[2] - box[0]) * (box[3] - box[1])
    return {
        "left": across,
        "right": -across,
        "middle": abs(across - 0.5),
        "top": down,
        "bottom": -down,
        "near": -area,
        "far": area,
    }[side]


def salience(box: Box, score: float) -> float:
    """How likely a thing is what "this" means: large and in the middle of the view. 0 when it is hardly seen.

    Area x Gaussian of the distance from the centre, sigma 0.35 of the frame; by hand, measured in docs/eyes.md.
    """
    across, down = (box[0] + box[2]) / 2 - 0.5, (box[1] + box[3]) / 2 - 0.5
    area = (box[2] - box[0]) * (box[3] - box[1])
    return area * exp(-4 * (across**2 + down**2)) if score > SURE else 0.0


def striking(label: str, box: Box, score: float) -> float:
    """How likely a thing is what "what is this" or "remember this" means: its salience, less where it may be something else."""
    return salience(box, score) * score * (BENEATH if label == TABLE else 1.0)


def side_of(box: Box) -> str:
    """Where a thing is in the view, to be said: "on the left", "in the middle", "on the right"."""
    across = (box[0] + box[2]) / 2
    return "on the left" if across < 0.4 else "on the right" if across > 0.6 else "in the middle"
