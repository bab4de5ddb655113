"""`assistant bench echo`: are the wake word and "stop" heard while the assistant speaks, and does it ever hear itself?

Open loop: the assistant's voice sounds through a simulated room, with a mildly non-linear loudspeaker (tanh, as small ones
are), and a synthetic person says the wake word or "stop" every few seconds. What the microphone gets goes through the shipped
echo path, wake word engine and stop listener. The speech-to-echo ratio compares the word's mean power with that of the echo
over the whole track. Words that are not heard even in the silent room are no concern of the echo path: "alone" states how many
are, and only those count.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from assistant import app
from assistant.bench_rooms import ROOMS, Box, answer_of, convolve, drifted
from assistant.caller import Floats, int16, speak, speak_wake_word
from assistant.ear import SAME_WORD_SAMPLES
from assistant.engines import CAPTURE_RATE, AsrEngine, TtsEngine, VadEngine, WakeEngine
from assistant.engines.tts_pico import PicoTts
from assistant.events import AudioChunk, Samples
from assistant.interject import Pieces, ReplyNetwork, is_stop, transcribe
from assistant.intervals import wilson
from assistant.wake.reply_words import STOP, ReplyWords
from device.echo_path import EchoPath

SPEECH_TO_ECHO_DB = (0, -6, -10)
CONDITIONS = ("still", "drift", "moved")
"""still: nothing changes; drift: the loudspeaker's clock is 50 ppm fast; moved: the loudspeaker is somewhere else from half
time on."""

DRIFT_PPM = 50.0
CHUNK = 320
"""Samples per piece of sound, 20 ms, as the microphone delivers them while the assistant speaks."""

SERVER_DELAY = 2000
"""Samples between playing and hearing, 125 ms: two PortAudio blocks and a sound server."""

ECHO_RMS = 0.05
"""The echo in the microphone, of full scale: -26 dB."""

NOISE_RMS = 1e-4
LEAD_SECONDS = 6.0
"""The assistant speaks this long before the first word: no filter knows the room at once."""

EVERY_SECONDS = 4.0
GRACE_SECONDS = 0.8
"""A detection counts until so long after the word's end; how soon it came is stated as well."""

TAIL_SECONDS = 0.1
"""The room's answer to the end of a word."""

FILTER_SECONDS = 40
FILTER_SPANS = ((3, 6), (6, 10), (10, 20), (20, 23), (23, 26), (26, 39))
"""Of FILTER_SECONDS, seconds: what is taken away in each is stated."""

REPLIES = (
    "The weather today is partly cloudy with a high of twenty one degrees and light wind from the west.",
    "You have three reminders this afternoon. The first one is to call the dentist, the second is to water the plants.",
    "I can see a red cup on the table next to a notebook and two pens. Would you like me to describe the rest of the scene?",
    "The living room lights are now off, and the thermostat has been set to nineteen degrees.",
    "Your pasta timer is over. There are four minutes left on the other one.",
    "It is a quarter past seven. Your alarm is set for half past six tomorrow morning, and the door is locked.",
)
VOICES = (("en-GB", 1.0, 1.0), ("en-US", 0.9, 0.8), ("en-US", 1.0, 1.0), ("en-GB", 1.1, 1.1))


