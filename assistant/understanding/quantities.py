"""Numbers, durations and clock times as people say them, rewritten into digits that a grammar can match.

digits("twenty five percent")            -> "25 percent"
measures("an hour and a half")           -> "5400 durationseconds"
measures("twenty to eight")              -> "10460 clocktime"      minutes of the day, + 10000: morning or evening
measures("to half brightness")           -> "to 50 percent brightness"
"""

from __future__ import annotations

import re

from assistant.spoken import words

EITHER_HALF = 10000
"""Added to the minutes of a clock time that may be in the morning or in the evening."""

ONES = {
    word: value
    for value, word in enumerate(
        words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen"
        )
    )
}
TENS = {word: 20 + 10 * i for i, word in enumerate(words("twenty thirty forty fifty sixty seventy eighty ninety"))}
TENS["fourty"] = 40

COUNTED = frozenset(
    words(
        "hour hours minute minutes second seconds percent degree degrees day days hundred point and o'clock am pm oh "
        "kelvin minutes' min mins sec secs hr hrs week weeks timers"
    )
)
"""Words after which "one" is a number and not a pronoun ("that one")."""

COUNTING = frozenset(words("to for at number by until till past plus level"))
"""Words before which "one" is a number."""

UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600, "day": 86400}

_NUMBER = r"(?:\d+(?:\.\d+)?)"
_UNIT = r"(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?)"
_HALF = r"(?P<half>(?:a )?half (?:an? )?|1/2 (?:an? )?)"
_QUARTERS = r"(?P<quarters>(?:a |1 |3 )?quarters? of an? )"
_ONE_OR_TWO = "one|another|an?|a couple of|couple of"
_AMOUNT = rf"(?P<n>{_NUMBER}|{_ONE_OR_TWO}) (?:more |extra )?(?P<and_half>and (?:a )?half |and (?:a )?quarter )?"
_PIECE = rf"(?:{_HALF}|{_QUARTERS}|{_AMOUNT})"
_DURATION_PIECE = re.compile(_PIECE + _UNIT + r"\b(?! timers?\b(?<=a second timer))")
_JOIN = re.compile(r" (?:and |, |, and )?")
_BARE_REST = re.compile(r" (?:and )?([1-5]?\d)(?= timer|$)")
"""What is left out of "one minute thirty": the next smaller unit."""

_TAIL = re.compile(r" and (?:a )?(half|quarter)\b")

_PART = r"(?: (am|pm|in the morning|in the afternoon|in the evening|at night))?"
_HOUR = r"(\d{1,2})"
_NO_CLOCK = r"(?! ?(?:percent|degrees|minutes?|seconds?|hours?|%))"
_OFFSET = r"(?:a )?(quarter|5|10|15|20|25)(?: minutes?)? (past|after|to|before|till)"
_CLOCKS = (
    (re.compile(rf"\bhalf (?:past |after )?{_HOUR}(?: o'clock)?{_PART}(?! (?:percent|minutes|hours|degrees))\b"), "half"),
    (re.compile(rf"\b{_OFFSET} {_HOUR}(?: o'clock)?{_PART}\b{_NO_CLOCK}"), "offset"),
    (re.compile(rf"\b{_HOUR}:(\d\d){_PART}\b"), "minutes"),
    (re.compile(rf"\b{_HOUR} ([0-5]\d)(?= (?:am|pm|in the|at night)){_PART}"), "minutes"),
    (re.compile(rf"(?<=\b(?:at|to|or) )(1?\d|2[0-3]) ([0-5]\d)(){_NO_CLOCK}\b"), "minutes"),
    (re.compile(rf"(?<=\bfor )(1?\d|2[0-3]) ([0-5]\d)(){_NO_CLOCK}\b"), "minutes"),
    (re.compile(rf"\b{_HOUR} (?:o'clock){_PART}"), "hour"),
    (re.compile(rf"\b{_HOUR} (am|pm|in the morning|in the afternoon|in the evening|at night)\b"), "hour"),
)
_BARE_HOUR = re.compile(
    r"(?<=\b(?:at|by|to) )(\d{1,2})()(?! ?(?:percent|degrees|minutes?|seconds?|hours?|clocktime|durationseconds))\b"
    r"|(?<=\bfor )(\d{1,2})()(?! ?(?:percent|degrees|minutes?|seconds?|hours?|clocktime|durationseconds))\b"
)
_DAY_WORDS = re.compile(
    r"\b(?:on|next|this|in the|at|of|for the) "
    r"(monday|tuesday|wednesday|thursday|friday|saturday|sunday|morning|afternoon|evening|night|tomorrow|today)\b"
)
_SHARES = (
    (re.compile(r"\b(?:(?:to|at|by) )?(?:about )?(?:half ?way|half open|half closed|half shut)\b"), "to 50 percent"),
    (
        re.compile(
            r"\b(to|at|by|on) (?:about )?(?:a )?half\b(?! (?:an?|past|\d))(?: (?:of|speed|power|volume|brightness|strength))?"
        ),
        r"\1 50 percent",
    ),
    (re.compile(r"\b(to|at|by) (?:3|three) quarters?\b"), r"\1 75 percent"),
    (re.compile(r"\b(to|at|by) (?:a )?quarter\b(?! (?:to|past|of))"), r"\1 25 percent"),
    (re.compile(r"\b(to|at|on) (?:a )?(?:1 )?third\b"), r"\1 33 percent"),
    (
        re.compile(
            r"\b(to|at|on) (?:the |its |their )?(?:full|max|maximum|highest|100)(?: (?:brightness|volume|speed|power|blast))?$"
        ),
        r"\1 100 percent",
    ),
    (
        re.compile(r"\b(to|at|on) (?:the |its |their )?(?:min|minimum|lowest)(?: (?:brightness|volume|speed|power))?$"),
        r"\1 1 percent",
    ),
)


