"""What people and recognisers do to sentences: courtesies, hesitation, words dropped, doubled or taken for others."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from models.intent.sentences import Sentence

BEFORE = ["please", "okay", "hey", "um", "well", "so", "now", "computer", "okay nabu", "right", "excuse me", "uh"]
AFTER = ["please", "thanks", "thank you", "now", "for me", "will you", "right now", "if you can", "would you"]
MISHEARD = {
    "off": "of",
    "of": "off",
    "this": "these",
    "that": "the",
    "is": "his",
    "what": "watt",
    "there": "their",
    "here": "hear",
    "read": "red",
    "light": "lite",
    "lights": "lice",
    "turn": "tern",
    "it": "at",
    "down": "town",
    "anyone": "any one",
    "many": "money",
    "see": "sea",
    "a": "the",
    "the": "a",
    "on": "own",
    "pause": "paws",
    "lower": "lore",
    "where": "wear",
    "count": "account",
}
"""Words that speech recognisers take for each other, from listening to what the default one writes."""


def polite(sentence: Sentence, random_: random.Random) -> Sentence:
    """With words of politeness or hesitation before or after."""
    tags = sentence.tags
    before = random_.choice(BEFORE).split() if random_.random() < 0.6 else []
    after = random_.choice(AFTER).split() if not before or random_.random() < 0.3 else []
    words = [*before, *sentence.text.split(), *after]
    tags = ("O",) * len(before) + tags + ("O",) * len(after) if tags else ()
    return replace(sentence, text=" ".join(words), tags=tags)


def misheard(sentence: Sentence, random_: random.Random) -> Sentence:
    """With one word dropped, doubled or taken for another, as recognisers do."""
    words, tags = sentence.text.split(), list(sentence.tags)
    place = random_.randrange(len(words))
    known = [index for index, word in enumerate(words) if word in MISHEARD]
    if known and random_.random() < 0.6:
        place = random_.choice(known)
        new = MISHEARD[words[place]].split()
    elif len(words) > 3 and random_.random() < 0.6:
        new = []
    else:
        new = [words[place]] * 2
    words[place : place + 1] = new
    if tags:
        tags[place : place + 1] = [tags[place]] * len(new)
    return replace(sentence, text=" ".join(words), tags=tuple(tags))


def noisy(sentences: Iterable[Sentence], seed: int, share_polite: float = 0.25, share_misheard: float = 0.1) -> list[Sentence]:
    """Every sentence once, some of them made polite, some misheard."""
    random_ = random.Random(seed)
    found = []
    for sentence in sentences:
        if random_.random() < share_polite:
            sentence = polite(sentence, random_)
        if random_.random() < share_misheard:
            sentence = misheard(sentence, random_)
        found.append(sentence)
    return found
