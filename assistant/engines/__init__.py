"""The engines' contracts and the lazy table that finds them.

An engine is plain blocking Python behind a Protocol: no asyncio, no config object, no other engine. The pipeline runs each in a
worker thread of its own. Adding one = one file here + one line in `ENGINES` (or an entry point of the group `assistant.<kind>`
in another package); the contract tests in tests/contract run over every registered engine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from assistant.errors import ConfigError
from assistant.events import Samples

CAPTURE_RATE = 16000
"""Hz; every engine that hears takes int16 mono at this rate."""

VAD_FRAME = 512
"""Samples per probability of a VadEngine: 32 ms at 16 kHz (Silero's frame)."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A detection. score: 0..1; word_end: estimated end of the word, in samples since the engine's last reset."""

    score: float
    word_end: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. confidence: 0..1; text is stripped and "" when nothing was said."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class WordGrammar:
    """The sentences to expect, as a deterministic automaton of words; state 0 is the start.

    arcs: for every state, word -> next state; final: for every state, whether a sentence may end there. Words are in lower case,
    without punctuation, and numbers are words ("fifty percent", "seven thirty").
    """

    arcs: tuple[Mapping[str, int], ...]
    final: tuple[bool, ...]


GrammarSource = Callable[[], WordGrammar]
"""Returns the grammar in force: the same object as long as nothing changes, so that asking before every utterance is cheap."""


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


class TtsEngine(Protocol):
    """Turns text into sound."""

    rate: int
    """Hz of the samples it yields."""

    def synthesize(self, text: str) -> Iterator[Samples]:
        """int16 mono chunks of at most 200 ms, as soon as each is ready; no leading silence beyond 10 ms."""
        ...


ENGINES: dict[str, dict[str, str]] = {
    "wake": {
        "micro": "assistant.engines.wake_micro:MicroWake",
        "openwakeword": "assistant.engines.wake_openwakeword:OpenWakeWord",
    },
    "vad": {"silero": "assistant.engines.vad_silero:SileroVad"},
    "asr": {
        "whisper": "assistant.engines.asr_whisper:WhisperAsr",
        "vosk": "assistant.engines.asr_vosk:VoskAsr",
    },
    "tts": {
        "hibari": "assistant.engines.tts_hibari:HibariTts",
        "pico": "assistant.engines.tts_pico:PicoTts",
        "piper": "assistant.engines.tts_piper:PiperTts",
    },
}
"""kind -> name -> "module:Class"; imported when an engine is asked for, so an extra that is not installed costs nothing."""


def engine_names(kind: str) -> list[str]:
    """All engines of a kind that could be asked for: ours and other packages' (entry points of the group `assistant.<kind>`)."""
    return sorted({*ENGINES[kind], *(point.name for point in entry_points(group=f"assistant.{kind}"))})


def engine_class(kind: str, name: str) -> Any:
    """The class of an engine. Raises ConfigError that names the choices, or the extra to install."""
    if name in ENGINES[kind]:
        module, _, attribute = ENGINES[kind][name].partition(":")
    else:
        found = [point for point in entry_points(group=f"assistant.{kind}") if point.name == name]
        if not found:
            raise ConfigError(f"unknown {kind} engine {name!r}: choose one of {', '.join(engine_names(kind))}")
        module, attribute = found[0].module, found[0].attr
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the {kind} engine {name!r} needs the Python package {error.name!r}: pip install 'edge-assistant[{name}]'"
        ) from error
