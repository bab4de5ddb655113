"""The file of timers: one small SQLite table, written through to the disk; a damaged file is moved aside."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from assistant.damaged import move_aside

SCHEMA = """
CREATE TABLE IF NOT EXISTS timers (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    due_s REAL NOT NULL,
    length_s REAL NOT NULL,
    rung INTEGER NOT NULL DEFAULT 0,
    days TEXT NOT NULL DEFAULT ''
)
"""

# Values of the column `rung`: 0 = waiting, 1 = rung, 2 = paused. due_s of a paused timer is what was left of it, in seconds.
# `days`: on which days of the week it is again (repeating.py); files of versions before 2026-11-27 lack it.

COLUMNS = ["id", "kind", "name", "due_s", "length_s", "rung", "days"]


def connect(path: Path) -> sqlite3.Connection:
    """Open with every commit written through to the disk. Raises sqlite3.DatabaseError when the file is damaged."""
    database = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        answer = database.execute("PRAGMA quick_check").fetchone()
        if answer != ("ok",):
            raise sqlite3.DatabaseError("quick_check failed")
        with database:
            database.execute(SCHEMA)
            columns = [row[1] for row in database.execute("PRAGMA table_info(timers)")]
            if columns == COLUMNS[:-1]:
                database.execute("ALTER TABLE timers ADD COLUMN days TEXT NOT NULL DEFAULT ''")
                columns = COLUMNS
        if columns != COLUMNS:
            raise sqlite3.DatabaseError("made by another program")
    except sqlite3.Error:
        database.close()
        raise
    return database


def set_aside(path: Path) -> None:
    """Start anew beside a damaged database."""
    move_aside(path, "timers")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def why(error: Exception) -> str:
    """The reason in words that can be spoken."""
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return "the disk is full"
    if "readonly" in text or "read-only" in text:
        return "the disk is read only"
    if "locked" in text:
        return "the file is in use by another program"
    return text if text == "the assistant is stopping" else "the file cannot be written"
