"""Commands bound to something that happens: "turn on the light when I come home", "if it rains close the blinds", "at sunset".

The assistant waits for times only. To do such a command at once would be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assistant.understanding.split import VERBS

_COURTESY = r"(?:you|you're|possible|so|not|that's|that is|it's okay|more|again)\b"
"""What follows in "if you can", "when you're ready", "if possible", "once more": no condition."""

_EVENT = (
    rf"(?:(?:only |but |just )?(?:when|whenever|if|unless|until|till|once|as soon as|as long as|every time) (?!{_COURTESY})"
    r"|(?:before|after|at|until|till|by) (?=(?:the )?(?:sunset|sunrise|dusk|dawn|nightfall|dark)\b)"
    r"|every (?=(?:hour|minute|week|month|year|other|\d+ durationseconds)\b)"
    r"|(?:before|after) (?=(?:i|we|he|she|they|you|the|my|our|dinner|lunch|breakfast|work|school)\b))"
)
_BEHIND = re.compile(rf"(?P<command>.+?)(?: ,)? {_EVENT}.+")
_BEFORE = re.compile(rf"{_EVENT}.+")
_VERB = re.compile(rf"(?<= )(?:{'|'.join(sorted(VERBS))}) ")
"""Where a command may begin; of one word, as "next", it is more likely the end of a question."""


def bound(text: str) -> Iterator[str]:
    """The commands that a cleaned text may hold and bind to something that happens; none of any other text."""
    if (found := _BEHIND.fullmatch(text)) is not None:
        yield found["command"]
    if _BEFORE.fullmatch(text):
        yield from (text[verb.start() :] for verb in _VERB.finditer(text))
