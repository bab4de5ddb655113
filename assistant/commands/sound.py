"""Phrases that sound alike: a recogniser, and a person, will take one for the other.

Letters are turned into a coarse spelling of English sounds (as Metaphone does, Philips 1990), then compared by edit distance in
which related sounds (p and b, s and z, m and n, two vowels) cost less than others. "light" and "late" are near, "light" and
"fan" are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations

from assistant.spoken import words

NEAR = 0.3
"""Distance per sound below which two phrases are confusable. "light" and "night" have 0.13, "fifty" and "fifteen" 0.17, "hall"
and "hole" 0.2, "bedroom" and "bathroom" 0.27, "lock" and "unlock" 0.34, "kitchen" and "chicken" 0.4, "lamp" and "fan" 0.6."""

SOUNDS = (
    (r"\bkn|\bgn", "n"),
    (r"\bwr", "r"),
    (r"\btwo\b", "tU"),
    (r"\bwh", "w"),
    (r"igh|eigh", "I"),
    (r"ph", "f"),
    (r"tch|ch", "C"),
    (r"sh|tion|sion", "S"),
    (r"th", "0"),
    (r"ck|qu", "k"),
    (r"dge|ge\b|gi|j", "J"),
    (r"c(?=[eiy])", "s"),
    (r"c|q", "k"),
    (r"x", "ks"),
    (r"ee|ea|ie|y\b", "E"),
    (r"oo|ou|ew", "U"),
    (r"oa|ow|o(?=[^aeiou]e\b)", "O"),
    (r"ai|ay|ey|a(?=[^aeiou]e\b)", "A"),
    (r"i(?=[^aeiou]e\b)", "I"),
    (r"(?<=[^aeiou ])e\b", ""),
    (r"(.)\1", r"\1"),
)
"""Spelling -> sound, one after the other; capitals and "0" are sounds without a letter of their own."""

KIN = frozenset(words("pb td kg fv sz SC CJ SJ 0f 0t mn rl ln bv wr aA eE iI oO uU EI ei ao ou"))
"""Pairs of sounds that are easily taken for each other."""

VOWELS = frozenset("aeiouyAEIOU")
RELATED, VOWEL, LOST_VOWEL = 0.4, 0.6, 0.7
"""What it costs to take a sound for a related one, a vowel for another, to lose or invent a vowel; anything else costs 1."""


def sounds(phrase: str) -> str:
    """A phrase in sounds: "night light" -> "nIt lIt"."""
    text = re.sub(r"[^a-z ]", "", phrase.lower())
    for pattern, sound in SOUNDS:
        text = re.sub(pattern, sound, text)
    return text


def distance(one: str, other: str) -> float:
    """How different two phrases sound, per sound of the longer one: 0 = the same, 1 = nothing in common."""
    first, second = sounds(one).replace(" ", ""), sounds(other).replace(" ", "")
    row = [0.0]
    for sound in second:
        row.append(row[-1] + _lost(sound))
    for sound in first:
        above, row = row, [row[0] + _lost(sound)]
        for place, rival in enumerate(second):
            row.append(min(above[place] + _taken(sound, rival), above[place + 1] + _lost(sound), row[-1] + _lost(rival)))
    return row[-1] / max(1, len(first), len(second))


def alike(phrases: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The pairs of different phrases that are confusable; one being the other with a word more is none."""
    for one, other in combinations(dict.fromkeys(phrases), 2):
        longer, shorter = sorted((len(one), len(other)), reverse=True)
        if longer > 1.5 * shorter + 2 or set(one.split()) <= set(other.split()) or set(other.split()) <= set(one.split()):
            continue
        if _different(one, other) < NEAR:
            yield one, other


def _different(one: str, other: str) -> float:
    """Distance of what is left when the words at the beginning and the end that both have are taken off."""
    first, second = one.split(), other.split()
    while first and second and first[0] == second[0]:
        first, second = first[1:], second[1:]
    while first and second and first[-1] == second[-1]:
        first, second = first[:-1], second[:-1]
    return distance(" ".join(first), " ".join(second)) if first and second else 1.0


@lru_cache(maxsize=4096)
def _taken(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if one + other in KIN or other + one in KIN:
        return RELATED
    return VOWEL if one in VOWELS and other in VOWELS else 1.0


def _lost(sound: str) -> float:
    return LOST_VOWEL if sound in VOWELS else 1.0
