"""Files of the assistant's own that cannot be read any more."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def move_aside(path: Path, what: str) -> None:
    """Rename a damaged file so that it can be looked at, and start anew. what: it holds, "timers"."""
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(target)
    log.warning("the file of the %s was damaged; it was moved to %s and the %s start empty", what, target, what)
