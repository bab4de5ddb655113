"""Plain words and how Whisper writes them: "set the tv to fifty percent" <-> "Set the TV to 50%." """

from __future__ import annotations

import re

_TO_NINETEEN = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|"
    "eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
)
_TO_NINETY = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES = {word: value for value, word in enumerate(_TO_NINETEEN.split("|"))}
_TENS = {word: value for value, word in enumerate(_TO_NINETY.split("|"), start=2)}
_ONE_TO_NINE = "|".join(list(_ONES)[1:10])
_NUMBER = re.compile(
    rf"\b(?:(?P<hundred>one hundred)|(?P<ten>{_TO_NINETY})(?: (?P<after>{_ONE_TO_NINE}))?|(?P<one>{_TO_NINETEEN}))\b"
)

_INITIALS = re.compile(r"\b(?:tv|ac|pc|am|pm|i)\b")
"""Words that are written in capitals (am and pm: sometimes)."""


def in_words(number: int) -> str:
    """A whole number below 20,000: 121 -> "one hundred twenty one"."""
    if number < 20:
        return list(_ONES)[number]
    if number < 100:
        return list(_TENS)[number // 10 - 2] + (f" {in_words(number % 10)}" if number % 10 else "")
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = f" {in_words(number % size)}" if number % size else ""
    return f"{in_words(number // size)} {name}{rest}"


def in_digits(text: str) -> str:
    """Number words below 101 as digits, "percent" after them as "%"."""
    text = _NUMBER.sub(lambda match: str(_value(match)), text)
    return re.sub(r"(\d) percent\b", r"\1%", text)


def words_of(text: str) -> list[str]:
    """A transcript as words of a grammar: lower case, without punctuation, numbers in words."""
    text = re.sub(r"(\d)%", r"\1 percent", text.lower().replace("’", "'"))
    text = re.sub(r"\b([ap])\.m\b\.?", r"\1m", text)
    text = re.sub(r"\b(\d\d?)[:.](\d\d)\b", _clock, text)
    text = re.sub(r"(?<!\S)(\d{1,4})(?=[\s.,!?;]|$)", lambda match: in_words(int(match[1])), text)
    return re.sub(r"[.,!?;-]", " ", text).split()


def with_colons(text: str) -> str:
    """ "Wake me up at 7.30." -> "Wake me up at 7:30."."""
    return re.sub(r"\b(\d\d?)\.(\d\d)\b", r"\1:\2", text)


def readable(text: str) -> str:
    """A sentence of plain words for people to read, and for understanding: "Wake me up at 7:30"."""
    return _capitals(_with_clocks(in_digits(text), ":"))


def spellings(text: str) -> list[str]:
    """A sentence of plain words -> how it may be written, without the punctuation at its end."""
    digits = in_digits(text)
    forms = [text, digits, re.sub(r"(\d)%", r"\1 percent", digits), *(_with_clocks(digits, mark) for mark in (":", ".", ""))]
    return list(dict.fromkeys(form[:1].upper() + form[1:] for plain in forms for form in (plain, _capitals(plain))))


def _with_clocks(digits: str, mark: str) -> str:
    """ "7 30" -> "7:30", "7 oh 5" -> "7:05"."""
    return re.sub(
        r"\b(1?\d) (?:oh (?=\d\b)|(?=[1-5]\d\b(?!%)))", lambda match: f"{match[1]}{mark}{'0' * ('oh' in match[0])}", digits
    )


def _capitals(text: str) -> str:
    text = _INITIALS.sub(lambda match: match[0].upper(), text)
    return text[:1].upper() + text[1:]


def _value(match: re.Match[str]) -> int:
    if match["hundred"]:
        return 100
    if match["ten"]:
        return 10 * _TENS[match["ten"]] + _ONES.get(match["after"] or "", 0)
    return _ONES[match["one"]]


def _clock(match: re.Match[str]) -> str:
    """ "7:30" -> "seven thirty", "7:05" -> "seven oh five", "7:00" -> "seven"."""
    hour, minute = in_words(int(match[1])), int(match[2])
    return f"{hour} {'oh ' * (minute < 10)}{in_words(minute)}" if minute else hour
