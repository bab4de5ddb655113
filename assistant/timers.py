"""Timers and alarms that survive a crash, kill -9 and a power cut: one small SQLite file, written through to the disk.

Times are kept as seconds of wall-clock time since 1970 (UTC). A timer that came due while the power was off rings after the
start.

Ringing has two steps, as no disk and no loudspeaker can be written at once: `due` returns what is to ring, `rung` notes that it
was heard. A crash between the two rings it again after the start: never lost, and heard twice only when the power goes after
the last sample and before the note of it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, Protocol

from assistant import spoken
from assistant.errors import SkillError
from assistant.repeating import next_time
from assistant.timers_file import connect, set_aside, why

log = logging.getLogger(__name__)

Kind = Literal["timer", "alarm", "command"]
"""A command is done when it is due, and heard only when it cannot be done."""


TASK = "to "
"""How the name of a reminder begins."""


class Clock(Protocol):
    """Tells the time of day. Tests inject one that they move by hand."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, in local time."""
        ...


class SystemClock:
    """The machine's clock in its local time zone."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, in local time."""
        return datetime.now(timezone.utc).astimezone()


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer, alarm or command for later. name: "" or such as "pasta", of a reminder `reminder_name`, of a
    command `command_name`; due: when it rings or is
    done, aware; length_s: what it was set to, 0 for alarms and commands; paused: it rings at `due` only if it goes on now; days:
    of the week on which it is again, as repeating.py writes them, "" = once."""

    id: int
    kind: Kind
    name: str
    due: datetime
    length_s: float
    paused: bool = False
    days: str = ""

    def title(self) -> str:
        """How it is spoken of: "pasta timer", "five minute timer", "seven thirty AM alarm", "reminder to call mum"."""
        if self.kind == "command":
            return self.command()[0]
        if self.task():
            return f"reminder {self.name}"
        if self.name:
            return f"{self.name} {self.kind}"
        if self.kind == "alarm":
            return f"{spoken.clock_time(self.due)} alarm"
        return f"{spoken.length_adjective(self.length_s)} timer"

    def announcement(self) -> str:
        """What to say when it rings, or when a command could not be done."""
        if self.kind == "command":
            return f"I was to {self.title()} at {spoken.clock_time(self.due)}, and could not."
        if self.kind == "timer":
            return f"This is your {self.title()}." if self.task() else f"Your {self.title()} is done."
        about = f", {self.name}" if self.name and not self.task() else ""
        return f"It's {spoken.clock_time(self.due)}{about}. This is your {self.title() if self.task() else 'alarm'}."

    def task(self) -> str:
        """What a reminder reminds of, "" for anything else: "call mum"."""
        return self.name.removeprefix(TASK) if self.kind != "command" and self.name.startswith(TASK) else ""

    def command(self) -> tuple[str, str]:
        """A command's words and its packed intents; both "" when the file holds something else."""
        try:
            said, then = json.loads(self.name)
            return str(said), str(then)
        except (TypeError, ValueError):
            return "", ""


def reminder_name(task: str) -> str:
    """The name of a timer or alarm that reminds. task: as it was asked for, "call my mum"."""
    return TASK + spoken.to_you(task)


def command_name(said: str, then: str) -> str:
    """The name of a timer that does something. said: its words, "turn off the tv"; then: its packed intents."""
    return json.dumps([said, then])


