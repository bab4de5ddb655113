"""The pipeline on scripted engines and audio time: whole event lists, barge-in, follow-ups, failures, leaks."""

from __future__ import annotations

import dataclasses
import gc
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import numpy as np
import pytest

from assistant.config import EarConfig
from assistant.ear import Ear, EarSettings
from assistant.engines import Transcript
from assistant.errors import EngineError
from assistant.events import Event, Replied, Samples, SpeakingStarted, StageFailed, TurnInterrupted
from assistant.intents import Intent
from assistant.pipeline import Pipeline
from assistant.ports import Edges, Image
from assistant.replay import Replay
from assistant.turn import Stages
from tests.fakes import SECOND, FakeAsr, FakeBrain, FakeTts, FakeVad, FakeWake, silence, voice, wake_word

SETTINGS = EarSettings(**EarConfig().model_dump(exclude={"vad"}))
REQUEST = (wake_word(), silence(0.4), voice(1.0), silence(1.0))


def run(*sounds: Samples, asr: Any = None, brain: Any = None, tts: Any = None, camera: Any = None) -> tuple[list[Event], Replay]:
    replay = Replay([np.concatenate([silence(1), *sounds])])
    seen: list[Event] = []
    stages = Stages(
        Ear(FakeWake(), FakeVad(), SETTINGS),
        asr or FakeAsr("hello"),
        brain or FakeBrain({"hello": "Hi."}),
        tts or FakeTts(),
        "hey test",
    )
    pipeline = Pipeline(stages, Edges(replay, replay, camera), seen.append)
    replay.computing = lambda: pipeline.computing
    replay.resting = lambda: pipeline.resting
    anyio.run(pipeline.run)
    return seen, replay


def names(seen: list[Event]) -> list[str]:
    return [type(event).__name__ for event in seen]


TURN = [
    "WakeDetected",
    "SpeechStarted",
    "SpeechEnded",
    "FinalTranscript",
    "IntentParsed",
    "SkillRan",
    "Replied",
    "SpeakingStarted",
    "TurnFinished",
]


def test_a_turn() -> None:
    seen, replay = run(*REQUEST)
    assert names(seen) == TURN
    ended = seen[2].at
    assert all(event.at == ended for event in seen[3:]), "the answer happens at the audio second at which the ear stopped"
    assert (replay.replies() == 1000).sum() == len("Hi.") * int(0.06 * SECOND)


def test_the_same_sound_gives_the_same_events() -> None:
    sounds = (*REQUEST, silence(2), *REQUEST, wake_word(), silence(6))
    assert run(*sounds, asr=FakeAsr("hello", "hello"))[0] == run(*sounds, asr=FakeAsr("hello", "hello"))[0]


def test_the_recogniser_hears_the_whole_request() -> None:
    asr = FakeAsr("hello")
    run(*REQUEST, asr=asr)
    assert 1.0 + 0.4 <= asr.heard_seconds[0] <= 1.0 + 0.3 + 0.4 + 0.1  # request, preroll, endpointing wait


def test_wake_word_and_silence_end_quietly() -> None:
    seen, replay = run(wake_word(), silence(7))
    assert names(seen) == ["WakeDetected", "SpeechEnded", "TurnFinished"]
    assert not replay.replies().any()


def test_not_understood_is_answered() -> None:
    seen, _ = run(*REQUEST, asr=FakeAsr("gibberish"))
    assert [event.text for event in seen if isinstance(event, Replied)] == ["Pardon?"]


def test_a_cough_after_the_wake_word_does_not_end_the_turn() -> None:
    seen, _ = run(wake_word(), silence(0.3), voice(0.2), silence(1.0), voice(1.0), silence(1), asr=FakeAsr("", "hello"))
    assert names(seen) == ["WakeDetected", "SpeechStarted", "SpeechEnded", *TURN[1:]]
    assert {event.turn for event in seen} == {1}


def test_the_wake_word_in_the_transcript_is_taken_off() -> None:
    brain = FakeBrain({"Hello": "Hi."})
    run(*REQUEST, asr=FakeAsr("Hey test, hello"), brain=brain)
    assert brain.heard == ["Hello"]