def digits(text: str) -> str:
    """Number words as digits; "one" stays a word where it is a pronoun or part of a name."""
    words = text.split()
    result: list[str] = []
    i = 0
    while i < len(words):
        value, used = _number(words, i)
        if used == 1 and words[i] == "one" and not _is_count(words, i):
            used = 0
        if not used:
            result.append(words[i])
            i += 1
            continue
        i += used
        if i + 1 < len(words) and words[i] == "point" and (words[i + 1] in ONES or words[i + 1].isdigit()):
            result.append(f"{value}.{ONES.get(words[i + 1], words[i + 1])}")
            i += 2
        elif i + 1 < len(words) and words[i] in ("oh", "o") and words[i + 1] in ONES and 0 < value <= 12:
            result.extend((str(value), f"0{ONES[words[i + 1]]}"))
            i += 2
        else:
            result.append(str(value))
    found = re.sub(r"\b(\d+) and a half degrees?\b", r"\1.5 degrees", " ".join(result))
    return re.sub(r"(\d+(?:\.\d+)?) degrees? (?:celsius|centigrade)", r"\1 degrees", _fahrenheit(found))


def measures(text: str) -> str:
    """Durations, clock times and shares in a text whose numbers are digits; see the module's examples."""
    for pattern, form in _CLOCKS:
        text = pattern.sub(lambda match, form=form: _clock(match, form), text)  # type: ignore[misc]
    text = re.sub(r"(?<![\w:])(?:12 )?(?:noon|midday)\b", "720 clocktime", text)
    text = re.sub(r"(?<![\w:])(?:12 )?midnight\b", "0 clocktime", text)
    text = _durations(text)
    if re.search(r"\b(?:alarms?|wake|remind|get me up)\b", text):
        text = _BARE_HOUR.sub(lambda match: _token(int(match[1] or match[3]), 0, "") or match[0], text)
    text = re.sub(r"\beach (?=(?:\w*day|morning|afternoon|evening|night)\b)", "every ", _DAY_WORDS.sub(r"\1", text))
    for pattern, replacement in _SHARES:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def clock_slots(code: int) -> tuple[str, bool]:
    """A clock token's number as ("07:30", may be either half of the day)."""
    either, minutes = divmod(code, EITHER_HALF)
    return f"{minutes // 60:02d}:{minutes % 60:02d}", bool(either)


def _number(words: list[str], start: int) -> tuple[int, int]:
    """The value of the number words from `start`, and how many words they are; (0, 0) = none."""
    word = words[start]
    following = words[start + 1] if start + 1 < len(words) else ""
    if word == "a" and following == "hundred":
        return _hundreds(words, start + 1, 1)
    if word in TENS:
        if 0 < ONES.get(following, 0) < 10:
            return TENS[word] + ONES[following], 2
        if following.isdigit() and len(following) == 1 and following != "0":
            return TENS[word] + int(following), 2
        return TENS[word], 1
    if word == "hundred":
        return 100, 1
    if word not in ONES:
        return 0, 0
    if following == "hundred":
        return _hundreds(words, start + 1, ONES[word])
    return ONES[word], 1


