"""Takes the assistant's own voice out of what the microphone hears, and leaves everybody else's as it was.

A linear adaptive filter, the partitioned-block frequency-domain Kalman filter: G. Enzner and P. Vary, "Frequency-domain adaptive
Kalman filter for acoustic echo control in hands-free telephones", Signal Processing 86 (2006), 1140-1156; partitions: F. Kuech,
E. Mabande and G. Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller", ICASSP 2014. It
learns how the room turns the loudspeaker's signal into the echo and subtracts that. There is no spectral suppressor behind it on
purpose: those remove more echo and most wake words with it (docs/audio.md). Only while nobody but the assistant speaks, what the
filter leaves over is turned down as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from assistant.events import Samples
from device.drift import ClockDrift

Floats = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.complex64]

RATE = 16000
BLOCK = 256
"""Samples per step, 16 ms: half a transform."""

SCALE = 1 / 32768
NEAR_SMOOTHING = 0.6
"""Recursive averaging of the near-end power, per block. Slower ones (0.8) leave words less far above the echo."""

START_VARIANCE = 1.0
"""Uncertainty of the filter before anything is known, for its first partitions: about a room's gain. A larger one (10) lets the
first blocks count fully, and what was wrong in them is unlearnt slowly."""

DIRECT_PARTITIONS, START_RT60 = 5, 0.3
"""The direct sound lies within the first 80 ms (MARGIN, LATER in device/echo_path.py); later partitions are thought to fade as in
a room in which sound falls by 60 dB in so many seconds."""

LOST_DECAY, LOST_FACTOR = 0.9, 1.3
"""Recursive averaging, per block, of the microphone's power and of that of what is left: when so many times more is left than was
there, the filter is worse than none, as another room is in front of it, and it begins anew. Who speaks adds to both alike."""

LOST_HOLD_BLOCKS = 60
"""A new filter is given 1 s before it may be judged again."""

LOST_LEAST_POWER = 1e-5
"""Mean power below which no room is judged: -50 dB of full scale."""

FLOOR = 1e-8
"""Keeps divisions finite: -80 dB of full scale."""

SILENT_POWER = 1e-7
"""Mean power of a block, below which the loudspeaker is silent and nothing can be learnt: -70 dB of full scale."""

GATE_DB = 7.0
"""Somebody speaks when what is left over stands this far above what is usually left over, both compared with the echo, dB."""

GATE_HANG_BLOCKS = 20
"""The gate stays open this long, 320 ms: the longest stop inside a word or between two."""

GATE_GAIN = 0.05
"""What a closed gate lets through: -26 dB."""

GATE_HIGHEST_DB = -6.0
"""Above this the filter does not know the room yet, and the gate stays open."""

GATE_STEP_DB = 0.25
"""The usual remainder is tracked as a running quantile (H. Robbins and S. Monro, Ann. Math. Statist. 22 (1951), 400-407), per
block."""

GATE_QUANTILE = 0.5
ECHO_DECAY = 0.95
"""Of the echo's envelope, per block: 14 dB in 1 s, so that the pauses of a sentence are no standard of comparison."""

PRESENCE_BINS = slice(5, 61)
"""312 to 3,750 Hz of a block's spectrum: where voices are."""

PRESENCE_DECAY = 0.7
"""Of the echo's spectrum, per block: what is left of an echo may come a little later than what was taken away."""

PRESENCE_BLOCKS = 5
PRESENCE_SHARE = 0.15
"""Somebody speaks when in 80 ms this share of time and frequency holds more than the echo did there. Of 6 minutes of own speech
in the simulated rooms with changing echo paths, less than 1 % of the blocks reach it."""

PRESENCE_HOLD_BLOCKS = 56
"""Who spoke counts as speaking for 0.9 s: a word may be recognised when it is over."""

PRESENCE_FLOOR = 1e-6
"""Power of a bin below which nothing is heard."""


