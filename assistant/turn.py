"""One request on its way through the pipeline, and the stages it passes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio
from anyio import to_thread

from assistant import events
from assistant.brain import Brain, Outcome
from assistant.ear import Ear, Heard
from assistant.engines import CAPTURE_RATE, VAD_FRAME, AsrEngine, TtsEngine
from assistant.errors import AssistantError, EngineError
from assistant.events import Event, Samples, SpeechEnded
from assistant.intents import Intent
from assistant.ports import Camera, Image, Speaker
from assistant.skills import Reply

UTTERANCE_PIECES = 2 * 16 * CAPTURE_RATE // VAD_FRAME
"""Pieces of sound a turn can hold: twice the longest utterance, since the ear sends one piece per frame."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What a turn passes through. wake_phrase: what the wake word sounds like, taken off the front of transcripts."""

    ear: Ear
    asr: AsrEngine
    brain: Brain
    tts: TtsEngine
    wake_phrase: str


class Turn:
    """One request, from the wake word to the last spoken sample.

    Args:
        number: which request it is, as in the events.
        at: audio second at which it began.
    """

    def __init__(self, number: int, at: float) -> None:
        self.number = number
        self.at = at
        """The audio second of what the answer does: where the turn began, then where the ear stopped listening."""
        self.scope = anyio.CancelScope()
        self.ended: SpeechEnded | None = None
        self.done = False
        self.failed = False
        self.image: Image | None = None
        """What the camera saw when the request began; None = no camera."""
        self.reopen()

    def reopen(self) -> None:
        """A fresh, empty stream for the sound of the request."""
        self.ended = None
        self.sound, self.heard = anyio.create_memory_object_stream[Heard](UTTERANCE_PIECES)

    def end(self, ended: SpeechEnded) -> None:
        """The ear has heard the end of the request."""
        self.ended, self.at = ended, ended.at
        self.sound.close()

    def see(self, camera: Camera | None, at: float) -> events.ImageTaken | None:
        """Keep what the camera sees as the request begins; the event that tells of it, None when it sees nothing."""
        self.image = camera.latest() if camera is not None else None
        if self.image is None:
            return None
        return events.ImageTaken(turn=self.number, at=at, width=self.image.width, height=self.image.height)

    @property
    def waiting_for_sound(self) -> bool:
        """True while the answer has nothing to do until more sound comes."""
        statistics = self.heard.statistics()
        return statistics.tasks_waiting_receive > 0 and statistics.current_buffer_used == 0

    def failure(self, error: AssistantError) -> events.StageFailed:
        """The event that tells of an error in this turn, which has failed from now on."""
        self.failed = True
        stage, code = (error.stage, error.code) if isinstance(error, EngineError) else ("turn", type(error).__name__)
        recoverable = error.recoverable if isinstance(error, EngineError) else True
        return events.StageFailed(turn=self.number, at=self.at, stage=stage, code=code, recoverable=recoverable)


async def respond(brain: Brain, text: str, turn: Turn, publish: Callable[[Event], None]) -> Reply:
    """Understand a text and act on it: the part of a turn that needs no sound."""
    intents = await to_thread.run_sync(brain.understand, text, turn.image)
    for intent in intents:
        publish(
            events.IntentParsed(
                turn=turn.number,
                at=turn.at,
                name=intent.name,
                slots=intent.slot_tuple(),
                confidence=round(intent.confidence, 4),
                referent=intent.referent,
                used_image=intent.used_image,
            )
        )
    outcome = await brain.act(intents)
    tell_acted(outcome, turn, publish)
    return outcome.reply


def tell_acted(outcome: Outcome, turn: Turn, publish: Callable[[Event], None]) -> None:
    """The events of what was done."""
    for acted in outcome.acted:
        publish(events.SkillRan(turn=turn.number, at=turn.at, skill=acted.skill, ok=acted.ok, actions=acted.actions))


async def carry_out(brain: Brain, intents: Sequence[Intent], turn: Turn, publish: Callable[[Event], None]) -> bool:
    """Do what was asked for earlier. False when it failed, or the turn was interrupted before it was done."""
    done = False
    with turn.scope, turn.heard:
        outcome = await brain.carry_out(intents)
        tell_acted(outcome, turn, publish)
        done = all(acted.ok for acted in outcome.acted)
    if not turn.done:
        turn.done = True
        publish(events.TurnFinished(turn=turn.number, at=turn.at))
    return done


async def speak(
    pieces: Callable[[], Awaitable[Samples | None]], rate: int, speaker: Speaker, turn: Turn, publish: Callable[[Event], None]
) -> None:
    """Play a reply piece by piece, to its last sample. pieces: the next one each time, None at the end; rate: in Hz."""
    started = False
    while (chunk := await pieces()) is not None:
        if not started:
            started = True
            publish(events.SpeakingStarted(turn=turn.number, at=turn.at))
        await speaker.play(chunk, rate)
    await speaker.drain()
