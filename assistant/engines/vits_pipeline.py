"""A Piper voice (VITS) in three graphs, sounding before the sentence is computed.

    encoder -> durations -> each phoneme repeated for its frames, noise added -> flow -> decoder, window by window

The decoder looks at a few frames around a window, the flow at a few more; with these as context, windows join without a seam: the
result is the whole graph's to within 1e-6 of full scale (tests/export/test_voice.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.engines.session import OnnxSession

Floats = npt.NDArray[np.float32]

FIRST = 12
"""Frames of the first window: 139 ms of sound at 22.05 kHz."""

GROWTH, LONGEST = 2, 160
"""Each window is this much longer than the one before, up to 160 frames (1.9 s): fewer calls once sound is playing."""

DECODER_CONTEXT = 12
"""Frames the decoder looks at on each side of a window; with fewer the seams show (10: 126 dB, 8: 66 dB; docs/export.md)."""

FLOW_CONTEXT = 32
"""Frames the flow looks at on each side; with 24 the error is 5e-6."""


@dataclass(frozen=True, slots=True)
class Style:
    """How to speak. noise: of the sound; pace: 1 = the voice's own durations, 2 = twice as long; noise_w: of the durations."""

    noise: float = 0.667
    pace: float = 1.0
    noise_w: float = 0.8


class VitsPipeline:
    """One voice. encoder, flow, decoder: opened graphs; hop: samples per frame."""

    def __init__(self, encoder: OnnxSession, flow: OnnxSession, decoder: OnnxSession, hop: int) -> None:
        self._encoder, self._flow, self._decoder = encoder, flow, decoder
        self.hop = hop

    def speak(self, ids: npt.NDArray[np.int64], style: Style, random: np.random.Generator) -> Iterator[Floats]:
        """The sound of one sentence in pieces: float32, (n,), at the network's level.

        ids: phonemes, shape (1, T). random: source of both noises; the same seed gives the same sound.
        """
        z_p = self._frames(ids, style, random)
        z = _Lazy(self._flow, z_p)
        total = z_p.shape[2]
        start, length = 0, FIRST
        while start < total:
            end = min(total, start + length)
            if total - end < FIRST:  # no tail shorter than the first window
                end = total
            low, high = max(0, start - DECODER_CONTEXT), min(total, end + DECODER_CONTEXT)
            sound = self._decoder.run({"z": z.until(high)[:, :, low:high]})["audio"].reshape(-1)
            yield sound[(start - low) * self.hop : (end - low) * self.hop]
            start, length = end, min(LONGEST, length * GROWTH)

    def _frames(self, ids: npt.NDArray[np.int64], style: Style, random: np.random.Generator) -> Floats:
        """The length regulator: what the flow takes, float32, (1, C, frames). VITS models.py, SynthesizerTrn.infer."""
        eps = random.standard_normal((1, 2, ids.shape[1]), np.float32)
        heard = self._encoder.run({"input": ids, "eps": eps, "noise_w": np.array([style.noise_w], np.float32)})
        counts = np.ceil(heard["durations"].reshape(-1) * np.float32(style.pace)).astype(np.int64)
        mean, log_spread = (np.repeat(heard[name], counts, axis=2) for name in ("m_p", "logs_p"))
        if style.noise == 0:
            return mean
        noise = random.standard_normal(mean.shape, np.float32)
        z_p: Floats = mean + noise * np.exp(log_spread) * np.float32(style.noise)
        return z_p


class _Lazy:
    """The flow's result, computed in two steps: what the first window needs, then the rest."""

    def __init__(self, flow: OnnxSession, z_p: Floats) -> None:
        self._flow, self._z_p = flow, z_p
        self._z = z_p[:, :, :0]

    def until(self, frame: int) -> Floats:
        """z, float32, (1, C, >= frame)."""
        have, total = self._z.shape[2], self._z_p.shape[2]
        if have >= frame:
            return self._z
        end = frame if have == 0 and frame + FLOW_CONTEXT < total else total
        low, high = max(0, have - FLOW_CONTEXT), min(total, end + FLOW_CONTEXT)
        part = self._flow.run({"z_p": self._z_p[:, :, low:high]})["z"][:, :, have - low : end - low]
        self._z = np.concatenate([self._z, part], axis=2)
        return self._z
