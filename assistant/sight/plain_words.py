"""What the words of a sentence say beside a guess of its intent: more or less, a ban, an exception, a bare name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from assistant.engines import IntentGuess
from assistant.sight.linking import NOUNS

_TOO = r"\b(?:too|it's|it is|is it|is)(?: (?:really|very|pretty|quite|a bit|a little|getting|too|so))*"
MORE = (
    re.compile(rf"{_TOO} (?:dark|dim|gloomy|cold|slow)\b"),
    re.compile(
        r"\b(?:brighter|brighten|brightening|bright|lighter|warmer|hotter|faster|stronger|higher|raise|increase|maximize|more"
        r"|up(?! here| there))\b"
    ),
)
LESS = (
    re.compile(rf"(?:{_TOO}|\bless) (?:bright|hot|warm|fast|strong)\b"),
    re.compile(
        r"\b(?:dim|dimming|dimmer|darker|darken|cooler|colder|slower|soft|softer|low|lower|decrease|reduce|minimize|less"
        r"|down(?! here| there))\b"
    ),
)
"""What says "more" and "less": complaints, which come first, and wishes."""

WISHED = re.compile(r"\b(?:some|more|needs?|want|have|get) (?:some |a )?light(?:s|ing)?\b")
"""Light that is merely wanted is switched on."""

_EXCEPTION = r"\b(?:except|apart from|other than|unless|minus|instead of)\b|\b(?:all|every\w*) .*\bbut\b"
_CONDITION = r"\b(?:when|whenever|until|till|after|before)\b|\bif (?!you\b)"
_TIME = (
    r"\b(?:later|soon|tonight|tomorrow|sunset|sunrise|dusk|dawn|remind)\b|\bin a (?:bit|while|moment|few)\b"
    r"|\b(?:minutes?|hours?|o'clock)\b|\b(?:at|by|around) \w+ (?:or|in the|this) "
    r"|\b(?:every|each) (?:\w*day|morning|afternoon|evening|night|hour|minute|week|month)\b"
)
_BAN = r"(?:^|\b(?:and|but|please) )(?:don't|do not|never) (?!let|need|use|want|like)|\b(?:neither|nor|nobody)\b"
_STOPPED = r"^(?:stop|halt) (?:the |my )?(?:blinds?|curtains?|shutters?|shades?|garage|gate|doors?)\b"
"""To stop what moves is not to close it."""
_CHOICE = r"\b(?:or(?! so\b)|either|between)\b|\bon (?!(?:the|my|your|our|that|this|its)\b).*\boff\b"
_COMPARISON = r"\bsame\b|\bas \w+ as (?!possible|you can)"
_SIGN = r"\b(?:flash|blink|flicker)\b"
_PAST = r"\bi was (?:going|about) to\b|\bi used to\b"
_QUESTION = (
    r"^(?:should|shall|may|must) i\b"
    r"|^(?:how (?:many|much|long|often|bright|warm|loud|fast|do|does|to|would)|what (?!about)|which|where|who|why (?!is))\b"
)
_STATEMENT = (
    r"^(?:the|my|our|your|both|all) .*\b(?:is|are|was|were|isn't|aren't)(?: (?:now|still|already|not|always|just))*"
    r" (?:on|off|open|closed|shut|locked|unlocked|broken|dead|empty|running|flickering|blinking|flashing)$"
)

HEDGED = re.compile(
    "|".join(
        (
            _EXCEPTION,
            _CONDITION,
            _TIME,
            _BAN,
            _STOPPED,
            _CHOICE,
            _COMPARISON,
            _SIGN,
            _PAST,
            _QUESTION,
            _STATEMENT,
        )
    )
)
"""Words that turn a command into something else than a guess understands."""

ASKED: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "HassGetCurrentTime": re.compile(r"\b(?:time|clock|hour|late)\b(?!.*\b(?:in|until|till)\b)"),
        "TimerSet": re.compile(r"\b(?:timer|count|countdown|remind|reminder|alarm|wake|ring|tell|notify|alert|know)\b"),
        "HassGetCurrentDate": re.compile(r"^(?!.*\b(?:ago|next|last|was|in|until|till)\b).*\b(?:day|date|today)\b"),
    }
)
"""Words without which these were not asked."""


def direction(text: str) -> str:
    """Whether a cleaned text wants more ("up") or less ("down") of something; "" = neither, or both."""
    for more, less in zip(MORE, LESS, strict=True):
        up, down = more.search(text), less.search(text)
        if up or down:
            return "" if up and down else "up" if up else "down"
    return ""


def only_named(guess: IntentGuess, text: str) -> bool:
    """Whether a sentence is a name or a noun and nothing else: a half-heard one must not switch anything."""
    named = {word for name, phrase in guess.slots if name in ("name", "area") for word in phrase.split()}
    said = set(text.split()) - {"the", "my", "a", "that", "this", ","}
    return said <= named | {form for noun in NOUNS for form in (noun, f"{noun}s")}


def hedged(text: str) -> bool:
    """Whether a cleaned command has an exception, a condition, a time or a ban, which a guess does not understand."""
    return HEDGED.search(text) is not None


def wished(text: str) -> bool:
    """Whether a cleaned text merely wants light."""
    return WISHED.search(text) is not None


def asked(name: str, text: str) -> bool:
    """Whether a cleaned text holds a word that a question must hold."""
    return name not in ASKED or ASKED[name].search(text) is not None
