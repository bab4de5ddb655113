"""What is in a picture and what the detector saw of it."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.engines import Sight

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 with 0..1 over the picture."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A thing that really is there. label: a COCO class, or "" for one the detector has no name for."""

    label: str
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the detector saw in FRAMES pictures, oldest first, and what is there in the newest. kind: see scenes.py."""

    sights: tuple[Sight, ...]
    truth: tuple[Truth, ...]
    kind: str
    name: str = ""
