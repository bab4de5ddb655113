"""Decides when somebody speaks to the assistant and when they are done. Sans-IO: sound in, events out.

No clock, no await, no thread: time is the number of samples heard, so every decision replays exactly, however the sound was
cut into chunks. States:

    ASLEEP --wake word--> AWAITING --speech--> HEARING --silence--> ASLEEP
                             |  ^                 |
                             |  +--- resume() ----+   (what was heard held no words: go on waiting)
                             +--nobody speaks--> ASLEEP
    await_answer() enters AWAITING without a wake word; a wake word always starts a new turn, whatever the state.

Where others talk on, there is no silence. So an utterance also ends some time after its speaker was last heard, when all that
follows is much weaker (`assistant.foreground`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from assistant.engines import CAPTURE_RATE, VAD_FRAME, Ending, VadEngine, Wake, WakeEngine
from assistant.events import Event, Samples, SpeechEnded, SpeechStarted, WakeDetected
from assistant.foreground import Foreground
from assistant.waiting import Waiting, in_samples

SAME_WORD_SAMPLES = int(1.2 * CAPTURE_RATE)
"""Two detections so close are of one word."""

HISTORY_FRAMES = 2 * CAPTURE_RATE // VAD_FRAME
"""The last 2 s are kept, so that what was said while the wake word was still being recognised is not lost."""

CATCH_UP_FRAMES = CAPTURE_RATE // VAD_FRAME
"""A voice activity detector that begins with the last 1 s judges like one that has heard everything."""


@dataclass(frozen=True, slots=True)
class EarSettings:
    """How patient the ear is. The defaults of a running assistant are in config_tables.py; times in milliseconds of audio.

    Attributes:
        speech_on: probability above which a frame starts speech; speech_off: below which a frame is silence (hysteresis).
        silence_ms: silence that ends an utterance of which nothing is known.
        pause_ms: silence after which the sound is marked as a pause, so that a recogniser can guess (see `Ear.settle`).
        complete_ms, sure_ms, whole_ms, unfinished_ms: silence that ends a complete command, a whole one after which surely
            nothing follows, any other whole one, the beginning of one (engines.Ending).
        others_db: a voice so much weaker than the loudest of the utterance is somebody else's.
        others_pause_ms: time with only such voices after which the sound is marked as a pause.
        others_ms: how much longer than silence it must last to end an utterance.
        min_speech_ms: voiced time that makes a sound an utterance (shorter ones are clicks).
        run_on_ms: the wake word's own tail may still be voiced this long after its estimated end; longer is speech that ran on.
        preroll_ms: sound kept before the first voiced frame.
        start_timeout_ms: how long to wait for somebody to begin after the wake word.
        answer_timeout_ms: the same after a question of the assistant.
        max_utterance_ms: longest utterance.
    """

    speech_on: float
    speech_off: float
    silence_ms: int
    pause_ms: int
    complete_ms: int
    sure_ms: int
    whole_ms: int
    unfinished_ms: int
    others_db: float
    others_pause_ms: int
    others_ms: int
    min_speech_ms: int
    run_on_ms: int
    preroll_ms: int
    start_timeout_ms: int
    answer_timeout_ms: int
    max_utterance_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What sound led to: an event, or sound of the utterance (int16, (n,), 16 kHz) that ends at second `at`.

    pause: the speaker has been silent for `pause_ms` now, or only others have been heard for `others_pause_ms`; since: the second
    at which the speaker was last heard, then.
    """

    event: Event | None = None
    sound: Samples | None = None
    at: float = 0.0
    pause: bool = False
    since: float = 0.0


class _State(Enum):
    ASLEEP = auto()
    AWAITING = auto()
    HEARING = auto()


