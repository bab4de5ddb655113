"""A synthetic person: speaks requests in a voice that is not the assistant's, in a room with some noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from assistant.engines import CAPTURE_RATE, TtsEngine
from assistant.events import Event, Replied, Samples, TurnFinished
from assistant.replay import CHUNK

Floats = npt.NDArray[np.float32]

SPEECH_PEAK = 0.5
"""Peak of the speech as a share of full scale, as in Picovoice's speech-to-intent benchmark (mix.py)."""

LEAD_SECONDS = 1.0
WAKE_PAUSE_SECONDS = 0.35
"""Between the wake word and the request: what a person does."""

ANSWER_PAUSE_SECONDS = 0.6
SPELLINGS = {"okay nabu": "okay naboo"}
"""How a synthetic voice must be told to say a wake word: the second syllable is \"boo\"."""

LIGHT_NOISE = 0.001
"""Standard deviation of the demo's white noise as a share of full scale: about 40 dB below the speech's loudest part."""

SNR_FRAME = 2048
"""Samples of the frames whose loudest energies define the SNR (Picovoice's speech-to-intent benchmark, mix.py)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A spoken request. sound: float32, (n,), 16 kHz; speech_end: sample at which the speaking ends."""

    text: str
    sound: Floats
    speech_end: int


def speak(voice: TtsEngine, text: str) -> Floats:
    """A text in a voice: float32, (n,), 16 kHz, silence trimmed at both ends, peak SPEECH_PEAK."""
    sound = np.asarray(np.concatenate(list(voice.synthesize(text))) / 32768, np.float32)
    if voice.rate != CAPTURE_RATE:
        sound = soxr.resample(sound, voice.rate, CAPTURE_RATE)
    return trimmed(sound)


def trimmed(sound: Floats) -> Floats:
    """Speech without the silence at both ends, peak SPEECH_PEAK."""
    energy = np.convolve(sound**2, np.full(160, 1 / 160, np.float32), "same")  # 10 ms
    loud = np.flatnonzero(energy > energy.max() * 1e-3)  # 30 dB below the loudest 10 ms
    sound = sound[loud[0] : loud[-1] + 1]
    return np.asarray(sound * (SPEECH_PEAK / np.abs(sound).max()), np.float32)


def speak_wake_word(voice: TtsEngine, wake_phrase: str) -> Floats:
    """The wake word in a voice, spelt so that a synthetic voice says it as people do."""
    return speak(voice, SPELLINGS.get(wake_phrase, wake_phrase))


def request(voice: TtsEngine, wake_phrase: str, text: str) -> Utterance:
    """Silence, the wake word, a short pause, the request."""
    wake, words = speak_wake_word(voice, wake_phrase), speak(voice, text)
    lead, pause = (
        np.zeros(int(LEAD_SECONDS * CAPTURE_RATE), np.float32),
        np.zeros(int(WAKE_PAUSE_SECONDS * CAPTURE_RATE), np.float32),
    )
    sound = np.concatenate([lead, wake, pause, words])
    return Utterance(text, sound, len(sound))


def answer(voice: TtsEngine, text: str) -> Utterance:
    """The answer to a question of the assistant: a short pause, then the words, without a wake word."""
    sound = np.concatenate([np.zeros(int(ANSWER_PAUSE_SECONDS * CAPTURE_RATE), np.float32), speak(voice, text)])
    return Utterance(text, sound, len(sound))


class Room:
    """Adds noise to what is said and keeps on sounding between the requests.

    Args:
        noise: float32, (n,), 16 kHz, played in a loop; None = light white noise, seeded.
        snr_db: None = the noise as it is, else scaled for each utterance so that the loudest SNR_FRAME of speech and of noise
            stand in this ratio (Picovoice's rule).
    """

    def __init__(self, noise: Floats | None = None, snr_db: float | None = None, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self._noise = random.standard_normal(10 * CAPTURE_RATE).astype(np.float32) * LIGHT_NOISE if noise is None else noise
        self._snr_db = snr_db
        self._offset = int(random.integers(len(self._noise)))
        self._gain = np.float32(1.0)

    def hear(self, speech: Floats) -> Samples:
        """Speech with noise as a microphone gets it: int16, (n,)."""
        noise = self._take(len(speech))
        if self._snr_db is not None:
            self._gain = np.float32(np.sqrt(peak_energy(speech) / (peak_energy(noise) * 10 ** (self._snr_db / 10))))
        mixed = speech + self._gain * noise
        return int16(mixed)

    def silence(self) -> Samples:
        """CHUNK samples of the room alone."""
        return int16(self._gain * self._take(CHUNK))

    def _take(self, samples: int) -> Floats:
        index = (self._offset + np.arange(samples)) % len(self._noise)
        self._offset = int(index[-1]) + 1
        return self._noise[index]


def int16(sound: Floats) -> Samples:
    """As a microphone delivers it; what is beyond full scale is clipped."""
    samples: Samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    return samples


def peak_energy(sound: Floats) -> float:
    """Energy of the loudest SNR_FRAME samples (Picovoice's speech-to-intent benchmark, mix.py)."""
    frames = sound[: len(sound) // SNR_FRAME * SNR_FRAME].reshape(-1, SNR_FRAME)
    return float((frames**2).sum(1).max())


class Conversation:
    """Says one utterance after another, each when the assistant is done with the one before. An observer of events.

    Args:
        room: adds the noise.
        utterances: what is said.
        patience_seconds: how long to wait for the assistant to finish before going on all the same.
    """

    def __init__(self, room: Room, utterances: Sequence[Utterance], patience_seconds: float = 12.0) -> None:
        self._room, self._utterances, self._patience = room, utterances, patience_seconds
        self._finished = 0
        self._position = 0
        self.heard: list[Samples] = []
        """What the microphone heard, piece by piece."""
        self.speech_ends: list[int] = []
        """For each utterance the sample of the recording at which its speech ended."""
        self.replies: list[tuple[int, int]] = []
        """For each reply the samples of the recording between which it sounded."""

    def __call__(self, event: Event) -> None:
        """Take note of the assistant's doings."""
        if isinstance(event, Replied):
            self.replies.append((self._position, self._position))
        if isinstance(event, TurnFinished):
            self._finished += 1
            if self.replies:
                self.replies[-1] = (self.replies[-1][0], self._position)

    def sound(self) -> Iterator[Samples]:
        """The recording, made as it is heard."""
        for utterance in self._utterances:
            finished = self._finished
            self.speech_ends.append(self._position + utterance.speech_end)
            yield from self._pieces(self._room.hear(utterance.sound))
            deadline = self._position + int(self._patience * CAPTURE_RATE)
            while self._finished == finished and self._position < deadline:
                yield from self._pieces(self._room.silence())

    def _pieces(self, sound: Samples) -> Iterator[Samples]:
        for start in range(0, len(sound), CHUNK):
            piece = sound[start : start + CHUNK]
            self._position += len(piece)
            self.heard.append(piece)
            yield piece
