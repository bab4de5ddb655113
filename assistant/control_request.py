"""What may be asked on the control socket: one JSON object a line. Sans-IO: bytes in, a Request or a ControlError out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from assistant.errors import AssistantError
from device.privacy import SENSES

MAX_LINE = 8192
"""Bytes of one request, the newline included."""

MAX_TEXT = 2000
"""Characters of a text to say or to understand: about two minutes of speech."""

FIELDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "say": frozenset({"text"}),
        "ask": frozenset({"text"}),
        "privacy": frozenset({"sense", "on"}),
        **dict.fromkeys(("mute", "unmute", "status", "timers", "reload", "watch", "forget"), frozenset()),
    }
)
"""What can be asked -> the fields that go with it, all of which must be there."""


class ControlError(AssistantError):
    """A request that cannot be served; str(error) is the answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. do: a key of FIELDS; text: what to say or ask; sense, on: which privacy switch to move where."""

    do: str
    text: str = ""
    sense: str = ""
    on: bool = True


def parse(line: bytes) -> Request:
    """A line as a request.

    Raises:
        ControlError: it is too long, not JSON, not a key of FIELDS, or its fields are not those that go with it.
    """
    if len(line) > MAX_LINE:
        raise ControlError(f"a request has at most {MAX_LINE} bytes")
    try:
        fields = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise ControlError('a request is one line of JSON, such as {"do": "status"}') from error
    if not isinstance(fields, dict) or not isinstance(fields.get("do"), str) or fields["do"] not in FIELDS:
        raise ControlError(f"'do' must be one of {', '.join(sorted(FIELDS))}")
    do = fields.pop("do")
    if set(fields) != FIELDS[do]:
        raise ControlError(f"{do!r} takes {' and '.join(sorted(FIELDS[do])) or 'no other fields'}")
    if "text" in fields:
        return Request(do, text=_text(fields["text"]))
    return _switch(fields) if do == "privacy" else Request(do)


def _text(text: object) -> str:
    """A text to say or to understand. Raises ControlError."""
    if not isinstance(text, str) or not text.strip():
        raise ControlError("'text' must be a text")
    if len(text) > MAX_TEXT:
        raise ControlError(f"a text has at most {MAX_TEXT} characters")
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ControlError("a text holds no control characters")
    return text.strip()


def _switch(fields: dict[str, object]) -> Request:
    """A privacy switch to move. Raises ControlError."""
    sense, on = fields["sense"], fields["on"]
    if not isinstance(sense, str) or sense not in SENSES or not isinstance(on, bool):
        raise ControlError(f"'sense' is one of {', '.join(SENSES)}, 'on' is true or false")
    return Request("privacy", sense=sense, on=on)
