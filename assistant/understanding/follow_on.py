"""Sentences that only make sense after another: "and the fan", "the fan too", "what about the bedroom?", "no, the desk lamp".

After "turn on the kitchen light", "and the bedroom" is "turn on the bedroom light": the thing named stands in the command before,
where its like stood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.understanding.misheard import PRONOUN
from assistant.understanding.split import Splitter

_PLACE = r"(?:(?:in|for|with|at) )?"
_ALSO = re.compile(
    r"(?:(?:and|also|plus|then|now|as well as)(?: ,)? )*(?:(?:(?:do )?the )?same (?:for|with|in|to) |(?:what|how) about )?"
    rf"{_PLACE}(?P<named>.+?)(?:(?: ,)? (?:too|as well|also|please))*"
)
_ARTICLE = re.compile(r"(?:(?<!\S)all )?(?:(?<!\S)(?:the|my|our|both) )?$")
_MARKED = re.compile(
    r"(?:and|also|plus|then|now|as well as|same|do|the same|what about|how about) .+|.+ (?:too|as well|also)(?:(?: ,)? please)?"
)
"""How it must begin or end: the bare name of a device is no sequel."""

_RATHER = re.compile(
    r"(?:(?:no|know|nope|wrong|sorry|oops|not that(?: one)?|i (?:mean|meant|said)|rather|actually)(?: ,)? )+"
    rf"(?:(?<=, )|(?<= )(?=the |my |in |for ))(?:i (?:mean|meant|said) )?{_PLACE}(?P<named>.+?)(?:(?: ,)? (?:instead|please))*"
)


@dataclass(frozen=True, slots=True)
class FollowOn:
    """named: the device, kind of device or room, as it is spoken; corrects: whether it stands for what was named before."""

    named: str
    corrects: bool


def follow_on(text: str, splitter: Splitter) -> FollowOn | None:
    """What a cleaned text adds to the command before it, or puts right; None when it is no such sentence."""
    rather = _RATHER.fullmatch(text)
    found = rather or (_ALSO.fullmatch(text) if _MARKED.fullmatch(text) else None)
    named = splitter.named(found["named"]) if found is not None else ""
    return FollowOn(named, rather is not None) if named else None


def instead(named: str, before: str, splitter: Splitter) -> Iterator[str]:
    """The command before with `named` in the place of what it named, the likeliest first."""
    room = splitter.is_area(named)
    places = list(splitter.places(before))
    if room:
        for start, end in splitter.areas_in(before):
            yield f"{before[:start]}{named}{before[end:]}"
    if places and not room:
        start, end = places[-1]
        yield f"{_ARTICLE.sub('the ', before[:start], count=1)}{named}{before[end:]}"
    elif not room and PRONOUN.search(before):
        yield PRONOUN.sub(named, before, count=1)
    if room and places:
        yield f"{before} in the {named}"
        start, end = places[-1]
        yield f"{before[:start]}{named} {before[start:end].rsplit(' ', 1)[-1]}{before[end:]}"
        yield f"{before[:start]}{named}{before[end:]}"
