"""Piper voices (many languages) through the optional package piper-tts.

piper-tts and the espeak-ng inside it are GPL-3.0. They are imported here and nowhere else, only when this engine is chosen; the
process is then under the GPL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from piper import PiperConfig, PiperVoice

from assistant.engines.session import Array, OnnxSession
from assistant.engines.speech_level import Floats, chunks, polish
from assistant.engines.speech_phonemes import reply
from assistant.engines.vits_voice import GAIN_DB, VitsVoice, is_package
from assistant.errors import ModelError
from assistant.events import Samples


class PiperTts:
    """Speaks with one Piper voice.

    Args:
        model: the voice's .onnx file, its settings beside it as <model>.json; or a package of `assistant export --voice`, which
            sounds before a sentence is computed.
        speed: 1 = the voice's own pace.
        threads: onnxruntime threads.

    Raises:
        ModelError: a file of the voice is missing or unreadable.
    """

    rate: int

    def __init__(self, model: Path, speed: float = 1.0, threads: int = 1) -> None:
        self._random = np.random.default_rng()
        self._streaming = VitsVoice.open(model, speed, threads) if is_package(model) else None
        config = _config(model, self._streaming)
        self._voice = PiperVoice(session=None, config=config)  # for its phonemes and ids; the network is run here
        self.rate = config.sample_rate
        if self._streaming is None:
            self._open_whole(model, config, speed, threads)
        for _ in self.synthesize("Okay."):  # the first pass loads espeak-ng and allocates
            pass

    def _open_whole(self, model: Path, config: PiperConfig, speed: float, threads: int) -> None:
        self._session = OnnxSession(model, threads)
        self._speaker = np.array([config.default_speaker_id], np.int64) if "sid" in self._session.inputs else None
        self._scales = np.array([config.noise_scale, config.length_scale / speed, config.noise_w_scale], np.float32)

    def synthesize(self, text: str) -> Iterator[Samples]:
        """See TtsEngine.synthesize. The noise of the voice is random, so no two runs are equal."""
        readable = text.replace("[[", " ").replace("]]", " ")  # [[ ]] would be read as phonemes
        return reply(readable, self.rate, self._phonemes, self._portion)

    def _phonemes(self, piece: str) -> Iterator[list[str]]:
        return (phonemes for phonemes in self._voice.phonemize(piece) if phonemes)

    def _portion(self, phonemes: list[str]) -> Iterator[Samples]:
        if self._streaming is not None:
            return self._streaming.speak(self._voice.phonemes_to_ids(phonemes), self._random)
        return chunks(polish(self._speak(phonemes), self.rate, GAIN_DB), self.rate)

    def _speak(self, phonemes: list[str]) -> Floats:
        """Sound of one sentence: float32, (n,), at the level the network gives (no normalisation: sentences must not jump)."""
        ids = np.array([self._voice.phonemes_to_ids(phonemes)], np.int64)  # (1, ids)
        feeds: dict[str, Array] = {"input": ids, "input_lengths": np.array([ids.shape[1]], np.int64), "scales": self._scales}
        if self._speaker is not None:
            feeds["sid"] = self._speaker
        sound = self._session.run(feeds)[self._session.outputs[0]]  # (1, 1, 1, n)
        return sound.reshape(-1).astype(np.float32)


def _config(model: Path, streaming: VitsVoice | None) -> PiperConfig:
    settings = model.with_name(model.name + ".json")
    try:
        return PiperConfig.from_dict(streaming.settings if streaming else json.loads(settings.read_text("utf-8")))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the settings {settings} of the Piper voice cannot be read: {error}") from error
