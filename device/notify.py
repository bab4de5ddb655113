"""Tells the service manager how the assistant is: ready, alive, reloading, stopping. The sd_notify protocol.

One datagram of "NAME=value" lines to the socket named by NOTIFY_SOCKET; a leading "@" stands for an abstract address
(sd_notify(3)). Without that variable nothing is sent, so the same code runs in a terminal.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

MINIMUM_SECONDS = 0.05
"""The shortest interval between two signs of life."""


class Notifier:
    """The line to the service manager. environment: where NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are looked up."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) if self._address else None
        self.watchdog_seconds = _watchdog_seconds(environment)
        """How long the manager waits for a sign of life; 0 = it does not."""

    @property
    def interval_seconds(self) -> float:
        """How often to send a sign of life: a third of the manager's patience, so that one late sign does no harm."""
        return max(MINIMUM_SECONDS, self.watchdog_seconds / 3)

    def ready(self, status: str = "") -> None:
        """Start-up or a reload is complete. status: one line for `systemctl status`."""
        self._send("READY=1", f"STATUS={status}")

    def alive(self) -> None:
        """A sign of life for the watchdog."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """The settings are being read anew; `ready` ends it. MONOTONIC_USEC is what Type=notify-reload wants with it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, *lines: str) -> None:
        """Send; a manager that does not read is no reason to stop."""
        if self._socket is not None:
            try:
                self._socket.sendto("\n".join(lines).encode(), self._address)
            except OSError:
                return


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    """WATCHDOG_USEC in seconds; 0 when it is absent, malformed or meant for another process."""
    microseconds, owner = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or (owner and owner != str(os.getpid())):
        return 0.0
    return int(microseconds) / 1e6
