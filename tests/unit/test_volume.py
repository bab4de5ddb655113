"""The volume changes what the loudspeaker plays."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from assistant.events import Samples
from assistant.volume import SpeakingVolume, VolumeSpeaker


class Kept:
    def __init__(self) -> None:
        self.played: list[Samples] = []

    async def play(self, samples: Samples, rate: int) -> None:
        self.played.append(samples)

    async def drain(self) -> None:
        pass

    def flush(self) -> None:
        self.played.clear()


@pytest.mark.parametrize(("percent", "peak"), [(0, 0), (20, 1259), (80, 10000), (100, 19953)])
def test_volume(percent: int, peak: int) -> None:
    kept, volume = Kept(), SpeakingVolume()
    volume.set(percent)
    anyio.run(VolumeSpeaker(kept, volume).play, np.full(100, 10000, np.int16), 16000)
    assert kept.played[0].max() == pytest.approx(peak, abs=1)
    assert kept.played[0].dtype == np.int16


def test_loud_sound_is_limited_not_wrapped_around() -> None:
    kept = Kept()
    anyio.run(VolumeSpeaker(kept, SpeakingVolume(100)).play, np.full(10, -30000, np.int16), 16000)
    assert kept.played[0].min() == -32768


def test_the_volume_stays_within_its_bounds() -> None:
    volume = SpeakingVolume()
    volume.set(140)
    assert volume.get() == 100
