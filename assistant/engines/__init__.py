"""The engines' contracts, and the lazy table that finds them (table.py).

An engine is plain blocking Python behind a Protocol: no asyncio, no config object, no other engine. The pipeline runs each in a
worker thread of its own. Adding one = one file here + one line in `ENGINES` of table.py (or an entry point of the group
`assistant.<kind>` in another package); the contract tests in tests/contract run over every registered engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assistant.engines.table import ENGINES as ENGINES
from assistant.engines.table import engine_class as engine_class
from assistant.engines.table import engine_names as engine_names
from assistant.events import Samples

CAPTURE_RATE = 16000
"""Hz; every engine that hears takes int16 mono at this rate."""

Pixels: TypeAlias = NDArray[np.uint8]
"""A picture: uint8, shape (height, width, 3), RGB, top row first."""

Floats: TypeAlias = NDArray[np.float32]

MOST_OBJECTS = 8
"""Objects in a Sight at most: what a sentence can be about, and the intent model's number of object tokens."""

VAD_FRAME = 512
"""Samples per probability of a VadEngine: 32 ms at 16 kHz (Silero's frame)."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A detection. score: 0..1; word_end: estimated end of the word, in samples since the engine's last reset."""

    score: float
    word_end: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. confidence: 0..1; text is stripped and "" when nothing was said.

    alternatives: other sentences that fit nearly as well, best first; () when the recogniser has none.
    """

    text: str
    confidence: float
    alternatives: tuple[str, ...] = ()


class Ending(Enum):
    """Whether somebody who pauses now is likely to be done."""

    COMPLETE = auto()
    """A whole command that nothing but a courtesy can follow, or one single word ("stop")."""

    WHOLE = auto()
    """A whole command, which something could follow ("... with milk")."""

    SURE = auto()
    """A whole command, which something could follow, but the recogniser hears that nothing does."""

    POSSIBLE = auto()
    """No command; it may be the end."""

    UNFINISHED = auto()
    """The beginning of a command, or a sentence that ends in a word like "the"."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What was said so far, made in a pause; final if the person says no more."""

    transcript: Transcript
    ending: Ending


@dataclass(frozen=True, slots=True, eq=False)
class WordGrammar:
    """The sentences to expect, as a deterministic automaton of words; state 0 is the start.

    arcs: for every state, word -> next state; final: for every state, whether a sentence may end there. Words are in lower case,
    without punctuation, and numbers are words ("fifty percent", "seven thirty"). closed: the final states that nothing but a
    courtesy ("please") or another sentence ("and ...") can follow; joining: those where "and" leads to another sentence only.
    """

    arcs: tuple[Mapping[str, int], ...]
    final: tuple[bool, ...]
    closed: frozenset[int] = frozenset()
    joining: frozenset[int] = frozenset()

    def after(self, words: Sequence[str]) -> int | None:
        """The state that words lead to, None when they lead nowhere."""
        state = 0
        for word in words:
            if word not in self.arcs[state]:
                return None
            state = self.arcs[state][word]
        return state

    def accepts(self, words: Sequence[str]) -> bool:
        """Whether the words are a sentence."""
        state = self.after(words)
        return state is not None and self.final[state]


GrammarSource = Callable[[], WordGrammar]
"""Returns the grammar in force: the same object as long as nothing changes, so that asking before every utterance is cheap."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenObject:
    """One thing in a picture.

    label: one of the engine's `labels`; score: 0..1; box: x1, y1, x2, y2 with 0..1 over the picture, x to the right, y down,
    x1 < x2 and y1 < y2; scores: float32, shape (80,), how likely it is each of the COCO classes in their usual order (0 for those
    the engine does not know); feature: float32, shape (F,), how it looks: features of the frame pooled over the box, zeros when
    the engine has none.
    """

    label: str
    score: float
    box: tuple[float, float, float, float]
    scores: Floats
    feature: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What is in one picture. objects: best first, MOST_OBJECTS at most; grid: float32, shape (7, 7, F), features of the whole
    frame, row by row from the top left; None when the engine has none."""

    objects: tuple[SeenObject, ...]
    grid: Floats | None = None


