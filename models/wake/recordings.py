"""Real recordings of wake words without speaker labels: near-duplicates are removed, and what sounds alike stays together.

The rules are those that kept earlier measurements honest: some folders hold several takes that differ by almost nothing, and a
random split puts the same speaker on both sides. So a recording is described by its long-term spectrum (voice and channel), the
recordings are grouped by it, and whole groups go to one side.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.audiofile import read_audio
from assistant.caller import Floats, trimmed
from assistant.events import Samples
from models.wake.build_bank import LEARNED_FILES

GROUPS_PER_RECORDING = 0.2
"""60 groups for 300 recordings, as in the measurements this follows."""

SAME_TAKE = 0.8
"""Normalised cross-correlation of waveforms above which two recordings are one take."""

FFT = 512


def load(folder: Path) -> list[Floats]:
    """All recordings of a folder in the order of their names, silence trimmed, without near-duplicates."""
    sounds = [trimmed(read_audio(path) / np.float32(32768)) for path in sorted(folder.glob("*.flac"))]
    return [sounds[index] for index in distinct(sounds, groups(sounds))]


def unlearned_speech(folder: Path) -> list[Samples]:
    """The recordings of speech_de in a folder that the bank does not learn from: int16, (n,), 16 kHz."""
    return [read_audio(path) for path in sorted((folder / "speech_de").glob("*.ogg"))[LEARNED_FILES:]]


def distinct(sounds: list[Floats], group: list[int]) -> list[int]:
    """Indices of recordings none of which repeats an earlier one; only those of one group are compared."""
    size = 1 << (2 * max(map(len, sounds))).bit_length()
    spectra = [np.fft.rfft(sound / np.linalg.norm(sound), size) for sound in sounds]
    kept: list[int] = []
    for index, spectrum in enumerate(spectra):
        rivals = (spectra[other] for other in kept if group[other] == group[index])
        if all(np.abs(np.fft.irfft(spectrum * np.conj(rival), size)).max() <= SAME_TAKE for rival in rivals):
            kept.append(index)
    return kept


def fingerprint(sound: Floats) -> Floats:
    """Voice and channel of a recording: quantiles of its spectrum over time, (771,), mean 0, variance 1."""
    frames = np.lib.stride_tricks.sliding_window_view(sound * np.float32(32768), FFT)[:: FFT // 2] * np.hanning(FFT)
    power = np.abs(np.fft.rfft(frames)) ** 2
    quantiles = np.log(np.percentile(power, [20, 50, 90], axis=0) + 1).ravel()
    return np.asarray((quantiles - quantiles.mean()) / quantiles.std(), np.float32)


def groups(sounds: list[Floats]) -> list[int]:
    """A group number for every recording: agglomerative clustering, average linkage, cosine distance."""
    prints = np.array([fingerprint(sound) for sound in sounds])
    prints = (prints - prints.mean(0)) / (prints.std(0) + 1e-6)
    prints /= np.linalg.norm(prints, axis=1, keepdims=True)
    distance = 1 - prints @ prints.T
    np.fill_diagonal(distance, np.inf)
    sizes, label = np.ones(len(sounds)), np.arange(len(sounds))
    for _ in range(len(sounds) - max(2, int(len(sounds) * GROUPS_PER_RECORDING))):
        one, other = divmod(int(distance.argmin()), len(sounds))
        merged = (sizes[one] * distance[one] + sizes[other] * distance[other]) / (sizes[one] + sizes[other])
        distance[one], distance[:, one] = merged, merged
        distance[other], distance[:, other] = np.inf, np.inf
        distance[one, one] = np.inf
        sizes[one] += sizes[other]
        label[label == other] = one
    return [int(value) for value in label]


def split(sounds: list[Floats], seed: int = 0) -> tuple[list[int], list[int]]:
    """Indices for training and for testing, about half each, no group on both sides."""
    label = np.array(groups(sounds))
    train = np.zeros(len(sounds), bool)
    for group in np.random.default_rng(seed).permutation(np.unique(label)):
        if train.sum() < len(sounds) / 2:
            train |= label == group
    return np.flatnonzero(train).tolist(), np.flatnonzero(~train).tolist()
