"""What the doctor measures of microphone and loudspeaker: level, noise, clipping, and the echo of a chirp.

A chirp is a tone that sweeps over the voice's frequencies. Correlating what was heard with what was played gives a sharp peak at
the delay of the echo, even far below the room's noise, because the energy of the whole sweep falls on one point (matched filter).
After the chirps comes noise with the spectrum of speech, from which the echo canceller learns the room: it needs every frequency
at every moment, a chirp has one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.events import Samples
from device.echo import BLOCK, EchoCanceller

RATE = 16000
LOW_HZ, HIGH_HZ = 200, 7000
CHIRP_SECONDS, PAUSE_SECONDS, CHIRPS, NOISE_SECONDS = 0.45, 0.05, 2, 3.0
AMPLITUDE, NOISE_LEVEL = 8000, 2500
"""Of the chirps' sine and of the noise (root mean square): -12 and -22 dB of full scale, clearly audible, not startling."""

CLIPPED = 32700
FRAME = 320
"""20 ms, over which the noise floor is taken."""

HEARD_CLARITY = 12.0
"""A peak this far above the median of the correlation is the echo: noise, a tone and silence stay below it (test_doctor.py)."""

SILENCE_DB = -96.0


@dataclass(frozen=True, slots=True)
class Quality:
    """A recording of the room; levels in dB below full scale.

    level_db: root mean square; noise_db: the quietest tenth of its 20 ms frames; peak_db: its loudest sample; clipped: share of
    samples at the limit; dead: every sample is the same.
    """

    level_db: float
    noise_db: float
    peak_db: float
    clipped: float
    dead: bool


@dataclass(frozen=True, slots=True)
class Echo:
    """How the loudspeaker is heard. delay_ms: from handing the sound over to hearing it; gain_db: how much weaker than it was
    played; clarity: height of the correlation's peak over its median; cancelled_db: how much of it the echo canceller removes."""

    delay_ms: float
    gain_db: float
    clarity: float
    cancelled_db: float

    @property
    def heard(self) -> bool:
        """Did the microphone hear the loudspeaker at all?"""
        return self.clarity >= HEARD_CLARITY


def quality(samples: Samples) -> Quality:
    """Judge a recording, int16 (n,), at least 1 s of 16 kHz."""
    sound = samples.astype(np.float64)
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)  # (n,) -> (frames, 320)
    quiet = np.percentile(np.mean(frames**2, axis=1), 10) if len(frames) else 0.0
    return Quality(
        level_db=_db(float(np.mean(sound**2)) if len(sound) else 0.0),
        noise_db=_db(float(quiet)),
        peak_db=_db(float(np.max(np.abs(sound), initial=0)) ** 2),
        clipped=float(np.mean(np.abs(sound) >= CLIPPED)) if len(sound) else 0.0,
        dead=len(sound) == 0 or bool(np.all(sound == sound[0])),
    )


def _db(power: float) -> float:
    return max(SILENCE_DB, 10 * math.log10(power / 32768**2)) if power > 0 else SILENCE_DB


def chirp() -> Samples:
    """One sweep from LOW_HZ to HIGH_HZ with soft ends: int16, 16 kHz."""
    seconds = np.arange(int(CHIRP_SECONDS * RATE)) / RATE
    phase = 2 * np.pi * (LOW_HZ * seconds + (HIGH_HZ - LOW_HZ) / (2 * CHIRP_SECONDS) * seconds**2)
    fade = np.minimum(1.0, np.minimum(seconds, seconds[::-1]) / 0.01)
    return np.round(AMPLITUDE * fade * np.sin(phase)).astype(np.int16)


def probe() -> Samples:
    """What is played: CHIRPS sweeps with short pauses, then NOISE_SECONDS of noise; int16, 16 kHz, 4 s."""
    one = np.concatenate([chirp(), np.zeros(int(PAUSE_SECONDS * RATE), np.int16)])
    return np.concatenate([np.tile(one, CHIRPS), _noise()])


def _noise() -> Samples:
    """Noise that falls by 3 dB an octave above LOW_HZ, as speech roughly does; the same every time."""
    count = int(NOISE_SECONDS * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=count))
    hertz = np.arange(len(spectrum)) * RATE / count
    spectrum /= np.sqrt(np.maximum(hertz, LOW_HZ))
    spectrum[hertz > HIGH_HZ] = 0
    sound = np.fft.irfft(spectrum, count)
    noise: Samples = np.clip(np.round(sound / sound.std() * NOISE_LEVEL), -32768, 32767).astype(np.int16)
    return noise


def measure_echo(heard: Samples) -> Echo:
    """Find `probe()` in what was heard since it was handed over. heard: int16 (n,), 16 kHz, longer than probe()."""
    played = probe()
    correlation = _correlate(heard.astype(np.float64), played.astype(np.float64))
    place = int(np.argmax(np.abs(correlation)))
    clarity = float(np.abs(correlation[place]) / (np.median(np.abs(correlation)) + 1e-9))
    gain = float(np.abs(correlation[place]) / np.sum(played.astype(np.float64) ** 2))
    gain_db = 20 * math.log10(gain) if gain > 0 else SILENCE_DB
    return Echo(1000 * place / RATE, gain_db, clarity, cancellation_db(heard, played, place))


def _correlate(heard: npt.NDArray[np.float64], played: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Correlation at every delay from 0 on at which the whole of `played` fits into `heard`, by FFT."""
    size = 1 << (len(heard) + len(played)).bit_length()
    product = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(played, size))
    return np.asarray(np.fft.irfft(product, size)[: max(1, len(heard) - len(played) + 1)])


def cancellation_db(heard: Samples, played: Samples, delay: int) -> float:
    """How much of the echo the canceller removes, dB (echo return loss enhancement), over the last third: it learns before.

    delay: samples by which the echo comes after `played`; the canceller is given the sound half a block early, as its filter
    reaches forward only.
    """
    start = max(0, delay - BLOCK // 2)
    near = heard[start : start + len(played)]
    far = played[: len(near)]
    canceller = EchoCanceller()
    blocks = len(near) // BLOCK
    cleaned = [
        canceller.process(near[block * BLOCK : (block + 1) * BLOCK], far[block * BLOCK : (block + 1) * BLOCK]).samples
        for block in range(blocks)
    ]
    if blocks < 3:
        return 0.0
    first = blocks * 2 // 3
    before = np.mean(near[first * BLOCK : blocks * BLOCK].astype(np.float64) ** 2)
    after = np.mean(np.concatenate(cleaned[first:]).astype(np.float64) ** 2)
    return 10 * math.log10((before + 1e-9) / (after + 1e-9))