class Timers:
    """All timers and alarms. path: the SQLite file, created when missing; clock: the time.

    Safe to call from any thread. A damaged file is moved aside with a warning. When the disk is read-only or full, `add`,
    `move` and `cancel` raise SkillError with a sentence to speak; reading goes on.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._trouble = ""
        self._unwritten: set[int] = set()  # rung, but the disk does not take the note
        self._open()

    def add(self, due: datetime, *, kind: Kind = "timer", name: str = "", length_s: float = 0.0, days: str = "") -> Timer:
        """Set one; when this returns it is on the disk. due: aware. Raises SkillError when it cannot be saved."""
        values = (kind, name, due.timestamp(), length_s, days)
        with self._lock:
            try:
                with self._connection() as database:
                    cursor = database.execute(
                        "INSERT INTO timers (kind, name, due_s, length_s, days) VALUES (?, ?, ?, ?, ?)", values
                    )
            except sqlite3.Error as error:
                raise SkillError(f"I cannot save timers: {why(error)}.") from error
        assert cursor.lastrowid is not None
        return Timer(cursor.lastrowid, kind, name, due, length_s, days=days)

    def move(self, timer: Timer, due: datetime, length_s: float) -> bool:
        """Let one ring at another time; False when it was gone already. Raises SkillError when that cannot be saved."""
        change = "UPDATE timers SET due_s = ?, length_s = ? WHERE id = ? AND rung = 0"
        return self._changed(change, (due.timestamp(), length_s, timer.id))

    def pause(self, timer: Timer) -> bool:
        """Let one wait with what is left of it; False when it was gone already. Raises SkillError when that cannot be saved."""
        left = max(0.0, -self.late_s(timer))
        return self._changed("UPDATE timers SET due_s = ?, rung = 2 WHERE id = ? AND rung = 0", (left, timer.id))

    def go_on(self, timer: Timer) -> bool:
        """Let a paused one go on; False when it was gone or is none. Raises SkillError when that cannot be saved."""
        change = "UPDATE timers SET due_s = ? + due_s, rung = 0 WHERE id = ? AND rung = 2"
        return self._changed(change, (self._clock.now().timestamp(), timer.id))

    def cancel(self, timer_id: int) -> bool:
        """Remove one; False when it was gone already. Raises SkillError when that cannot be saved."""
        return self._changed("DELETE FROM timers WHERE id = ? AND rung <> 1", (timer_id,))

    def _changed(self, change: str, values: tuple[float, ...]) -> bool:
        """Whether a statement changed one timer."""
        with self._lock:
            try:
                with self._connection() as database:
                    return database.execute(change, values).rowcount == 1
            except sqlite3.Error as error:
                raise SkillError(f"I cannot save timers: {why(error)}.") from error

    def active(self) -> list[Timer]:
        """Those that have not rung, the next one first."""
        return self._read("SELECT id, kind, name, due_s, length_s, days FROM timers WHERE rung = 0 ORDER BY due_s, id", ())

    def paused(self) -> list[Timer]:
        """Those that wait to go on, the one with least left first."""
        now = self._clock.now().timestamp()
        query = "SELECT id, kind, name, ? + due_s, length_s, days FROM timers WHERE rung = 2 ORDER BY due_s, id"
        return [replace(timer, paused=True) for timer in self._read(query, (now,))]

    def next_due(self) -> datetime | None:
        """When the next one rings; None when there is none."""
        first = self._read("SELECT id, kind, name, due_s, length_s, days FROM timers WHERE rung = 0 ORDER BY due_s LIMIT 1", ())
        return first[0].due if first else None

    def due(self, now: datetime | None = None) -> list[Timer]:
        """Those that are to ring at `now` (default: the clock's), the earliest first, until each is noted as `rung`."""
        moment = (now or self._clock.now()).timestamp()
        query = "SELECT id, kind, name, due_s, length_s, days FROM timers WHERE rung = 0 AND due_s <= ? ORDER BY due_s, id"
        waiting = self._read(query, (moment,))
        return [timer for timer in waiting if timer.id not in self._unwritten]

    def late_s(self, timer: Timer) -> float:
        """How many seconds ago one was due; negative = it is not yet."""
        return (self._clock.now() - timer.due).total_seconds()

    def rung(self, timer: Timer) -> None:
        """It was heard or done: it never is again, or on the next of its days. When the disk is full or read-only, not in this
        process."""
        now = self._clock.now()
        with self._lock:
            try:
                with self._connection() as database:
                    if timer.days:
                        again = next_time(timer.due, timer.days, now).timestamp()
                        change = "UPDATE timers SET due_s = ? WHERE id = ? AND rung = 0 AND due_s <= ?"
                        database.execute(change, (again, timer.id, now.timestamp()))
                        return
                    database.execute("UPDATE timers SET rung = 1 WHERE id = ?", (timer.id,))
                    old = "DELETE FROM timers WHERE rung = 1 AND (due_s < ? OR kind = 'command')"
                    database.execute(old, (timer.due.timestamp() - 86400,))
            except sqlite3.Error as error:
                self._unwritten.add(timer.id)
                log.warning("that a timer rang cannot be saved in %s: %s", self._path, why(error))

    def close(self) -> None:
        """Close the file. Everything is on the disk already."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
                self._trouble = "the assistant is stopping"

    def _read(self, query: str, values: tuple[float, ...]) -> list[Timer]:
        with self._lock:
            try:
                return [self._timer(row) for row in self._connection().execute(query, values).fetchall()]
            except sqlite3.Error:
                return []

    def _timer(self, row: tuple[int, Kind, str, float, float, str]) -> Timer:
        number, kind, name, due_s, length_s, days = row
        due = datetime.fromtimestamp(due_s, self._clock.now().tzinfo)
        return Timer(number, kind, name, due, length_s, days=days)

    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.OperationalError(self._trouble)
        return self._database

    def _open(self) -> None:
        """Open or create the file; a damaged one is moved aside; any other trouble is kept for the first `add`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = connect(self._path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                set_aside(self._path)
                self._database = connect(self._path)
        except (OSError, sqlite3.Error) as error:
            self._trouble = why(error)
            log.warning("timers cannot be saved in %s: %s", self._path, self._trouble)
