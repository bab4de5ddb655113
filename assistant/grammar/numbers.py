"""Numbers, durations and clock times as people say them: "half past seven" and "an hour and a half"."""

from __future__ import annotations

from assistant.engines.spelling import in_words


def spoken(numbers: range) -> list[str]:
    """Each number in words."""
    return [in_words(number) for number in numbers]


LISTS = {
    "count": spoken(range(2, 100)),
    "hour": spoken(range(1, 13)),
    "minute": [*(f"oh {in_words(minute)}" for minute in range(1, 10)), *spoken(range(10, 60))],
    "offset": [*spoken(range(5, 30, 5)), "a quarter", "quarter"],
}
"""What the braces of the templates below stand for."""

DURATION = (
    "(one|a) (second|minute|day)",
    "(one|an) hour",
    "{count} (seconds|minutes|hours)",
    "{count} (second|minute|hour)",  # "a 5 minute timer"
    "(one|a) minute [and] {count} seconds",
    "{count} minutes [and] {count} seconds",
    "(one|an) hour [and] {count} minutes",
    "{count} hours [and] {count} minutes",
    "half an hour",
    "half a minute",
    "(a|one) minute and a half",
    "(an|one) hour and a half",
    "{count} (minutes|hours) and a half",
    "(one|{count}) and a half (minutes|hours)",
    "(a|three) quarter[s] of an hour",
    "a couple of (minutes|hours)",
)
"""Spoken durations that `understanding.quantities.measures` knows, in hassil's syntax; they stand for "300 durationseconds"."""

CLOCK = (
    "{hour}",
    "{hour} o'clock [in the (morning|afternoon|evening)]",
    "{hour} (am|pm|in the morning|in the afternoon|in the evening|at night)",
    "{hour} {minute} [(am|pm)]",
    "half past {hour} [(am|pm)]",
    "{offset} [minutes] (past|to) {hour} [(am|pm)]",
    "noon",
    "midnight",
)
"""Spoken times of day, likewise; they stand for "10450 clocktime"."""

MEASURES = {"durationseconds": ("duration_s", DURATION), "clocktime": ("clock_code", CLOCK)}
"""The word that understanding writes behind such a number -> (the list before it, how it is spoken)."""
