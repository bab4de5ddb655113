"""The network of a microWakeWord model: by ONNX where we have its graph, else by the TensorFlow Lite library of pymicro-wakeword.

The graph of okay nabu (models/wake/micro_to_onnx.py) holds no weights: they are read out of the published .tflite file, which is
copied beside it. Both ways give the same probability, bit for bit (tests/contract/test_wake.py), on x86-64.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from pymicro_wakeword import MicroWakeWord

from assistant.engines.external_weights import assembled
from assistant.engines.session import OnnxSession
from assistant.errors import ModelError

Floats = npt.NDArray[np.float32]

GRAPHS = {"d89128c4d16a72de429119fb2254ce46649553c2a24f5dd840175c80d7b9d094": "okay_nabu.onnx"}
"""SHA-256 of a .tflite file -> its graph in graphs/."""

BINS = 40
"""Numbers in one feature frame of 10 ms."""

STRIDE = 3
"""Feature frames per step of the networks we have graphs of."""


class MicroNetwork(Protocol):
    """A streaming network."""

    stride: int
    """Feature frames per step."""

    def probability(self, features: list[Floats]) -> float:
        """One step. features: `stride` arrays of BINS numbers, as pymicro-features gives them. 0..1."""
        ...

    def reset(self) -> None:
        """Forget everything heard."""
        ...


def open_network(manifest: Path, model: Path, cache: Path | None) -> MicroNetwork:
    """The network of a model. manifest: its .json; model: its .tflite; cache: where ONNX graphs are put together, or None.

    Raises:
        ModelError: the files are missing or no microWakeWord model.
    """
    try:
        weights = model.read_bytes()
        graph = GRAPHS.get(hashlib.sha256(weights).hexdigest())
        if graph and cache:
            return OnnxNetwork(assembled(Path(__file__).parent / "graphs" / graph, model.name, weights, cache))
        return TfliteNetwork(manifest)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{manifest} is not a usable microWakeWord model: {error}") from error


class TfliteNetwork:
    """By pymicro-wakeword."""

    def __init__(self, manifest: Path) -> None:
        self._model = MicroWakeWord.from_config(manifest)
        self.stride: int = self._model.stride
        self.probability([np.zeros(BINS, np.float32)] * self.stride)  # allocate before the first real sound
        self.reset()

    def probability(self, features: list[Floats]) -> float:
        """See MicroNetwork.probability."""
        for feature in features:
            self._model.process_streaming_prob(feature.reshape(1, 1, BINS))
        return float(self._model._probabilities[-1])

    def reset(self) -> None:
        """See MicroNetwork.reset."""
        self._model.reset()


class OnnxNetwork:
    """By our graph. graph: the file, its weights beside it."""

    stride: int = STRIDE
    _memory: dict[str, Floats]

    def __init__(self, graph: Path) -> None:
        self._session = OnnxSession(graph)
        self._states = [name for name in self._session.inputs if name != "features"]
        self.reset()

    def probability(self, features: list[Floats]) -> float:
        """See MicroNetwork.probability."""
        frames = np.asarray(np.stack(features), np.float32).reshape(STRIDE, BINS)
        results = self._session.run({"features": frames, **self._memory})
        self._memory = {name: results[name.replace("state", "next")] for name in self._states}
        return float(results["probability"][0, 0])

    def reset(self) -> None:
        """See MicroNetwork.reset."""
        shapes = self._session.input_shapes
        self._memory = {name: np.zeros([int(side or 0) for side in shapes[name]], np.float32) for name in self._states}