def _hundreds(words: list[str], hundred_at: int, count: int) -> tuple[int, int]:
    """From the word "hundred" on: "two hundred [and] five"."""
    at = hundred_at + 1
    skip = 1 if at + 1 < len(words) and words[at] == "and" and (words[at + 1] in ONES or words[at + 1] in TENS) else 0
    rest, used = _number(words, at + skip) if at + skip < len(words) else (0, 0)
    if used and rest < 100:
        return count * 100 + rest, used + skip + (2 if words[hundred_at - 1] in ONES or words[hundred_at - 1] == "a" else 1)
    return count * 100, 2


def _is_count(words: list[str], at: int) -> bool:
    """Whether the word "one" is a number here."""
    after = words[at + 1] if at + 1 < len(words) else ""
    before = words[at - 1] if at else ""
    if after in TENS or (after.isdigit() and len(after) == 2):
        return True
    return (after in COUNTED and before not in ("that", "this", "which")) or (before in COUNTING and not after)


def _fahrenheit(text: str) -> str:
    def convert(match: re.Match[str]) -> str:
        celsius = round((float(match[1]) - 32) / 1.8 * 2) / 2
        return f"{celsius:g} degrees"

    return re.sub(r"(\d+(?:\.\d+)?) (?:degrees? )?fahrenheit", convert, text)


def _clock(match: re.Match[str], form: str) -> str:
    """One clock time as a token; the text itself when it is none, such as "25:00"."""
    if form == "half":
        token = _token(int(match[1]), 30, match[2] or "")
    elif form == "minutes":
        token = _token(int(match[1]), int(match[2]), match[3] or "", padded=match[1].startswith("0"))
    elif form == "hour":
        token = _token(int(match[1]), 0, match[2] or "")
    else:
        offset = 15 if match[1] == "quarter" else int(match[1])
        sign = 1 if match[2] in ("past", "after") else -1
        token = _token(int(match[3]), sign * offset, match[4] or "")
    return token or match[0]


def _token(hour: int, minute: int, part: str, padded: bool = False) -> str:
    """The token of a time of day; "" when there is no such time. padded: written "07:30", which is the 24 hour clock."""
    if hour > 24 or minute > 59:
        return ""
    part = {"in the morning": "am", "in the afternoon": "pm", "in the evening": "pm", "at night": "pm"}.get(part, part)
    if part and 1 <= hour <= 12:
        hour = hour % 12 + (12 if part == "pm" else 0)
    minutes = (hour * 60 + minute) % 1440
    either = not part and 1 <= hour <= 12 and not padded
    return f"{minutes + (EITHER_HALF if either else 0)} clocktime"


def _durations(text: str) -> str:
    """Every run of "N hours M minutes ..." as one token."""
    result: list[str] = []
    at = 0
    while (piece := _DURATION_PIECE.search(text, at)) is not None:
        if piece["n"] == "a" and piece[0] == "a second" and re.match(r" \w", text[piece.end() :]):
            result.append(text[at : piece.end()])  # "a second timer": an ordinal
            at = piece.end()
            continue
        total, unit = _seconds(piece)
        end = piece.end()
        while True:
            if (tail := _TAIL.match(text, end)) is not None:
                total, end = total + unit * (0.5 if tail[1] == "half" else 0.25), tail.end()
            join = _JOIN.match(text, end)
            following = _DURATION_PIECE.match(text, join.end()) if join is not None else None
            if following is None:
                break
            more, smaller = _seconds(following)
            if smaller >= unit:
                break
            total, unit, end = total + more, smaller, following.end()
        if unit in (60, 3600) and (bare := _BARE_REST.match(text, end)) is not None:
            total, end = total + int(bare[1]) * unit / 60, bare.end()
        result.append(f"{text[at : piece.start()]}{round(total)} durationseconds")
        at = end
    return "".join(result) + text[at:]


def _seconds(piece: re.Match[str]) -> tuple[float, int]:
    """Seconds of one "N unit" and seconds of its unit."""
    unit = UNITS[piece[piece.lastindex or 0].rstrip("s")]
    if piece["half"]:
        return unit / 2, unit
    if piece["quarters"]:
        return unit * (0.75 if piece["quarters"].startswith("3") else 0.25), unit
    amount = {"a": 1.0, "an": 1.0, "one": 1.0, "another": 1.0, "a couple of": 2.0, "couple of": 2.0}.get(piece["n"])
    value = amount if amount is not None else float(piece["n"])
    if piece["and_half"]:
        value += 0.5 if "half" in piece["and_half"] else 0.25
    return value * unit, unit
