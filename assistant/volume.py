"""The assistant's own loudness: a number the skills change, and the loudspeaker that obeys it."""

from __future__ import annotations

import numpy as np

from assistant.events import Samples
from assistant.ports import Speaker

NORMAL_PERCENT = 80
"""The volume at which a voice sounds as its engine made it."""

DB_PER_PERCENT = 0.3
"""Above and below: 100 % is 6 dB louder, 20 % is 18 dB quieter; 0 % is silent."""

DUCKED_DB = 12.0
"""A quarter of the loudness in amplitude: still audible, no longer in the way."""


class SpeakingVolume:
    """How loud replies are, in percent, 0..100. Kept in memory."""

    def __init__(self, percent: int = NORMAL_PERCENT) -> None:
        self._percent = percent
        self._ducked = False

    def duck(self, ducked: bool) -> None:
        """Speak DUCKED_DB quieter while somebody speaks into the reply; what the loudspeaker holds already stays as loud."""
        self._ducked = ducked

    def get(self) -> int:
        """The present volume."""
        return self._percent

    def set(self, percent: int) -> None:
        """Change it; replies that sound from now on obey."""
        self._percent = min(100, max(0, percent))

    @property
    def gain(self) -> float:
        """What samples are multiplied by."""
        if self._percent == 0:
            return 0.0
        return 10 ** ((DB_PER_PERCENT * (self._percent - NORMAL_PERCENT) - DUCKED_DB * self._ducked) / 20)


class VolumeSpeaker:
    """A loudspeaker at the volume of the moment.

    Args:
        speaker: where the sound goes.
        volume: how loud.
    """

    def __init__(self, speaker: Speaker, volume: SpeakingVolume) -> None:
        self._speaker, self._volume = speaker, volume

    async def play(self, samples: Samples, rate: int) -> None:
        """See Speaker.play."""
        gain = self._volume.gain
        if gain != 1.0:
            samples = np.clip(samples * np.float32(gain), -32768, 32767).astype(np.int16)
        await self._speaker.play(samples, rate)

    async def drain(self) -> None:
        """See Speaker.drain."""
        await self._speaker.drain()

    def flush(self) -> None:
        """See Speaker.flush."""
        self._speaker.flush()
