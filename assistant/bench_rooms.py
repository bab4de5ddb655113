"""Simulated rooms for the echo bench: a loudspeaker, a microphone beside it and a person, in a box with walls.

The room's answer is that of the image-source method (J. Allen and D. Berkley, "Image method for efficiently simulating small-room
acoustics", JASA 65 (1979), 943-950); the walls' absorption follows from the reverberation time by Eyring's formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from assistant.caller import Floats
from assistant.engines import CAPTURE_RATE

SPEED_OF_SOUND = 343.0
"""Metres per second at 20 degrees Celsius."""

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A room. size: metres; rt60: seconds until sound has fallen by 60 dB; microphone, speaker, moved (the speaker later),
    person."""

    name: str
    size: Point
    rt60: float
    microphone: Point
    speaker: Point
    moved: Point
    person: Point


ROOMS = (
    Box("bathroom", (2.6, 2.2, 2.4), 0.3, (1.0, 1.0, 1.0), (1.08, 1.05, 0.95), (1.2, 1.3, 1.0), (1.6, 1.4, 1.4)),
    Box("kitchen", (4.2, 3.1, 2.5), 0.4, (2.0, 1.0, 1.1), (2.1, 1.05, 1.05), (2.5, 1.1, 1.1), (2.7, 1.8, 1.5)),
    Box("living room", (6.1, 4.4, 2.6), 0.5, (1.2, 2.1, 0.8), (1.3, 2.15, 0.75), (1.2, 2.7, 0.8), (2.4, 2.9, 1.3)),
)


def answer_of(box: Box, source: Point, seed: int) -> Floats:
    """How the room answers an impulse: float32, (rt60 * 16000,).

    Each image is moved by up to 5 cm, seeded, as real walls are not mirrors; without that the echoes line up and flutter. A
    bounce turns the sign, which keeps low tones from piling up (Allen and Berkley filter them out instead).
    """
    size, length = np.array(box.size), int(box.rt60 * CAPTURE_RATE)
    volume, surface = size.prod(), 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    reflection = np.sqrt(np.exp(-0.161 * volume / (surface * box.rt60)))  # Eyring
    reach = length / CAPTURE_RATE * SPEED_OF_SOUND
    positions, bounces = zip(*(_images(size[axis], source[axis], box.microphone[axis], reach) for axis in range(3)), strict=True)
    distance = np.sqrt(np.sum(np.square(np.meshgrid(*positions, indexing="ij")), axis=0)).ravel()
    count = np.sum(np.meshgrid(*bounces, indexing="ij"), axis=0).ravel()
    random = np.random.default_rng(seed)
    distance = np.maximum(distance + (count > 0) * random.uniform(-0.05, 0.05, distance.shape), 0.01)
    at = distance / SPEED_OF_SOUND * CAPTURE_RATE
    near = at < length - 1
    at, strength = at[near], ((-reflection) ** count[near]) / distance[near]
    whole = at.astype(int)
    answer = np.bincount(whole, strength * (1 - (at - whole)), length) + np.bincount(whole + 1, strength * (at - whole), length)
    return np.asarray(answer[:length], np.float32)


def _images(size: float, source: float, microphone: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Along one axis: where the mirror images are from the microphone, metres, and how often each has been reflected."""
    order = np.arange(-int(reach / (2 * size)) - 1, int(reach / (2 * size)) + 2)
    places = np.concatenate([2 * order * size + source, 2 * order * size - source]) - microphone
    return places, np.concatenate([2 * abs(order), abs(2 * order - 1)])


def convolve(sound: Floats, answer: Floats) -> Floats:
    """Sound as it arrives through a room: float32, as long as `sound`."""
    size = 1 << (len(sound) + len(answer) - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(answer, size))[: len(sound)], np.float32)


def drifted(sound: Floats, parts_per_million: float) -> Floats:
    """Sound from a clock that is faster by so much: float32, the same length."""
    faster = soxr.resample(sound, CAPTURE_RATE * (1 + parts_per_million * 1e-6), float(CAPTURE_RATE), quality="VHQ")
    return np.asarray(np.resize(faster, len(sound)), np.float32)
