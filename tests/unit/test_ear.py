"""The ear on scripted sound: every endpointing rule, in audio time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from assistant.config import EarConfig
from assistant.ear import Ear, EarSettings, Heard
from assistant.engines import VAD_FRAME, Ending
from assistant.events import Event, Samples, SpeechEnded, SpeechStarted, WakeDetected
from tests.fakes import FakeVad, FakeWake, others, silence, voice, wake_word

SETTINGS = EarSettings(**EarConfig().model_dump(exclude={"vad"}))


def make_ear(**changes: int) -> Ear:
    return Ear(FakeWake(), FakeVad(), dataclasses.replace(SETTINGS, **changes))


def feed(ear: Ear, *sounds: Samples, chunk: int = 1024) -> list[Heard]:
    sound = np.concatenate(sounds)
    return [heard for start in range(0, len(sound), chunk) for heard in ear.feed(sound[start : start + chunk])]


def events(heard: list[Heard]) -> list[Event]:
    return [item.event for item in heard if item.event is not None]


def names(heard: list[Heard]) -> list[str]:
    return [type(event).__name__ for event in events(heard)]


def sound_seconds(heard: list[Heard]) -> float:
    return sum(len(item.sound) for item in heard if item.sound is not None) / 16000


def test_wake_word_then_a_request() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.5), voice(1.5), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    woke, started, ended = events(heard)
    assert isinstance(woke, WakeDetected)
    assert woke.word == "hey_test"
    assert isinstance(ended, SpeechEnded)
    assert ended.reason == "silence"
    assert ended.speech_end_at == pytest.approx(3.75, abs=0.04)
    assert ended.at - ended.speech_end_at == pytest.approx(0.4, abs=0.04)
    assert 1.5 <= sound_seconds(heard) <= 1.5 + 0.3 + 0.4 + 0.15  # the request, its preroll and the endpointing wait
    assert woke.turn == started.turn == ended.turn == 1


def test_without_wake_word_nothing_is_heard() -> None:
    assert feed(make_ear(), silence(1), voice(3), silence(1)) == []


def test_chunk_size_changes_nothing() -> None:
    def run(chunk: int) -> tuple[list[Event], bytes]:
        heard = feed(make_ear(), silence(1), wake_word(), silence(0.3), voice(1), silence(1.1), chunk=chunk)
        return events(heard), b"".join(item.sound.tobytes() for item in heard if item.sound is not None)

    assert run(512) == run(1024) == run(1280) == run(333)


def test_words_right_after_the_wake_word_are_not_lost() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), voice(0.5), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    sound = np.concatenate([item.sound for item in heard if item.sound is not None])
    assert (sound == 8000).sum() >= 0.5 * 16000 - 1


def test_a_stop_of_300_ms_is_heard_and_ends_at_once() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.4), voice(0.3), silence(2))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    assert events(heard)[-1].at < 1 + 0.75 + 0.4 + 0.3 + 0.5


def test_the_tail_of_the_wake_word_is_no_request() -> None:
    ear = make_ear()
    feed(ear, silence(1), wake_word())
    heard = feed(ear, voice(0.2), silence(1), voice(1), silence(1))
    started = [event for event in events(heard) if isinstance(event, SpeechStarted)]
    assert len(started) == 1
    assert started[0].at > 1 + 0.75 + 0.2 + 1


def test_nobody_speaks_after_the_wake_word() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(7))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.reason == "no_speech"
    assert ended.at == pytest.approx(1.9 + 5, abs=0.1)


def test_a_click_is_no_speech() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.5), voice(0.05), silence(6))
    assert names(heard) == ["WakeDetected", "SpeechEnded"]


def test_a_pause_shorter_than_the_limit_does_not_end_it() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.4), voice(0.6), silence(0.3), voice(0.6), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    assert events(heard)[-1].at > 3.5


def test_the_longest_utterance_is_ended() -> None:
    heard = feed(make_ear(max_utterance_ms=3000), silence(1), wake_word(), silence(0.4), voice(10))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.reason == "limit"
    assert sound_seconds(heard) <= 3.1


def test_the_wake_word_starts_anew_in_the_middle_of_a_request() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.4), voice(0.5), wake_word(), silence(0.3), voice(1), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "WakeDetected", "SpeechStarted", "SpeechEnded"]
    assert [event.turn for event in events(heard)] == [1, 1, 2, 2, 2]


def test_a_follow_up_needs_no_wake_word_and_is_a_new_turn() -> None:
    ear = make_ear()
    feed(ear, silence(1), wake_word(), silence(0.4), voice(0.5), silence(1))
    assert ear.asleep
    ear.await_answer()
    heard = feed(ear, silence(1), voice(0.4), silence(1))
    assert names(heard) == ["SpeechStarted", "SpeechEnded"]
    assert {event.turn for event in events(heard)} == {2}


def test_resume_goes_on_waiting_until_the_old_deadline() -> None:
    ear = make_ear()
    feed(ear, silence(1), wake_word(), silence(0.4), voice(0.2), silence(0.7))
    ear.resume()
    heard = feed(ear, silence(1), voice(0.5), silence(1))
    assert names(heard) == ["SpeechStarted", "SpeechEnded"]
    assert {event.turn for event in events(heard)} == {1}
    ear.resume()
    assert [event.reason for event in events(feed(ear, silence(5))) if isinstance(event, SpeechEnded)] == ["no_speech"]


def test_the_microphone_vanishing_ends_the_utterance() -> None:
    ear = make_ear()
    feed(ear, silence(1), wake_word(), silence(0.4), voice(1))
    assert [event.reason for event in events(ear.close()) if isinstance(event, SpeechEnded)] == ["end_of_input"]
    assert ear.close() == []


def settled(ear: Ear, ending: Ending, *sounds: Samples) -> list[Heard]:
    """Feeds sound frame by frame; each pause is settled with `ending` at once."""
    heard: list[Heard] = []
    sound = np.concatenate(sounds)
    for start in range(0, len(sound), 512):
        for item in ear.feed(sound[start : start + 512]):
            heard.append(item)
            if item.pause:
                ear.settle(item.at, ending)
    return heard


@pytest.mark.parametrize(
    ("ending", "wait"),
    [(Ending.COMPLETE, 0.192), (Ending.SURE, 0.256), (Ending.WHOLE, 0.352), (Ending.POSSIBLE, 0.4), (Ending.UNFINISHED, 0.9)],
)
def test_patience_depends_on_how_the_sentence_ends(ending: Ending, wait: float) -> None:
    heard = settled(make_ear(), ending, silence(1), wake_word(), silence(0.5), voice(0.3), silence(2))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded)
    assert ended.at - ended.speech_end_at == pytest.approx(wait, abs=0.04)


@pytest.mark.parametrize(
    ("ending", "wait"), [(Ending.COMPLETE, 0.992), (Ending.SURE, 1.056), (Ending.POSSIBLE, 1.2), (Ending.UNFINISHED, 1.7)]
)
def test_who_talks_on_behind_a_request_does_not_keep_it_open(ending: Ending, wait: float) -> None:
    """A television: never silent, but weaker."""
    heard = settled(make_ear(), ending, silence(1), wake_word(), silence(0.5), voice(1), others(8))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded) and ended.reason == "others"
    assert ended.speech_end_at == pytest.approx(3.25, abs=0.1)
    assert ended.at - ended.speech_end_at == pytest.approx(wait, abs=0.04)
    pauses = [item for item in heard if item.pause]
    assert [item.since for item in pauses] == [ended.speech_end_at]
    assert pauses[0].at - pauses[0].since == pytest.approx(0.256, abs=0.04)


def test_others_who_pause_do_not_change_what_was_settled() -> None:
    ear = make_ear()
    feed(ear, silence(1), wake_word(), silence(0.5), voice(1))
    heard = settled(ear, Ending.COMPLETE, others(0.3), silence(0.1)) + settled(
        ear, Ending.UNFINISHED, others(0.3), silence(0.1), others(3)
    )
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded) and ended.reason == "others"
    assert ended.at - ended.speech_end_at == pytest.approx(0.992, abs=0.04)


def test_the_speaker_may_go_on_after_others() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.5), voice(1), others(0.9), voice(1), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded) and ended.reason == "silence"
    assert ended.speech_end_at == pytest.approx(1.75 + 0.5 + 2.9, abs=0.1)


def test_others_may_begin_before_the_speaker() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), others(0.8), voice(1), others(3))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded) and ended.reason == "others"
    assert ended.speech_end_at == pytest.approx(1.75 + 1.8, abs=0.1)


def test_a_voice_that_sinks_a_little_is_still_the_speakers() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.5), voice(1), voice(3, 3000), silence(1))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded) and ended.reason == "silence"


def test_a_door_that_slams_does_not_make_the_speaker_somebody_else() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), silence(0.5), voice(0.5), voice(0.1, 32000), voice(3), silence(1))
    ended = events(heard)[-1]
    assert isinstance(ended, SpeechEnded) and ended.reason == "silence"
    assert ended.speech_end_at == pytest.approx(1.75 + 0.5 + 3.6, abs=0.1)


def test_a_pause_is_marked_once_and_speech_forgets_what_was_settled() -> None:
    ear = make_ear()
    speech = (voice(1), silence(0.7), voice(1), silence(0.16))
    heard = settled(ear, Ending.UNFINISHED, silence(1), wake_word(), silence(0.5), *speech)
    assert [item.pause for item in heard].count(True) == 2
    ear.settle(0.5, Ending.COMPLETE)  # an answer about an older pause comes too late
    assert names(heard) == ["WakeDetected", "SpeechStarted"]
    rest = feed(ear, silence(0.3))
    assert names(rest) == []
    assert names(feed(ear, silence(0.6))) == ["SpeechEnded"]


def test_a_wake_word_that_somebody_else_heard_starts_a_turn_and_counts_once() -> None:
    ear = make_ear()
    heard = feed(ear, silence(1), wake_word(), silence(0.05))
    ear.call(0.9, ago=int(0.05 * 16000))
    heard += feed(ear, silence(0.5), voice(1.5), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    assert 1.5 <= sound_seconds(heard) <= 1.5 + 0.3 + 0.4 + 0.15


def test_no_wake_word_is_believed_while_only_the_assistant_speaks() -> None:
    ear = make_ear()
    sound = np.concatenate([wake_word(), silence(0.5)])
    assert [heard for at in range(0, len(sound), 1000) for heard in ear.feed(sound[at : at + 1000], somebody=False)] == []
    assert names(feed(ear, wake_word(), silence(0.5))) == ["WakeDetected"]


class CountingVad(FakeVad):
    """Counts the frames it is given."""

    frames = 0

    def feed(self, samples: Samples) -> list[float]:
        found = super().feed(samples)
        self.frames += len(found)
        return found


def test_voice_activity_costs_nothing_while_only_the_wake_word_is_listened_for() -> None:
    vad = CountingVad()
    ear = Ear(FakeWake(), vad, SETTINGS)
    feed(ear, voice(3), silence(5))
    assert vad.frames == 0
    heard = feed(ear, wake_word(), voice(1.5), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
    seconds = vad.frames * VAD_FRAME / 16000
    assert 1 + 1.5 < seconds < 1 + 1.5 + 0.8, "it catches up on 1 s when the wake word is heard, and stops with the utterance"


def test_voice_activity_that_catches_up_knows_what_was_said_before_the_wake_word_was_recognised() -> None:
    heard = feed(make_ear(), silence(1), wake_word(), voice(0.4), silence(1))
    assert names(heard) == ["WakeDetected", "SpeechStarted", "SpeechEnded"]
