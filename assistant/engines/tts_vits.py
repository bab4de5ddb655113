"""English Piper voices without piper-tts and espeak-ng (both GPL): our three graphs, and hibari's pronunciation (Apache-2.0).

hibari writes American English in misaki's alphabet; `ipa` turns that into the signs espeak-ng would write, which the voice was
trained on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from hibari.g2p import G2P

from assistant.engines.speech_phonemes import pronounced, reply
from assistant.engines.vits_voice import VitsVoice
from assistant.errors import ConfigError
from assistant.events import Samples

LONGEST = 240
"""Phonemes of one piece: with the padding between them, the 512 places of the encoder's profile."""

SIGNS = (
    ("ʤ", "dʒ"),
    ("ʧ", "tʃ"),
    ("A", "eɪ"),
    ("I", "aɪ"),
    ("O", "oʊ"),
    ("W", "aʊ"),
    ("Y", "ɔɪ"),
    ("ᵊ", "ə"),
    ("ɜɹ", "ɜː"),
    ("əɹ", "ɚ"),
    ("T", "ɾ"),
    ("ɑɹ", "ɑːɹ"),
    ("ɔɹ", "oːɹ"),
)
"""misaki's sign -> espeak-ng's (misaki, EN_PHONES.md; espeak-ng, phsource/ph_english_us)."""

_STRESSED_LONG = re.compile(r"([ˈˌ][^aeiouɑɔəɛɪʊʌæᵻɜɚ ]*)(i|u|ɔ)(?![ːɪ])")
_OPEN = re.compile(r"ɑ(?!ː)")


def ipa(phonemes: str) -> str:
    """misaki's alphabet -> espeak-ng's American English: vowels are long under stress."""
    for sign, other in SIGNS:
        phonemes = phonemes.replace(sign, other)
    return _OPEN.sub("ɑː", _STRESSED_LONG.sub(r"\1\2ː", phonemes))


class VitsTts:
    """Speaks English with one Piper voice.

    Args:
        voice: a package folder of `assistant export --voice FILE.onnx` (or --model piper-joe).
        speed: 1 = the voice's own pace.
        seed: of the voice's noise; the same text and seed give the same samples.
        threads: onnxruntime threads.

    Raises:
        ModelError: no such package. ConfigError: the voice speaks another language.
    """

    rate: int

    def __init__(self, voice: Path, speed: float = 1.0, seed: int = 0, threads: int = 1) -> None:
        self._voice = VitsVoice.open(Path(voice), speed, threads)
        if not self._voice.language.startswith("en"):
            raise ConfigError(f'{voice} speaks {self._voice.language!r}: use tts.engine = "piper", whose pronunciation knows it')
        self.rate = self._voice.rate
        self._seed = seed
        self._g2p = G2P(british=self._voice.language not in ("en-us", "en"))
        for _ in self.synthesize("Okay."):  # the first pass allocates
            pass

    def synthesize(self, text: str) -> Iterator[Samples]:
        """See TtsEngine.synthesize. What has no pronunciation (signs, other scripts) is left out."""
        random = np.random.default_rng(self._seed)
        return reply(text, self.rate, self._phonemes, lambda phonemes: self._voice.speak(self._voice.ids(phonemes), random))

    def _phonemes(self, piece: str) -> list[str]:
        return pronounced(piece, lambda words: ipa(self._g2p(words) or ""), LONGEST)
