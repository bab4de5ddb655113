"""From the sound of a request to its text: guesses in pauses, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from assistant.ear import Heard
from assistant.engines import Ending, Guess, Transcript
from assistant.events import Event, SpeechEnded
from assistant.hearing import transcribe
from assistant.turn import Turn
from tests.fakes import FakeAsr, others, silence, voice


class GuessingFake(FakeAsr):
    """Guesses the next of its texts."""

    def __init__(self, *guesses: Guess) -> None:
        super().__init__("decoded at the end")
        self.guesses = list(guesses)

    def guess(self) -> Guess:
        return self.guesses.pop(0)


def heard(asr: FakeAsr, pieces: list[Heard], reason: str) -> tuple[Transcript | None, list[tuple[float, Ending]]]:
    settled: list[tuple[float, Ending]] = []
    seen: list[Event] = []

    async def work(stage: str, step: Callable[..., Any], *arguments: object) -> Any:
        return step(*arguments)

    async def run() -> Transcript | None:
        turn = Turn(1, 0.0)
        for piece in pieces:
            turn.sound.send_nowait(piece)
        turn.end(SpeechEnded(turn=1, at=3.0, reason=reason, speech_end_at=2.5))
        return await transcribe(turn, asr, work, seen.append, lambda at, ending: settled.append((at, ending)))

    return anyio.run(run), settled


LIGHT = Guess(Transcript("Turn on the", 0.9), Ending.UNFINISHED)
KITCHEN = Guess(Transcript("Turn on the kitchen light", 0.9), Ending.WHOLE)
PIECES = [Heard(sound=voice(1), at=1.0), Heard(sound=silence(0.2), at=1.2, pause=True), Heard(sound=voice(1), at=2.2)]
LAST = Heard(sound=silence(0.2), at=2.4, pause=True)


def test_the_guess_of_the_last_pause_is_the_text() -> None:
    final, settled = heard(GuessingFake(LIGHT, KITCHEN), [*PIECES, LAST], "silence")
    assert final == KITCHEN.transcript
    assert settled == [(1.2, Ending.UNFINISHED), (2.4, Ending.WHOLE)]


@pytest.mark.parametrize("reason", ["limit", "end_of_input"])
def test_words_after_the_last_pause_are_decoded(reason: str) -> None:
    final, _ = heard(GuessingFake(LIGHT), PIECES, reason)
    assert final is not None and final.text == "decoded at the end"


def said(*guesses: tuple[Guess, float], reason: str, more: float = 0.0) -> str:
    """The text of guesses, each with the second at which the speaker was last heard. more: the speaker was then heard here."""
    pieces = [Heard(sound=others(0.3), at=place + 3.0, pause=True, since=since) for place, (_, since) in enumerate(guesses)]
    if more:
        pieces.append(Heard(sound=voice(0.1), at=9.0, since=more))
    final, _ = heard(GuessingFake(*(guess for guess, _ in guesses)), pieces, reason)
    assert final is not None
    return final.text


TELEVISION = Guess(Transcript("Turn on the kitchen light and now the weather", 0.4), Ending.POSSIBLE)
QUESTION = Guess(Transcript("Who wrote Hamlet?", 0.4), Ending.POSSIBLE)
MORE = Guess(Transcript("Turn on the kitchen light at seven", 0.9), Ending.COMPLETE)


def test_words_of_others_behind_a_command_are_not_its_text() -> None:
    for reason in ("silence", "others", "limit"):
        assert said((KITCHEN, 2.0), (TELEVISION, 2.0), reason=reason) == "Turn on the kitchen light"


def test_the_weak_end_of_a_command_belongs_to_it() -> None:
    assert said((KITCHEN, 2.0), (MORE, 2.0), reason="others") == "Turn on the kitchen light at seven"


def test_what_the_speaker_adds_belongs_to_it() -> None:
    assert said((KITCHEN, 2.0), (TELEVISION, 3.0), reason="silence") == "Turn on the kitchen light and now the weather"
    assert said((KITCHEN, 2.0), reason="limit", more=9.0) == "decoded at the end"


def test_a_question_ends_before_the_words_of_others() -> None:
    assert said((QUESTION, 2.0), (TELEVISION, 2.0), reason="others") == "Who wrote Hamlet?"
    assert said((TELEVISION, 2.0), (QUESTION, 2.0), reason="silence") == "Who wrote Hamlet?"
    assert said((QUESTION, 2.0), (TELEVISION, 2.0), reason="limit") == "decoded at the end"


def test_a_recogniser_that_cannot_guess_decodes_at_the_end() -> None:
    final, settled = heard(FakeAsr("decoded at the end"), [*PIECES, LAST], "silence")
    assert final is not None and final.text == "decoded at the end" and settled == []


def test_nobody_spoke() -> None:
    assert heard(GuessingFake(), [], "no_speech") == (None, [])
