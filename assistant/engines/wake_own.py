"""Our own wake words: a small network on Google's speech embedding, learned by `assistant wake enroll` or models/wake."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np

from assistant.engines import CAPTURE_RATE, Wake
from assistant.engines.embedding_head import CARD_FILE, HEAD_FILE, WINDOW, Floats
from assistant.engines.session import OnnxSession
from assistant.engines.speech_embedding import HOP, SpeechEmbedding
from assistant.errors import ModelError
from assistant.events import Samples

REFRACTORY_SAMPLES = CAPTURE_RATE
"""One word is reported once: nothing more for 1 s after a detection."""

SETTLED = WINDOW + 9
"""Hops that a window looks back over: an embedding sees 9.5. So many of faint noise are heard before the first real sound, else
whoever speaks at once is not heard."""

SHORTEST_WORD = 15
"""Hops from the first sound before which no word counts: 1.2 s. That sound begins at all is no word; a word that was said at once
is still heard some hops after its end; with one hop more some would not be. Chosen on `models.wake.conditions --seed 3` and 4."""

FAINT = 2.0
"""Standard deviation of that noise in 16-bit steps."""

MAX_LOGIT = 30.0
"""exp() of more gives nothing new."""


class OwnWake:
    """Hears one word.

    Args:
        folder: the word's folder (assistant/wake/word.py).
        features_dir: folder with embedding_model.onnx, the registry's `openwakeword-features`.
        cache: folder for assembled graphs.
        threshold: score 0..1 above which the word counts; None = 0.5, which is the word's own operating point.

    Raises:
        ModelError: a file is missing or damaged.
    """

    step: int = HOP
    delay: int
    """Samples from the end of the word until it is reported, as it is on average."""

    _embed: SpeechEmbedding
    _recent: Floats
    _hops: int
    _quiet_until: int

    def __init__(self, folder: Path, features_dir: Path, cache: Path, threshold: float | None = None) -> None:
        try:
            card = json.loads((folder / CARD_FILE).read_text("utf-8"))
            self.phrase: str = card["phrase"]
            self._offset, self.delay = float(card["threshold"]), int(card["delay"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"no wake word in {folder}: `assistant wake list` shows those there are") from error
        self.word = folder.name
        self.threshold = 0.5 if threshold is None else threshold
        self._head = OnnxSession(folder / HEAD_FILE)
        self._settled = SpeechEmbedding(features_dir, cache)
        faint = np.random.default_rng(0).standard_normal(SETTLED * HOP) * FAINT
        self._before: Floats = self._settled.feed(np.rint(faint).astype(np.int16))[-(WINDOW - 1) :]
        self.reset()

    def afresh(self) -> OwnWake:
        """See DelayedWake.afresh."""
        other = copy.copy(self)
        other.reset()
        return other

    def feed(self, samples: Samples) -> list[Wake]:
        """See WakeEngine.feed."""
        scores = self.scores(samples)
        first = self._hops - len(scores) + 1
        return [wake for hop, score in enumerate(scores, first) for wake in self._judge(score, hop * HOP)]

    def scores(self, samples: Samples) -> list[float]:
        """See ScoringWake.scores."""
        embeddings = self._embed.feed(samples)
        if not len(embeddings):
            return []
        known = np.concatenate([self._recent, embeddings])
        self._recent = known[-(WINDOW - 1) :]
        self._hops += len(embeddings)
        logits = self._head.run({"x": known})["logit"]
        logits[: max(0, SHORTEST_WORD - (self._hops - len(logits)))] = -np.inf
        above = np.clip(logits.astype(np.float64) - self._offset, -MAX_LOGIT, MAX_LOGIT)
        return [float(score) for score in 1 / (1 + np.exp(-above))]

    def _judge(self, score: float, position: int) -> list[Wake]:
        if score <= self.threshold or position < self._quiet_until:
            return []
        self._quiet_until = position + REFRACTORY_SAMPLES
        return [Wake(score=round(score, 4), word_end=max(1, position - self.delay))]

    def reset(self) -> None:
        """See WakeEngine.reset."""
        self._embed = copy.copy(self._settled)  # whose arrays are replaced, never written to
        self._recent = self._before
        self._hops = 0
        self._quiet_until = 0
