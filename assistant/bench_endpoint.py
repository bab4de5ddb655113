"""`assistant bench endpoint`: how soon after the last word the text is there, and how often the speaker is cut off.

Recorded commands go through the ear and the recogniser on audio time: only what decoding takes depends on the machine, and is
stated apart. Listening begins 0.6 s before the first word, where a wake word would have ended. The true end is the last voiced
frame of the clean recording; a command is cut when listening ends more than 0.2 s before it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from assistant.bench_latency import percentile
from assistant.bench_orders import TALKERS, Judge, Order, Row, conditions
from assistant.caller import Floats, speak
from assistant.config import EarConfig
from assistant.ear import Ear, EarSettings
from assistant.engines import CAPTURE_RATE, VAD_FRAME, Ending, GuessingAsr, TtsEngine, VadEngine, Wake
from assistant.events import Samples, SpeechEnded
from assistant.hearing import Guesses
from assistant.intervals import wilson
from assistant.replay import CHUNK

LEAD_SECONDS = 0.6
TAIL_SECONDS = 1.6
"""Silence behind every recording, more than the ear waits at most."""

TALK_SECONDS = 16.0
"""The same where others talk on: as long as the ear hears at most."""

BREATHS = (0.1, 0.6)
"""Seconds between two sentences of somebody who talks on."""

CUT_SECONDS = 0.2
VOICED = 0.5
"""Probability of a frame of the clean recording from which it belongs to the speech."""


class _NoWake:
    """Never hears its word."""

    word = phrase = ""

    def feed(self, samples: Samples) -> list[Wake]:
        return []

    def reset(self) -> None:
        """Nothing to forget."""


@dataclass(slots=True)
class Delays:
    """One condition. row: how many orders, and what became of their texts; endpoint: from the true end of speech to SpeechEnded,
    ms of audio; text: until the final text is there."""

    row: Row
    adaptive: bool
    cut: int = 0
    never: int = 0
    early: int = 0
    endpoint: list[float] = field(default_factory=list)
    text: list[float] = field(default_factory=list)
    early_text: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The row as plain values."""
        return {
            "condition": self.row.condition,
            "adaptive": self.adaptive,
            "n": self.row.n,
            "cut": self.cut,
            "cut_95": [round(bound, 4) for bound in wilson(self.cut, self.row.n)],
            "never_ended": self.never,
            "ended_early": self.early,
            "accepted": self.row.accepted,
            "endpoint_ms_p50": _milliseconds(self.endpoint, 0.5),
            "endpoint_ms_p95": _milliseconds(self.endpoint, 0.95),
            "text_ms_p50": _milliseconds(self.text, 0.5),
            "text_ms_p95": _milliseconds(self.text, 0.95),
            "early_text_ms_p50": _milliseconds(self.early_text, 0.5),
        }


def _milliseconds(values: Sequence[float], share: float) -> int | None:
    return round(percentile(values, share)) if values else None


Recording = tuple[Order, Samples, tuple[int, int]]
"""What was ordered, how it sounds, and where its speech begins and ends."""


def speech_bounds(vad: VadEngine, sound: Samples) -> tuple[int, int]:
    """First and last voiced sample of a clean recording; the whole when there is none."""
    vad.reset()
    voiced = np.flatnonzero(np.array(vad.feed(sound)) >= VOICED)
    return (int(voiced[0]) * VAD_FRAME, (int(voiced[-1]) + 1) * VAD_FRAME) if len(voiced) else (0, len(sound))


def television(sentences: Sequence[str], speakers: Sequence[TtsEngine], seed: int) -> Floats:
    """People who talk on and on, in turns, with breaths of 0.1 to 0.6 s between the sentences: float32, (n,)."""
    random = np.random.default_rng([seed, 2])
    said = [speak(speakers[place % len(speakers)], text) for place, text in enumerate(sentences)]
    breaths = (np.zeros(int(random.uniform(*BREATHS) * CAPTURE_RATE), np.float32) for _ in said)
    return np.concatenate([part for pair in zip(said, breaths, strict=True) for part in pair])


def crowd(talk: Floats, seed: int) -> Floats:
    """TALKERS people who all say what `television` says, each beginning elsewhere: float32, (n,)."""
    random = np.random.default_rng([seed, 3])
    starts = random.integers(len(talk), size=TALKERS)
    return np.asarray(sum(np.roll(talk, start) for start in starts), np.float32)


