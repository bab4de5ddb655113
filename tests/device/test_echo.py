"""The echo path: takes the loudspeaker's sound out, leaves everybody else's, follows delays and moves."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.bench_rooms import drifted
from device.drift import between
from device.echo import BLOCK, EchoCanceller, EchoSettings
from device.echo_path import LONGEST_DELAY, EchoPath, FarEnd

RATE = 16000


def speechlike(seconds: float, seed: int) -> np.ndarray:
    """Noise with the rhythm of syllables, float32, RMS about 0.1."""
    random = np.random.default_rng(seed)
    n = int(seconds * RATE)
    syllables = np.arange(0, n + 2000, 2000)
    rhythm = np.interp(np.arange(n), syllables, random.uniform(0, 1, len(syllables))) ** 2
    return (random.standard_normal(n) * rhythm * 0.2).astype(np.float32)


def room(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    answer = random.standard_normal(2400) * np.exp(-np.arange(2400) / 500)
    return answer / np.sqrt((answer**2).sum()) * 0.5


def through(far: np.ndarray, answer: np.ndarray, delay: int) -> np.ndarray:
    return np.convolve(np.concatenate([np.zeros(delay), far]), answer)[: len(far)]


def int16(sound: np.ndarray) -> np.ndarray:
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


def clean(path: EchoPath, near: np.ndarray, far: np.ndarray, chunk: int = 1000) -> np.ndarray:
    pieces = [path.clean(int16(near[i : i + chunk]), int16(far[i : i + chunk])) for i in range(0, len(near), chunk)]
    return np.concatenate([piece.samples for piece in pieces]) / 32768


def db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(sound)) + 1e-12))


@pytest.mark.parametrize("delay", [0, 700, 4000])
def test_the_echo_goes_and_its_delay_is_found(delay: int) -> None:
    far = speechlike(12, 1)
    echo = through(far, room(1), delay)
    path = EchoPath(EchoSettings(gate=False))
    left = clean(path, echo, far)
    later = slice(8 * RATE, len(left))
    assert db(echo[later]) - db(left[later]) > 20
    assert path.delay_ms == pytest.approx(delay / 16, abs=40)


def test_who_speaks_into_a_reply_is_left_as_they_are() -> None:
    far, near = speechlike(12, 1), np.zeros(12 * RATE)
    near[9 * RATE : 10 * RATE] = speechlike(1, 9)
    left = clean(EchoPath(), through(far, room(1), 1500) + near, far)
    spoken = slice(9 * RATE + 1600, 10 * RATE)
    assert db(left[spoken] - near[spoken]) < db(near[spoken]) - 10


def test_the_gate_closes_when_only_the_assistant_speaks() -> None:
    far = speechlike(16, 1)
    echo = through(far, room(1), 1500)
    later = slice(10 * RATE, 15 * RATE)
    with_gate = clean(EchoPath(), echo, far)
    without = clean(EchoPath(EchoSettings(gate=False)), echo, far)
    assert db(with_gate[later]) < db(without[later]) - 5


def test_a_moved_loudspeaker_is_learnt_anew() -> None:
    far = speechlike(20, 1)
    echo = through(far, room(1), 1500)
    echo[10 * RATE :] = through(far, room(2), 1500)[10 * RATE :]
    left = clean(EchoPath(EchoSettings(gate=False)), echo, far)
    later = slice(16 * RATE, len(left))
    assert db(echo[later]) - db(left[later]) > 10


def test_a_filter_that_is_worse_than_none_begins_anew() -> None:
    far = speechlike(20, 1)
    echo = through(far, room(1), 1500)
    echo[10 * RATE :] = -through(far, room(1), 1500)[10 * RATE :]
    left = clean(EchoPath(EchoSettings(gate=False)), echo, far)
    soon = slice(12 * RATE, 15 * RATE)
    assert db(echo[soon]) - db(left[soon]) > 15


def test_somebody_who_shouts_into_a_reply_does_not_make_it_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    begin = EchoCanceller._begin_anew
    monkeypatch.setattr(EchoCanceller, "_begin_anew", lambda self: (begun.append(1), begin(self)))
    far, near = speechlike(20, 1), np.zeros(20 * RATE)
    near[9 * RATE : 18 * RATE] = speechlike(9, 9) * 4
    clean(EchoPath(EchoSettings(gate=False)), through(far, room(1), 1500) + near, far)
    assert len(begun) == 2  # when it was made, and when the delay was found


@pytest.mark.parametrize("ppm", [-80.0, 30.0])
def test_clocks_that_differ_are_found_and_followed(ppm: float) -> None:
    far = speechlike(16, 1)
    echo = through(drifted(far, ppm).astype(np.float64), room(1), 1500)
    path = EchoPath(EchoSettings(gate=False))
    left = clean(path, echo, far)
    later = slice(10 * RATE, 15 * RATE)
    assert path.drift_ppm == pytest.approx(ppm, abs=3)
    assert db(echo[later]) - db(left[later]) > 20


def test_equal_clocks_stay_equal_when_the_loudspeaker_is_moved() -> None:
    far = speechlike(20, 1)
    echo = through(far, room(1), 1500)
    echo[10 * RATE :] = through(far, room(2), 1500)[10 * RATE :]
    path = EchoPath()
    clean(path, echo, far)
    assert path.drift_ppm == pytest.approx(0, abs=3)


def test_sound_between_samples() -> None:
    sound = int16(np.sin(2 * np.pi * 1000 / RATE * np.arange(400)) * 0.5)
    assert np.array_equal(between(sound, 100.0, 50), sound[100:150])
    expected = 0.5 * 32767 * np.sin(2 * np.pi * 1000 / RATE * (100.25 + np.arange(50)))
    assert between(sound, 100.25, 50) == pytest.approx(expected, abs=3)


def test_without_a_reply_nothing_is_changed() -> None:
    near = speechlike(3, 4)
    left = clean(EchoPath(), near, np.zeros_like(near))
    assert np.array_equal(int16(left), int16(int16(near)[: len(left)] / 32768))


def test_the_size_of_the_pieces_does_not_matter() -> None:
    far = speechlike(3, 1)
    echo = through(far, room(1), 500)
    whole, small = clean(EchoPath(), echo, far, 3 * RATE), clean(EchoPath(), echo, far, 333)
    assert np.array_equal(whole[: len(small)], small[: len(whole)])


def test_reset_forgets_the_room() -> None:
    far, filter_ = int16(speechlike(2, 1)), EchoCanceller()
    near = int16(through(speechlike(2, 1), room(1), 0))
    blocks = range(0, len(far) - BLOCK, BLOCK)
    first = np.concatenate([filter_.process(near[i : i + BLOCK], far[i : i + BLOCK]).samples for i in blocks])
    filter_.reset()
    again = np.concatenate([filter_.process(near[i : i + BLOCK], far[i : i + BLOCK]).samples for i in blocks])
    assert np.array_equal(first, again)


def test_the_far_end_gives_silence_when_the_loudspeaker_is_late_and_forgets_what_nobody_takes() -> None:
    far_end = FarEnd()
    far_end.write(np.full(100, 7, np.int16), RATE)
    assert list(far_end.take(102)) == [7] * 100 + [0, 0]
    for _ in range(100):
        far_end.write(np.zeros(960, np.int16), 24000)
    far_end.write(np.full(9600, 5000, np.int16), 24000)
    taken = far_end.take(3 * RATE)
    assert taken.max() > 4000 and len(np.flatnonzero(taken)) < LONGEST_DELAY


@pytest.mark.parametrize("later", [-500, 2000])
def test_a_delay_that_changes_is_followed(later: int) -> None:
    far = speechlike(20, 1)
    echo = through(far, room(1), 1500)
    echo[8 * RATE :] = through(far, room(1), 1500 + later)[8 * RATE :]
    left = clean(EchoPath(EchoSettings(gate=False)), echo, far)
    end = slice(16 * RATE, len(left))
    assert db(echo[end]) - db(left[end]) > 15


def test_somebody_else_is_told_from_what_is_left_of_the_assistant() -> None:
    far = speechlike(14, 1)
    near = np.zeros(14 * RATE)
    near[11 * RATE : 12 * RATE] = speechlike(1, 9)
    heard, path = through(far, room(1), 1500) + near, EchoPath()
    told = []
    for at in range(0, len(far), 512):
        told.append((at / RATE, path.clean(int16(heard[at : at + 512]), int16(far[at : at + 512])).somebody))
    assert not any(somebody for at, somebody in told if 8 < at < 10.9)
    assert all(somebody for at, somebody in told if 11.3 < at < 12)
    silence = np.zeros(RATE, np.int16)
    assert path.clean(silence, silence).somebody, "nothing is played: nobody is mistaken for the assistant"
