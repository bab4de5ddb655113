"""Deletes what the assistant keeps of its people: recordings, learned names, lists. Timers, settings and models stay."""

from __future__ import annotations

import math
from pathlib import Path

from assistant.errors import DeviceError
from assistant.lists import LISTS_FILE
from assistant.recording import FOLDER, recordings, sweep
from assistant.sight.learned import NAMES_FILE

KEPT = {NAMES_FILE: "what it learned", LISTS_FILE: "the lists"}
"""Files of the state folder that hold what people taught or told the assistant."""


def forget(state: Path) -> list[str]:
    """Delete it all; what was there, in words. Raises DeviceError when something could not be deleted."""
    done = []
    if count := sweep(state / FOLDER, math.inf):
        done.append(f"{count} recording{'s' if count > 1 else ''}")
    for name, what in KEPT.items():
        path = state / name
        try:
            if path.exists():
                path.unlink()
                done.append(what)
        except OSError as error:
            raise DeviceError(f"cannot delete {path}: {error.strerror}; try it with sudo") from error
    if left := recordings(state):
        raise DeviceError(f"cannot delete {left[0]}; try it with sudo")
    return done
