"""A real `assistant run` for the tests: its folders, its log, and a service manager that listens to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.config import folders

WATCHDOG_SECONDS = 1.5
FREEZE = """
import time
from dataclasses import dataclass
from assistant.skills import Reply, Services, skill

@dataclass(frozen=True)
class Slots:
    pass

@skill("Freeze", sentences=["freeze for a while"])
async def freeze(slots: Slots, services: Services) -> Reply:
    time.sleep(3)  # what a skill must not do: it holds the event loop
    return Reply("thawed")
"""


class Manager:
    """A service manager's end of the notify socket: notes what arrives, and when."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.seen: list[tuple[float, str]] = []
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        while True:
            text = self.socket.recv(4096).decode()
            self.seen += [(time.monotonic(), line) for line in text.splitlines()]

    def wait_for(self, line: str, seconds: float = 60.0, after: float = 0.0) -> float:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for moment, seen in list(self.seen):
                if seen == line and moment > after:
                    return moment
            time.sleep(0.02)
        raise AssertionError(f"{line} did not come: {self.seen[-5:]}")


class Daemon:
    """A running `assistant run` with its folders and its log."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.manager = Manager(home / "notify")
        self.log = home / "log.txt"
        self.env = {
            **os.environ,
            "EDGE_ASSISTANT_HOME": str(home),
            "NOTIFY_SOCKET": str(home / "notify"),
            "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6)),
        }
        command = [sys.executable, "-m", "assistant.cli", "-v", "--log-format", "json", *options, "run", "--quiet"]
        self.output = (home / "output.txt").open("wb")
        self.senses = {option.partition(".")[0] for option in options}
        self.process = subprocess.Popen(command, env=self.env, stdout=self.output, stderr=self.log.open("wb"))
        self.manager.wait_for("READY=1")

    def run(self, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "assistant.cli", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=self.env)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("ctl", "status", "--json"))["status"]

    def timers(self) -> list[dict[str, Any]]:
        """The timers, of which there is at least one."""
        if not (found := json.loads(self.run("ctl", "timers", "--json"))["timers"]):
            self.run("ctl", "ask", "set a pasta timer for ten minutes")
            found = json.loads(self.run("ctl", "timers", "--json"))["timers"]
        assert found
        return found  # type: ignore[no-any-return]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def make_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "data").symlink_to(folders().data)
    (home / "config" / "skills").mkdir(parents=True)
    (home / "config" / "skills" / "freeze.py").write_text(FREEZE)
    return home


def film(path: Path) -> None:
    import cv2

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (160, 120))
    for number in range(25):
        writer.write(np.full((120, 160, 3), number, np.uint8))
    writer.release()
