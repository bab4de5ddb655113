"""Makes a recording sound as if it were another: other pace, another room, noise, loudness, words before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from assistant.caller import SNR_FRAME, Floats
from assistant.engines import CAPTURE_RATE

PACE = (0.84, 1.2)
"""Speed and pitch together, drawn evenly: also turns one speaker into several."""

ECHO_SECONDS, DIRECT_DB = (0.12, 0.6), (-2.0, 12.0)
"""Reverberation time (60 dB) and level of the direct sound over it, of a simulated room."""

SNR_DB = (0.0, 35.0)
"""Loudest frame of speech over loudest frame of noise (the rule of assistant/caller.py)."""

TALK_DB = (5.0, 30.0)
"""The same for people who talk on beside the word: nearer than that they would be taken for the speaker."""

PEAK_DB = (-33.0, -1.0)
"""Peak of the result below full scale."""

HARMONICS = 6
"""Of a simulated hum."""

LEFTOVER_TAPS = 512
"""Of the filter that a voice has passed when an echo canceller has taken most of it away: 32 ms."""

LEAD_SECONDS, TAIL_SECONDS = 2.1, 0.8
"""Sound before the word (fills everything the network sees) and after it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a word is set in. speech: recordings that do not hold the word, float32 (n,); noises: likewise, at least 4 s each;
    replies: share of noise that is the assistant's own voice, as its echo canceller leaves it, 0..1; talk: share of places where
    somebody else talks on through it, as beside a television, 0..1."""

    speech: Sequence[Floats]
    noises: Sequence[Floats]
    replies: float = 0.25
    talk: float = 0.0


def coloured_noise(samples: int, random: np.random.Generator) -> Floats:
    """White to brown noise, its level slowly changing, variance 1."""
    spectrum = np.fft.rfft(random.standard_normal(samples))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** random.uniform(0, 1)
    noise = np.fft.irfft(spectrum, samples)
    waves = np.interp(np.arange(samples), np.linspace(0, samples, 12), random.uniform(0.3, 1, 12))
    noise *= waves
    return np.asarray(noise / noise.std(), np.float32)


def clatter(samples: int, random: np.random.Generator) -> Floats:
    """Decaying ringing strokes, as of dishes and doors, at random moments."""
    noise = np.zeros(samples + CAPTURE_RATE, np.float32)
    for _ in range(int(random.integers(2, 12) * samples / (3 * CAPTURE_RATE)) + 1):
        length = int(random.uniform(0.02, 0.5) * CAPTURE_RATE)
        time = np.arange(length) / CAPTURE_RATE
        tones = sum(
            random.uniform(0.1, 1) * np.sin(2 * np.pi * random.uniform(200, 7000) * time) for _ in range(random.integers(1, 6))
        )
        stroke = (tones + random.standard_normal(length) * random.uniform(0.1, 2)) * np.exp(-6.9 * time / time[-1])
        start = random.integers(samples)
        noise[start : start + length] += stroke * random.uniform(0.1, 1)
    return np.asarray(noise[:samples] / (noise[:samples].std() + 1e-6), np.float32)


def hum(samples: int, random: np.random.Generator) -> Floats:
    """A motor or a mains hum: harmonics of a low tone."""
    time, base = np.arange(samples) / CAPTURE_RATE, random.uniform(45, 250)
    tones = [
        np.sin(2 * np.pi * base * order * time + random.uniform(0, 7)) / order ** random.uniform(0, 1.5)
        for order in range(1, HARMONICS + 1)
    ]
    noise = sum(tones) + coloured_noise(samples, random) * random.uniform(0.1, 1)
    return np.asarray(noise / noise.std(), np.float32)


def babble(speech: Sequence[Floats], samples: int, random: np.random.Generator) -> Floats:
    """Two to eight talkers at once."""
    noise = np.zeros(samples, np.float32)
    for _ in range(random.integers(2, 9)):
        talker = _excerpt(speech[int(random.integers(len(speech)))], samples, random)
        noise += talker / (talker.std() + 1e-6) * random.uniform(0.3, 1)
    return noise


def leftover(speech: Sequence[Floats], samples: int, random: np.random.Generator) -> Floats:
    """One talker as an echo canceller leaves the assistant's own voice: bent and smeared, now more, now less of it."""
    noise = _in_turn(speech, samples, random)
    taps = random.standard_normal(LEFTOVER_TAPS) * np.exp(-np.arange(LEFTOVER_TAPS) / random.uniform(5, 200))
    waves = np.interp(np.arange(samples), np.linspace(0, samples, 6), random.uniform(0.3, 1, 6))
    bent = np.convolve(noise, taps)[:samples] * waves
    return np.asarray(bent / (bent.std() + 1e-6), np.float32)


