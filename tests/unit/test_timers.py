"""Timers and alarms over restarts, kill -9, damaged files and full disks."""

from __future__ import annotations

import logging
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from assistant.errors import SkillError
from assistant.timers import SystemClock, Timer, Timers
from tests.unit.clocks import START, HandClock
from tests.unit.kill_timers import kill_often


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def timers(tmp_path: Path, clock: HandClock) -> Timers:
    return Timers(tmp_path / "state" / "timers.sqlite", clock)


def test_rings_once_in_order(timers: Timers, clock: HandClock) -> None:
    timers.add(START + timedelta(seconds=20), name="eggs", length_s=20)
    timers.add(START + timedelta(seconds=10), length_s=10)
    timers.add(START + timedelta(hours=1), kind="alarm")
    assert timers.next_due() == START + timedelta(seconds=10)
    assert timers.due() == []
    clock.move(20)
    assert [timer.title() for timer in timers.due()] == ["ten second timer", "eggs timer"]
    assert len(timers.due()) == 2, "what was not heard yet goes on ringing"
    for timer in timers.due():
        timers.rung(timer)
    assert timers.due() == []
    assert [timer.kind for timer in timers.active()] == ["alarm"]


def test_cancel(timers: Timers) -> None:
    timer = timers.add(START + timedelta(seconds=20))
    assert timers.cancel(timer.id)
    assert not timers.cancel(timer.id)
    assert timers.active() == []
    assert timers.next_due() is None


def test_a_paused_one_keeps_what_was_left_over_a_restart(tmp_path: Path, clock: HandClock) -> None:
    first = Timers(tmp_path / "timers.sqlite", clock)
    timer = first.add(START + timedelta(seconds=20), name="eggs", length_s=20)
    clock.move(5)
    assert first.pause(timer) and not first.pause(timer)
    first.close()
    clock.move(1000)
    second = Timers(tmp_path / "timers.sqlite", clock)
    assert second.active() == second.due() == [] and second.next_due() is None
    assert [(one.title(), one.due - clock.now()) for one in second.paused()] == [("eggs timer", timedelta(seconds=15))]
    assert second.go_on(timer) and not second.go_on(timer)
    assert second.next_due() == clock.now() + timedelta(seconds=15) and second.paused() == []


def test_a_paused_one_can_be_cancelled(timers: Timers) -> None:
    timer = timers.add(START + timedelta(seconds=20))
    timers.pause(timer)
    assert timers.cancel(timer.id) and timers.paused() == [] and not timers.go_on(timer)


def test_a_moved_one_rings_at_its_new_time(tmp_path: Path, clock: HandClock) -> None:
    first = Timers(tmp_path / "timers.sqlite", clock)
    timer = first.add(START + timedelta(seconds=20), name="eggs", length_s=20)
    assert first.move(timer, START + timedelta(seconds=80), 80)
    first.close()
    second = Timers(tmp_path / "timers.sqlite", clock)
    assert [(one.due, one.length_s) for one in second.active()] == [(START + timedelta(seconds=80), 80)]
    second.cancel(timer.id)
    assert not second.move(timer, START, 0)


def test_survive_a_restart(tmp_path: Path, clock: HandClock) -> None:
    first = Timers(tmp_path / "timers.sqlite", clock)
    added = first.add(START + timedelta(minutes=5), name="pasta", length_s=300)
    first.close()
    second = Timers(tmp_path / "timers.sqlite", clock)
    assert second.active() == [added]


def test_one_that_came_due_while_the_power_was_off_rings_once(tmp_path: Path, clock: HandClock) -> None:
    first = Timers(tmp_path / "timers.sqlite", clock)
    first.add(START + timedelta(minutes=5), kind="alarm")
    first.close()
    clock.move(86400 * 3)
    second = Timers(tmp_path / "timers.sqlite", clock)
    (timer,) = second.due()
    second.rung(timer)
    second.close()
    assert Timers(tmp_path / "timers.sqlite", clock).due() == []


