"""`assistant bench wake`: the counting, with an engine whose scores are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.audiofile import write_wav
from assistant.bench_wake import BEFORE, in_room, listen, sound_files, summary
from assistant.engines import Wake


class Loudness:
    """Scores how loud each 80 ms are."""

    word, phrase, step, threshold = "loud", "loud", 1280, 0.5

    def scores(self, samples: np.ndarray) -> list[float]:
        return [float(np.abs(samples[start : start + 1280]).max() / 32768) for start in range(0, len(samples), 1280)]

    def feed(self, samples: np.ndarray) -> list[Wake]:
        return []

    def reset(self) -> None: ...


def tone(level: float, seconds: float = 0.5) -> np.ndarray:
    return (np.sin(np.arange(int(16000 * seconds))) * level).astype(np.float32)


def test_misses_and_false_accepts_are_counted(tmp_path: Path) -> None:
    silence = np.zeros(3 * 16000, np.float32)
    other = np.concatenate([silence, tone(0.6), silence, tone(0.3), silence])
    write_wav(tmp_path / "other.wav", (other * 32767).astype(np.int16), 16000)
    words = in_room([tone(0.2), tone(0.4), tone(0.7), tone(0.9)], None, None)
    ticks: list[int] = []
    heard = listen(Loudness(), words, sound_files([tmp_path]), lambda: ticks.append(1))
    assert len(ticks) == 5 and heard.said == pytest.approx([0.2, 0.4, 0.7, 0.9], abs=0.02)
    result = summary(heard)
    strictest = result["at_false_accepts_per_hour"]["0"]
    assert (strictest["miss"], strictest["false_accepts"]) == (0.5, 0)  # the threshold is the loudest other sound, 0.6
    assert result["at_own_threshold"]["miss"] == 0.5 and result["at_own_threshold"]["false_accepts"] == 1
    assert result["no_rate_below_per_hour"] == pytest.approx(3 / heard.hours, rel=0.01)
    low, high = strictest["miss_95"]
    assert low < 0.5 < high


def test_noise_stands_in_the_ratio_asked_for() -> None:
    noise = np.random.default_rng(0).standard_normal(16000 * 5).astype(np.float32)
    (said,) = in_room([tone(0.5, 1.0)], noise, 0.0)
    sound = said.sound / 32767
    before, during = sound[: BEFORE - 100], sound[BEFORE : BEFORE + 16000]
    assert np.mean(before**2) == pytest.approx(np.mean(tone(0.5) ** 2), rel=0.3)
    assert np.mean(during**2) == pytest.approx(2 * np.mean(before**2), rel=0.3)
