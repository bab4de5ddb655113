"""Hears the wake word and "stop" in the assistant's own replies, with a network that sees the echo beside what is left of it.

The network (models/wake/train_reply.py) learned from simulated rooms with the shipped echo path in them, so it knows what the
leftovers of an echo look like, and that a voice lies in time and frequency also where the echo does not. It looks back 1.7 s and
answers every 20 ms.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from assistant.engines import CAPTURE_RATE
from assistant.engines.session import OnnxSession
from assistant.engines.speech_embedding import GRAPHS, STEP, Floats
from assistant.errors import ModelError
from assistant.events import AudioChunk
from assistant.wake.reply_features import COLUMNS, SILENCE, ReplyFeatures

STOP = "stop"
"""The phrase that ends a reply."""

GRAPH, CARD = "reply-words.onnx", "reply-words.json"
CONTEXT, STRIDE = 172, 2
"""Columns of 10 ms that an answer sees before its own, and columns per answer (models/wake/reply_network.py)."""

LEAST, MOST = 2, 64
"""Columns per call: one answer, every 20 ms, so that "stop" is noticed soon; the microphone delivers as often."""

REFRACTORY_COLUMNS = 100
"""One word is reported once: nothing more of it for 1 s."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """A word was heard. score: 0..1, from 0.5 on it counts; ago: samples before the end of the sound at which it ended, about."""

    phrase: str
    score: float
    ago: int


class ReplyWords:
    """The network over one reply after another.

    Raises:
        ModelError: the files of the package are damaged.
    """

    _known: Floats

    def __init__(self) -> None:
        try:
            words = json.loads((GRAPHS / CARD).read_text("utf-8"))["words"]
            self.phrases = tuple(str(word["phrase"]) for word in words)
            self._thresholds = np.array([float(word["threshold"]) for word in words])
            self._delays = [int(word["delay_ms"]) * CAPTURE_RATE // 1000 for word in words]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{GRAPHS / CARD} is damaged: install edge-assistant anew") from error
        self._session = OnnxSession(GRAPHS / GRAPH)
        self._features = ReplyFeatures()
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._features.reset()
        self._known = np.full((CONTEXT, COLUMNS), SILENCE, np.float32)
        self._quiet = np.zeros(len(self.phrases), np.int64)

    def feed(self, chunk: AudioChunk) -> list[Spotted]:
        """More sound; without an echo canceller, all of it is taken for what is left. The words heard in it."""
        left = chunk.samples if chunk.left is None else chunk.left
        echo = np.zeros(len(left), np.int16) if chunk.echo is None else chunk.echo
        self._known = np.concatenate([self._known, self._features.feed(left, echo)])
        found: list[Spotted] = []
        while (fresh := min(len(self._known) - CONTEXT, MOST) // STRIDE * STRIDE) >= LEAST:
            logits = self.logits(self._known[: CONTEXT + fresh])
            later = len(self._known) - CONTEXT - STRIDE * (1 + np.arange(len(logits)))
            self._known = self._known[fresh:]
            found += [spotted for row, columns in zip(logits, later, strict=True) for spotted in self._judge(row, int(columns))]
        return found

    def logits(self, columns: Floats) -> Floats:
        """(CONTEXT + STRIDE * n, COLUMNS) -> (n, words), above the words' thresholds where positive."""
        return np.asarray(self._session.run({"columns": columns[None]})["logits"][0] - self._thresholds, np.float32)

    def _judge(self, logits: Floats, later: int) -> list[Spotted]:
        """logits: of one answer, (words,); later: how many columns came after it."""
        self._quiet = np.maximum(0, self._quiet - STRIDE)
        found = []
        for word in np.flatnonzero((logits > 0) & (self._quiet == 0)):
            self._quiet[word] = REFRACTORY_COLUMNS
            score = float(1 / (1 + np.exp(-logits[word])))
            found.append(Spotted(self.phrases[word], round(score, 4), later * STEP + self._delays[word]))
        return found
