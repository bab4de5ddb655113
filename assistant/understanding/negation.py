"""What is said about a command without asking for it: "don't turn off the light", "stop opening the blinds", "I turned it off",
"leave the light on".

Such a sentence holds a whole command, and doing that would be the opposite of what is wanted.
"""

from __future__ import annotations

import re

_CHANGE = (
    r"(?:turn|switch|open|clos|shut|lock|unlock|dim|brighten|set|start|play|paus|mut|chang|activat|touch|mov|cancel|rais|lower)"
    r"(?:e|ing|ting|ming)?"
)
_BETWEEN = r"(?:(?:ever|just|please|want|wish|need|like|you|me|us|it|this|that|to|be|have|even|go|and|dare|yet) )*"
_DOING = r"(?:turning|switching|opening|closing|shutting|locking|unlocking|changing|moving)"
_DONE = r"(?:turned|switched|opened|closed|shut|locked|unlocked|dimmed|left|set|put)"
_SOMEBODY = r"(?:i|we|he|she|they|you|someone|somebody)(?:'ve|'d| have| has| had)?"
_OF_DOORS = frozenset({"open", "closed", "shut", "locked", "unlocked"})
_AS_IT_IS = r"(?P<way>on|off|open|closed|shut|locked|unlocked|running|playing|alone|(?:as|the way) (?:it is|they are))"
_UNASKED = re.compile(
    rf"(?:(?!remind).)*(?<!why )\b(?:not|never|don't|mustn't|shouldn't) {_BETWEEN}(?P<forbidden>{_CHANGE}\b.*)"
    rf"|(?:stop|quit|avoid|keep from) (?:(?P<thing>.+) from )?(?P<stopped>{_DOING}\b.*)"
    rf"|{_SOMEBODY} (?:(?:already|just) )?(?P<done>{_DONE}\b.*)"
    rf"|(?:leave|keep) (?P<left>.+?) {_AS_IT_IS}(?: (?:for now|tonight|then))?"
)


def unasked(clause: str) -> str:
    """The command in a cleaned clause that asks to leave it alone, or tells that somebody did it; "" in any other clause."""
    found = _UNASKED.fullmatch(clause)
    if found is None:
        return ""
    if found["left"]:
        return f"{'turn off' if found['way'] == 'off' else 'open' if found['way'] in _OF_DOORS else 'turn on'} {found['left']}"
    thing = f" {found['thing']}" if found["thing"] else ""
    return str(found["forbidden"] or found["done"] or found["stopped"] + thing)