def talkers(speech: Sequence[Floats], samples: int, random: np.random.Generator) -> Floats:
    """People who talk on, one after the other, nearby or in a room: guests, or a television. Variance 1."""
    begun = int(random.integers(CAPTURE_RATE))  # somebody was speaking already
    noise = _in_turn(speech, samples + begun, random)[begun:]
    if random.random() < 0.5:
        noise = room(noise, random)
    return np.asarray(noise / (noise.std() + 1e-6), np.float32)


def _in_turn(speech: Sequence[Floats], samples: int, random: np.random.Generator) -> Floats:
    """Recordings drawn at random, one after the other with up to 0.25 s between them, all equally loud: (samples,)."""
    noise = np.zeros(0, np.float32)
    while len(noise) < samples:
        said = speech[int(random.integers(len(speech)))]
        noise = np.concatenate([noise, said / (said.std() + 1e-6), np.zeros(int(random.integers(CAPTURE_RATE // 4)), np.float32)])
    return noise[:samples]


def some_noise(surroundings: Surroundings, samples: int, random: np.random.Generator) -> Floats:
    """Noise of a random kind; of what is no reply, a third is a mixture of two kinds."""
    if surroundings.speech and random.random() < surroundings.replies:
        return leftover(surroundings.speech, samples, random)
    kind = random.integers(6)
    if kind == 0 and surroundings.noises:
        return _excerpt(surroundings.noises[int(random.integers(len(surroundings.noises)))], samples, random)
    if kind == 1 and surroundings.speech:
        return babble(surroundings.speech, samples, random)
    noise = (coloured_noise, clatter, hum)[random.integers(3)](samples, random)
    if kind >= 4:
        noise = noise + clatter(samples, random) * np.float32(random.uniform(0.2, 2))
    return noise


def _excerpt(sound: Floats, samples: int, random: np.random.Generator) -> Floats:
    """`samples` of a recording from a random place, repeated if it is shorter."""
    start = int(random.integers(max(1, len(sound) - samples)))
    piece = sound[start : start + samples]
    return piece if len(piece) == samples else np.resize(piece, samples)


def room(sound: Floats, random: np.random.Generator) -> Floats:
    """The sound in a simulated room: exponentially decaying white reflections after a short gap."""
    taps = int(random.uniform(*ECHO_SECONDS) * CAPTURE_RATE)
    echo = random.standard_normal(taps) * np.exp(-6.9 * np.arange(taps) / taps)
    echo[: random.integers(20, 120)] = 0
    echo *= 10 ** (-random.uniform(*DIRECT_DB) / 20) / np.sqrt((echo**2).sum())
    echo[0] = 1
    size = 1 << (len(sound) + taps).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)[: len(sound)]
    return np.asarray(wet, np.float32)


def paced(sound: Floats, random: np.random.Generator) -> Floats:
    """The same at another speed and pitch."""
    factor = random.uniform(*PACE)
    return np.asarray(soxr.resample(sound, CAPTURE_RATE, int(CAPTURE_RATE / factor), quality="LQ"), np.float32)


PIECES = (6, 10)
"""Into how many pieces a word is cut to be jumbled, from and below."""


def jumbled(sound: Floats, random: np.random.Generator) -> Floats:
    """What the same voice could say at the same microphone and is not the word: its pieces in another order, or backwards.

    Pieces are short: a longer part of a word is too like it to forbid.
    """
    if random.random() < 0.3:
        return np.array(sound[::-1])
    pieces = np.array_split(sound, int(random.integers(*PIECES)))
    order = random.permutation(len(pieces))
    while (np.diff(order) == 1).any():  # two pieces stayed together
        order = random.permutation(len(pieces))
    return np.concatenate([_faded(pieces[index]) for index in order])


def _faded(sound: Floats) -> Floats:
    """Without the clicks of a cut."""
    rise = np.minimum(np.arange(1, len(sound) + 1), np.arange(len(sound), 0, -1)) / (CAPTURE_RATE // 200)
    return np.asarray(sound * np.minimum(1, rise), np.float32)


def microphone(sound: Floats, random: np.random.Generator) -> Floats:
    """A tilted frequency response."""
    return np.asarray(np.convolve(sound, [1, random.uniform(-0.7, 0.5)])[: len(sound)], np.float32)


def peak_energy(sound: Floats) -> float:
    """Energy of the loudest SNR_FRAME samples; of all of it when it is shorter."""
    if len(sound) < SNR_FRAME:
        return float((sound**2).sum())
    return float((sound[: len(sound) // SNR_FRAME * SNR_FRAME].reshape(-1, SNR_FRAME) ** 2).sum(1).max())


def scene(word: Floats, surroundings: Surroundings, random: np.random.Generator) -> tuple[Floats, int]:
    """A word somewhere in the world. word: float32, (n,). Returns the sound, int16 scale, and where in it the word ends."""
    said = paced(word, random) if random.random() < 0.75 else word
    before, after = np.zeros(int(LEAD_SECONDS * CAPTURE_RATE), np.float32), np.zeros(int(TAIL_SECONDS * CAPTURE_RATE), np.float32)
    before = before[: len(before) - int(random.integers(1280))]  # any place within a hop
    level = float(np.abs(said).max())
    if surroundings.speech and random.random() < 0.25:
        gap = int(random.uniform(0.05, 0.4) * CAPTURE_RATE)
        talk = _excerpt(surroundings.speech[int(random.integers(len(surroundings.speech)))], len(before) - gap, random)
        before[: len(talk)] = talk * (level * random.uniform(0.3, 1) / (np.abs(talk).max() + 1e-6))
    if surroundings.speech and random.random() < 0.4:
        gap = int(random.uniform(0.0, 0.4) * CAPTURE_RATE)
        talk = _excerpt(surroundings.speech[int(random.integers(len(surroundings.speech)))], len(after) - gap, random)
        after[gap:] = talk * (level * random.uniform(0.3, 1) / (np.abs(talk).max() + 1e-6))
    return heard(np.concatenate([before, said, after]), peak_energy(said), surroundings, random), len(before) + len(said)


def heard(sound: Floats, loudest: float, surroundings: Surroundings, random: np.random.Generator) -> Floats:
    """Sound as a microphone in some room gets it, int16 scale. loudest: energy of the loudest frame of what matters in it."""
    if random.random() < 0.6:
        sound = room(sound, random)
    if random.random() < 0.5:
        sound = microphone(sound, random)
    if surroundings.talk and surroundings.speech and random.random() < surroundings.talk:
        noise, levels = talkers(surroundings.speech, len(sound), random), TALK_DB
    else:
        noise, levels = some_noise(surroundings, len(sound), random), SNR_DB
    ratio = 10 ** (random.uniform(*levels) / 10)
    sound = sound + noise * np.float32(np.sqrt(loudest / (peak_energy(noise) * ratio + 1e-9)))
    peak = 32767 * 10 ** (random.uniform(*PEAK_DB) / 20)
    return np.asarray(np.rint(sound * (peak / (np.abs(sound).max() + 1e-9))), np.float32)