SET_AND_WAIT = """
import sys, time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from assistant.timers import SystemClock, Timers

timers = Timers(Path(sys.argv[1]), SystemClock())
timers.add(datetime.now(timezone.utc) + timedelta(hours=1), name="pasta", length_s=3600)
print("set", flush=True)
time.sleep(60)
"""


def test_survive_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "timers.sqlite"
    process = subprocess.Popen([sys.executable, "-c", SET_AND_WAIT, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "set\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (timer,) = Timers(path, SystemClock()).active()
    assert timer.name == "pasta"
    assert timedelta(minutes=58) < timer.due - datetime.now(timezone.utc) < timedelta(minutes=61)


def test_every_commit_is_written_through(timers: Timers) -> None:
    assert timers._connection().execute("PRAGMA synchronous").fetchone() == (2,)
    assert timers._connection().execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_moved_aside(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "timers.sqlite"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        timers = Timers(path, clock)
    timers.add(START + timedelta(seconds=1))
    assert len(timers.active()) == 1
    assert (tmp_path / "timers.sqlite.damaged-1").read_bytes() == content
    assert "moved" in caplog.text


def test_a_database_of_another_program_is_moved_aside(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "timers.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE timers (something TEXT)")
    other.close()
    Timers(path, clock).add(START + timedelta(seconds=1))
    assert (tmp_path / "timers.sqlite.damaged-1").exists()


def test_a_folder_that_cannot_be_made_is_told_when_a_timer_is_set(tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "file").write_text("in the way")
    timers = Timers(tmp_path / "file" / "timers.sqlite", clock)
    assert timers.active() == []
    assert timers.due() == []
    with pytest.raises(SkillError, match=r"^I cannot save timers: .*\.$"):
        timers.add(START + timedelta(seconds=1))


def test_a_full_disk_is_told(timers: Timers) -> None:
    pages = timers._connection().execute("PRAGMA page_count").fetchone()[0]
    timers._connection().execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SkillError, match="the disk is full"):
        for _ in range(1000):
            timers.add(START + timedelta(seconds=1), name="x" * 1000)


def test_a_read_only_file_is_told(timers: Timers) -> None:
    timers._connection().execute("PRAGMA query_only = ON")
    with pytest.raises(SkillError, match="the disk is read only"):
        timers.add(START + timedelta(seconds=1))
    with pytest.raises(SkillError, match="the disk is read only"):
        timers.move(Timer(1, "timer", "", START, 1.0), START, 1.0)


def test_announcements(timers: Timers) -> None:
    assert timers.add(START, name="pasta", length_s=600).announcement() == "Your pasta timer is done."
    assert timers.add(START, length_s=5400).announcement() == "Your one hour thirty minute timer is done."
    assert timers.add(START, kind="alarm").announcement() == "It's ten AM. This is your alarm."


def test_times_are_shown_in_local_time(tmp_path: Path, clock: HandClock) -> None:
    timers = Timers(tmp_path / "timers.sqlite", clock)
    timers.add((START + timedelta(hours=1)).astimezone(timezone.utc))
    assert timers.active()[0].due.hour == 11


def test_kill_9_at_random_moments_loses_no_timer(tmp_path: Path) -> None:
    """`python -m tests.unit.kill_timers 200` does it 200 times; a ring after its note fails inside."""
    outcome = kill_often(8, tmp_path)
    assert len(outcome.was_set) > 20
    assert not outcome.lost
    assert {name for name, count in outcome.heard.items() if count > 1} <= outcome.cut
    assert outcome.damaged == 0
    assert max(outcome.ready_s) < 5


def test_a_ring_that_cannot_be_noted_is_not_repeated(timers: Timers, clock: HandClock) -> None:
    timers.add(START + timedelta(seconds=1))
    clock.move(2)
    (timer,) = timers.due()
    timers._connection().execute("PRAGMA query_only = ON")
    timers.rung(timer)
    assert timers.due() == []
