"""Whisper's features: how far the loud parts of a sound stand above the quiet ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assistant.engines import CAPTURE_RATE
from assistant.engines.whisper_mel import LogMel


def range_db(sound: np.ndarray) -> float:
    mel = LogMel(10.0)
    mel.feed(sound.astype(np.int16))
    return mel.range_db()


def test_the_range_is_that_of_loud_over_quiet_parts() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * CAPTURE_RATE)
    assert range_db(noise * 1000) < 2
    louder = noise * np.repeat([100, 1000], CAPTURE_RATE)
    assert range_db(louder) == pytest.approx(20, abs=1)
    assert range_db(noise[: CAPTURE_RATE // 10]) == math.inf