def test_a_question_is_answered_without_the_wake_word() -> None:
    brain = FakeBrain({"open": "Really?", "yes": "Done."})
    seen, _ = run(*REQUEST, silence(0.5), voice(0.5), silence(2), asr=FakeAsr("open", "yes"), brain=brain)
    assert names(seen) == [*TURN, *TURN[1:]]
    assert [event.turn for event in seen] == [1] * 9 + [2] * 8


def test_nobody_answers_the_question() -> None:
    seen, _ = run(*REQUEST, silence(10), asr=FakeAsr("open"), brain=FakeBrain({"open": "Really?"}))
    assert names(seen) == [*TURN, "SpeechEnded", "TurnFinished"]


def test_barge_in_silences_at_once_and_starts_anew() -> None:
    brain = FakeBrain({"hello": "A very long reply indeed, it goes on and on.", "stop": "Ok."})
    seen, replay = run(
        *REQUEST, silence(0.5), wake_word(), silence(0.4), voice(0.5), silence(1), asr=FakeAsr("hello", "stop"), brain=brain
    )
    assert names(seen) == [*TURN[:-1], "TurnInterrupted", *TURN]
    interrupted = next(event for event in seen if isinstance(event, TurnInterrupted))
    track = replay.replies()
    start = int(interrupted.at * SECOND) + 1024  # the chunk in which the wake word was found was already being read
    second = next(event for event in seen if event.turn == 2 and isinstance(event, SpeakingStarted))
    assert not track[start : int(second.at * SECOND)].any(), "not a sample of the old reply after the wake word"


def test_barge_in_while_a_slow_skill_works() -> None:
    class SlowBrain(FakeBrain):
        async def act(self, intents: Any) -> Any:
            if intents[0].slots["what"] == "slow":
                await anyio.sleep_forever()
            return await super().act(intents)

    seen: list[Event] = []
    replay = Replay([np.concatenate([silence(1), *REQUEST, silence(1), *REQUEST])])
    brain = SlowBrain({"slow": "never", "hello": "Hi."})
    stages = Stages(Ear(FakeWake(), FakeVad(), SETTINGS), FakeAsr("slow", "hello"), brain, FakeTts(), "hey test")
    pipeline = Pipeline(stages, Edges(replay, replay), seen.append)
    replay.resting = lambda: pipeline.resting  # time goes on while the skill works
    anyio.run(pipeline.run)
    assert names(seen) == [*TURN[:5], "TurnInterrupted", *TURN]


class Broken:
    """An engine that fails in a chosen way."""

    rate = SECOND

    def __init__(self, error: Exception) -> None:
        self.error = error

    def accept(self, samples: Samples) -> str | None:
        return None

    def finish(self) -> Transcript:
        raise self.error

    def reset(self) -> None:
        pass

    def synthesize(self, text: str) -> Iterator[Samples]:
        raise self.error
        yield


@pytest.mark.parametrize(
    ("error", "stage", "code"),
    [(EngineError("no", stage="asr", code="broken"), "asr", "broken"), (ZeroDivisionError("oops"), "turn", "internal")],
    ids=["engine", "unforeseen"],
)
def test_a_failing_recogniser_is_apologised_for_and_the_next_turn_works(error: Exception, stage: str, code: str) -> None:
    class Sometimes(FakeAsr):
        def finish(self) -> Transcript:
            if len(self.heard_seconds) == 0:
                super().finish()
                raise error
            return super().finish()

    seen, _ = run(*REQUEST, silence(6), *REQUEST, asr=Sometimes("lost", "hello"))
    assert names(seen) == [*TURN[:3], "StageFailed", *TURN[6:], *TURN]
    failed = next(event for event in seen if isinstance(event, StageFailed))
    assert (failed.stage, failed.code) == (stage, code)


def test_a_failing_voice_ends_the_turn_and_the_assistant_listens_on() -> None:
    seen, _ = run(
        *REQUEST, silence(1), *REQUEST, asr=FakeAsr("hello", "hello"), tts=Broken(EngineError("no", stage="tts", code="broken"))
    )
    assert names(seen) == [*TURN[:7], "StageFailed", "TurnFinished"] * 2