def recordings(
    orders: Sequence[Order], vad: VadEngine, kind: str, sound: Floats | None, levels: Sequence[float], seed: int
) -> Iterator[tuple[str, list[Recording]]]:
    """(name, recordings) for clean speech and each level of a sound. kind: "noise", or "talk", which nobody waits to end."""
    tail = int((TALK_SECONDS if kind == "talk" else TAIL_SECONDS) * CAPTURE_RATE)
    orders = [replace(order, sound=np.pad(order.sound, (0, tail))) for order in orders]
    bounds: list[tuple[int, int]] = []
    for name, sounds in conditions(orders, sound, levels, (), seed):
        bounds = bounds or [speech_bounds(vad, heard) for heard in sounds]
        yield name.replace("noise", kind), list(zip(orders, sounds, bounds, strict=True))


@dataclass(slots=True)
class _Heard:
    """What came of one recording, in samples. ended: where listening stopped, -1 = never; ready: when the text was there."""

    ended: int = -1
    ready: float = 0.0
    text: str = ""
    ending: Ending = Ending.POSSIBLE


class Listener:
    """The ear and the recogniser, without the pipeline's tasks. adaptive: guesses are made in pauses and heeded."""

    def __init__(self, vad: VadEngine, asr: GuessingAsr, settings: EarConfig, *, adaptive: bool) -> None:
        self._vad, self._asr, self.adaptive = vad, asr, adaptive
        self._settings = EarSettings(**settings.model_dump(exclude={"vad"}))

    def hear(self, sound: Samples, start: int) -> _Heard:
        """One recording, listened to from sample `start` on."""
        ear, found = Ear(_NoWake(), self._vad, self._settings), _Heard()
        ear.await_answer()
        self._asr.reset()
        guesses = Guesses()
        guessed = 0.0  # the sample at which the last guess was there
        settling: tuple[float, Ending] | None = None  # for the ear, as soon as the guess is there
        for begin in range(start, len(sound), CHUNK):
            if settling is not None and begin >= guessed:
                ear.settle(*settling)
                settling = None
            for heard in ear.feed(sound[begin : begin + CHUNK]):
                now = start + round(heard.at * CAPTURE_RATE)
                if heard.sound is not None:
                    guesses.follow(heard.since)
                    self._asr.accept(heard.sound)
                if heard.pause and self.adaptive:
                    began = time.process_time()
                    guess = self._asr.guess()
                    guesses.add(guess)
                    guessed = now + (time.process_time() - began) * CAPTURE_RATE
                    found.ending = guess.ending
                    settling = heard.at, guess.ending
                if isinstance(heard.event, SpeechEnded):
                    if heard.event.reason == "no_speech":
                        return found
                    found.ended = start + round(heard.event.at * CAPTURE_RATE)
                    transcript = guesses.chosen(heard.event)
                    found.text, found.ready = (transcript.text, guessed) if transcript is not None else self._finish(found.ended)
                    found.ready = max(found.ready, found.ended)
                    if found.text:
                        return found
                    ear.resume()
                    self._asr.reset()
        return found

    def _finish(self, ended: int) -> tuple[str, float]:
        began = time.process_time()
        text = self._asr.finish().text
        return text, ended + (time.process_time() - began) * CAPTURE_RATE


def run(condition: str, listener: Listener, recordings: Sequence[Recording], judge: Judge) -> Iterator[Delays]:
    """The row so far, after every recording."""
    delays = Delays(Row("ours", condition), listener.adaptive)
    for order, sound, (first, last) in recordings:
        heard = listener.hear(sound, max(0, first - int(LEAD_SECONDS * CAPTURE_RATE)))
        judge.count(delays.row, order, heard.text)
        if heard.ended < 0:
            delays.never += 1
        elif heard.ended < last - CUT_SECONDS * CAPTURE_RATE:
            delays.cut += 1
        else:
            delays.endpoint.append((heard.ended - last) * 1000 / CAPTURE_RATE)
            delays.text.append((heard.ready - last) * 1000 / CAPTURE_RATE)
            if heard.ending in (Ending.COMPLETE, Ending.SURE, Ending.WHOLE):
                delays.early += 1
                delays.early_text.append(delays.text[-1])
        yield delays
