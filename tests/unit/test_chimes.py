"""The short sounds: what they are, and when they sound."""

from __future__ import annotations

from functools import partial

import anyio
import numpy as np
import pytest

from assistant.chimes import Chimes
from assistant.errors import DeviceError
from assistant.events import Samples, SpeechEnded, StageFailed, WakeDetected
from device.earcons import NOTES, PEAK, earcon

RATE = 24000


@pytest.mark.parametrize("name", sorted(NOTES))
def test_an_earcon_is_short_soft_and_at_its_pitch(name: str) -> None:
    sound = earcon(name, RATE)
    assert 0.1 < len(sound) / RATE < 1.1
    assert np.abs(sound).max() == pytest.approx(PEAK * 32767, rel=0.01)
    edges = np.abs(np.concatenate([sound[:3], sound[-3:]]))
    assert edges.max() < 0.03 * np.abs(sound).max(), "a click at the beginning or the end"
    frequency, seconds = NOTES[name][0]
    first = sound[: int(seconds * RATE)]
    assert np.argmax(np.abs(np.fft.rfft(first, RATE))) == pytest.approx(frequency, abs=12)


class Loudspeaker:
    """Remembers what it played; away for the first `away` sounds."""

    def __init__(self, away: int = 0) -> None:
        self.played: list[int] = []
        self._away = away

    async def play(self, samples: Samples, rate: int) -> None:
        assert rate == RATE
        if self._away:
            self._away -= 1
            raise DeviceError("gone")
        self.played.append(len(samples))

    async def drain(self) -> None: ...

    def flush(self) -> None: ...


@pytest.mark.parametrize("away", [0, 1])
def test_each_event_has_its_sound_and_a_missing_loudspeaker_does_not_end_them(away: int) -> None:
    async def live() -> list[int]:
        speaker = Loudspeaker(away)
        chimes = Chimes(speaker, partial(earcon, rate=RATE), RATE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(chimes.run)
            for event in (
                WakeDetected(turn=1, at=0.0, word="x", score=1.0),
                SpeechEnded(turn=1, at=1.0, reason="silence", speech_end_at=0.5),
                SpeechEnded(turn=1, at=1.0, reason="no_speech", speech_end_at=0.5),
                StageFailed(turn=1, at=1.0, stage="asr", code="x", recoverable=True),
            ):
                chimes(event)
                await anyio.wait_all_tasks_blocked()
            chimes.ring()
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        return speaker.played

    expected = [len(earcon(name, RATE)) for name in ("awake", "done", "error", "timer")]
    assert anyio.run(live) == expected[away:]