@dataclass(frozen=True, slots=True)
class EchoSettings:
    """How the filter works.

    Attributes:
        partitions: length of the room's answer that is modelled, in blocks of 16 ms.
        transition: the Kalman filter's state transition factor A per block, 0..1: how fast the room is thought to change; below
            1 so that a moved loudspeaker and drifting clocks are followed.
        gate: turn down what is left over while nobody else speaks.
    """

    partitions: int = 16
    transition: float = 0.9995
    gate: bool = True


class Block(NamedTuple):
    """What became of one block, each int16, (BLOCK,).

    samples: the microphone's sound without the echo, turned down while nobody else speaks; left: the same, never turned down;
    echo: what was taken away.
    """

    samples: Samples
    left: Samples
    echo: Samples


class Gate:
    """Tells the blocks in which somebody besides the assistant speaks, by what the filter leaves over."""

    def __init__(self) -> None:
        self._usual_db = 0.0
        self._echo = 0.0
        self._level_db = 0.0
        self._open_for = GATE_HANG_BLOCKS

    def gain(self, left: float, echo: float) -> float:
        """What the block is multiplied by. left, echo: power of what is left and of the echo taken away."""
        self._echo = max(echo, ECHO_DECAY * self._echo)
        level = 10 * float(np.log10((left + FLOOR) / (self._echo + FLOOR)))
        self._level_db += 0.5 * (level - self._level_db)
        self._usual_db += GATE_STEP_DB * (GATE_QUANTILE if level > self._usual_db else GATE_QUANTILE - 1)
        somebody = self._level_db > min(self._usual_db + GATE_DB, GATE_HIGHEST_DB + GATE_DB)
        self._open_for = GATE_HANG_BLOCKS if somebody or self._usual_db > GATE_HIGHEST_DB else self._open_for - 1
        return 1.0 if self._open_for > 0 else GATE_GAIN


