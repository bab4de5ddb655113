"""Wake word by microWakeWord (Apache-2.0): streaming, about 0.2 % of a core. The default word is "okay nabu".

Features and weights come with the package pymicro-wakeword; the network runs in ONNX. It gives a probability for every 30 ms; the
word is heard when the mean of the last few probabilities (model JSON: sliding_window_size) passes the cutoff.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pymicro_wakeword
from pymicro_wakeword import MicroWakeWordFeatures

from assistant.engines import CAPTURE_RATE, Wake
from assistant.engines.micro_network import Floats, open_network
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
        cache: folder for the assembled ONNX graph; None = the TensorFlow Lite library of pymicro-wakeword, with the same result.

    Raises:
        ModelError: no such model, or the file is not a microWakeWord model.
    """

    _recent: deque[float]
    _frames: list[Floats]
    _position: int
    _word_end: int
    _quiet_until: int

    def __init__(self, model: str = "okay_nabu", threshold: float | None = None, cache: Path | None = None) -> None:
        manifest = _manifest(model)
        try:
            fields = json.loads(manifest.read_text("utf-8"))
            file = manifest.parent / fields["model"]
            self.word: str = file.stem
            self.phrase: str = fields["wake_word"].lower()
            self._window = int(fields["micro"]["sliding_window_size"])
            own = THRESHOLDS.get(model, float(fields["micro"]["probability_cutoff"]))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{manifest} is not a usable microWakeWord model: {error}") from error
        self.threshold: float = own if threshold is None else threshold
        self._network = open_network(manifest, file, cache)
        self.step: int = FEATURE_HOP * self._network.stride
        self._features = MicroWakeWordFeatures()
        _FRONTENDS.append(self._features)
        self._begin()

    def feed(self, samples: Samples) -> list[Wake]:
        """See WakeEngine.feed."""
        return [wake for score in self._advance(samples) for wake in self._judge(score)]

    def scores(self, samples: Samples) -> list[float]:
        """See ScoringWake.scores."""
        return list(self._advance(samples))

    def _advance(self, samples: Samples) -> Iterator[float]:
        """The mean of the last probabilities, every 30 ms."""
        for feature in self._features.process_streaming(samples.astype("<i2").tobytes()):
            self._position += FEATURE_HOP
            self._frames.append(feature)
            if len(self._frames) == self._network.stride:
                probability = self._network.probability(self._frames)
                self._frames.clear()
                self._recent.append(probability)
                if probability < WORD_END_PROBABILITY:
                    self._word_end = 0
                elif not self._word_end:
                    self._word_end = self._position
                yield sum(self._recent) / self._window if len(self._recent) == self._window else 0.0

    def _judge(self, score: float) -> list[Wake]:
        if score <= self.threshold or self._position < self._quiet_until:
            return []
        self._quiet_until = self._position + REFRACTORY_SAMPLES
        return [Wake(score=round(score, 4), word_end=self._word_end or self._position)]

    def reset(self) -> None:
        """See WakeEngine.reset."""
        self._features.reset()
        self._begin()

    def _begin(self) -> None:
        self._recent = deque(maxlen=self._window)
        self._frames = []
        self._position = 2 * FEATURE_HOP  # the first feature needs 30 ms of sound
        self._word_end = 0  # 0 = not inside the word
        self._quiet_until = 0
        self._network.reset()


def _manifest(model: str) -> Path:
    builtin = Path(pymicro_wakeword.__file__).parent / "models" / f"{model}.json"
    manifest = builtin if builtin.exists() else Path(model).expanduser()
    if manifest.suffix != ".json" or not manifest.is_file():
        raise ModelError(f"no microWakeWord model {model!r}: use okay_nabu or the path of a model's .json manifest")
    return manifest
