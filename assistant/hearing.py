"""From the sound of one request to its text: partial transcripts while it is said, a guess in every pause, the final text.

The guess of the last pause is the final text when the request ends in silence: nothing was said after it, so no decoding is left
to do. What a guess sounds like also tells the ear how long to wait (`Ear.settle`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from assistant import events
from assistant.engines import AsrEngine, Ending, Guess, GuessingAsr, Transcript
from assistant.turn import Turn

Work = Callable[..., Awaitable[Any]]
"""Runs a step of an engine in its worker: `await work("asr", asr.accept, samples)`."""


async def transcribe(
    turn: Turn,
    asr: AsrEngine,
    work: Work,
    publish: Callable[[events.Event], None],
    settle: Callable[[float, Ending], None],
) -> Transcript | None:
    """The text of a request, None when nobody spoke. settle: told at each pause, with its second, how what was said ends."""
    await work("asr", asr.reset)
    guess: Guess | None = None
    async for heard in turn.heard:
        if partial := await work("asr", asr.accept, heard.sound):
            publish(events.PartialTranscript(turn=turn.number, at=heard.at, text=partial))
        if heard.pause and isinstance(asr, GuessingAsr):
            guess = await work("asr", asr.guess)
            settle(heard.at, guess.ending)
    if turn.ended is None or turn.ended.reason == "no_speech":
        return None
    if guess is not None and turn.ended.reason == "silence":
        return guess.transcript
    final: Transcript = await work("asr", asr.finish)
    return final
