"""A Piper voice from a package of `assistant export --voice`: its three graphs, its settings, and ids of phonemes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines.session import OnnxSession
from assistant.engines.session_packages import MANIFEST, Package
from assistant.engines.speech_level import chunks
from assistant.engines.speech_stream import StreamPolisher
from assistant.engines.vits_pipeline import Style, VitsPipeline
from assistant.errors import ModelError
from assistant.events import Samples

GAIN_DB = 3.0
"""The joe voice peaks at 0.34 to 0.82 of full scale; this brings the middle to 0.75."""

START, END, PAD = "^", "$", "_"
"""Piper frames a sentence with START and END and puts PAD between phonemes (piper, phoneme_ids.py)."""


def is_package(path: Path) -> bool:
    """Whether a path is a package folder."""
    return (path / MANIFEST).is_file()


@dataclass(frozen=True, slots=True)
class VitsVoice:
    """An opened voice. language: such as "en-us", espeak's name; settings: the voice's own JSON."""

    pipeline: VitsPipeline
    rate: int
    style: Style
    language: str
    settings: dict[str, Any]

    @staticmethod
    def open(folder: Path, speed: float, threads: int) -> VitsVoice:
        """A package folder. Raises ModelError."""
        package = Package.read(folder)
        paths = {part.name: part.path for part in package.parts}
        try:
            graphs = [OnnxSession(paths[name], threads) for name in ("encoder", "flow", "decoder")]
            settings, hop = package.extra["voice"], int(package.extra["hop"])
            scales = settings["inference"]
            style = Style(scales["noise_scale"], scales["length_scale"] / speed, scales["noise_w"])
            language = settings["espeak"]["voice"]
            rate = int(settings["audio"]["sample_rate"])
        except (KeyError, TypeError) as error:
            raise ModelError(f"{folder} is no package of a Piper voice ({error!r}): use `assistant export --voice`") from error
        return VitsVoice(VitsPipeline(graphs[0], graphs[1], graphs[2], hop), rate, style, language, settings)

    def ids(self, phonemes: str | list[str]) -> list[int]:
        """Piper's numbers of a sentence's phonemes; signs the voice does not know are left out."""
        table: dict[str, list[int]] = self.settings["phoneme_id_map"]
        found = [*table[START], *table[PAD]]
        for sign in phonemes:
            if sign in table:
                found += [*table[sign], *table[PAD]]
        return [*found, *table[END]]

    def speak(self, ids: list[int], random: np.random.Generator) -> Iterator[Samples]:
        """One sentence as int16 chunks of at most 200 ms, the first while the rest is still being computed."""
        polisher = StreamPolisher(self.rate, GAIN_DB)
        for sound in self.pipeline.speak(np.array([ids], np.int64), self.style, random):
            yield from chunks(polisher.feed(sound), self.rate)
        yield from chunks(polisher.finish(), self.rate)
