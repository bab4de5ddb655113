"""Wake words in openWakeWord's format: a small ONNX head on Google's speech embedding, by the user's choice.

openWakeWord's code is Apache-2.0, its own pre-trained heads (alexa, hey_jarvis, ...) are CC BY-NC-SA 4.0: none is shipped or a
default here. The features (mel filter bank and embedding) come from the registry entry `openwakeword-features`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.engines import Wake
from assistant.engines.session import OnnxSession
from assistant.errors import ModelError
from assistant.events import Samples

Floats = npt.NDArray[np.float32]

HOP = 1280
"""Samples per step: 80 ms, openWakeWord's frame."""

MEL_WINDOW = 1760
"""Samples per mel call: the hop and the 480 samples before it, which gives 8 new mel frames."""

MEL_FRAMES, MEL_BINS = 76, 32
"""Input of the embedding network."""

EMBEDDING = 96
REFRACTORY_HOPS = 13
"""One word is reported once: nothing more for about 1 s after a detection."""


class OpenWakeWord:
    """Hears one openWakeWord head.

    Args:
        model: path of the head's .onnx file, input (1, frames, 96), output one probability. Heads expect int16-scale features.
        features_dir: folder with melspectrogram.onnx and embedding_model.onnx.
        threshold: probability 0..1 above which the word counts (openWakeWord's default is 0.5).

    Raises:
        ModelError: a file is missing or has another shape.
    """

    step: int = HOP
    _pending: Samples
    _sound: Floats
    _mels: Floats
    _embeddings: Floats
    _hops: int
    _quiet_until: int

    def __init__(self, model: str, features_dir: Path, threshold: float | None = None) -> None:
        path = Path(model).expanduser()
        if not path.is_file():
            raise ModelError(f"no openWakeWord model at {path}: give the path of a head's .onnx file as wake.model")
        self.word = path.stem
        self.phrase = path.stem.replace("_", " ").lower()
        self.threshold = 0.5 if threshold is None else threshold
        self._mel = OnnxSession(features_dir / "melspectrogram.onnx")
        self._embed = OnnxSession(features_dir / "embedding_model.onnx")
        self._head = OnnxSession(path)
        shape = self._head.input_shapes[self._head.inputs[0]]
        if len(shape) != 3 or shape[2] != EMBEDDING or not isinstance(shape[1], int):
            raise ModelError(f"{path} is not an openWakeWord head: its input is {shape}, expected (1, frames, {EMBEDDING})")
        self._head_frames: int = shape[1]
        self.reset()

    def feed(self, samples: Samples) -> list[Wake]:
        """See WakeEngine.feed."""
        self._pending = np.concatenate([self._pending, samples])
        return [wake for score in self._advance() for wake in self._judge(score)]

    def scores(self, samples: Samples) -> list[float]:
        """See ScoringWake.scores."""
        self._pending = np.concatenate([self._pending, samples])
        return list(self._advance())

    def _advance(self) -> Iterator[float]:
        """The head's probability for every 80 ms that are pending; 0 as long as it has not heard enough."""
        while len(self._pending) >= HOP:
            hop, self._pending = self._pending[:HOP], self._pending[HOP:]
            yield self._step_score(hop)

    def _step_score(self, hop: Samples) -> float:
        self._hops += 1
        self._sound = np.concatenate([self._sound[HOP:], hop.astype(np.float32)])  # (1760,) int16 scale
        mel = self._run(self._mel, self._sound[None]).reshape(-1, MEL_BINS) / 10 + 2  # (8, 32), openWakeWord's scaling
        self._mels = np.concatenate([self._mels[len(mel) :], mel])
        embedding = self._run(self._embed, self._mels[None, :, :, None]).reshape(1, EMBEDDING)
        self._embeddings = np.concatenate([self._embeddings[1:], embedding])
        if self._hops < self._head_frames:
            return 0.0
        return float(self._run(self._head, self._embeddings[None]).reshape(-1)[0])

    def _judge(self, score: float) -> list[Wake]:
        if self._hops < self._head_frames or score < self.threshold or self._hops < self._quiet_until:
            return []
        self._quiet_until = self._hops + REFRACTORY_HOPS
        return [Wake(score=round(score, 4), word_end=self._hops * HOP)]

    @staticmethod
    def _run(session: OnnxSession, value: Floats) -> Floats:
        return next(iter(session.run({session.inputs[0]: value}).values()))

    def reset(self) -> None:
        """See WakeEngine.reset."""
        self._pending = np.zeros(0, np.int16)
        self._sound = np.zeros(MEL_WINDOW, np.float32)
        self._mels = np.ones((MEL_FRAMES, MEL_BINS), np.float32)  # openWakeWord starts from ones
        self._embeddings = np.zeros((self._head_frames, EMBEDDING), np.float32)
        self._hops = 0
        self._quiet_until = 0