def test_the_picture_is_taken_when_speech_begins() -> None:
    class Eye:
        def latest(self) -> Image:
            return Image(pixels=None, width=640, height=480)

    seen, _ = run(*REQUEST, camera=Eye())
    assert names(seen)[:3] == ["WakeDetected", "SpeechStarted", "ImageTaken"]


def test_capture_is_never_blocked_by_a_slow_engine() -> None:
    """A recogniser that takes 20 times real time: the microphone is still read on time and its 2 s ring never overflows."""

    class Slow(FakeAsr):
        def accept(self, samples: Samples) -> str | None:
            time.sleep(0.05 * len(samples) / 512)
            return super().accept(samples)

    class Timed(Replay):
        def __init__(self, sound: Any) -> None:
            super().__init__(sound, realtime=True)
            self.late: list[float] = []

        async def read(self) -> Any:
            chunk = await super().read()
            self.late.append(time.perf_counter() - self.started - self.position / SECOND)
            return chunk

    seen: list[Event] = []
    replay = Timed([np.concatenate([silence(0.3), wake_word(), silence(0.4), voice(1.0), silence(1.0)])])
    stages = Stages(Ear(FakeWake(), FakeVad(), SETTINGS), Slow("hello"), FakeBrain({"hello": "Hi."}), FakeTts(), "hey test")
    pipeline = Pipeline(stages, Edges(replay, replay), seen.append)
    replay.resting = lambda: pipeline.resting
    anyio.run(pipeline.run)
    assert names(seen) == TURN
    assert max(replay.late) < 1.0, f"the microphone waited {max(replay.late):.2f} s"


def beside_a_turn(work: Callable[[Pipeline], Awaitable[bool]]) -> list[Event]:
    """The events of a request, while which something is to be done unasked."""
    seen: list[Event] = []
    replay = Replay([np.concatenate([silence(0.3), *REQUEST])], realtime=True)
    stages = Stages(Ear(FakeWake(), FakeVad(), SETTINGS), FakeAsr("hello"), FakeBrain({"hello": "Hi."}), FakeTts(), "hey test")
    pipeline = Pipeline(stages, Edges(replay, replay), seen.append)
    replay.resting = lambda: pipeline.resting and len(seen) > len(TURN)

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pipeline.run)
            while not seen:
                await anyio.sleep(0.001)
            assert await work(pipeline)

    anyio.run(main)
    return seen


def test_an_announcement_waits_for_the_turn_under_way() -> None:
    seen = beside_a_turn(lambda pipeline: pipeline.announce("Your timer is up."))
    assert names(seen) == [*TURN, "Replied", "SpeakingStarted", "TurnFinished"]


def test_a_command_for_later_waits_for_the_turn_under_way_and_is_not_spoken_of() -> None:
    seen = beside_a_turn(lambda pipeline: pipeline.carry_out([Intent("HassTurnOff", {"name": "tv"})]))
    assert names(seen) == [*TURN, "SkillRan", "TurnFinished"]


@pytest.mark.slow
def test_a_thousand_turns_leak_nothing() -> None:
    def many(turns: int) -> None:
        sound = np.concatenate([wake_word(0.3), silence(0.3), voice(0.2), silence(0.8)])
        replay = Replay(sound for _ in range(turns))
        stages = Stages(
            Ear(FakeWake(), FakeVad(), quick), FakeAsr(*["hello"] * turns), FakeBrain({"hello": "Hi."}), FakeTts(), "hey test"
        )
        seen = [0]

        def count(event: Event) -> None:
            seen[0] += isinstance(event, Replied)

        pipeline = Pipeline(stages, Edges(replay, replay), count)
        replay.computing, replay.resting = lambda: pipeline.computing, lambda: pipeline.resting
        anyio.run(pipeline.run)
        assert seen[0] == turns

    quick = dataclasses.replace(SETTINGS, silence_ms=200)
    many(20)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    many(1000)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000, f"{grown} bytes kept after 1,000 turns"
