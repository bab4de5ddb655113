"""Takes the wake word, or the rest of it that the recogniser still heard, off the front of a transcript."""

from __future__ import annotations

import difflib
import re

SIMILAR = 0.65
"""Share of letters in common (difflib ratio) that makes the first words the wake phrase as a recogniser may spell it."""


def without_wake_phrase(text: str, phrase: str) -> str:
    """`text` without a leading wake phrase: "Okay, now boo, turn it off" -> "Turn it off"; "" when nothing else was said.

    phrase: how the wake word sounds, such as "okay nabu". The whole phrase or its last word is taken off, in whatever number
    of words the recogniser wrote it, and only at the very beginning.
    """
    words = list(re.finditer(r"[^\s,.!?;:]+[\s,.!?;:]*", text))
    wanted = phrase.split()
    best, end = SIMILAR, 0
    for count in range(1, min(len(words), len(wanted) + 1) + 1):
        said = "".join(_letters(word.group()) for word in words[:count])
        for target in ("".join(wanted), wanted[-1]):
            alike = difflib.SequenceMatcher(None, said, target).ratio()
            if alike > best:
                best, end = alike, words[count - 1].end()
    rest = text[end:].strip()
    return rest[:1].upper() + rest[1:] if end else text


def _letters(word: str) -> str:
    return re.sub(r"\W", "", word.lower())
