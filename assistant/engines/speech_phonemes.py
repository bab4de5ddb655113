"""A reply spoken by a voice that takes phonemes: piece by piece, each sounding while the next is computed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from assistant.engines.speech_level import chunks, silence
from assistant.engines.speech_text import pieces
from assistant.events import Samples

Phonemes = TypeVar("Phonemes")

SENTENCE_PAUSE = 0.2
CLAUSE_PAUSE = 0.06
"""Seconds of silence added between pieces, on top of the 0.1 s that trimming leaves."""

_log = logging.getLogger(__name__)


def reply(
    text: str, rate: int, phonemes: Callable[[str], Iterable[Phonemes]], speak: Callable[[Phonemes], Iterator[Samples]]
) -> Iterator[Samples]:
    """The sound of a text, int16 chunks of at most 200 ms.

    rate: Hz. phonemes: of a piece of text, in the portions that the network takes at once; none = nothing to pronounce.
    speak: the sound of one portion.
    """
    pause = 0.0
    for piece, ends_sentence in pieces(text):
        for portion in phonemes(piece):
            yield from chunks(silence(pause, rate), rate)  # sounds while the next portion is computed
            yield from speak(portion)
            pause = CLAUSE_PAUSE
        if pause and ends_sentence:
            pause = SENTENCE_PAUSE


def pronounced(piece: str, g2p: Callable[[str], str | None], most: int) -> list[str]:
    """Phonemes of one piece in strings of at most `most` signs; none when there is nothing to pronounce. g2p: hibari's."""
    try:
        phonemes = g2p(piece) or ""
    except (IndexError, KeyError, ValueError, TypeError, AttributeError):
        _log.warning("the voice has no pronunciation for a part of the reply; it is left out", exc_info=False)
        return []
    if not any(character.isalpha() for character in phonemes):
        return []
    return [phonemes[start : start + most] for start in range(0, len(phonemes), most)]