@dataclass(slots=True)
class Score:
    """n words said; heard; delays_ms: decision minus end of the word, of those heard."""

    n: int = 0
    heard: int = 0
    delays_ms: list[float] | None = None

    def add(self, delay_s: float | None) -> None:
        """One word; None = missed."""
        self.n += 1
        if delay_s is not None:
            self.heard += 1
            self.delays_ms = [*(self.delays_ms or []), delay_s * 1000]

    def row(self) -> dict[str, Any]:
        """For the table and JSON."""
        low, high = wilson(self.heard, self.n)
        delays = sorted(self.delays_ms or [-1.0])  # -1: none was heard
        return {
            "n": self.n,
            "heard": self.heard,
            "share": round(self.heard / max(1, self.n), 3),
            "share_95": [round(low, 3), round(high, 3)],
            "delay_p50_ms": round(delays[len(delays) // 2]),
            "delay_p95_ms": round(delays[min(len(delays) - 1, int(0.95 * len(delays)))]),
        }


def own_speech(voice: TtsEngine, seconds: float) -> Floats:
    """The assistant talking: float32, 16 kHz, peak 0.5."""
    spoken = [speak(voice, text) for text in REPLIES]
    pause = np.zeros(CAPTURE_RATE // 3, np.float32)
    once = np.concatenate([part for sentence in spoken for part in (sentence, pause)])
    return np.resize(once, int(seconds * CAPTURE_RATE))


def echo_of(far: Floats, box: Box, condition: str, seed: int) -> Floats:
    """What the microphone gets of the assistant's voice: float32, (n,), root mean square ECHO_RMS."""
    played = np.tanh(1.5 * (drifted(far, DRIFT_PPM) if condition == "drift" else far)) / np.float32(1.5)
    played = np.concatenate([np.zeros(SERVER_DELAY, np.float32), played])[: len(far)]
    echo = convolve(played, answer_of(box, box.speaker, seed))
    if condition == "moved":
        half = len(far) // 2
        echo[half:] = convolve(played, answer_of(box, box.moved, seed + 1))[half:]
    return np.asarray(echo * (ECHO_RMS / np.sqrt(np.mean(echo**2))), np.float32)


def with_words(echo: Floats, words: Sequence[Floats], ratio_db: float) -> tuple[Floats, list[tuple[float, float]]]:
    """The echo with one word after another spoken into it, and when each began and ended, seconds."""
    sound, times = echo.copy(), []
    at = LEAD_SECONDS
    for word in words:
        start = int(at * CAPTURE_RATE)
        level = ECHO_RMS * 10 ** (ratio_db / 20) / np.sqrt(np.mean(word**2))
        sound[start : start + len(word)] += word * np.float32(level)
        times.append((at, at + len(word) / CAPTURE_RATE))
        at += EVERY_SECONDS
    return sound, times


def cleaned(sound: Floats, far: Floats, cancel: bool) -> Iterator[AudioChunk]:
    """The sound piece by piece as the ear gets it."""
    path = EchoPath()
    near, played = int16(sound), int16(far)
    for start in range(0, len(near), CHUNK):
        piece, other = near[start : start + CHUNK], played[start : start + CHUNK]
        yield path.clean(piece, other) if cancel else AudioChunk(samples=piece, rate=CAPTURE_RATE)


@dataclass(frozen=True, slots=True)
class Listeners:
    """The engines that hear the words."""

    wake: WakeEngine
    vad: VadEngine
    asr: AsrEngine
    reply_words: ReplyWords | None = None

    @staticmethod
    def of(engines: app.Engines) -> Listeners:
        """Those of an assistant."""
        return Listeners(engines.wake, engines.stop_vad, engines.asr, engines.reply_words)

    def delays(self, kind: str, pieces: Iterator[AudioChunk], times: Sequence[tuple[float, float]]) -> list[float | None]:
        """For each word how long after its end it was heard, seconds; None = not at all."""
        found = self.wakes(pieces) if kind == "wake" else self.stops(pieces)
        return [first_in(found, begin, end - TAIL_SECONDS) for begin, end in times]

    def _network(self, phrase: str) -> ReplyNetwork | None:
        """What hears a phrase in replies. No reply here says it: in one that does it would not be listened for."""
        if self.reply_words is None:
            return None
        network = ReplyNetwork(self.reply_words, {phrase: lambda score, ago: None})
        network.reset("")
        return network

    def wakes(self, pieces: Iterator[AudioChunk]) -> list[float]:
        """Seconds at which the wake word was heard, two detections of one word counted once."""
        self.wake.reset()
        network = self._network(self.wake.phrase)
        found: list[float] = []
        for position, piece in _placed(pieces):
            spotted = _hears(network, piece)
            believed = piece.somebody and not (network is not None and network.hears(self.wake.phrase))
            heard = bool(self.wake.feed(piece.samples)) and believed
            again = bool(found) and position - found[-1] < SAME_WORD_SAMPLES / CAPTURE_RATE
            if (spotted or heard) and not again:
                found.append(position)
        return found

    def stops(self, pieces: Iterator[AudioChunk]) -> list[float]:
        """Seconds at which "stop" was heard, recognition time included."""
        listener, network = Pieces(self.vad), self._network(STOP)
        found: list[float] = []
        for position, sound in _placed(pieces):
            if _hears(network, sound):
                found.append(position)
            if (piece := listener.feed(sound.samples)) is None:
                continue
            began = time.perf_counter()
            if is_stop(transcribe(self.asr, piece)):
                found.append(position + time.perf_counter() - began)
        return found


def _placed(pieces: Iterator[AudioChunk]) -> Iterator[tuple[float, AudioChunk]]:
    """(second at which it ends, piece)."""
    position = 0
    for piece in pieces:
        position += len(piece.samples)
        yield position / CAPTURE_RATE, piece


def _hears(network: ReplyNetwork | None, piece: AudioChunk) -> bool:
    return network is not None and network.feed(piece) is not None


def first_in(found: Sequence[float], begin: float, end: float) -> float | None:
    """How long after its end a word was heard, seconds; None = not at all."""
    for moment in found:
        if begin < moment < end + GRACE_SECONDS:
            return moment - end
    return None


def _words(voices: Sequence[TtsEngine], phrase: str, box: Box, count: int) -> list[Floats]:
    answer = answer_of(box, box.person, 7)
    tail = np.zeros(int(TAIL_SECONDS * CAPTURE_RATE), np.float32)
    spoken = [speak(voice, "Stop.") if phrase == STOP else speak_wake_word(voice, phrase) for voice in voices]
    return [convolve(np.concatenate([spoken[number % len(spoken)], tail]), answer) for number in range(count)]


def run(engines: app.Engines, *, words: int, cancel: bool) -> dict[str, Any]:
    """Every room, condition and ratio; `words` of either kind in each. Returns what `assistant bench echo --json` prints."""
    listeners = Listeners.of(engines)
    voices = [PicoTts(*voice) for voice in VOICES]
    far = own_speech(engines.tts, LEAD_SECONDS + EVERY_SECONDS * words + 1)
    noise = np.random.default_rng(0).standard_normal(len(far)).astype(np.float32) * NOISE_RMS
    scores: dict[str, dict[str, Score]] = {}

    def note(row: str, kind: str, delay: float | None) -> None:
        scores.setdefault(row, {}).setdefault(kind, Score()).add(delay)

    for (seed, box), kind in product(enumerate(ROOMS), ("wake", "stop")):
        spoken = _words(voices, engines.wake.phrase if kind == "wake" else STOP, box, words)
        sound, times = with_words(noise, spoken, 0.0)
        alone = listeners.delays(kind, cleaned(sound, far, False), times)
        for delay in alone:
            note("alone", kind, delay)
        for condition, ratio in product(CONDITIONS, SPEECH_TO_ECHO_DB):
            sound, times = with_words(echo_of(far, box, condition, seed) + noise, spoken, ratio)
            found = listeners.delays(kind, cleaned(sound, far, cancel), times)
            for delay, reference in zip(found, alone, strict=True):
                for row in (f"{ratio} dB", f"{ratio} dB, {condition}", f"{ratio} dB, {box.name}"):
                    if reference is not None:
                        note(row, kind, delay)
    return {row: {kind: score.row() for kind, score in kinds.items()} for row, kinds in scores.items()}


def self_triggers(engines: app.Engines, minutes: float) -> dict[str, Any]:
    """Own speech alone, in every room and condition by turns: how often the assistant wakes or stops itself."""
    listeners = Listeners.of(engines)
    cases = [(box, condition) for box in ROOMS for condition in CONDITIONS]
    far = own_speech(engines.tts, minutes * 60 / len(cases))
    wakes = stops = 0
    for seed, (box, condition) in enumerate(cases):
        echo = echo_of(far, box, condition, seed)
        pieces = list(cleaned(echo, far, cancel=True))
        wakes, stops = wakes + len(listeners.wakes(iter(pieces))), stops + len(listeners.stops(iter(pieces)))
    return {"minutes": round(len(far) * len(cases) / CAPTURE_RATE / 60, 1), "wakes": wakes, "stops": stops}


def filter_figures(engines: app.Engines) -> dict[str, Any]:
    """The echo path alone: processor time per second of sound, and the echo taken away, dB, mean over the rooms, by condition and
    time. The loudspeaker is moved after half of the FILTER_SECONDS.
    """
    far = own_speech(engines.tts, FILTER_SECONDS)
    spent, removed = 0.0, {}
    for condition in CONDITIONS:
        rows = []
        for seed, box in enumerate(ROOMS):
            echo = echo_of(far, box, condition, seed)
            began = time.process_time()
            left = np.concatenate([piece.left for piece in cleaned(echo, far, cancel=True) if piece.left is not None])
            spent += time.process_time() - began
            rows.append([_removed_db(echo, left, *span) for span in FILTER_SPANS])
        means = np.mean(rows, axis=0)
        removed[condition] = {f"{a}-{b} s": round(float(db), 1) for (a, b), db in zip(FILTER_SPANS, means, strict=True)}
    return {"share_of_a_core": round(spent / (len(CONDITIONS) * len(ROOMS) * FILTER_SECONDS), 4), "removed_db": removed}


def _removed_db(echo: Floats, left: Samples, begin: int, end: int) -> float:
    span = slice(begin * CAPTURE_RATE, end * CAPTURE_RATE)
    return float(10 * np.log10(np.mean(echo[span] ** 2) / np.mean((left[span] / 32768.0) ** 2)))