class Ear:
    """Wake word, voice activity and endpointing over one stream of 16 kHz int16 sound.

    Args:
        wake: hears the wake word, also while the assistant speaks (barge-in).
        vad: says which frames are voiced.
        settings: how patient to be.
    """

    def __init__(self, wake: WakeEngine, vad: VadEngine, settings: EarSettings) -> None:
        self._wake, self._vad, self._settings = wake, vad, settings
        wake.reset()
        vad.reset()
        self.turn = 0
        """The current request; counts up at every wake word and every follow-up."""
        self._state = _State.ASLEEP
        self._pending: Samples = np.zeros(0, np.int16)
        self._history: deque[Samples] = deque(maxlen=HISTORY_FRAMES)
        self._vad_behind = True  # it has not been given the newest frames
        self._position = 0  # samples heard
        self._earliest = 0  # where the utterance may begin at the earliest: the end of the wake word
        self._deadline = 0  # position at which waiting for speech ends
        self._began = 0  # position at which the utterance began
        self._voiced_samples = 0
        self._silence = Waiting(settings.pause_ms, settings.silence_ms)  # nobody is heard
        self._absence = Waiting(settings.others_pause_ms, settings.silence_ms + settings.others_ms)  # weaker voices at most are
        self._foreground = Foreground(settings.others_db)
        self._ended = 0  # where the last utterance was closed
        self._tail = False  # the voice heard now may still be the wake word's tail
        self._somebody = True
        self._called = 0  # position of the last wake word that somebody else heard
        self._call: Wake | None = None

    @property
    def seconds(self) -> float:
        """Seconds of audio heard since the microphone opened."""
        return round(self._position / CAPTURE_RATE, 3)

    @property
    def asleep(self) -> bool:
        """True when only the wake word is listened for."""
        return self._state is _State.ASLEEP

    def feed(self, samples: Samples, somebody: bool = True) -> list[Heard]:
        """More sound, shape (n,). Returns what it led to, in order. somebody: see AudioChunk; else no wake word is believed."""
        self._somebody = somebody
        self._pending = np.concatenate([self._pending, samples])
        heard: list[Heard] = []
        while len(self._pending) >= VAD_FRAME:
            frame, self._pending = self._pending[:VAD_FRAME], self._pending[VAD_FRAME:]
            heard += self._frame(frame)
        return heard

    def call(self, score: float, ago: int) -> None:
        """Somebody else has heard the wake word, which ended `ago` samples before the end of the sound fed so far; in sound that
        is still to be fed when `ago` is below 0."""
        end = max(1, self._position + len(self._pending) - ago)
        self._call = Wake(score=score, word_end=end)

    def begin_turn(self) -> int:
        """The number of a new turn, which somebody else than the ear begins."""
        self.turn += 1
        return self.turn

    def await_answer(self) -> None:
        """Listen for the answer to a question, without a wake word, as a new turn."""
        self.begin_turn()
        self._await(self._position, self._settings.answer_timeout_ms, tail=False)

    def settle(self, at: float, ending: Ending) -> None:
        """What was said up to the pause marked at second `at` ends like this: be more or less patient until speech goes on."""
        if self._state is not _State.HEARING:
            return
        patience = {
            Ending.COMPLETE: self._settings.complete_ms,
            Ending.SURE: self._settings.sure_ms,
            Ending.WHOLE: self._settings.whole_ms,
            Ending.UNFINISHED: self._settings.unfinished_ms,
        }.get(ending, self._settings.silence_ms)
        self._silence.settle(round(at * CAPTURE_RATE), patience)
        self._absence.settle(round(at * CAPTURE_RATE), patience + self._settings.others_ms)

    def resume(self) -> None:
        """The sound of this turn held no words (the wake word's tail, a cough): go on waiting until the old deadline."""
        self._state = _State.AWAITING
        self._earliest, self._tail, self._voiced_samples = self._ended, False, 0

    def close(self) -> list[Heard]:
        """The microphone is gone: ends an utterance that is under way."""
        return [] if self.asleep else [self._end("end_of_input")]

    def _frame(self, frame: Samples) -> list[Heard]:
        self._position += VAD_FRAME
        self._history.append(frame)
        detections = self._wake.feed(frame)
        if self._call is not None:
            detections, self._call, self._called = [self._call], None, self._position
        elif not self._somebody or (self._called and self._position - self._called < SAME_WORD_SAMPLES):
            detections = []
        if detections:
            return self._woken(detections[-1])
        if self.asleep:
            self._vad_behind = True
            return []
        step = self._awaiting if self._state is _State.AWAITING else self._hearing
        return step(self._voice(frame), frame)

    def _voice(self, frame: Samples) -> float:
        """How surely the newest frame is voiced. While only the wake word is listened for nobody asks; it catches up then."""
        if not self._vad_behind:
            return self._vad.feed(frame)[0]
        self._vad_behind = False
        self._vad.reset()
        return self._vad.feed(np.concatenate(list(self._history)[-CATCH_UP_FRAMES:]))[-1]

    def _woken(self, wake: Wake) -> list[Heard]:
        self.begin_turn()
        self._vad_behind = True
        self._await(wake.word_end, self._settings.start_timeout_ms, tail=True)
        return [Heard(event=WakeDetected(turn=self.turn, at=self.seconds, word=self._wake.word, score=wake.score))]

    def _await(self, earliest: int, timeout_ms: int, *, tail: bool) -> None:
        self._state = _State.AWAITING
        self._earliest, self._tail, self._voiced_samples = earliest, tail, 0
        self._deadline = self._position + in_samples(timeout_ms)

    def _awaiting(self, probability: float, frame: Samples) -> list[Heard]:
        if probability >= self._settings.speech_on or (self._voiced_samples and probability >= self._settings.speech_off):
            self._voiced_samples += VAD_FRAME
        else:
            self._voiced_samples, self._tail = 0, False
        voiced = min(self._voiced_samples, self._position - self._earliest)
        if voiced >= in_samples(self._settings.run_on_ms if self._tail else self._settings.min_speech_ms):
            return self._start(voiced)
        if self._position >= self._deadline and not self._voiced_samples:
            self._silence.begin(self._position)
            return [self._end("no_speech")]
        return []

    def _start(self, voiced: int) -> list[Heard]:
        self._state = _State.HEARING
        self._began = max(self._earliest, self._position - voiced - in_samples(self._settings.preroll_ms))
        self._silence.begin(self._position)
        self._absence.begin(self._position)
        recent = np.concatenate(self._history)
        sound = recent[-min(len(recent), self._position - self._began) :]
        self._foreground.reset()
        for start in range(len(sound) - min(voiced, len(sound)) // VAD_FRAME * VAD_FRAME, len(sound), VAD_FRAME):
            self._foreground.hear(sound[start : start + VAD_FRAME], voiced=True)
        return [
            Heard(event=SpeechStarted(turn=self.turn, at=self.seconds)),
            Heard(sound=sound, at=self.seconds, since=self.seconds),
        ]

    def _hearing(self, probability: float, frame: Samples) -> list[Heard]:
        silent = self._position - self._silence.last > VAD_FRAME
        voiced = probability >= (self._settings.speech_on if silent else self._settings.speech_off)
        near = self._foreground.hear(frame, voiced)
        if voiced:
            self._silence.begin(self._position)
        if near:
            self._absence.begin(self._position)
        pause = self._absence.pauses(self._position) if voiced else self._silence.pauses(self._position)
        heard = [Heard(sound=frame, at=self.seconds, pause=pause, since=round(self._absence.last / CAPTURE_RATE, 3))]
        if self._silence.over(self._position):
            heard.append(self._end("silence"))
        elif self._absence.over(self._position):
            heard.append(self._end("others"))
        elif self._position - self._began >= in_samples(self._settings.max_utterance_ms):
            heard.append(self._end("limit"))
        return heard

    def _end(self, reason: str) -> Heard:
        self._state, self._ended = _State.ASLEEP, self._position
        end_at = round((self._absence if reason == "others" else self._silence).last / CAPTURE_RATE, 3)
        return Heard(event=SpeechEnded(turn=self.turn, at=self.seconds, reason=reason, speech_end_at=end_at))  # type: ignore[arg-type]
