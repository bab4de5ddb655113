"""Kills a process that sets and rings timers at random moments, and compares what it said with what the file kept.

`python -m tests.unit.kill_timers 200` does it 200 times. The process writes a line before and after every ring and after every
timer that was set; lines go straight to the system, so they survive the kill.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

LIFE = """
import sys, time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from assistant.timers import SystemClock, Timers

def tell(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

timers = Timers(Path(sys.argv[1]), SystemClock())
tell("ready")
number = int(sys.argv[2])
while True:
    if len(timers.active()) < 20:
        timer = timers.add(datetime.now(timezone.utc) + timedelta(seconds=0.02), name=f"n{number}")
        tell("set", timer.name)
        number += 1
    for timer in timers.due():
        tell("begin", timer.name)
        time.sleep(0.002)  # the sound
        tell("heard", timer.name)
        timers.rung(timer)
        tell("noted", timer.name)
"""


@dataclass
class Outcome:
    """What was seen over all lives. ready_s: how long each process took until it had its timers."""

    was_set: set[str] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    noted: set[str] = field(default_factory=set)
    ready_s: list[float] = field(default_factory=list)
    damaged: int = 0
    cut: set[str] = field(default_factory=set)
    """Heard in a life that ended before the note: these ring again."""

    @property
    def lost(self) -> set[str]:
        """Set and never heard."""
        return self.was_set - set(self.heard)


def live(path: Path, number: int, seconds: float | None, outcome: Outcome) -> None:
    """One life of the process: until it is killed, or (None) until every timer has rung."""
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", LIFE, str(path), str(number)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    outcome.ready_s.append(time.monotonic() - began)
    time.sleep(0.5 if seconds is None else seconds)
    process.kill()
    heard_now: set[str] = set()
    noted_now: set[str] = set()
    for line in process.stdout.read().splitlines():
        what, name = line.split()
        if what == "set":
            outcome.was_set.add(name)
        elif what == "heard":
            assert name not in outcome.noted, f"{name} rang again although it was noted"
            outcome.heard[name] += 1
            heard_now.add(name)
        elif what == "noted":
            outcome.noted.add(name)
            noted_now.add(name)
    outcome.cut |= heard_now - noted_now
    process.wait()
    outcome.damaged += len(list(path.parent.glob("*.damaged-*")))


def kill_often(times: int, folder: Path, seed: int = 0) -> Outcome:
    """That many lives, each ended by kill -9 at a random moment, and a last one in which all that is left rings."""
    chance, outcome = random.Random(seed), Outcome()
    for number in range(times):
        live(folder / "timers.sqlite", number * 1_000_000, chance.uniform(0, 0.15), outcome)
    live(folder / "timers.sqlite", times * 1_000_000, None, outcome)
    outcome.was_set = {
        name for name in outcome.was_set if int(name[1:]) < times * 1_000_000
    }  # the last life's own may still wait
    return outcome


def main() -> None:
    """The number of kills is the only argument."""
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_often(int(sys.argv[1]), Path(folder))
    again = sum(count > 1 for count in outcome.heard.values())
    print(
        f"{sys.argv[1]} kills: {len(outcome.was_set)} timers set, {len(outcome.lost)} lost, 0 rang after they were noted, "
        f"{again} rang again because the kill came between ring and note, {outcome.damaged} damaged files, "
        f"ready after {max(outcome.ready_s):.2f} s at most"
    )


if __name__ == "__main__":
    main()
