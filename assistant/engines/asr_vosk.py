"""Speech recognition with Vosk (Kaldi): any language that has a Vosk model, at more memory and less accuracy than Whisper.

Needs the extra: pip install 'edge-assistant[vosk]'.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import vosk

from assistant.engines import CAPTURE_RATE, Transcript
from assistant.errors import ModelError
from assistant.events import Samples

BLOCK = 1600
"""Samples handed to Kaldi at once, 0.1 s, always cut at the same places: its result depends on where the sound is cut."""

QUIET = 33
"""Sample values (of 32768) that stay below -60 dB of full scale are silence, in which Kaldi sometimes hears a word."""

NEEDED = ("am/final.mdl", "conf/model.conf")
"""Files that every Vosk model has, small or large."""

QUIET_LOG_LEVEL = -1
"""Vosk's level for no messages on standard error."""


class VoskAsr:
    """Implements `assistant.engines.AsrEngine`.

    model_dir: an unpacked Vosk model, the folder that holds `am/` and `conf/`.
    partial_every_ms: how often a partial transcript is asked for, rounded up to blocks of 100 ms; 0 = never.
    """

    def __init__(self, model_dir: Path, partial_every_ms: int = 300) -> None:
        if not all((model_dir / part).is_file() for part in NEEDED):
            raise ModelError(
                f"{model_dir} is not a complete Vosk model: unpack one from https://alphacephei.com/vosk/models there"
            )
        vosk.SetLogLevel(QUIET_LOG_LEVEL)
        self._model = vosk.Model(str(model_dir))
        self._partial_every = -(-partial_every_ms * CAPTURE_RATE // 1000 // BLOCK)
        self._waiting = b""
        self._loudest = 0
        self.reset()

    def accept(self, samples: Samples) -> str | None:
        """More of the utterance. Returns a partial transcript when there is a new one."""
        if len(samples):
            self._loudest = max(self._loudest, int(samples.max()), -int(samples.min()))
        self._waiting += samples.astype("<i2", copy=False).tobytes()
        partial = None
        while len(self._waiting) >= 2 * BLOCK:
            block, self._waiting = self._waiting[: 2 * BLOCK], self._waiting[2 * BLOCK :]
            partial = self._hear(block) or partial
        return partial

    def finish(self) -> Transcript:
        """The text of everything accepted since the last reset; then forgets it. confidence: mean over the words."""
        self._hear(self._waiting)
        self._keep(self._recognizer.FinalResult())
        words = self._words if self._loudest >= QUIET else []
        self.reset()
        text = " ".join(word["word"] for word in words)
        return Transcript(text, fmean(word["conf"] for word in words) if words else 0.0)

    def reset(self) -> None:
        """Throws the utterance away."""
        self._recognizer = vosk.KaldiRecognizer(self._model, CAPTURE_RATE)
        self._recognizer.SetWords(True)
        self._words: list[dict[str, Any]] = []
        self._waiting = b""
        self._loudest = 0
        self._blocks = 0
        self._partial = ""

    def _hear(self, block: bytes) -> str | None:
        """Runs Kaldi over one block of int16 bytes. Returns a partial transcript when one is due and new."""
        if not block:
            return None
        if self._recognizer.AcceptWaveform(block):  # Kaldi itself found a pause: its result so far is final
            self._keep(self._recognizer.Result())
        self._blocks += 1
        if self._loudest < QUIET or not self._partial_every or self._blocks % self._partial_every:
            return None
        now = str(json.loads(self._recognizer.PartialResult())["partial"])
        text = " ".join([*(word["word"] for word in self._words), now]).strip()
        if not text or text == self._partial:
            return None
        self._partial = text
        return text

    def _keep(self, result: str) -> None:
        self._words += json.loads(result).get("result", [])
