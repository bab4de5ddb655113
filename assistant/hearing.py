"""From the sound of one request to its text: partial transcripts while it is said, a guess in every pause, the final text.

The guess of the last pause is the final text when the request ends in silence: nothing was said after it, so no decoding is left
to do. Where others talk on behind it, the guesses tell which words are theirs (`Guesses`). What a guess sounds like also tells
the ear how long to wait (`Ear.settle`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from assistant import events
from assistant.engines import AsrEngine, Ending, Guess, GuessingAsr, Transcript
from assistant.turn import Turn

WHOLE = (Ending.COMPLETE, Ending.SURE, Ending.WHOLE)
"""A whole command."""

Work = Callable[..., Awaitable[Any]]
"""Runs a step of an engine in its worker: `await work("asr", asr.accept, samples)`."""


class Guesses:
    """The guesses of one utterance, and which of them is its text."""

    def __init__(self) -> None:
        self._since = 0.0
        self._found: list[Guess] = []

    def follow(self, since: float) -> None:
        """More was heard. since: the second at which the speaker was last heard (`Heard`); older guesses lack what was said."""
        if since != self._since:
            self._since, self._found = since, []

    def add(self, guess: Guess) -> None:
        """One made in a pause."""
        self._found.append(guess)

    def chosen(self, ended: events.SpeechEnded) -> Transcript | None:
        """The text, None when that must still be decoded.

        Behind a whole command, words that make it none are somebody else's. Where there is none, others are known to have spoken
        only if the utterance ended by that: then the first guess has the fewest of their words.
        """
        whole = [guess for guess in self._found if guess.ending in WHOLE]
        if whole:
            return whole[-1].transcript
        if not self._found or ended.reason not in ("silence", "others"):
            return None
        return self._found[-1 if ended.reason == "silence" else 0].transcript


async def transcribe(
    turn: Turn,
    asr: AsrEngine,
    work: Work,
    publish: Callable[[events.Event], None],
    settle: Callable[[float, Ending], None],
) -> Transcript | None:
    """The text of a request, None when nobody spoke. settle: told at each pause, with its second, how what was said ends."""
    await work("asr", asr.reset)
    guesses = Guesses()
    async for heard in turn.heard:
        guesses.follow(heard.since)
        if partial := await work("asr", asr.accept, heard.sound):
            publish(events.PartialTranscript(turn=turn.number, at=heard.at, text=partial))
        if heard.pause and isinstance(asr, GuessingAsr):
            guess: Guess = await work("asr", asr.guess)
            guesses.add(guess)
            settle(heard.at, guess.ending)
    if turn.ended is None or turn.ended.reason == "no_speech":
        return None
    if (chosen := guesses.chosen(turn.ended)) is not None:
        return chosen
    final: Transcript = await work("asr", asr.finish)
    return final