class Presence:
    """Tells whether somebody besides the assistant speaks, more strictly than the gate: what is left of an echo lies, in time and
    frequency, below the echo itself; a voice lies also where the echo is weak."""

    def __init__(self) -> None:
        self._taper = np.hanning(BLOCK).astype(np.float32)
        self._echo = np.zeros(BLOCK // 2 + 1, np.float32)
        self._shares = np.zeros(PRESENCE_BLOCKS)
        self._held = 0

    def update(self, left: Floats, echo: Floats) -> None:
        """One block of what is left and of the echo taken away, float32, (BLOCK,)."""
        rest = self._spectrum(left)
        self._echo = np.maximum(self._spectrum(echo), PRESENCE_DECAY * self._echo)
        around = np.maximum(self._echo, np.maximum(np.roll(self._echo, 1), np.roll(self._echo, -1)))
        share = float((rest > around + PRESENCE_FLOOR)[PRESENCE_BINS].mean())
        self._shares = np.append(self._shares[1:], share)
        self._held = PRESENCE_HOLD_BLOCKS if self._shares.mean() >= PRESENCE_SHARE else max(0, self._held - 1)

    def _spectrum(self, block: Floats) -> Floats:
        return _power(np.fft.rfft(block * self._taper).astype(np.complex64))

    def __bool__(self) -> bool:
        return self._held > 0


class Lost:
    """Tells when the filter is worse than none: the loudspeaker was moved, or a door opened."""

    def __init__(self) -> None:
        self._near = self._left = 0.0
        self._held = LOST_HOLD_BLOCKS

    def update(self, near: float, left: float) -> bool:
        """One block's energy in the microphone, and of what the filter leaves of it."""
        self._near = LOST_DECAY * self._near + (1 - LOST_DECAY) * near
        self._left = LOST_DECAY * self._left + (1 - LOST_DECAY) * left
        self._held = max(0, self._held - 1)
        return not self._held and self._left > LOST_FACTOR * self._near and self._near > LOST_LEAST_POWER * BLOCK


class EchoCanceller:
    """The filter over one microphone. Not thread-safe.

    Args:
        settings: how it works.
    """

    def __init__(self, settings: EchoSettings = EchoSettings()) -> None:
        self._settings = settings
        self.drift = ClockDrift(BLOCK)
        """How fast what is learnt moves: whoever aligns the far end makes up for it."""
        self.reset()

    def reset(self) -> None:
        """Forget the room."""
        self._far = np.zeros((self._settings.partitions, BLOCK + 1), np.complex64)  # X: spectra of far-end blocks, newest first
        self._begin_anew()
        self._near_power = np.full(BLOCK + 1, 1e-2, np.float32)  # Psi_s: near-end speech and noise
        self._last = np.zeros(BLOCK, np.float32)
        self._silent_blocks = self._settings.partitions
        self._gate = Gate()
        self._presence = Presence()

    def _begin_anew(self) -> None:
        self._filter = np.zeros_like(self._far)  # W: the room's answer, partition by partition
        later = np.maximum(0, np.arange(self._settings.partitions) - DIRECT_PARTITIONS) * (BLOCK / RATE)  # seconds
        fade = START_VARIANCE * 10 ** (-6 * later / START_RT60)
        self._variance = np.repeat(fade[:, None], BLOCK + 1, axis=1).astype(np.float32)  # P: what is not known of W, diagonal
        self._lost = Lost()
        self.drift.forget()

    @property
    def somebody(self) -> bool:
        """Whether a voice besides the assistant's was heard within the last 0.9 s; True while the assistant is silent."""
        return self._silent_blocks >= self._settings.partitions or bool(self._presence)

    def process(self, microphone: Samples, far: Samples) -> Block:
        """Take the echo out of one block.

        Args:
            microphone: int16, (BLOCK,), what was captured.
            far: int16, (BLOCK,), what the loudspeaker played, aligned so that its echo comes 0 to partitions * 16 ms later.
        """
        near, played = microphone * np.float32(SCALE), far * np.float32(SCALE)
        self._silent_blocks = 0 if float(played @ played) > SILENT_POWER * BLOCK else self._silent_blocks + 1
        self._remember(played)
        if self._silent_blocks >= self._settings.partitions:
            return Block(microphone, microphone, np.zeros(BLOCK, np.int16))  # no echo is left in the room
        echo = np.fft.irfft((self._filter * self._far).sum(0))[BLOCK:].astype(np.float32)
        error = near - echo
        if self._lost.update(float(near @ near), float(error @ error)):
            self._begin_anew()
            error, echo = near, np.zeros_like(echo)
        self._learn(error)
        self.drift.learnt(self._filter)
        self._presence.update(error, echo)
        gain = self._gate.gain(float(error @ error), float(echo @ echo)) if self._settings.gate else 1.0
        return Block(_int16(error * gain), _int16(error), _int16(echo))

    def _remember(self, played: Floats) -> None:
        self._far = np.roll(self._far, 1, axis=0)
        self._far[0] = np.fft.rfft(np.concatenate([self._last, played]))
        self._last = played

    def _learn(self, error: Floats) -> None:
        """The Kalman update (Enzner and Vary, section 4; Kuech et al., eq. 14 to 20), the covariance kept diagonal.

        The factor 1/2 is the share of the overlap-save window that holds new samples.
        """
        decay = self._settings.transition
        spectrum = np.fft.rfft(np.concatenate([np.zeros(BLOCK, np.float32), error])).astype(np.complex64)
        self._near_power = NEAR_SMOOTHING * self._near_power + (1 - NEAR_SMOOTHING) * _power(spectrum)
        far_power = _power(self._far)
        gain = self._variance / ((far_power * self._variance).sum(0) * 0.5 + self._near_power + FLOOR)  # (partitions, bins)
        kept = np.clip(1 - 0.5 * gain * far_power, 0, 1)
        self._variance = decay**2 * kept * self._variance + (1 - decay**2) * _power(self._filter) + np.float32(1e-9)
        step = np.fft.irfft(gain * self._far.conj() * spectrum, axis=1)
        step[:, BLOCK:] = 0  # a partition is BLOCK taps long: the rest is circular convolution
        self._filter = (decay * (self._filter + np.fft.rfft(step, axis=1))).astype(np.complex64)


def _int16(sound: Floats) -> Samples:
    samples: Samples = np.clip(sound / SCALE, -32768, 32767).astype(np.int16)
    return samples


def _power(spectrum: Spectrum) -> Floats:
    power: Floats = spectrum.real**2 + spectrum.imag**2
    return power
