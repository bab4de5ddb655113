"""`assistant bench latency`: are the actions right, how soon does the answer sound, what does it cost.

Twenty home commands in two synthetic voices go through the whole assistant in real time. The end of speech is known from the
synthesis, so "end of speech to first audible sample" includes every wait; the ear's share is stated separately.
"""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from assistant import app
from assistant.bench_commands import Command
from assistant.caller import Conversation, Floats, Room, request
from assistant.config import Config
from assistant.engines import CAPTURE_RATE, TtsEngine
from assistant.events import Action, Event, FinalTranscript, IntentParsed, SkillRan, SpeakingStarted, SpeechEnded, TurnMeasured
from assistant.intervals import wilson
from assistant.replay import Replay


@dataclass(slots=True)
class Run:
    """What came of one command. Times in milliseconds."""

    command: str
    heard: str = ""
    intents: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    right: bool = False
    endpoint_ms: float = math.nan
    total_ms: float = math.nan
    stages: TurnMeasured | None = None


class _Watch:
    """An observer that sorts events by the utterance being said."""

    def __init__(self, replay: Replay, conversation: Conversation, commands: Sequence[Command]) -> None:
        self._replay, self._conversation = replay, conversation
        self.runs = [Run(command.text) for command in commands]

    def __call__(self, event: Event) -> None:
        run = self.runs[len(self._conversation.speech_ends) - 1]
        end = self._conversation.speech_ends[-1] / CAPTURE_RATE
        match event:
            case SpeechEnded(reason="silence" | "others"):
                run.endpoint_ms = (event.at - end) * 1000
            case FinalTranscript():
                run.heard = event.text
            case IntentParsed():
                run.intents.append(event.name)
            case SkillRan():
                run.actions += event.actions
            case SpeakingStarted() if math.isnan(run.total_ms):
                run.total_ms = (time.perf_counter() - self._replay.started - end) * 1000
            case TurnMeasured():
                run.stages = event


def run_commands(engines: app.Engines, config: Config, voice: TtsEngine, commands: Sequence[Command], room: Room) -> list[Run]:
    """Say every command in one voice, in real time; one Run each."""
    utterances = [request(voice, engines.wake.phrase, command.text) for command in commands]
    conversation = Conversation(room, utterances)
    replay = Replay(conversation.sound(), realtime=True)
    watch = _Watch(replay, conversation, commands)
    anyio.run(app.on_recording(engines, config, replay, None, [conversation, watch]).replay)
    for run, command in zip(watch.runs, commands, strict=True):
        run.right = command.right(run.intents, run.actions)
    return watch.runs


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, NaN left out."""
    known = sorted(value for value in values if not math.isnan(value))
    return known[min(len(known) - 1, math.ceil(share * len(known)) - 1)] if known else math.nan


def memory_mb() -> tuple[float, float]:
    """Resident memory of this process now and at its highest, in MB (10^6 bytes)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def idle_share(engines: app.Engines, config: Config, seconds: float = 60.0) -> float:
    """Share of one core that listening for the wake word takes, over light noise."""
    room = Room()
    replay = Replay(room.silence() for _ in range(int(seconds * CAPTURE_RATE / len(room.silence()))))
    assistant = app.on_recording(engines, config, replay, None, [])
    began = time.process_time()
    anyio.run(assistant.replay)
    return (time.process_time() - began) / seconds


def read_noise(path: Path) -> Floats:
    """A noise recording: float32, (n,), 16 kHz."""
    from assistant.audiofile import read_audio

    return np.asarray(read_audio(path) / 32768, np.float32)


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """One row of the table: counts, interval, percentiles in ms."""
    right = sum(run.right for run in runs)
    totals, endpoints = [run.total_ms for run in runs], [run.endpoint_ms for run in runs]
    return {
        "n": len(runs),
        "right": right,
        "right_95": [round(bound, 3) for bound in wilson(right, len(runs))],
        "answered": sum(not math.isnan(total) for total in totals),
        "total_p50_ms": round(percentile(totals, 0.5)),
        "total_p95_ms": round(percentile(totals, 0.95)),
        "endpoint_p50_ms": round(percentile(endpoints, 0.5)),
        "endpoint_p95_ms": round(percentile(endpoints, 0.95)),
        "wrong": [{"command": run.command, "heard": run.heard} for run in runs if not run.right],
    }
