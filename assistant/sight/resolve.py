"""Sentences that point, understood with the device in view that they point at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from assistant.home import Entity, Home
from assistant.intents import Intent
from assistant.sight import Eyes
from assistant.sight.linking import NOUNS, InView, devices_in_view, plausible
from assistant.sight.pointing import Pointed, on_side, pointed
from assistant.understanding.quantities import digits
from assistant.understanding.targets import clarify
from assistant.understanding.text import clean, without_commas, without_fillers

Understand = Callable[[str, tuple[str, ...]], tuple[Intent, ...]]
"""A text, and the names of the devices that "it" means -> what is wanted; () = not understood."""

NOT_SETTLED = frozenset({"NoReferent", "MissingDevice", "Unsupported", "VolumeChange", "Clarify"})
"""What a sentence that points may be taken for before anybody has looked."""

NOT_A_COMMAND = frozenset({"NoReferent", "Unsupported", "MissingDevice", "VolumeChange", "Clarify", "RestNotUnderstood"})

MOST_CHOICES = 3
"""Devices that are offered in a question."""


class Pointer:
    """Finds out what is pointed at. understand: see there."""

    def __init__(self, eyes: Eyes, home: Home, understand: Understand) -> None:
        self._eyes = eyes
        self._home = home
        self._understand = understand

    def read(self, text: str, found: tuple[Intent, ...], devices: tuple[str, ...]) -> tuple[Intent, ...]:
        """What a transcript wants, now that one can look; `found` when it does not point or nothing can be seen.

        found: what it was taken for without eyes. devices: names of those last talked about, which "the other one" is not.
        """
        words = pointed(without_commas(without_fillers(digits(clean(text)))))
        if words is None or not self._eyes.open or not _open_to_sight(words, found):
            return found
        if not self._is_command(words):
            return found
        views = self._views(words, devices)
        if len(views) == 1:
            return self._command(words, views[0].entity, views[0].seen)
        if views:
            return self._ask(words, (view.entity for view in _left_to_right(views)))
        if found and found[0].name == "Clarify":
            return found
        return self._ask(words, self._unseen(words)) or (Intent("NothingInView", {}, 1.0, words.text, used_image=True),)

    def _is_command(self, words: Pointed) -> bool:
        """Whether the sentence would do something with some device of this home."""
        names = (
            entity.name for entity in self._home.entities if entity.domain in ("light", "media_player", "fan", "cover", "switch")
        )
        sample = self._understand(words.text, (next(names, ""),))
        return bool(sample) and any(intent.name not in ("VolumeChange", "Stop") for intent in sample)

    def _views(self, words: Pointed, devices: tuple[str, ...]) -> tuple[InView, ...]:
        """The devices in view that may be meant. Raises SkillError, ModelError."""
        views = [view for view in devices_in_view(self._eyes, self._home) if self._usable(words, view.entity)]
        if words.noun in NOUNS:
            views = [view for view in views if view.entity.domain in NOUNS[words.noun]] or views
        if words.side == "other":
            views = [view for view in views if view.entity.name not in devices] or views
        return on_side(views, words.side, _box) if words.side else plausible(views)

    def _command(self, words: Pointed, entity: Entity, seen: str) -> tuple[Intent, ...]:
        """The sentence's intents for one device."""
        intents = self._understand(words.text, (entity.name,))
        return tuple(replace(intent, referent=seen, used_image=True) for intent in intents)

    def _usable(self, words: Pointed, entity: Entity) -> bool:
        """Whether the sentence is something that the device can do."""
        intents = self._understand(words.text, (entity.name,))
        return bool(intents) and not any(intent.name in NOT_A_COMMAND for intent in intents)

    def _ask(self, words: Pointed, entities: Iterable[Entity]) -> tuple[Intent, ...]:
        options = [(entity.name, self._command(words, entity, "")) for entity in entities]
        if not options:
            return ()
        return (replace(clarify(options[:MOST_CHOICES], words.text), used_image=True),)

    def _unseen(self, words: Pointed) -> tuple[Entity, ...]:
        """The devices of the camera's room that the detector has no class for: what is meant may be one of them."""
        area = self._eyes.area or self._home.here
        domains = NOUNS.get(words.noun, ("light", "fan"))
        near = [entity for entity in self._home.entities if entity.area == area and entity.domain in domains]
        return tuple(entity for entity in near if self._usable(words, entity))


def _open_to_sight(words: Pointed, found: tuple[Intent, ...]) -> bool:
    """Whether a look may change what a sentence means: a command that was understood without eyes stays as it is."""
    if not found or all(intent.name == "NoReferent" for intent in found):
        return True
    return words.shown and all(intent.name in NOT_SETTLED for intent in found)


def _left_to_right(views: Iterable[InView]) -> list[InView]:
    return sorted(views, key=lambda view: view.box[0] + view.box[2])


def _box(view: InView) -> tuple[float, float, float, float]:
    return view.box
