"""One recording of a wake word from a microphone. Sans-IO: sound in, state out; time is the number of samples heard."""

from __future__ import annotations

import numpy as np

from assistant.caller import SPEECH_PEAK, Floats, trimmed
from assistant.engines import CAPTURE_RATE, VAD_FRAME, VadEngine
from assistant.events import Samples

SPEECH = 0.5
"""Silero's own threshold."""

BEFORE_FRAMES, SILENT_FRAMES = 10, 16
"""320 ms kept before the first voiced frame; 512 ms without voice end the recording."""

SECONDS = (0.3, 2.5)
"""Length of a wake word as spoken."""

QUIET, CLIPPED = 0.02, 0.99
"""Peaks outside this are too quiet to learn from, or distorted."""


class Take:
    """Collects the next thing said. vad: says when somebody speaks; it is reset here."""

    def __init__(self, vad: VadEngine) -> None:
        vad.reset()
        self._vad = vad
        self._pending: Samples = np.zeros(0, np.int16)
        self._frames: list[Samples] = []
        self._silent = 0
        self._begun = False
        self.done = False
        """True when something was said and is over."""

    def feed(self, samples: Samples) -> None:
        """More sound, int16 (n,)."""
        self._pending = np.concatenate([self._pending, samples])
        while len(self._pending) >= VAD_FRAME and not self.done:
            frame, self._pending = self._pending[:VAD_FRAME], self._pending[VAD_FRAME:]
            self._frame(frame, self._vad.feed(frame)[0] >= SPEECH)

    def _frame(self, frame: Samples, voiced: bool) -> None:
        self._frames.append(frame)
        if not self._begun and not voiced:
            del self._frames[:-BEFORE_FRAMES]
            return
        self._begun = True
        self._silent = 0 if voiced else self._silent + 1
        self.done = self._silent >= SILENT_FRAMES or len(self._frames) * VAD_FRAME > 2 * SECONDS[1] * CAPTURE_RATE

    def sound(self) -> Floats:
        """What was said: float32 (n,), full scale 1, silence trimmed, its own loudness. Only when done."""
        heard = np.concatenate(self._frames).astype(np.float32) / np.float32(32768)
        peak = float(np.abs(heard).max())
        return np.asarray(trimmed(heard) * (peak / SPEECH_PEAK) if peak else heard, np.float32)

    def complaint(self) -> str:
        """ "" or why this cannot be used."""
        sound = self.sound()
        return complaint(sound)


def complaint(sound: Floats) -> str:
    """ "" or why a recording cannot be a wake word, for the person who made it."""
    seconds, peak = len(sound) / CAPTURE_RATE, float(np.abs(sound).max(initial=0))
    if peak < QUIET:
        return "too quiet: come closer or speak up"
    if peak > CLIPPED:
        return "too loud: the microphone distorts; go further away"
    if seconds < SECONDS[0]:
        return f"too short ({seconds:.1f} s): say the whole word"
    if seconds > SECONDS[1]:
        return f"too long ({seconds:.1f} s): say only the word, in a quiet room"
    return ""
