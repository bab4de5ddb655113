"""`assistant bench soak`: a long day at accelerated time, closed loop.

Minutes of talk, music, noise and silence follow one another, with a request for the assistant in every minute. What the
assistant says comes back through a simulated room into its own microphone, goes through the shipped echo path, and must not
wake it. Everything is synthesised here, so nothing has to be fetched: talk in voices that are not the assistant's, music as
chords, low-passed noise.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import numpy as np

from assistant import app
from assistant.bench_latency import memory_mb
from assistant.bench_rooms import ROOMS, answer_of
from assistant.caller import Floats, request, speak
from assistant.config import Config
from assistant.engines import CAPTURE_RATE
from assistant.engines.tts_pico import PicoTts
from assistant.events import AudioChunk, AudioDropped, Event, FinalTranscript, Samples, StageFailed, TurnFinished, WakeDetected
from assistant.intervals import wilson
from assistant.ports import Edges
from assistant.replay import CHUNK, Replay
from device.echo_path import EchoPath

SCENES = ("silence", "talk", "music", "noise")
SCENE_SECONDS = 60
REQUEST_AT = 20
"""Second of every scene at which a request begins."""

PATIENCE_SECONDS = 3.0
"""A wake word must be noticed so soon after its request ends."""

COMMANDS = ("Turn on the kitchen light.", "What time is it?", "Turn off the bedroom light.", "Set a timer for nine hours.")
CHAT = (
    "I was at the market this morning and the apples were cheaper than last week.",
    "Did you hear what happened at the school? They want to build a new gym.",
    "Let us have dinner at eight, the children will be back by then.",
)
VOICES = (("en-GB", 1.0, 1.0), ("en-US", 1.0, 1.0), ("en-GB", 0.9, 0.9))
ECHO_GAIN = 0.35
"""The loudest the echo gets in the microphone, of what is played: the loudspeaker is beside it."""

BACKGROUND = 0.02
"""Root mean square of talk, music and noise, of full scale: 25 dB below the loudest request."""

WARM_UP_HOURS = 0.25
"""Memory is compared with what it was after this: buffers, caches and history rings are then full."""

MEMORY_PARTS = 8
"""The time after the warm-up in equal parts: growth is from the median of the first to that of the last. A single look would
compare what is being computed at two moments."""


@dataclass(slots=True)
class Watch:
    """An observer that counts."""

    wakes: list[float] = field(default_factory=list)
    finished: int = 0
    answered: int = 0
    dropped: float = 0.0
    failed: int = 0

    def __call__(self, event: Event) -> None:
        """Count one event."""
        match event:
            case WakeDetected():
                self.wakes.append(event.at)
            case TurnFinished():
                self.finished += 1
            case FinalTranscript():
                self.answered += 1
            case AudioDropped():
                self.dropped += event.seconds
            case StageFailed():
                self.failed += 1


class Day:
    """The sound of the room, scene after scene, without the assistant's own voice.

    Args:
        phrase: the wake word's.
        seconds: how long.
    """

    def __init__(self, phrase: str, seconds: float) -> None:
        self._random = np.random.default_rng(0)
        voices = [PicoTts(*voice) for voice in VOICES]
        answer = answer_of(ROOMS[1], ROOMS[1].person, 3)
        self._requests = [_in_room(request(voice, phrase, text).sound, answer) for voice in voices for text in COMMANDS]
        self._chat = np.concatenate([speak(voice, text) for text in CHAT for voice in voices])
        self._seconds = seconds
        self.asked: list[float] = []
        """Second at which each request ended."""

    def sound(self) -> Iterator[Samples]:
        """Pieces of int16, 16 kHz."""
        for number in range(int(self._seconds / SCENE_SECONDS)):
            scene = self._background(SCENES[number % len(SCENES)])
            said = self._requests[number % len(self._requests)]
            start = REQUEST_AT * CAPTURE_RATE
            if SCENES[number % len(SCENES)] == "talk":  # who asks something stops chatting
                scene[start : start + len(said)] *= 0.1
            scene[start : start + len(said)] += said
            self.asked.append(number * SCENE_SECONDS + REQUEST_AT + len(said) / CAPTURE_RATE)
            samples: Samples = (np.clip(scene, -1, 1) * 32767).astype(np.int16)
            for begin in range(0, len(samples), CHUNK):
                yield samples[begin : begin + CHUNK]

    def _background(self, scene: str) -> Floats:
        n = SCENE_SECONDS * CAPTURE_RATE
        hiss = np.asarray(self._random.standard_normal(n), np.float32)
        quiet = np.asarray(hiss * np.float32(2e-4), np.float32)
        if scene == "silence":
            return quiet
        if scene == "talk":
            sound = np.asarray(np.resize(np.roll(self._chat, int(self._random.integers(len(self._chat)))), n), np.float32)
        elif scene == "music":
            sound = self._chords(n)
        else:
            sound = np.asarray(np.convolve(hiss, np.ones(8) / 8, "same"), np.float32)
        level = np.float32(BACKGROUND / np.sqrt(np.mean(sound**2)))
        return np.asarray(sound * level + quiet, np.float32)

    def _chords(self, n: int) -> Floats:
        """Four notes every half second, each with four overtones and a decay."""
        bar = CAPTURE_RATE // 2
        moments = np.arange(bar) / CAPTURE_RATE
        sound = np.zeros(n, np.float32)
        for start in range(0, n - bar + 1, bar):
            notes = 110 * 2 ** (self._random.integers(0, 25, 4) / 12)
            waves = [np.sin(2 * np.pi * note * part * moments) / part for note in notes for part in (1, 2, 3, 4)]
            sound[start : start + bar] = np.sum(waves, axis=0) * np.exp(-4 * moments)
        return sound


class EchoingReplay(Replay):
    """A replay whose loudspeaker is heard by its microphone, through a room, behind the shipped echo path."""

    def __init__(self, day: Day) -> None:
        super().__init__(day.sound())
        self._path = EchoPath()
        answer = answer_of(ROOMS[1], ROOMS[1].speaker, 5)
        self._answer = answer * np.float32(ECHO_GAIN / np.abs(answer).sum() * 4)
        self._tail: Floats = np.zeros(len(self._answer) - 1, np.float32)

    async def read(self) -> AudioChunk | None:
        """See Microphone.read."""
        while True:
            chunk = await super().read()
            if chunk is None:
                return None
            played = self._played[-1][1] if self._played and self._played[-1][0] == self.position - len(chunk.samples) else None
            self._played.clear()  # hours of replies would be a leak of the bench's own
            clean = self._path.clean(*self._with_echo(chunk.samples, played))
            if len(clean.samples):
                return clean

    def _with_echo(self, near: Samples, played: Samples | None) -> tuple[Samples, Samples]:
        far = np.zeros(len(near), np.int16)
        if played is not None:
            far[: len(played)] = played
        size = 1 << (len(near) + len(self._answer)).bit_length()
        sound = np.fft.irfft(np.fft.rfft(far / np.float32(32768), size) * np.fft.rfft(self._answer, size))
        sound = np.asarray(sound[: len(near) + len(self._tail)], np.float32)
        sound[: len(self._tail)] += self._tail
        self._tail = np.asarray(sound[len(near) :], np.float32)
        mixed: Samples = np.clip(near + sound[: len(near)] * 32768, -32768, 32767).astype(np.int16)
        return mixed, far


def _in_room(sound: Floats, answer: Floats) -> Floats:
    from assistant.bench_rooms import convolve

    wet = convolve(np.concatenate([sound, np.zeros(CAPTURE_RATE // 4, np.float32)]), answer)
    return np.asarray(wet * (0.4 / np.abs(wet).max()), np.float32)


def soak(config: Config, engines: app.Engines, hours: float, minutes: float | None) -> dict[str, Any]:
    """Run it. minutes: of computing at the most, None = all of it. Returns what `assistant bench soak --json` prints."""
    day, watch = Day(engines.wake.phrase, hours * 3600), Watch()
    replay = EchoingReplay(day)
    assistant = app.Assistant(engines, config, Edges(replay, replay, echo_free=True), [watch])
    replay.computing = lambda: assistant.pipeline.computing
    replay.resting = lambda: assistant.pipeline.resting
    began, memory = time.monotonic(), list[float]()

    async def run() -> None:
        with anyio.move_on_after(None if minutes is None else minutes * 60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_remember_memory, replay, memory)
                await assistant.replay()
                tasks.cancel_scope.cancel()

    anyio.run(run)
    heard_hours = replay.position / CAPTURE_RATE / 3600
    asked = [end for end in day.asked if end < heard_hours * 3600 - PATIENCE_SECONDS]
    lead = 6.0  # a request lasts 3 to 5 s and has its wake word in front
    noticed = [any(end - lead < wake < end + PATIENCE_SECONDS for wake in watch.wakes) for end in asked]
    others = [wake for wake in watch.wakes if not any(end - lead < wake < end + PATIENCE_SECONDS for end in day.asked)]
    parts = _medians(memory)
    return {
        "hours": round(heard_hours, 2),
        "computing_minutes": round((time.monotonic() - began) / 60, 1),
        "requests": len(asked),
        "noticed": sum(noticed),
        "noticed_by_scene": {scene: f"{sum(noticed[at::4])}/{len(noticed[at::4])}" for at, scene in enumerate(SCENES)},
        "noticed_95": [round(bound, 3) for bound in wilson(sum(noticed), len(asked))],
        "transcribed": watch.answered,
        "self_triggers": len(others),
        "dropped_seconds": round(watch.dropped, 3),
        "failures": watch.failed,
        "memory_mb": round(memory_mb()[0], 1),
        "memory_mb_parts": parts,
        "memory_growth": round(parts[-1] / parts[0] - 1, 4) if parts else None,
    }


def _medians(memory: list[float]) -> list[float]:
    """Of each of MEMORY_PARTS parts; none when there is too little."""
    if len(memory) < MEMORY_PARTS:
        return []
    return [round(float(np.median(part)), 1) for part in np.array_split(memory, MEMORY_PARTS)]


async def _remember_memory(replay: Replay, memory: list[float]) -> None:
    """Look once in every minute of sound after the warm-up."""
    due = WARM_UP_HOURS * 3600
    while True:
        await anyio.sleep(0.05)
        if replay.position >= due * CAPTURE_RATE:
            memory.append(memory_mb()[0])
            due += SCENE_SECONDS