@dataclass(frozen=True, slots=True)
class IntentGuess:
    """What a sentence wants, given what is in view.

    intent: the name of a skill's intent, or "NotForMe" or "Clarify"; confidence: 0..1, calibrated: how often such a guess is
    right; slots: name and words of the sentence, in its order; referent: which object of the newest Sight is meant, None = none;
    alternatives: objects that could as well be meant, for asking back; yes: for yes/no questions how likely the answer is yes,
    else None; count: for "how many" the number, else None.
    """

    intent: str
    confidence: float
    slots: tuple[tuple[str, str], ...] = ()
    referent: int | None = None
    alternatives: tuple[int, ...] = ()
    yes: float | None = None
    count: int | None = None


class WakeEngine(Protocol):
    """Hears one wake word in a stream of 16 kHz int16 sound."""

    word: str
    """Its name, such as "okay_nabu"."""

    phrase: str
    """What a person says, such as "okay nabu"."""

    def feed(self, samples: Samples) -> list[Wake]:
        """Any number of samples, shape (n,). Returns the detections that ended in them; chunk size does not change the result."""
        ...

    def reset(self) -> None:
        """Forget everything heard; the same sound afterwards gives the same result."""
        ...


@runtime_checkable
class ScoringWake(WakeEngine, Protocol):
    """A wake word engine that can show its scores, so that it can be measured at every threshold at once."""

    step: int
    """Samples from one score to the next."""

    threshold: float
    """Above which a score counts."""

    def scores(self, samples: Samples) -> list[float]:
        """Like `feed`, but the score of every step, 0..1, instead of detections."""
        ...


class DelayedWake(ScoringWake, Protocol):
    """One that knows how late it is."""

    delay: int
    """Samples from the end of the word until it is heard, as it is on average."""

    def afresh(self) -> DelayedWake:
        """Another that listens for the same word with the same network, and has heard nothing yet."""
        ...


class VadEngine(Protocol):
    """Says for every 32 ms how likely somebody speaks."""

    def feed(self, samples: Samples) -> list[float]:
        """Any number of samples, shape (n,). Returns one probability per completed frame of VAD_FRAME samples."""
        ...

    def reset(self) -> None:
        """Forget everything heard."""
        ...


class AsrEngine(Protocol):
    """Turns one utterance into text."""

    def accept(self, samples: Samples) -> str | None:
        """More of the utterance, shape (n,); at most about 100 ms of work. A partial transcript when there is a new one."""
        ...

    def finish(self) -> Transcript:
        """The final transcript of everything accepted since the last reset. Forgets the utterance."""
        ...

    def reset(self) -> None:
        """Throw the utterance away."""
        ...


@runtime_checkable
class BiasableAsr(AsrEngine, Protocol):
    """A recogniser that can be told what to expect."""

    def set_grammar(self, source: GrammarSource | None) -> None:
        """Prefer the source's sentences where the sound allows it, from the next utterance on; None = hear freely."""
        ...


@runtime_checkable
class GuessingAsr(AsrEngine, Protocol):
    """A recogniser that can be asked in a pause, so that the text is there when the pause turns out to be the end."""

    def guess(self) -> Guess:
        """The text of everything accepted since the last reset, which goes on: more may be accepted afterwards."""
        ...


class TtsEngine(Protocol):
    """Turns text into sound."""

    rate: int
    """Hz of the samples it yields."""

    def synthesize(self, text: str) -> Iterator[Samples]:
        """int16 mono chunks of at most 200 ms, as soon as each is ready; no leading silence beyond 10 ms."""
        ...


class VisionEngine(Protocol):
    """Finds the things in a picture."""

    labels: tuple[str, ...]
    """What it can name, in COCO's words ("tv", "potted plant")."""

    def look(self, pixels: Pixels) -> Sight:
        """What is in a picture of any size, shape (height, width, 3). Keeps nothing of it: same picture, same result."""
        ...


class TextReader(Protocol):
    """Reads what is written in a picture."""

    def read(self, pixels: Pixels) -> list[str]:
        """The lines of text, from the top, each from the left; [] = there is none. Keeps nothing of the picture."""
        ...


class IntentEngine(Protocol):
    """Understands sentences that no template fits, with what is in view."""

    def needs_image(self, text: str) -> float:
        """How likely a picture is needed to know what a sentence means, 0..1; a few milliseconds: nobody looks in vain."""
        ...

    def parse(self, text: str, sights: Sequence[Sight]) -> IntentGuess:
        """What a transcript wants. sights: oldest first, the one of the moment the user began to speak last; () = no eyes."""
        ...
