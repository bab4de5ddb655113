"""Cutting a reply into the pieces a voice speaks one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)|\s*\n\s*")
_TITLE = re.compile(r"(?:^|[\s(\"“])(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|No|vs|etc|[A-Z])\.$")
_CLAUSE_END = re.compile(r"(?<=[,;:—–])\s+")
_LONG_NUMBER = re.compile(r"\d{13,}")
"""No voice reads more than a trillion as one number (hibari's G2P fails above 10^36); the digits are read one by one."""

FIRST_PIECE = 110
"""Letters after which the FIRST sentence is cut at a clause, so that a long one does not delay the first sound. A sentence of
this length lasts about 7 s and costs hibari 30 to 40 ms on one x86 core; ordinary replies are shorter and stay whole."""

LONGEST_PIECE = 200
"""Letters of the longest piece a voice gets at once: about 13 s of sound and 65 ms of work for hibari, whose network takes
400 phonemes. Longer pieces also cost memory that is never given back: 20 MB more at 350."""

SHORTEST_CLAUSE = 25
"""Letters below which a clause is not spoken by itself: the melody of "Yes," alone would end like a sentence."""


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The reply as (piece, ends a sentence). Pieces without a letter or digit are left out."""
    text = _LONG_NUMBER.sub(lambda found: " ".join(found[0]), text)
    limit = FIRST_PIECE
    for sentence in sentences(text):
        parts = [part for part in _within(sentence, limit) if any(character.isalnum() for character in part)]
        for part in parts:
            yield part, part is parts[-1]
            limit = LONGEST_PIECE


def sentences(text: str) -> list[str]:
    """Sentences and paragraphs; a period after a title, an initial or before a small letter ends none."""
    found: list[str] = []
    start = 0
    for gap in _SENTENCE_END.finditer(text):
        head = text[start : gap.start()]
        if "\n" not in gap[0] and (text[gap.end()].islower() or _TITLE.search(head)):
            continue
        found.append(text[start : gap.end()].strip())
        start = gap.end()
    return [sentence for sentence in [*found, text[start:].strip()] if sentence]


def _within(sentence: str, limit: int) -> Iterator[str]:
    """Parts of a sentence no longer than LONGEST_PIECE; the first is cut at a clause when the sentence passes `limit`."""
    while len(sentence) > limit:
        cuts = [gap.end() for gap in _CLAUSE_END.finditer(sentence, SHORTEST_CLAUSE, LONGEST_PIECE)]
        early = [cut for cut in cuts if cut <= limit]
        cut = early[-1] if early else (cuts[0] if cuts else _word_cut(sentence))
        if cut >= len(sentence):
            break
        yield sentence[:cut].strip()
        sentence, limit = sentence[cut:], LONGEST_PIECE
    yield sentence.strip()


def _word_cut(sentence: str) -> int:
    """Where to cut a sentence without clauses: nowhere up to LONGEST_PIECE, then at the last space before, then anywhere."""
    if len(sentence) <= LONGEST_PIECE:
        return len(sentence)
    return sentence.rfind(" ", SHORTEST_CLAUSE, LONGEST_PIECE) + 1 or LONGEST_PIECE
