"""Splitting recordings honestly: near-duplicates go, what sounds alike stays on one side."""

from __future__ import annotations

import numpy as np

from models.wake.recordings import distinct, groups, split


def speaker(colour: float, seed: int) -> np.ndarray:
    """Noise through a resonance that stands for a voice."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal(8000)
    tone = np.sin(np.arange(8000) * colour) * (1 + 0.3 * random.standard_normal(8000).cumsum() / 100)
    return np.asarray((noise * 0.05 + tone) / 4, np.float32)


def test_a_second_take_that_is_the_same_is_dropped() -> None:
    first, other = speaker(0.3, 1), np.random.default_rng(2).standard_normal(8000).astype(np.float32)
    again = np.concatenate([np.zeros(100, np.float32), first[:-100] * 0.5])  # shifted and quieter
    assert distinct([first, other, again], [0, 0, 0]) == [0, 1]
    assert distinct([first, other, again], [0, 0, 1]) == [0, 1, 2]  # compared only within a group


def test_no_group_is_on_both_sides() -> None:
    sounds = [speaker(colour, seed) for seed in range(8) for colour in (0.1, 0.4, 0.9, 1.4, 2.0)]
    label = groups(sounds)
    train, test = split(sounds, seed=3)
    assert sorted(train + test) == list(range(len(sounds))) and train and test
    assert not {label[index] for index in train} & {label[index] for index in test}
