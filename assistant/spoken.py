"""Parts of English sentences that sound right when spoken: numbers, lists, durations and clock times as words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


def words(text: str) -> tuple[str, ...]:
    """A constant of many words, written as a text."""
    return tuple(text.split())


ONES = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ORDINALS = words(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second "
    "twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth "
    "thirty-first"
)


def number(value: float) -> str:
    """A number in words: 21 -> "twenty-one", 21.5 -> "twenty-one point five"; from ten thousand on in digits."""
    if value < 0:
        return "minus " + number(-value)
    whole = int(value)
    tenths = round((value - whole) * 10)
    if tenths == 10:
        whole, tenths = whole + 1, 0
    words = _whole(whole)
    return f"{words} point {ONES[tenths]}" if tenths else words


def _whole(value: int) -> str:
    if value < 20:
        return ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return TENS[tens] + (f"-{ONES[ones]}" if ones else "")
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        return f"{ONES[hundreds]} hundred" + (f" and {_whole(rest)}" if rest else "")
    if value < 10000:
        thousands, rest = divmod(value, 1000)
        return f"{ONES[thousands]} thousand" + (f" {_whole(rest)}" if rest else "")
    return str(value)


def count(amount: float, noun: str) -> str:
    """ "one minute", "two minutes"."""
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def percent(value: float) -> str:
    """ "forty percent"."""
    return f"{number(round(value))} percent"


def degrees(value: float) -> str:
    """ "twenty-one degrees"."""
    return count(round(value, 1), "degree")


def article(noun: str) -> str:
    """ "a cup", "an apple", "scissors"."""
    if noun in ("scissors", "skis", "broccoli", "people"):
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def all_of(amount: int, nouns: str) -> str:
    """ "Both timers", "All three timers"."""
    return f"Both {nouns}" if amount == 2 else f"All {number(amount)} {nouns}"


def listing(words: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def duration(seconds: float) -> str:
    """ "one hour and thirty minutes", "five minutes", "ten seconds". At least one second."""
    parts = _duration_parts(seconds)
    return listing([count(amount, unit) for amount, unit in parts])


def length_adjective(seconds: float) -> str:
    """As said before a noun: "five minute", "one hour thirty minute"."""
    return " ".join(f"{number(amount)} {unit}" for amount, unit in _duration_parts(seconds))


def _duration_parts(seconds: float) -> list[tuple[int, str]]:
    left = max(1, round(seconds))
    parts: list[tuple[int, str]] = []
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        amount, left = divmod(left, size)
        if amount:
            parts.append((amount, unit))
    return parts


def clock_time(moment: datetime) -> str:
    """ "seven thirty AM", "seven oh five PM", "noon", "eight AM"."""
    if (moment.hour, moment.minute) == (12, 0):
        return "noon"
    if (moment.hour, moment.minute) == (0, 0):
        return "midnight"
    half = "AM" if moment.hour < 12 else "PM"
    hour = ONES[moment.hour % 12 or 12]
    if moment.minute == 0:
        return f"{hour} {half}"
    minute = f"oh {ONES[moment.minute]}" if moment.minute < 10 else _whole(moment.minute)
    return f"{hour} {minute} {half}"


def date(moment: datetime) -> str:
    """ "Monday, the third of November"."""
    return f"{moment:%A}, the {ORDINALS[moment.day]} of {moment:%B}"


TO_YOU = {"i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "i'm": "you're", "am": "are"}


def day(moment: datetime, now: datetime) -> str:
    """ "today", "tomorrow", "on Friday", or the date when it is a week away or more."""
    days = (moment.date() - now.date()).days
    if days in (0, 1):
        return ("today", "tomorrow")[days]
    return f"on {moment:%A}" if 1 < days < 7 else f"on {date(moment)}"


def to_you(text: str) -> str:
    """What somebody said of themselves, said back: "call my mum" -> "call your mum". Lower case."""
    return " ".join(TO_YOU.get(word, word) for word in text.split())


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".?!" else ".")


@dataclass(frozen=True, slots=True)
class Fact:
    """A statement that can be joined with others: subjects = ("the fan",), predicate = "off" says "The fan is off."

    plural: True when the only subject is a plural, such as "the blinds".
    """

    subjects: tuple[str, ...]
    predicate: str
    plural: bool = False

    def clause(self) -> str:
        """Without capital letter and full stop."""
        verb = "are" if self.plural or len(self.subjects) > 1 else "is"
        return f"{listing(self.subjects)} {verb} {self.predicate}"


def tell(facts: Sequence[Fact]) -> str:
    """Facts as one sentence: those with the same predicate are joined, so are those that follow each other."""
    merged: list[Fact] = []
    for fact in facts:
        if merged and merged[-1].predicate == fact.predicate:
            subjects = tuple(dict.fromkeys((*merged[-1].subjects, *fact.subjects)))
            merged[-1] = Fact(subjects, fact.predicate, merged[-1].plural or fact.plural)
        else:
            merged.append(fact)
    return sentence(listing([fact.clause() for fact in merged]))
