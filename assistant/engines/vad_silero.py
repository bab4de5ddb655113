"""Voice activity by Silero VAD 6.2 (MIT), the recurrent ONNX graph without control flow, driven without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.engines import VAD_FRAME
from assistant.engines.session import OnnxSession
from assistant.events import Samples

Floats = npt.NDArray[np.float32]

CONTEXT = 64
"""Samples of the previous frame that the network wants in front of each frame (silero-vad 6, 16 kHz)."""

STATE_SHAPE = (1, 1, 128)


class SileroVad:
    """One probability of speech per 32 ms.

    Args:
        model_dir: folder with silero_vad_16k_sequence.onnx.

    Raises:
        ModelError: the file is missing or unreadable.
    """

    _pending: Samples
    _context: Floats
    _h: Floats
    _c: Floats

    def __init__(self, model_dir: Path) -> None:
        self._session = OnnxSession(model_dir / "silero_vad_16k_sequence.onnx")
        self.reset()

    def feed(self, samples: Samples) -> list[float]:
        """See VadEngine.feed."""
        self._pending = np.concatenate([self._pending, samples])
        probabilities: list[float] = []
        while len(self._pending) >= VAD_FRAME:
            frame = self._pending[:VAD_FRAME].astype(np.float32) / np.float32(32768)  # the network wants -1..1
            self._pending = self._pending[VAD_FRAME:]
            probabilities.append(self._step(frame))
        return probabilities

    def _step(self, frame: Floats) -> float:
        window = np.concatenate([self._context, frame])[None]  # (1, 576)
        result = self._session.run({"input": window, "h": self._h, "c": self._c})
        self._h, self._c, self._context = result["hn"], result["cn"], frame[-CONTEXT:]
        return float(result["speech_probs"][0])

    def reset(self) -> None:
        """See VadEngine.reset."""
        self._pending = np.zeros(0, np.int16)
        self._context = np.zeros(CONTEXT, np.float32)
        self._h = np.zeros(STATE_SHAPE, np.float32)
        self._c = np.zeros(STATE_SHAPE, np.float32)
