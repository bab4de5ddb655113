"""On which days of the week something is done again, and when next. Days are digits, Monday 0: "01234" = on weekdays."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from assistant import spoken

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EVERY_DAY, WORKDAYS, WEEKEND = "0123456", "01234", "56"


def next_time(due: datetime, days: str, now: datetime) -> datetime:
    """The first moment after both on one of the days, at the time of day of `due`. All aware; days must not be empty."""
    moment = due + timedelta(days=1)
    while moment <= now or str(moment.weekday()) not in days:
        moment += timedelta(days=1)
    return in_local_time(moment)


def first_time(due: datetime, days: str) -> datetime:
    """`due`, or the same time of day on the first of the days after it; `due` when days are empty."""
    while days and str(due.weekday()) not in days:
        due += timedelta(days=1)
    return in_local_time(due)


def told(days: str) -> str:
    """As it is said: "every day", "on weekdays", "on weekends", "every Monday", "every Monday and Friday"."""
    known = {EVERY_DAY: "every day", WORKDAYS: "on weekdays", WEEKEND: "on weekends"}
    return known.get(days) or f"every {spoken.listing([WEEKDAYS[int(day)].capitalize() for day in days])}"


def in_local_time(moment: datetime) -> datetime:
    """The same time of day with the offset that holds on that day: clocks may change before it. Keeps a tz database zone."""
    if isinstance(moment.tzinfo, timezone) and moment.replace(tzinfo=None).astimezone().utcoffset() != moment.utcoffset():
        now_offset = datetime.now().astimezone().utcoffset()
        if now_offset == moment.utcoffset():
            return moment.replace(tzinfo=None).astimezone()
    return moment
