"""The default voice: hibari (Apache-2.0), a small non-autoregressive network with its own English pronunciation, 24 kHz.

The package's parts are driven one by one here, because of what a reply needs that its one-call interface does not give: the first
sentence sounds while the next is computed, onnxruntime's threads sleep instead of spinning, the tables are packed, and nothing is
ever downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hibari import dsp
from hibari.g2p import G2P
from hibari.voices import ASSETS, VOICES, voice_path

from assistant.engines.memory import give_back
from assistant.engines.packed_table import PackedTable
from assistant.engines.session import OnnxSession
from assistant.engines.speech_level import Floats, chunks, polish
from assistant.engines.speech_phonemes import pronounced, reply
from assistant.errors import ConfigError, ModelError
from assistant.events import Samples

GAIN_DB = 7.0
"""hibari's sentences peak at 0.26 to 0.50 of full scale; this brings them to 0.6 to 0.9."""

MAX_PHONEMES = 400
"""Longest input of the network (hibari.tts.MAX_PHONEMES)."""


class HibariTts:
    """Speaks English.

    Args:
        voice: "heart" comes with hibari; another of its voices works once its file lies in hibari's cache folder.
        speed: 1 = the voice's own pace, 1.3 = faster. Above 1.3 it becomes hard to understand.
        seed: of the breath noise; the same text and seed give the same samples.
        threads: onnxruntime threads; more than one does not help (docs/models.md).

    Raises:
        ConfigError: no such voice. ModelError: its file is missing.
    """

    rate: int = dsp.SR

    def __init__(self, voice: str = "heart", speed: float = 1.0, seed: int = 0, threads: int = 1) -> None:
        self._session = OnnxSession(_voice_file(voice), threads, exact_int8=False)  # its nodes share weights
        self._speed = np.array([speed], np.float32)
        self._seed = seed
        self._vocabulary: dict[str, int] = json.loads((Path(ASSETS) / "vocab.json").read_text("utf-8"))
        self._g2p = G2P(british=VOICES[voice]["british"])
        _pack(self._g2p)
        for _ in self.synthesize("Okay, zyx."):  # the first pass allocates; "zyx" opens the network for unknown words
            pass

    def synthesize(self, text: str) -> Iterator[Samples]:
        """See TtsEngine.synthesize. What has no pronunciation (signs, other scripts) is left out."""
        random = np.random.default_rng(self._seed)
        return reply(text, self.rate, self._phonemes, lambda phonemes: self._speak(phonemes, random))

    def _phonemes(self, piece: str) -> list[str]:
        return pronounced(piece, self._g2p, MAX_PHONEMES)

    def _speak(self, phonemes: str, random: np.random.Generator) -> Iterator[Samples]:
        """One string of phonemes."""
        ids = np.array([[0, *(self._vocabulary[sign] for sign in phonemes if sign in self._vocabulary), 0]], np.int64)
        if ids.shape[1] < 3:
            return
        spectrum = self._session.run({"ids": ids, "speed": self._speed})  # six arrays (1, 601, frames), f0 (1, frames)
        sound: Floats = dsp.synth(*(spectrum[name][0] for name in self._session.outputs), random)
        yield from chunks(polish(sound, self.rate, GAIN_DB), self.rate)


def _voice_file(voice: str) -> Path:
    if voice not in VOICES:
        raise ConfigError(f"hibari has no voice {voice!r}: tts.voice is one of {', '.join(VOICES)}")
    try:
        return Path(voice_path(voice, download_missing=False))
    except FileNotFoundError as error:
        fetch = f"""python -c 'from hibari.voices import voice_path; voice_path("{voice}")'"""
        raise ModelError(
            f'the voice {voice!r} is not here ({error}): fetch it with `{fetch}`, or use tts.voice = "heart"'
        ) from error


def _pack(g2p: G2P) -> None:
    """Replace hibari's pronunciation and tagging tables by packed ones: 80 MB less for the life of the process."""
    for words in (g2p.lexicon.golds, g2p.lexicon.silvers):
        words.d = PackedTable(words.d)
    g2p.tagger.weights = PackedTable(g2p.tagger.weights)
    give_back()  # what the JSON parser freed
