"""Shows the assistant's state outside the terminal: an LED, a file, a program. One small plug-in point.

A plug-in is a class that takes one text (its `argument` in assistant.toml) and has `show(state)`; a package offers it under the
entry point group `assistant.indicators`. `show` is called in a thread of its own, with the newest state: it may block.
"""

from __future__ import annotations

import logging
import shlex
import subprocess
import threading
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, Protocol, get_args

from assistant.errors import ConfigError, DeviceError

log = logging.getLogger(__name__)

State = Literal["starting", "asleep", "listening", "thinking", "speaking", "muted", "looking", "stopped"]
"""What the assistant is doing. "looking": the camera is open; "muted": the microphone is off."""

STATES: tuple[State, ...] = get_args(State)
COMMAND_SECONDS = 5.0


class Indicator(Protocol):
    """What a plug-in must offer."""

    def show(self, state: State) -> None:
        """Make the state visible. Raises DeviceError or OSError when it cannot."""
        ...


class FileIndicator:
    """Writes to a file: the state's name, or what the argument says, as in `/sys/class/leds/led0/brightness asleep=0 *=1`."""

    def __init__(self, argument: str) -> None:
        words = shlex.split(argument)
        if not words:
            raise ConfigError("indicator.argument: name a file, such as /run/assistant-state")
        self._path = Path(words[0])
        self._values = dict(word.split("=", 1) for word in words[1:] if "=" in word)

    def show(self, state: State) -> None:
        """See Indicator.show."""
        value = self._values.get(state, self._values.get("*", state if not self._values else None))
        if value is not None:
            self._path.write_text(value + "\n", "ascii")


class CommandIndicator:
    """Runs a program with the state as its last argument, as in `gpioset-state --chip 0`. No shell is involved."""

    def __init__(self, argument: str) -> None:
        self._command = shlex.split(argument)
        if not self._command:
            raise ConfigError("indicator.argument: name a program")

    def show(self, state: State) -> None:
        """See Indicator.show."""
        try:
            subprocess.run([*self._command, state], check=True, timeout=COMMAND_SECONDS, capture_output=True)
        except (subprocess.SubprocessError, OSError) as error:
            raise DeviceError(f"the indicator's program {self._command[0]!r} failed: {type(error).__name__}") from error


BUILT_IN: dict[str, type[FileIndicator] | type[CommandIndicator]] = {"file": FileIndicator, "command": CommandIndicator}


def make_indicator(name: str, argument: str) -> Indicator | None:
    """The indicator of the settings; None for "". Raises ConfigError that names the choices."""
    if not name:
        return None
    if name in BUILT_IN:
        return BUILT_IN[name](argument)
    points = {point.name: point for point in entry_points(group="assistant.indicators")}
    if name not in points:
        raise ConfigError(f"unknown indicator {name!r}: choose one of {', '.join(sorted({*BUILT_IN, *points}))}")
    found: Indicator = points[name].load()(argument)
    return found


class IndicatorThread:
    """Calls an indicator in a thread of its own, with the newest state; a failure is kept for `trouble` and tried no more often
    than the state changes.

    Args:
        indicator: the plug-in; None = nothing is shown.
    """

    def __init__(self, indicator: Indicator | None) -> None:
        self._indicator = indicator
        self._changed = threading.Condition()
        self._wanted: State | None = None
        self._closing = False
        self.trouble = ""
        """The last failure in one line, "" when the last call worked."""
        self._thread = threading.Thread(target=self._work, name="indicator", daemon=True)
        if indicator is not None:
            self._thread.start()

    def show(self, state: State) -> None:
        """Show a state soon; returns at once. A state that is overtaken by a newer one is skipped."""
        with self._changed:
            self._wanted = state
            self._changed.notify()

    def close(self, seconds: float = 1.0) -> None:
        """Show what is still to be shown, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        assert self._indicator is not None
        while True:
            with self._changed:
                while self._wanted is None and not self._closing:
                    self._changed.wait()
                state, self._wanted = self._wanted, None
            if state is None:
                return
            try:
                self._indicator.show(state)
                self.trouble = ""
            except (OSError, DeviceError) as error:
                if str(error) != self.trouble:
                    log.warning("the indicator failed: %s", error)
                self.trouble = str(error)
