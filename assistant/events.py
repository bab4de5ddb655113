"""Everything that can happen, as frozen dataclasses: the assistant's vocabulary and the `--json` interface.

A leaf: it imports nothing of this project. Every event carries

* `turn`: int >= 0, counts the requests since start; 0 means "before the first wake word".
* `at`: float, seconds of AUDIO since the microphone opened, never wall-clock time. A WAV file therefore replays to the
  identical list of events. What the answer does (transcript, intent, reply) is stamped with the audio second at which the
  ear stopped listening. Wall-clock latencies are in `TurnMeasured` alone.

`to_json` and `from_json` are exact inverses for every class in `EVENTS`; the names of classes and fields are stable.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""Mono sound: int16, shape (n,). Capture is always 16 kHz; an engine that speaks states its own rate."""

SlotValue: TypeAlias = str | int | float


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of captured sound. Owned by the receiver. Never leaves the process.

    samples: int16, shape (n,), mono; rate: Hz; somebody: False while the assistant speaks and, as far as its echo canceller can
    tell, nobody else does. left, echo: int16, (n,), what the echo canceller left before it turned it down, and what it took away;
    None where there is none.
    """

    samples: Samples
    rate: int
    somebody: bool = True
    left: Samples | None = None
    echo: Samples | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """One filled place of an intent, such as name = "kitchen light" or brightness = 40."""

    name: str
    value: SlotValue


@dataclass(frozen=True, slots=True)
class Action:
    """One change in the world: `target` (entity id, timer name, topic) had `attribute` set to `value`."""

    target: str
    attribute: str
    value: SlotValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What all events share. turn: which request it belongs to; at: seconds of audio since the microphone opened."""

    turn: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeDetected(Event):
    """The wake word was heard. score: the detector's confidence, 0..1. word: its name, such as "okay_nabu"."""

    word: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    """Somebody began to say the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded(Event):
    """The request is over. speech_end_at: second of the speaker's last voiced frame; `at - speech_end_at` is the wait for more.

    reason: "silence" (the normal case), "others" (weaker voices go on), "limit" (longest utterance reached), "no_speech" (nothing
    was said after the wake word) or "end_of_input" (the recording ended).
    """

    reason: Literal["silence", "others", "limit", "no_speech", "end_of_input"]
    speech_end_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialTranscript(Event):
    """What has been understood so far, while the person still speaks. Later partials may differ."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalTranscript(Event):
    """What was said. confidence: 0..1, the recogniser's own mean token probability; "" means nothing was said."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTaken(Event):
    """The camera frame of the moment speech began was used. width, height: pixels. The picture itself is never in an event."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentParsed(Event):
    """What is wanted. name: intent such as "HassTurnOn"; confidence: 0..1; referent: the object meant in the picture, or "";
    used_image: whether the camera's frame had a part in it.
    """

    name: str
    slots: tuple[Slot, ...]
    confidence: float
    referent: str = ""
    used_image: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillRan(Event):
    """A skill did its work. ok: False when it could not; actions: what it changed, in order."""

    skill: str
    ok: bool
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied(Event):
    """What the assistant says. expects_answer: True when it asks something and then listens without a wake word."""

    text: str
    expects_answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingStarted(Event):
    """The first audible sample of the reply went to the loudspeaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished(Event):
    """The turn is over: the reply was spoken to its end, or there was nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInterrupted(Event):
    """The turn was cut off by a new wake word (barge-in). The loudspeaker was silent before this event was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed(Event):
    """A stage of a turn failed. stage: "asr", "tts", ...; code: see errors.py; recoverable: the assistant listens on."""

    stage: str
    code: str
    recoverable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioDropped(Event):
    """Sound was lost because the machine was too slow. seconds: how much."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnMeasured(Event):
    """The latency waterfall of a finished turn, in milliseconds of wall-clock time; None = the stage did not happen.

    The only event whose numbers differ from run to run. endpoint_ms: end of speech -> the ear decided so (audio time);
    asr_ms: -> final text; intent_ms: -> intent; action_ms: -> action done; speech_ms: -> first audible sample;
    total_ms: their sum.
    """

    endpoint_ms: float | None = None
    asr_ms: float | None = None
    intent_ms: float | None = None
    action_ms: float | None = None
    speech_ms: float | None = None
    total_ms: float | None = None


EVENTS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        WakeDetected,
        SpeechStarted,
        SpeechEnded,
        PartialTranscript,
        FinalTranscript,
        ImageTaken,
        IntentParsed,
        SkillRan,
        Replied,
        SpeakingStarted,
        TurnFinished,
        TurnInterrupted,
        StageFailed,
        AudioDropped,
        TurnMeasured,
    )
}


def to_json(event: Event) -> str:
    """One event as one line of JSON: {"event": class name, "turn": ..., "at": ..., then the class's own fields}."""
    return json.dumps({"event": type(event).__name__, **dataclasses.asdict(event)}, ensure_ascii=False)


def from_json(line: str) -> Event:
    """The event that `to_json` wrote. Raises KeyError for an unknown class, TypeError for unknown or missing fields."""
    fields: dict[str, Any] = json.loads(line)
    cls = EVENTS[fields.pop("event")]
    hints = typing.get_type_hints(cls)
    return cls(**{name: _restore(hints.get(name), value) for name, value in fields.items()})


def _restore(hint: object, value: Any) -> Any:
    """A JSON list of objects back into a tuple of the dataclass that the field's type names; anything else as it is."""
    if typing.get_origin(hint) is not tuple:
        return value
    item = typing.get_args(hint)[0]
    return tuple(item(**entry) for entry in value)
