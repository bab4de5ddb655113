"""Names that were not quite said or not quite heard: "kitchen lite", "the lamb", "bed room fan", "the door".

Two ways to be close. *Sure*: every word said belongs to the name, up to a spelling that sounds alike or, if the name's last word
is among them, one letter ("roomba" is no "living room lamp"); acted on when only one device fits. *Perhaps*: similar as a whole;
never acted on, only asked ("Did you mean the kitchen light?").
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

SURE_LENGTH = 4
"""Letters that the longer of two words needs before one wrong letter is forgiven: "fan" and "van" may be two things."""

PERHAPS = 0.3
"""Largest share of wrong letters for a "did you mean"."""

_FOLDS = (
    ("ight", "it"),
    ("ite", "it"),
    ("yte", "it"),
    ("mb", "m"),
    ("mp", "mp"),
    ("ph", "f"),
    ("ck", "k"),
    ("kn", "n"),
    ("wr", "r"),
    ("wh", "w"),
    ("oo", "u"),
    ("ou", "u"),
    ("ea", "e"),
    ("ee", "e"),
    ("ie", "i"),
    ("ey", "y"),
    ("ay", "a"),
    ("ai", "a"),
    ("c", "k"),
    ("z", "s"),
)


SYNONYMS = (
    ("hall", "hallway", "corridor", "passage"),
    ("living room", "lounge", "sitting room", "front room"),
    ("bathroom", "bath", "washroom"),
    ("tv", "television", "telly"),
    ("sofa", "couch"),
    ("heater", "heating", "radiator"),
    ("blinds", "shades", "shutters"),
    ("vacuum", "vacuum cleaner", "hoover", "roomba"),
)
"""Words for the same: those that a home does not use mean the first one that it does."""


LAMPS = {"light", "lamp"}
"""Said for each other: "the kitchen lamp"."""


@dataclass(frozen=True, slots=True)
class Near:
    """A device that may have been meant. sure: see the module; distance: 0 = sounds the same."""

    name: str
    sure: bool
    distance: float


@lru_cache(maxsize=2048)
def sound(word: str) -> str:
    """A rough key: words that sound alike in English have the same. "lite", "light" -> "lit"."""
    for letters, folded in _FOLDS:
        word = word.replace(letters, folded)
    key = word[:1] + "".join(letter for before, letter in itertools.pairwise(word) if letter != before)
    return key[:-1] if len(key) > 3 and key.endswith("e") else key


@lru_cache(maxsize=4096)
def distance(one: str, other: str) -> int:
    """Letters to insert, delete, replace or swap to make one of the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        last, row, before_last = row, [i], before
        for j, wanted in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before_last[j - 2] + 1)
            row.append(cost)
        before = last
    return row[-1]


def near(phrase: str, names: Iterable[tuple[str, str]]) -> list[Near]:
    """The devices that `phrase` may mean, the closest first. names: (spoken form of a name or alias, the device's name)."""
    best: dict[str, Near] = {}
    for spoken, name in names:
        found = _compare(phrase, spoken, name)
        if found is not None and (name not in best or _order(found) < _order(best[name])):
            best[name] = found
    return sorted(best.values(), key=_order)


def _order(found: Near) -> tuple[bool, float]:
    return not found.sure, found.distance


def _compare(phrase: str, spoken: str, name: str) -> Near | None:
    said, words = phrase.split(), spoken.split()
    joined, wanted = sound(phrase.replace(" ", "")), sound(spoken.replace(" ", ""))
    if joined == wanted:
        return Near(name, True, 0.0)
    wrong = _words_within(said, words)
    if wrong is not None:
        return Near(name, True, wrong + 0.1 * (len(words) - len(said)))
    off = distance(joined, wanted)
    if off / max(len(joined), len(wanted)) <= PERHAPS:
        return Near(name, False, off)
    return None


def _words_within(said: list[str], words: list[str]) -> int | None:
    """Wrong letters when every word said is one of the name's; None when one is not. More words said than there are: None."""
    if len(said) > len(words):
        return None
    left = list(words)
    total = 0
    for word in said:
        closest = min(left, key=lambda other: letters_wrong(word, other))
        wrong = letters_wrong(word, closest)
        if wrong and (wrong > 1 or max(len(word), len(closest)) < SURE_LENGTH):
            return None
        total += wrong
        left.remove(closest)
    return None if total and words[-1] in left else total


def letters_wrong(word: str, other: str) -> int:
    """How differently two words sound or are spelt; 0 for singular and plural of the same."""
    if {word.rstrip("s"), other.rstrip("s")} == LAMPS:
        return 1
    key, wanted = sound(word), sound(other)
    if key.rstrip("s") == wanted.rstrip("s"):
        return 0
    return min(distance(key, wanted), distance(word, other))


def renamed(text: str, names: frozenset[str]) -> str:
    """The text with words for rooms and devices that the home lacks replaced by the home's own. names: spoken, of both."""
    for group in SYNONYMS:
        own = [word for word in group if word in names]
        others = "|".join(word for word in group if word not in names)
        if own and others:
            text = re.sub(rf"\b(?:{others})\b", own[0], text)
    return text


def corrected(phrase: str, vocabulary: frozenset[str]) -> str:
    """The phrase with each unknown word replaced by the one known word that is one letter or a sound-alike away."""
    words = []
    for word in phrase.split():
        close = {known for known in vocabulary if len(known) >= SURE_LENGTH and letters_wrong(word, known) <= 1}
        keep = word in vocabulary or len(word) < SURE_LENGTH or len(close) != 1
        words.append(word if keep else close.pop())
    return " ".join(words)
