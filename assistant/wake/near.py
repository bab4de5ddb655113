"""Words and phrases that sound like a wake word but are not: what it must learn to ignore."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from hibari.g2p import G2P
from hibari.voices import ASSETS

STRESS = str.maketrans("", "", "ˈˌː ")
CLOSEST = 40
"""Similar words taken for every word of the phrase."""

TOO_CLOSE = 0.2
"""A word whose sounds differ by less than this share is the wake word, differently spelt."""

WORD_LETTERS = (3, 12)


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    """Common English words and their sounds, from hibari's dictionary."""
    with gzip.open(Path(ASSETS) / "lexicon_us_gold.json.gz", "rt", encoding="utf-8") as file:
        entries = json.load(file)
    low, high = WORD_LETTERS
    return {
        word: sounds.translate(STRESS)
        for word, sounds in entries.items()
        if isinstance(sounds, str) and word.isalpha() and word.islower() and low <= len(word) <= high
    }


def _distance(wanted: str, others: Iterable[str]) -> list[float]:
    """Levenshtein distance over the length of the longer string, for each of the others."""
    found = []
    for other in others:
        row = np.arange(len(other) + 1)
        letters = np.array(list(other))
        for index, sign in enumerate(wanted, 1):
            best = np.minimum(row[1:] + 1, row[:-1] + (letters != sign))
            row = np.concatenate([[index], best])
            row = np.minimum.accumulate(row - np.arange(len(row))) + np.arange(len(row))  # insertions
        found.append(float(row[-1]) / max(len(wanted), len(other), 1))
    return found


def near_words(word: str, count: int = CLOSEST) -> list[str]:
    """The `count` words of the dictionary that sound most like it, closest first; no homophones, no words that contain it."""
    sounds = (G2P(british=False)(word) or "").translate(STRESS)
    lexicon = {other: heard for other, heard in _lexicon().items() if abs(len(heard) - len(sounds)) <= 3 and word not in other}
    distances = _distance(sounds, lexicon.values())
    ranked = sorted(zip(distances, lexicon, strict=True))
    return [other for distance, other in ranked if distance > TOO_CLOSE][:count]


def near_phrases(phrase: str, random: np.random.Generator, count: int = 80) -> list[str]:
    """Phrases that sound like `phrase`: one word exchanged by a similar one, words alone, similar words. At most `count`."""
    words = phrase.lower().split()
    similar = {word: near_words(word) for word in words}
    if len(words) == 1:
        return similar[words[0]][:count]
    found = [*words, *(" ".join(words[:end]) for end in range(2, len(words))), " ".join(reversed(words))]
    changed = []
    for place, word in enumerate(words):
        changed += [" ".join([*words[:place], other, *words[place + 1 :]]) for other in similar[word]]
        changed += similar[word][: CLOSEST // 4]
    changed += [" ".join(str(random.choice(similar[word])) for word in words) for _ in range(CLOSEST)]
    order = random.permutation(len(changed))
    return [*found, *(changed[index] for index in order)][:count]
