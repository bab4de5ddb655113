""" "Stop" said into a reply: what counts, and what the assistant then does."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from assistant.caller import speak
from assistant.engines.tts_pico import PicoTts
from assistant.events import AudioChunk, Event, Replied, SpeakingStarted, TurnFinished
from assistant.interject import Interjections, Pieces, ReplyNetwork, is_stop
from assistant.wake.reply_words import STOP, ReplyWords
from tests.fakes import SECOND, FakeAsr, FakeVad, silence, voice


@pytest.mark.parametrize("text", ["Stop.", "stop it, please", "Be quiet!", "Okay, stop now", "cancel", "Enough!"])
def test_stop_words(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize(
    "text", ["", "mm-hmm", "Yeah.", "okay", "Stop the kitchen timer", "the bus stop is over there", "it be now", "So"]
)
def test_not_stop_words(text: str) -> None:
    assert not is_stop(text)


class Tape:
    """A microphone that plays pieces of sound."""

    def __init__(self, *pieces: np.ndarray, somebody: bool = True) -> None:
        self.dropped_seconds, self._somebody = 0.0, somebody
        sound = np.concatenate(pieces)
        self._chunks = [sound[i : i + 1024] for i in range(0, len(sound), 1024)]
        self.piece_begins = -1024  # sample at which the newest piece begins

    async def read(self) -> AudioChunk | None:
        self.piece_begins += 1024
        return AudioChunk(samples=self._chunks.pop(0), rate=SECOND, somebody=self._somebody) if self._chunks else None


def stops(tape: Tape, asr: FakeAsr, *before: Event, network: ReplyNetwork | None = None) -> tuple[int, list[bool]]:
    """How often "stop" was noticed by the recogniser, and how the loudness went."""
    noticed: list[int] = []
    ducked: list[bool] = []
    listener = Interjections(tape, FakeVad(), asr, lambda: noticed.append(1), ducked.append, network)
    for event in before:
        listener(event)

    async def listen() -> None:
        while await listener.read() is not None:
            pass

    anyio.run(listen)
    return len(noticed), ducked


SPEAKING = SpeakingStarted(turn=1, at=0.0)


def test_stop_is_heard_while_the_assistant_speaks_and_the_reply_is_ducked_meanwhile() -> None:
    count, ducked = stops(Tape(silence(0.5), voice(0.4), silence(1)), FakeAsr("Stop.", "", "", ""), SPEAKING)
    assert count == 1
    assert ducked == [True, False]


def test_mm_hmm_does_not_stop() -> None:
    assert stops(Tape(silence(0.5), voice(0.4), silence(1)), FakeAsr("Mm-hmm.", "Mm-hmm.", "Mm-hmm."), SPEAKING)[0] == 0


def test_nobody_listens_while_the_assistant_is_silent() -> None:
    asr = FakeAsr("Stop.")
    assert stops(Tape(voice(1)), asr)[0] == 0
    assert stops(Tape(voice(1)), asr, SPEAKING, TurnFinished(turn=1, at=0.0))[0] == 0
    assert asr.heard_seconds == []


def test_a_short_word_is_looked_at_before_it_ends_and_a_story_is_not_looked_at_for_ever() -> None:
    pieces = Pieces(FakeVad())
    looks = [index for index in range(0, 3 * SECOND, 512) if pieces.feed(voice(512 / SECOND)) is not None]
    assert looks[0] / SECOND < 0.3
    assert looks[-1] / SECOND < 1.3


def test_the_network_hears_its_word_in_a_reply_and_says_when_it_ended() -> None:
    said = np.asarray(speak(PicoTts("en-GB"), "Stop.") * 32767, np.int16)
    tape = Tape(silence(0.5), said, silence(1))
    ends: list[float] = []

    def noticed(score: float, ago: int) -> None:
        ends.append((tape.piece_begins - ago) / SECOND)

    network = ReplyNetwork(ReplyWords(), {STOP: noticed})
    assert stops(tape, FakeAsr(*[""] * 9), SPEAKING, network=network)[0] == 0
    assert ends == [pytest.approx(0.5 + len(said) / SECOND, abs=0.2)]


def test_the_ear_is_believed_about_the_wake_word_only_where_the_network_does_not_know_better() -> None:
    network = ReplyNetwork(ReplyWords(), {"okay nabu": lambda score, ago: None})
    sound = voice(0.1)

    class Echoing:
        dropped_seconds = 0.0

        def __init__(self, *echoes: np.ndarray) -> None:
            self._echoes = [*echoes]

        async def read(self) -> AudioChunk:
            return AudioChunk(samples=sound, rate=SECOND, left=sound, echo=self._echoes.pop(0))

    def believed(reply: str, phrase: str, *echoes: np.ndarray) -> bool:
        listener = Interjections(Echoing(*echoes), FakeVad(), FakeAsr(*[""] * 99), lambda: None, lambda _: None, network, phrase)
        listener(Replied(turn=1, at=0.0, text=reply, expects_answer=False))
        listener(SPEAKING)
        return [anyio.run(listener.read).somebody for _ in echoes][-1]

    echo, none = sound, silence(0.1)
    assert not believed("It is nine.", "okay nabu", echo)
    assert not believed("It is nine.", "okay nabu", echo, *[none] * 10)
    assert believed("It is nine.", "okay nabu", echo, *[none] * 16)
    assert believed("It is nine.", "okay nabu", none)
    assert believed("Say okay nabu to wake me.", "okay nabu", echo)
    assert believed("It is nine.", "hey mira", echo)
