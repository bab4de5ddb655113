"""THE data path: sound in, reply out. Two activities, one cancel scope per turn.

`listen` reads the microphone, asks the ear, forwards speech, and never waits for a reply. `answer(turn)` is straight-line code:
transcribe -> understand -> act -> speak. Engines are blocking Python; each runs in one worker thread at a time.

What happens when a queue is full:

| queue                   | holds                        | when full                                                        |
|-------------------------|------------------------------|------------------------------------------------------------------|
| microphone (its own)    | 2 s                          | the OLDEST sound is dropped and counted: AudioDropped            |
| utterance (Turn.sound)  | twice the longest utterance  | the newest sound is dropped: AudioDropped                        |
| answers in flight       | one                          | the newest turn wins, the older one is cancelled                 |
| speech (the speaker's)  | about 0.3 s                  | synthesis waits                                                  |
| observers               | none: called in the loop     | each must return at once and owns whatever queue it needs        |
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import anyio
from anyio import to_thread

from assistant import events
from assistant.ear import Heard
from assistant.engines import CAPTURE_RATE, Ending
from assistant.errors import AssistantError, EngineError
from assistant.events import Event
from assistant.hearing import transcribe
from assistant.intents import Intent
from assistant.ports import Edges
from assistant.skills import Reply
from assistant.turn import Stages, Turn, carry_out, respond, speak
from assistant.wake_phrase import without_wake_phrase

log = logging.getLogger(__name__)
T = TypeVar("T")

APOLOGY = Reply("Sorry, something went wrong with that. Please try again.")


class Pipeline:
    """Chains microphone, ear, engines, brain and loudspeaker.

    Args:
        stages, edges: see there.
        publish: called in the event loop with every event, in order; must return at once and not raise.
    """

    def __init__(self, stages: Stages, edges: Edges, publish: Callable[[Event], None]) -> None:
        self._stages, self._edges, self._publish = stages, edges, publish
        self._ear = stages.ear
        self._workers = {stage: anyio.CapacityLimiter(1) for stage in ("ear", "asr", "tts")}
        self._turn: Turn | None = None
        self._before_next_chunk: Callable[[], None] | None = None
        self._dropped_seconds = 0.0

    @property
    def computing(self) -> bool:
        """True while a turn neither waits for sound nor is over. (Waiting for the speaker counts as work.)"""
        return self._turn is not None and not self._turn.done and not self._turn.waiting_for_sound

    @property
    def resting(self) -> bool:
        """True when no turn is under way and only the wake word is listened for."""
        return (self._turn is None or self._turn.done) and self._ear.asleep and self._before_next_chunk is None

    async def run(self) -> None:
        """Listen until the microphone ends, then finish the turn under way. Raises DeviceError."""
        async with anyio.create_task_group() as self._tasks:
            await self.listen()

    async def listen(self) -> None:
        """Microphone -> ear -> turns."""
        while (chunk := await self._edges.microphone.read()) is not None:
            self._report_drops()
            change, self._before_next_chunk = self._before_next_chunk, None
            change() if change else None
            for heard in await self._work("ear", self._ear.feed, chunk.samples, chunk.somebody):
                self._heard(heard)
        for heard in self._ear.close():
            self._heard(heard)

    def _heard(self, heard: Heard) -> None:
        match heard.event:
            case None:
                self._forward(heard)
            case events.WakeDetected() as woken:  # barge-in: silence first, cancel second, then the new turn
                self.interrupt(woken.at)
                self._publish(woken)
                self._begin(woken.turn)
            case events.SpeechStarted() as started:
                self._publish(started)
                if self._turn is not None and (taken := self._turn.see(self._edges.camera, started.at)) is not None:
                    self._publish(taken)
            case events.SpeechEnded() as ended:
                self._publish(ended)
                self._turn.end(ended) if self._turn else None

    def _begin(self, number: int) -> None:
        self._turn, self._before_next_chunk = Turn(number, self._ear.seconds), None
        self._tasks.start_soon(self.answer, self._turn)

    def interrupt(self, at: float) -> None:
        """Silence now, and the end of the turn under way, if there is one: the wake word or "stop" was said."""
        if self._turn is not None and not self._turn.done:
            self._edges.speaker.flush()
            self._turn.scope.cancel()
            self._turn.done = True
            self._publish(events.TurnInterrupted(turn=self._turn.number, at=at))

    def _forward(self, heard: Heard) -> None:
        if self._turn is not None and not self._turn.done and heard.sound is not None:
            try:
                self._turn.sound.send_nowait(heard)
            except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self._lost(len(heard.sound) / CAPTURE_RATE)

    def _report_drops(self) -> None:
        before, self._dropped_seconds = self._dropped_seconds, self._edges.microphone.dropped_seconds
        self._lost(self._dropped_seconds - before) if self._dropped_seconds > before else None

    def _lost(self, seconds: float) -> None:
        self._publish(events.AudioDropped(turn=self._ear.turn, at=self._ear.seconds, seconds=round(seconds, 3)))

    async def announce(self, text: str) -> bool:
        """Say something unasked, such as that a timer is up, as soon as no turn is under way. False when it could not be said."""
        turn = await self._unasked()
        await self.answer(turn, Reply(text))
        return not turn.failed

    async def carry_out(self, intents: Sequence[Intent]) -> bool:
        """Do what was asked for earlier, without a word, as soon as no turn is under way. False when it failed."""
        return await carry_out(self._stages.brain, intents, await self._unasked(), self._publish)

    async def _unasked(self) -> Turn:
        while not self.resting:
            await anyio.sleep(0.1)
        self._turn = Turn(self._ear.begin_turn(), self._ear.seconds)
        return self._turn

    async def answer(self, turn: Turn, reply: Reply | None = None) -> None:
        """One request to its end. Errors become StageFailed and an apology; cancellation passes through."""
        with turn.scope, turn.heard:
            try:
                reply = reply or await self._respond(turn)
            except AssistantError as error:
                reply = self._fail(turn, error)
            except Exception as error:  # the one boundary: a bad turn must not end the assistant
                log.exception("a stage failed in an unforeseen way")
                reply = self._fail(turn, EngineError(type(error).__name__, stage="turn", code="internal"))
            if reply is not None:
                await self._say(turn, reply)
        if not turn.done:
            turn.done = True
            self._publish(events.TurnFinished(turn=turn.number, at=turn.at))
            if reply is not None and reply.expects_answer:
                self._before_next_chunk = self._listen_for_answer

    def _listen_for_answer(self) -> None:
        self._ear.await_answer()
        self._begin(self._ear.turn)

    async def _respond(self, turn: Turn) -> Reply | None:
        while not (text := await self._transcribe(turn)):
            if turn.ended is None or turn.ended.reason != "silence":
                return None  # nobody spoke
            turn.reopen()
            self._before_next_chunk = self._ear.resume
        return await respond(self._stages.brain, text, turn, self._publish)

    async def _transcribe(self, turn: Turn) -> str:
        final = await transcribe(turn, self._stages.asr, self._work, self._publish, self._settle)
        text = without_wake_phrase(final.text, self._stages.wake_phrase) if final is not None else ""
        if final is not None and text:
            confidence = round(final.confidence, 4)
            self._publish(events.FinalTranscript(turn=turn.number, at=turn.at, text=text, confidence=confidence))
        return text

    def _settle(self, at: float, ending: Ending) -> None:
        self._before_next_chunk = lambda: self._ear.settle(at, ending)

    async def _say(self, turn: Turn, reply: Reply) -> None:
        self._publish(events.Replied(turn=turn.number, at=turn.at, text=reply.text, expects_answer=reply.expects_answer))
        try:
            pieces = partial(self._work, "tts", next, self._stages.tts.synthesize(reply.text), None)
            await speak(pieces, self._stages.tts.rate, self._edges.speaker, turn, self._publish)
        except AssistantError as error:
            self._fail(turn, error)

    def _fail(self, turn: Turn, error: AssistantError) -> Reply:
        self._publish(turn.failure(error))
        return APOLOGY

    async def _work(self, stage: str, step: Callable[..., T], *arguments: object) -> T:
        return await to_thread.run_sync(step, *arguments, limiter=self._workers[stage])
