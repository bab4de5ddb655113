"""Understanding with eyes: the sentences as they stand, then what they point at in view, then the learned model's guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.engines import IntentEngine
from assistant.home import Home
from assistant.intents import Intent
from assistant.ports import Image
from assistant.sight import Eyes
from assistant.sight.guess import Guesser
from assistant.sight.questions import POINTING, QUESTIONS, sight_sentences
from assistant.sight.resolve import Pointer
from assistant.understanding import Context, Sentences, Understanding, Understood
from assistant.understanding.grammar import CustomGrammar, Loaded
from assistant.understanding.negation import unasked
from assistant.understanding.text import clean, without_fillers

ABOUT_THE_VIEW = frozenset(QUESTIONS) - {"ForgetNames", "LearnedNames"}
"""Intents whose skills look."""


class SeeingMind:
    """Understanding, with what is in view where the words need it.

    eyes: None = blind, then nothing is added to `understanding`. engine: the learned model for what no sentence fits, or None.
    custom: the sentences of the user and of skills.
    """

    def __init__(
        self,
        home: Home,
        understanding: Understanding,
        eyes: Eyes | None,
        engine: IntentEngine | None,
        custom: Sequence[Sentences],
    ) -> None:
        self._understanding = understanding
        self._eyes = eyes
        self._custom = tuple(custom)
        self._taught: tuple[str, ...] | None = None
        self._said: tuple[Loaded, ...] = ()
        self._templates: tuple[tuple[Loaded, ...], tuple[Loaded, ...]] = ((), ())
        if eyes is not None:
            self._said = (CustomGrammar([Sentences("Pointing", POINTING)], (), ()).loaded,)
            self._learn_sentences(eyes)
        self._pointer = Pointer(eyes, home, self._about) if eyes is not None else None
        self._guesser = Guesser(engine, eyes, home) if engine is not None else None

    def understand(self, text: str, context: Context, image: Image | None) -> Understood:
        """What a transcript wants. context: the dialogue so far. image: the frame of the moment it was said, None = none."""
        if self._eyes is not None:
            self._eyes.show(image)
            self._learn_sentences(self._eyes)
        understood = self._understanding.understand(text, context)
        intents = understood.intents
        if not understood.heard:
            return understood
        if self._pointer is not None:
            intents = self._pointer.read(text, intents, context.devices)
        if self._guesser is not None and _open_to_a_guess(text, intents) and not unasked(without_fillers(clean(text))):
            intents = self._guesser.read(text) or intents
        return Understood(tuple(map(self._marked, intents)))

    @property
    def templates(self) -> tuple[Loaded, ...]:
        """What the recogniser may expect: all that is understood, and commands that point. The same object until it changes."""
        if self._eyes is not None:
            self._learn_sentences(self._eyes)
        understood = self._understanding.templates
        if understood is not self._templates[0]:
            self._templates = (understood, (*understood, *self._said))
        return self._templates[1]

    def forget(self) -> None:
        """Forget what was seen."""
        if self._eyes is not None:
            self._eyes.forget()

    def _learn_sentences(self, eyes: Eyes) -> None:
        """The sentences about the view, with the names that were taught until now."""
        if eyes.names.names != self._taught:
            self._taught = eyes.names.names
            self._understanding.renew((*self._custom, *sight_sentences(self._taught)))

    def _about(self, text: str, devices: tuple[str, ...]) -> tuple[Intent, ...]:
        return self._understanding.understand(text, Context(devices)).intents

    def _marked(self, intent: Intent) -> Intent:
        looks = self._eyes is not None and self._eyes.open and intent.name in ABOUT_THE_VIEW
        return replace(intent, used_image=True) if looks else intent


def _open_to_a_guess(text: str, intents: Sequence[Intent]) -> bool:
    """Whether the model may say what a sentence means: it made no sense, or points at something that has no such name."""
    if not intents or intents[0].name == "NoReferent":
        return True
    return intents[0].name == "MissingDevice" and bool({"this", "that"} & set(text.lower().split()))
