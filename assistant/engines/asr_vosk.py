"""Speech recognition with Vosk (Kaldi): any language that has a Vosk model, at more memory and less accuracy than Whisper.

With a grammar a second recogniser hears the same sound, allowed nothing but the grammar's pairs of words. Vosk itself would then
make a command of every sound, with confidence 1.0, since most of its models have no "[unk]"; and it leaves out words that its
vocabulary lacks without saying so. So a sentence counts only when it is one of the grammar and letter by letter near what was
heard freely, or clearly likelier than that; and words that are missing are reported (`missing`).

Needs the extra: pip install 'edge-assistant[vosk]'.
"""

from __future__ import annotations

import json
import logging
import math
from difflib import SequenceMatcher
from pathlib import Path
from statistics import fmean
from typing import Any

import vosk

from assistant.engines import CAPTURE_RATE, GrammarSource, Transcript, WordGrammar
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

ALTERNATIVES = 3
"""Readings asked for when likelihoods are compared; Vosk tells a likelihood only with readings."""

ALIKE = 0.75
"""Share of letters, in order, that a sentence and the free text must have in common to be the same (difflib's ratio)."""

LIKELIER = 5.0
"""Nats per second by which a sentence must be likelier than the free text otherwise. Three sentences of a grammar gained 8 to 14,
by its language model alone, another 3 (Korean model, synthetic voice)."""

log = logging.getLogger(__name__)


class _Stream:
    """One of Kaldi's recognisers on one utterance. rated: likelihoods instead of the words' confidences."""

    def __init__(self, recognizer: Any, *, rated: bool) -> None:
        self._recognizer = recognizer
        recognizer.SetWords(True)
        if rated:
            recognizer.SetMaxAlternatives(ALTERNATIVES)
        self.words: list[str] = []
        self.confidences: list[float] = []
        self.likelihood = 0.0

    def accept(self, block: bytes) -> None:
        if self._recognizer.AcceptWaveform(block):  # Kaldi itself found a pause: its result so far is final
            self._keep(self._recognizer.Result())

    def finish(self) -> None:
        self._keep(self._recognizer.FinalResult())

    def partial(self) -> str:
        now = str(json.loads(self._recognizer.PartialResult())["partial"])
        return " ".join([*self.words, now]).strip()

    def _keep(self, result: str) -> None:
        found = json.loads(result)
        if "alternatives" not in found:
            self.words += [word["word"] for word in found.get("result", [])]
            self.confidences += [word["conf"] for word in found.get("result", [])]
            return
        ratings = [float(reading["confidence"]) for reading in found["alternatives"]]
        words = found["alternatives"][0]["text"].split() if ratings else []
        if words:
            self.words += words
            self.confidences += [1 / sum(math.exp(rating - ratings[0]) for rating in ratings)] * len(words)
            self.likelihood += ratings[0]


class VoskAsr:
    """Implements `assistant.engines.BiasableAsr`.

    model_dir: an unpacked Vosk model, the folder that holds `am/` and `conf/`.
    partial_every_ms: how often a partial transcript is asked for, rounded up to blocks of 100 ms; 0 = never.
    """

    _waiting: bytes
    _loudest: int
    _blocks: int
    _partial: str

    def __init__(self, model_dir: Path, partial_every_ms: int = 300) -> None:
        if not all((model_dir / part).is_file() for part in NEEDED):
            raise ModelError(
                f"{model_dir} is not a complete Vosk model: unpack one from https://alphacephei.com/vosk/models there"
            )
        vosk.SetLogLevel(QUIET_LOG_LEVEL)
        self._model = vosk.Model(str(model_dir))
        self._partial_every = -(-partial_every_ms * CAPTURE_RATE // 1000 // BLOCK)
        self._source: GrammarSource | None = None
        self._grammar: WordGrammar | None = None
        self._phrases = ""
        self.missing: tuple[str, ...] = ()
        """Words of the grammar that the model cannot hear; sentences with them are heard freely."""
        self.reset()

    def set_grammar(self, source: GrammarSource | None) -> None:
        """Prefer the source's sentences where the sound allows it, from the next utterance on; None = hear freely."""
        self._source = source
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
        for stream in self._streams:
            stream.finish()
        free = self._streams[0]
        heard = Transcript("", 0.0)
        if free.words and self._loudest >= QUIET:
            heard = Transcript(" ".join(free.words), fmean(free.confidences))
            if len(self._streams) > 1:
                heard = self._expected(heard)
        self.reset()
        return heard

    def reset(self) -> None:
        """Throws the utterance away."""
        self._follow_grammar()
        self._streams = [_Stream(vosk.KaldiRecognizer(self._model, CAPTURE_RATE), rated=bool(self._phrases))]
        if self._phrases:
            self._streams.append(_Stream(vosk.KaldiRecognizer(self._model, CAPTURE_RATE, self._phrases), rated=True))
        self._waiting = b""
        self._loudest = 0
        self._blocks = 0
        self._partial = ""

    def _hear(self, block: bytes) -> str | None:
        """Runs Kaldi over one block of int16 bytes. Returns a partial transcript when one is due and new."""
        if not block:
            return None
        for stream in self._streams:
            stream.accept(block)
        self._blocks += 1
        if self._loudest < QUIET or not self._partial_every or self._blocks % self._partial_every:
            return None
        text = self._streams[0].partial()
        if not text or text == self._partial:
            return None
        self._partial = text
        return text

    def _expected(self, free: Transcript) -> Transcript:
        """The grammar's sentence if it was probably said, else the free text."""
        heard, expected = self._streams
        if self._grammar is None or not self._grammar.accepts(expected.words):
            return free
        gained = (expected.likelihood - heard.likelihood) / (self._blocks * BLOCK / CAPTURE_RATE)
        alike = SequenceMatcher(None, "".join(expected.words), "".join(heard.words)).ratio()
        if alike < ALIKE and gained < LIKELIER:
            return free
        return Transcript(" ".join(expected.words), max(alike, 1 / (1 + math.exp(LIKELIER - gained))))

    def _follow_grammar(self) -> None:
        """What the second recogniser may hear: every two words that follow each other, and every sentence of one word."""
        grammar = self._source() if self._source is not None else None
        if grammar is self._grammar:
            return
        self._grammar, self._phrases, self.missing = grammar, "", ()
        if grammar is None:
            return
        words = {word for arcs in grammar.arcs for word in arcs}
        self.missing = tuple(sorted(word for word in words if self._model.vosk_model_find_word(word) < 0))
        if self.missing:
            log.warning("%d words of the commands are not in the Vosk model's vocabulary", len(self.missing))
        phrases = _pairs(grammar, words - set(self.missing))
        # ensure_ascii=False: Vosk reads no escapes and would miss every word that has them
        self._phrases = json.dumps(phrases, ensure_ascii=False) if phrases else ""


def _pairs(grammar: WordGrammar, known: set[str]) -> list[str]:
    pairs: set[str] = set()
    for arcs in grammar.arcs:
        for word in known & set(arcs):
            target = arcs[word]
            pairs |= {f"{word} {after}" for after in grammar.arcs[target] if after in known}
            pairs |= {word} if grammar.final[target] else set()
    return sorted(pairs)
