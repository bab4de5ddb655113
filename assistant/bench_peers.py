"""Other recognisers beside ours in the same run, where their packages are installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from assistant.engines import CAPTURE_RATE, WordGrammar
from assistant.events import Samples

Hear = Callable[[Samples], str]


def peers(model: Path, grammar: WordGrammar | None) -> Mapping[str, Hear]:
    """Name -> recogniser, one thread each. model: folder of the Whisper weights that ours uses. grammar: what is expected."""
    found: dict[str, Hear] = {}
    with suppress(ModuleNotFoundError):
        found["faster-whisper tiny.en int8"] = faster_whisper(model)
    if grammar is not None:
        with suppress(ModuleNotFoundError):
            found["pocketsphinx en-us, same grammar"] = pocketsphinx(grammar)
    return found


def faster_whisper(model: Path) -> Hear:
    """faster-whisper with its usual beam of 5 on the same weights. Raises ModuleNotFoundError."""
    from faster_whisper import WhisperModel  # type: ignore[import-not-found, import-untyped, unused-ignore]

    whisper = WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=1)

    def hear(samples: Samples) -> str:
        segments, _ = whisper.transcribe(
            samples.astype(np.float32) / 32768,
            language="en",
            beam_size=5,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        return " ".join(segment.text.strip() for segment in segments)

    return hear


def pocketsphinx(grammar: WordGrammar) -> Hear:
    """pocketsphinx with its own English model and our grammar; words that its dictionary lacks are left out.

    Raises ModuleNotFoundError.
    """
    from pocketsphinx import Decoder  # type: ignore[import-not-found, import-untyped, unused-ignore]

    decoder = Decoder(samprate=CAPTURE_RATE, loglevel="FATAL", lm=None)
    end = len(grammar.arcs)
    arcs: list[tuple[int, int, float] | tuple[int, int, float, str]] = [
        (state, target, 1.0 / len(followed), word)
        for state, followed in enumerate(grammar.arcs)
        for word, target in followed.items()
        if decoder.lookup_word(word)
    ]
    arcs += [(state, end, 1.0) for state, final in enumerate(grammar.final) if final]
    decoder.add_fsg("commands", decoder.create_fsg("commands", 0, end, arcs))
    decoder.activate_search("commands")

    def hear(samples: Samples) -> str:
        decoder.start_utt()
        decoder.process_raw(samples.tobytes(), full_utt=True)
        decoder.end_utt()
        hypothesis = decoder.hyp()
        return str(hypothesis.hypstr) if hypothesis is not None else ""

    return hear
