"""What is done or rings on certain days of the week: alarms, reminders and commands."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from assistant import repeating
from assistant.timers import Timers
from tests.unit.clocks import START, HandClock
from tests.unit.talk import Talk


class Week(Talk):
    def rings(self, days: int) -> list[str]:
        """Hour by hour, what rings in so many days: "Tue 07:00"."""
        found = []
        for _ in range(days * 24):
            self.clock.move(3600)
            for timer in self.timers.due():
                found.append(f"{timer.due:%a %H:%M}")
                self.timers.rung(timer)
        return found


@pytest.fixture
def talk(tmp_path: Path) -> Week:
    return Week(tmp_path)


@pytest.mark.parametrize(
    ("text", "reply", "rings"),
    [
        ("wake me at seven every day", "I set an alarm for seven AM every day.",
         ["Tue 07:00", "Wed 07:00", "Thu 07:00", "Fri 07:00", "Sat 07:00", "Sun 07:00", "Mon 07:00"]),
        ("wake me every weekday at half past six", "I set an alarm for six thirty AM on weekdays.",
         ["Tue 06:30", "Wed 06:30", "Thu 06:30", "Fri 06:30", "Mon 06:30"]),
        ("set an alarm for 11 am on mondays", "I set an alarm for eleven AM every Monday.", ["Mon 11:00"]),
        ("set an alarm for nine on weekends", "I set an alarm for nine AM on weekends.", ["Sat 09:00", "Sun 09:00"]),
        ("remind me every evening at nine to call my mum", "I will remind you to call your mum at nine PM every day.",
         ["Mon 21:00", "Tue 21:00", "Wed 21:00", "Thu 21:00", "Fri 21:00", "Sat 21:00", "Sun 21:00"]),
        ("close the blinds every sunday at ten pm", "I will close the blinds at ten PM every Sunday.", ["Sun 22:00"]),
        ("each morning at eight turn on the kitchen light", "I will turn on the kitchen light at eight AM every day.",
         ["Tue 08:00", "Wed 08:00", "Thu 08:00", "Fri 08:00", "Sat 08:00", "Sun 08:00", "Mon 08:00"]),
    ],
)  # fmt: skip
def test_it_rings_on_its_days(talk: Week, text: str, reply: str, rings: list[str]) -> None:
    assert talk.reply(text) == reply
    assert talk.rings(7) == rings


def test_it_is_listed_moved_and_cancelled_as_one(talk: Week) -> None:
    talk.reply("wake me at seven every day")
    assert talk.reply("what alarms are set") == "Your alarm is set for seven AM every day."
    assert talk.reply("is the alarm set for friday") == "Your alarm is set for seven AM every day."
    assert talk.reply("change the alarm to eight") == "I moved the alarm to eight AM every day."
    assert talk.rings(2) == ["Tue 08:00", "Wed 08:00"]
    assert talk.reply("cancel the alarm") == "The eight AM alarm every day is cancelled."
    assert talk.rings(2) == []


def test_plans(talk: Week) -> None:
    talk.reply("turn on the kitchen light every evening at eight")
    assert talk.reply("what is planned") == "I will turn on the kitchen light at eight PM every day."
    assert talk.reply("cancel the plan") == "OK, I will not turn on the kitchen light."


def test_the_time_is_asked_for(talk: Week) -> None:
    assert talk.reply("turn on the kitchen light every evening") == "At what time?"
    assert talk.reply("half past eight") == "I will turn on the kitchen light at eight thirty PM every day."


def test_days_missed_while_the_power_was_off_ring_once(tmp_path: Path, talk: Week) -> None:
    talk.reply("wake me at seven every day")
    talk.timers.close()
    talk.clock.move(timedelta(days=3).total_seconds())
    again = Timers(tmp_path / "timers.sqlite", talk.clock)
    (missed,) = again.due()
    again.rung(missed)
    assert again.due() == [] and f"{again.next_due():%a %H:%M}" == "Fri 07:00"


def test_a_file_of_an_earlier_version_is_kept(tmp_path: Path) -> None:
    file, due = tmp_path / "timers.sqlite", START + timedelta(hours=1)
    with sqlite3.connect(file) as database:
        columns = "id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, due_s REAL NOT NULL, length_s REAL NOT NULL"
        database.execute(f"CREATE TABLE timers ({columns}, rung INTEGER NOT NULL DEFAULT 0)")
        database.execute("INSERT INTO timers VALUES (7, 'timer', 'pasta', ?, 3600, 0)", (due.timestamp(),))
    (kept,) = Timers(file, HandClock()).active()
    assert (kept.id, kept.name, kept.due, kept.days) == (7, "pasta", due, "")


def test_the_time_of_day_stays_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 24, 7, 0, tzinfo=berlin)  # the night after it clocks go back
    after = repeating.next_time(before, repeating.EVERY_DAY, before)
    assert f"{after:%d %H:%M %z}" == "25 07:00 +0100"


def test_reminders(talk: Week) -> None:
    assert talk.reply("remind me in an hour to call my mum") == "I will remind you to call your mum in one hour."
    assert talk.reply("remind me to feed the cat at five pm") == "I will remind you to feed the cat at five PM today."
    told = "I will remind you to call your mum at eleven AM today and to feed the cat at five PM today."
    assert talk.reply("what are my reminders") == told
    assert [timer.announcement() for timer in talk.timers.active()] == [
        "This is your reminder to call your mum.",
        "It's five PM. This is your reminder to feed the cat.",
    ]
    assert talk.reply("cancel the reminder to call my mum") == "OK, I will not remind you to call your mum."
    assert talk.reply("cancel the reminder to wash the car") == "There is no such reminder."
    assert talk.reply("don't remind me") == "OK, I will not remind you to feed the cat."
    assert talk.reply("which reminders are set") == "No reminder is set."


@pytest.mark.parametrize(
    ("text", "question", "answer", "reply"),
    [
        ("remind me to turn off the light", "When?", "in ten minutes", "I will remind you to turn off the light in ten minutes."),
        ("remind me to call my mum", "When?", "tomorrow at 8 am", "I will remind you to call your mum at eight AM tomorrow."),
        ("remind me tomorrow to buy milk", "At what time?", "at nine", "I will remind you to buy milk at nine AM tomorrow."),
        (
            "remind me to buy milk every friday",
            "At what time?",
            "at 9 am",
            "I will remind you to buy milk at nine AM every Friday.",
        ),
        (
            "remind me every evening to take my pills",
            "At what time?",
            "nine",
            "I will remind you to take your pills at nine PM every day.",
        ),
        ("remind me to run tomorrow morning", "At what time?", "at seven", "I will remind you to run at seven AM tomorrow."),
        ("remind me to buy milk", "When?", "turn on the tv", "The TV is on."),
        ("remind me to buy milk", "When?", "never mind", "OK, I leave it."),
    ],
)
def test_when_is_asked(talk: Week, text: str, question: str, answer: str, reply: str) -> None:
    assert talk.reply(text) == question
    assert talk.reply(answer) == reply


def test_which_reminder_is_asked(talk: Week) -> None:
    talk.reply("remind me in an hour to call mum")
    talk.reply("remind me in two hours to feed the cat")
    assert talk.reply("cancel the reminder") == "Which one: the reminder to call mum or the reminder to feed the cat?"
    assert talk.reply("feed the cat") == "OK, I will not remind you to feed the cat."
    assert talk.reply("cancel all reminders") == "OK, I will not remind you to call mum."
