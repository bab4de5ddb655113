"""Google's speech embedding, streaming: 80 ms of sound in, 96 numbers that say what was spoken there out.

The network (Apache-2.0) is the one openWakeWord made known; its weights come from the registry entry `openwakeword-features`. The
graph here is ours (models/wake/build_graphs.py): it keeps what every layer has seen, so nothing is computed twice and a long
recording in one call gives the same numbers as the same sound in small pieces.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.engines.external_weights import assembled
from assistant.engines.session import OnnxSession
from assistant.errors import ModelError
from assistant.events import Samples

Floats = npt.NDArray[np.float32]

FEATURES = "openwakeword-features"
"""Registry entry with the network's weights, and with the rest of openWakeWord's features."""

GRAPHS = Path(__file__).parent / "graphs"
GRAPH_FILE = "speech-embedding.onnx"

HOP = 1280
"""Samples per embedding: 80 ms."""

EMBEDDING = 96
MEL_BINS, MELS_PER_HOP = 32, 8
FFT, WINDOW, STEP = 512, 400, 160
"""Samples: transform length, Hann window and distance of mel frames (25 ms every 10 ms), as in melspectrogram.onnx."""

LOW_HZ, HIGH_HZ = 60.0, 3800.0
TOP_DB = 80.0
"""A value more than this below the loudest of its hop is raised to it, as in melspectrogram.onnx."""

LEAD = 480
"""Samples of silence assumed before the first: openWakeWord's window of 1,760 samples per hop begins this much before it."""

FLOOR_FRAMES = 76
"""Mel frames that one embedding sees: 760 ms. openWakeWord starts with this many frames of ones, and so do we."""

BATCH_HOPS = 64
"""Hops computed at once at most: the fastest of 1 to 512, and little memory however long the recording is."""


def mel_filters(bins: int = MEL_BINS, low_hz: float = LOW_HZ, high_hz: float = HIGH_HZ) -> Floats:
    """(257, bins) triangles of equal area, evenly spaced on Slaney's mel scale; by default equal to melspectrogram.onnx's."""
    step = np.log(6.4) / 27

    def to_mel(hz: float) -> float:
        return hz * 3 / 200 if hz < 1000 else 15 + np.log(hz / 1000) / step

    mels = np.linspace(to_mel(low_hz), to_mel(high_hz), bins + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(step * (mels - 15)))
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    hz = np.linspace(0, 8000, FFT // 2 + 1)[:, None]
    triangles = np.maximum(0, np.minimum((hz - low) / (middle - low), (high - hz) / (high - middle)))
    return np.asarray(triangles * 2 / (high - low), np.float32)


def frame_window() -> Floats:
    """The Hann window in the middle of a frame: (FFT,)."""
    window = np.zeros(FFT, np.float32)
    start = (FFT - WINDOW) // 2
    window[start : start + WINDOW] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return window


class SpeechEmbedding:
    """Turns a stream of sound into embeddings.

    Args:
        folder: the registry's `openwakeword-features`.
        cache: folder in which the graph and the weights are put side by side (1.3 MB).

    Raises:
        ModelError: embedding_model.onnx is missing or unreadable.
    """

    _pending: Floats

    def __init__(self, folder: Path, cache: Path) -> None:
        self._session = OnnxSession(embedding_graph(folder / "embedding_model.onnx", cache))
        self._filters, self._taper = mel_filters(), frame_window()
        self._states = tuple(name for name in self._session.inputs if name != "mel")
        shapes = self._session.input_shapes
        zeros = {name: np.zeros([int(side or 0) for side in shapes[name]], np.float32) for name in self._states}
        ones = np.ones((-(-FLOOR_FRAMES // MELS_PER_HOP) * MELS_PER_HOP, MEL_BINS), np.float32)
        self._memory = zeros
        self._advance(ones)
        self._fresh = self._memory
        self.reset()

    def feed(self, samples: Samples) -> Floats:
        """Any number of int16 samples, (n,). Returns the embeddings that ended in them, (k, 96); the cuts do not matter."""
        self._pending = np.concatenate([self._pending, samples.astype(np.float32)])
        found = []
        while (hops := min((len(self._pending) - FFT + STEP) // HOP, BATCH_HOPS)) > 0:
            found.append(self._advance(self._mel(self._pending[: hops * HOP + FFT - STEP], hops)))
            self._pending = self._pending[hops * HOP :]
        return np.concatenate(found) if found else np.zeros((0, EMBEDDING), np.float32)

    def _mel(self, sound: Floats, hops: int) -> Floats:
        """(hops * 1280 + 352,) -> (hops * 8, 32), openWakeWord's scaling."""
        frames = np.lib.stride_tricks.sliding_window_view(sound, FFT)[::STEP] * self._taper  # (8 hops, 512)
        spectrum = np.fft.rfft(frames)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._filters
        decibels = (10 * np.log10(np.maximum(power, 1e-10))).reshape(hops, MELS_PER_HOP * MEL_BINS)
        clipped = np.maximum(decibels, decibels.max(1, keepdims=True) - TOP_DB)
        return np.asarray(clipped.reshape(-1, MEL_BINS) / 10 + 2, np.float32)

    def _advance(self, mel: Floats) -> Floats:
        results = self._session.run({"mel": mel[None, None], **self._memory})
        self._memory = {name: results[name.replace("state", "next")] for name in self._states}
        return np.ascontiguousarray(results["embedding"][0, :, :, 0].T)  # (1, 96, k, 1) -> (k, 96)

    def reset(self) -> None:
        """Forget everything heard."""
        self._pending = np.zeros(LEAD, np.float32)
        self._memory = self._fresh


def embedding_graph(source: Path, cache: Path) -> Path:
    """Our graph beside the published weights. source: the registry's embedding_model.onnx. Raises ModelError."""
    try:
        weights = source.read_bytes()
    except OSError as error:
        raise ModelError(f"{source} is missing: run `assistant models pull {FEATURES}`") from error
    return assembled(GRAPHS / GRAPH_FILE, source.name, weights, cache)
