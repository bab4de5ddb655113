"""Wake word by microWakeWord (Apache-2.0): streaming, about 0.2 % of a core. The default word is "okay nabu".

The network's features, weights and int8 kernels come with the package pymicro-wakeword. It gives a probability for every 30 ms;
the word is heard when the mean of the last few probabilities (model JSON: sliding_window_size) passes the cutoff.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pymicro_wakeword
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

from assistant.engines import CAPTURE_RATE, Wake
from assistant.errors import ModelError
from assistant.events import Samples

FEATURE_HOP = 160
"""Samples per feature frame: 10 ms (pymicro-wakeword)."""

WORD_END_PROBABILITY = 0.5
"""The first unaveraged probability above this is near the end of the word.

Measured with models/wake/word_end.py: -0.21 to +0.04 s of the true end, median -0.06 s, n = 55 (docs/wake.md).
"""

THRESHOLDS = {"okay_nabu": 0.7}
"""Where we differ from the manifest (0.85): in kitchen noise that misses every fifth call; docs/wake.md has what 0.7 costs."""

REFRACTORY_SAMPLES = CAPTURE_RATE
"""One word is reported once: nothing more for 1 s after a detection."""

_FRONTENDS: list[MicroWakeWordFeatures] = []
"""Every extractor ever made, about 20 kB each: pymicro-features 2.0.2 loses a pending Python exception when one is freed."""


class MicroWake:
    """Hears one microWakeWord model.

    Args:
        model: name of a model in the package ("okay_nabu" is the one with a clean name), or the path of a model's JSON manifest.
        threshold: mean probability 0..1 above which the word counts; None = ours, else the model's own cutoff.

    Raises:
        ModelError: no such model, or the file is not a microWakeWord model.
    """

    _recent: deque[float]
    _frames: int
    _position: int
    _word_end: int
    _quiet_until: int

    def __init__(self, model: str = "okay_nabu", threshold: float | None = None) -> None:
        manifest = _manifest(model)
        try:
            self._model = MicroWakeWord.from_config(manifest)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{manifest} is not a usable microWakeWord model: {error}") from error
        self.word: str = self._model.id
        self.phrase: str = self._model.wake_word.lower()
        own = THRESHOLDS.get(model, self._model.probability_cutoff)
        self.threshold: float = own if threshold is None else threshold
        self._window: int = self._model.sliding_window_size
        self._features = MicroWakeWordFeatures()
        _FRONTENDS.append(self._features)
        self._begin()

    def feed(self, samples: Samples) -> list[Wake]:
        """See WakeEngine.feed."""
        detections: list[Wake] = []
        for feature in self._features.process_streaming(samples.astype("<i2").tobytes()):
            self._position += FEATURE_HOP
            self._model.process_streaming_prob(feature)
            self._frames += 1
            if self._frames % self._model.stride == 0:
                detections += self._judge(float(self._model._probabilities[-1]))
        return detections

    def _judge(self, probability: float) -> list[Wake]:
        self._recent.append(probability)
        if probability < WORD_END_PROBABILITY:
            self._word_end = 0
        elif not self._word_end:
            self._word_end = self._position
        score = sum(self._recent) / self._window
        if len(self._recent) < self._window or score <= self.threshold or self._position < self._quiet_until:
            return []
        self._quiet_until = self._position + REFRACTORY_SAMPLES
        return [Wake(score=round(score, 4), word_end=self._word_end or self._position)]

    def reset(self) -> None:
        """See WakeEngine.reset."""
        self._model.reset()
        self._features.reset()
        self._begin()

    def _begin(self) -> None:
        self._recent = deque(maxlen=self._window)
        self._frames = 0
        self._position = 2 * FEATURE_HOP  # the first feature needs 30 ms of sound
        self._word_end = 0  # 0 = not inside the word
        self._quiet_until = 0
        self._model.process_streaming_prob(np.zeros((1, 1, 40), np.float32))  # allocate before the first real sound
        self._model.reset()


def _manifest(model: str) -> Path:
    builtin = Path(pymicro_wakeword.__file__).parent / "models" / f"{model}.json"
    manifest = builtin if builtin.exists() else Path(model).expanduser()
    if manifest.suffix != ".json" or not manifest.is_file():
        raise ModelError(f"no microWakeWord model {model!r}: use okay_nabu or the path of a model's .json manifest")
    return manifest
