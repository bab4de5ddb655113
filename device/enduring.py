"""An activity that outlives whoever waits for it: what a worker thread is in the middle of cannot be taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

T = TypeVar("T")


class Enduring(Generic[T]):
    """Runs an activity once at a time. Whoever waits and is cancelled leaves it running; the next to wait gets its result.

    asyncio.to_thread alone goes on in its thread after a cancellation, and a second thread would then open the same device.
    """

    def __init__(self, activity: Callable[[], Coroutine[None, None, T]]) -> None:
        self._activity = activity
        self._task: asyncio.Task[T] | None = None

    async def result(self) -> T:
        """Of the activity under way, or of a new one; what failed while nobody waited is forgotten."""
        if self._task is not None and self._task.done() and (self._task.cancelled() or self._task.exception() is not None):
            self._task = None
        task = self._task = self._task or asyncio.create_task(self._activity())
        try:
            return await asyncio.shield(task)
        finally:
            if task.done():
                self._task = None

    def cancel(self) -> None:
        """End it where it next waits."""
        if self._task is not None:
            self._task.cancel()
