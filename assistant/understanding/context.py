"""What the conversation was about, and what an answer to a question means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from assistant.intents import Intent, Question
from assistant.understanding.grammar import spoken_form
from assistant.understanding.names import near

_POLITE = r"please|thanks|thank you|i do|i am|it is|you can|you may|that|it|,"

_YES = (
    r"yes|yeah|yep|yup|sure|ok|okay|correct|of course|certainly|definitely|absolutely|do it|do that|go ahead|affirmative|"
    r"please do|that's right|that is right|confirm|confirmed|go for it|why not|exactly|indeed|open it|unlock it"
)
_NO = (
    r"no|nope|nah|no way|don't|do not|negative|rather not|better not|not now|don't do it|wrong|neither|none|never|never mind|"
    r"nevermind|cancel|stop|forget it|leave it|please don't|i don't"
)
YES = re.compile(rf"(?:(?:{_POLITE})(?: |$))*(?:{_YES})(?: |$)(?:(?:{_YES}|{_POLITE})(?: |$))*")
NO = re.compile(rf"(?:(?:{_POLITE})(?: |$))*(?:{_NO})(?: |$)(?:(?:{_NO}|{_POLITE})(?: |$))*")
"""At least one word that says it; politeness alone ("thank you") opens no door."""

ALL = re.compile(r"(?:both|all|all of them|both of them|all of those|every one|everything|each|the lot)(?: please)?")
POSITIONS = {
    "first": 0,
    "former": 0,
    "1": 0,
    "second": 1,
    "latter": 1,
    "2": 1,
    "third": 2,
    "3": 2,
    "fourth": 3,
    "4": 3,
    "last": -1,
    "left": 0,
    "one on the left": 0,
    "right": -1,
    "one on the right": -1,
}
"""Words for one of several choices; what is in view is offered from left to right."""


@dataclass(frozen=True, slots=True)
class Context:
    """The state of the dialogue before a sentence. devices: names of those last talked about, which "it" and "them" mean;
    last: the last command's intents, which "again" repeats; question: what the assistant asked and waits for; changed: whether
    the last command changed the home, so that a correction takes it back."""

    devices: tuple[str, ...] = ()
    last: tuple[Intent, ...] = ()
    question: Question | None = None
    changed: bool = False


def answer(text: str, question: Question) -> tuple[Intent, ...] | None:
    """What a cleaned text means as an answer; None = it is none, and something else is wanted."""
    if YES.fullmatch(text) and question.yes:
        return question.yes
    rest = re.sub(r"^(?:no|yes|yeah|nope)(?: ,)? (?=\S)", "", text)
    chosen = _option(rest, question)
    if chosen is not None:
        return chosen
    if NO.fullmatch(text):
        return (Intent("Declined", text=text),)
    return None


def _option(text: str, question: Question) -> tuple[Intent, ...] | None:
    """One of the question's options, by name, by a part of its name, or by position."""
    options = list(question.options.items())
    if not options:
        return None
    if ALL.fullmatch(text) and len(options) > 1:
        return tuple(intent for _, intents in options for intent in intents)
    phrase = (
        re.sub(r"^(?:i mean|i meant|the|in the|it's|that's|to)(?: the)? ", "", text).removesuffix(" one").removesuffix(" please")
    )
    phrase = phrase.removesuffix(" one")
    if phrase in POSITIONS and -1 <= POSITIONS[phrase] < len(options):
        return options[POSITIONS[phrase]][1]
    fitting = [found for found in near(phrase, ((spoken_form(name), name) for name, _ in options)) if found.sure]
    if len(fitting) == 1 or (fitting and fitting[0].distance < fitting[1].distance):
        return question.options[fitting[0].name]
    return None
