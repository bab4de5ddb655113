"""What it costs to wait for the wake word on this computer's own sound devices."""

from __future__ import annotations

import os
import resource
import time

import anyio

from assistant.config import Config
from assistant.daemon import Daemon, Home
from assistant.live import open_sound

SETTLE_SECONDS = 5.0
"""What is prepared in the background after the start is not part of it."""


async def idle(config: Config, home: Home, seconds: float) -> dict[str, float]:
    """Run the whole assistant, as `assistant run` does, and measure its process. seconds: so long.

    Returns share: of one core, all threads of the process together, the sound server's own work not included; wakes_per_second:
    how often any of its threads was woken. Raises DeviceError, ModelError, ConfigError.
    """
    listening = anyio.Event()
    daemon = Daemon(home, open_sound, lambda event: None, lambda phrase: listening.set())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(daemon.run, config)
        await listening.wait()
        await anyio.sleep(SETTLE_SECONDS)
        began, computed, woken = time.monotonic(), time.process_time(), _wakes()
        await anyio.sleep(seconds)
        passed = time.monotonic() - began
        computed, woken = time.process_time() - computed, _wakes() - woken
        tasks.cancel_scope.cancel()
    return {
        "share": round(computed / passed, 4),
        "wakes_per_second": round(woken / passed, 1),
        "seconds": round(passed, 1),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _wakes() -> int:
    """How often the threads of this process have waited for something so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
