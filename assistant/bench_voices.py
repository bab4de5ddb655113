"""`assistant bench voices`: how soon does a voice sound? Ours and piper-tts as it comes, in turn in one process, one thread each.

"First audible" is when the first sample above -42 dB of full scale could leave the loudspeaker: the time until its chunk is
there, plus what plays before it in that chunk. Time is this process's own processor time, so that other programs do not count;
with an idle machine it equals the clock's.
"""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines.speech_level import AUDIBLE
from assistant.errors import ConfigError
from assistant.events import Samples

REPLIES = {
    "1 sentence": "The living room light is now on.",
    "3 sentences": "The living room light is now on. The temperature is 21 degrees. Would you like me to close the blinds?",
    "7-8 s sentence": (
        "You have two appointments tomorrow, the dentist at ten in the morning and lunch with David at noon, "
        "and the weather will be cloudy with a high of eighteen degrees."
    ),
}
BASELINE = "piper-tts"

Speak = Callable[[str], Iterator[Samples]]


@dataclass(frozen=True, slots=True)
class Sounded:
    """One reply. Seconds of processor time to the first audible sample and to the end; seconds of sound."""

    audible: float
    total: float
    sound: float


def piper_as_it_comes(model: Path) -> tuple[Speak, int]:
    """The package piper-tts with one thread, as its users call it. Raises ConfigError when it is not installed."""
    try:
        piper: Any = importlib.import_module("piper")
        runtime: Any = importlib.import_module("onnxruntime")
    except ModuleNotFoundError as error:
        raise ConfigError("comparing with piper-tts needs it: pip install 'edge-assistant[piper]'") from error
    voice = piper.PiperVoice.load(model)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    voice.session = runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def speak(text: str) -> Iterator[Samples]:
        for chunk in voice.synthesize(text):
            yield chunk.audio_int16_array

    return speak, int(voice.config.sample_rate)


def measure(speak: Speak, rate: int, text: str) -> Sounded:
    """One reply, from the call to its last sample."""
    began, audible, played = time.process_time(), 0.0, 0
    for chunk in speak(text):
        now = time.process_time() - began
        loud = np.flatnonzero(np.abs(chunk.astype(np.int32)) > AUDIBLE) if not audible else np.zeros(0, np.intp)
        if len(loud):
            audible = max(now, played / rate) + int(loud[0]) / rate
        played += len(chunk)
    return Sounded(audible, time.process_time() - began, played / rate)


def compare(voices: dict[str, tuple[Speak, int]], rounds: int) -> list[dict[str, Any]]:
    """Medians over the rounds, per reply and voice, each with how many times sooner than BASELINE it sounds."""
    found: dict[tuple[str, str], list[Sounded]] = {}
    for speak, rate in voices.values():  # warm
        measure(speak, rate, REPLIES["1 sentence"])
    for _ in range(rounds):
        for reply, text in REPLIES.items():
            for name, (speak, rate) in voices.items():
                found.setdefault((reply, name), []).append(measure(speak, rate, text))
    rows = []
    for (reply, name), runs in found.items():
        audible = statistics.median(run.audible for run in runs)
        base = statistics.median(run.audible for run in found[reply, BASELINE]) if BASELINE in voices else audible
        total, sound = statistics.median(run.total for run in runs), statistics.median(run.sound for run in runs)
        rows.append(
            {
                "reply": reply,
                "voice": name,
                "n": len(runs),
                "first_audible_ms": round(1e3 * audible, 1),
                "total_ms": round(1e3 * total, 1),
                "sound_s": round(sound, 2),
                "real_time_factor": round(total / sound, 4),
                "times_sooner": round(base / audible, 2),
            }
        )
    return rows
