"""Plays the earcons (device/earcons.py) at the right events: an observer, and a task that plays what it noted."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from assistant.errors import DeviceError
from assistant.events import Event, Samples, SpeechEnded, StageFailed, WakeDetected
from assistant.ports import Speaker

WAITING = 2
"""Sounds that may wait to be played; more are left out."""


class Chimes:
    """awake: at the wake word; done: the request was heard to its end; error: a stage failed; timer: see `ring`.

    Args:
        speaker: where they sound.
        sounds: name -> int16, (n,), at `rate` Hz.
        rate: Hz.
    """

    def __init__(self, speaker: Speaker, sounds: Callable[[str], Samples], rate: int) -> None:
        self._speaker, self._rate = speaker, rate
        self._sounds = {name: sounds(name) for name in ("awake", "done", "error", "timer")}
        self._wanted, self._notes = anyio.create_memory_object_stream[str](WAITING)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case WakeDetected():
                self._want("awake")
            case SpeechEnded(reason="silence" | "others" | "limit"):
                self._want("done")
            case StageFailed():
                self._want("error")

    def _want(self, name: str) -> None:
        try:
            self._wanted.send_nowait(name)
        except anyio.WouldBlock:
            return

    def ring(self) -> None:
        """A timer or an alarm is about to be announced."""
        self._want("timer")

    async def run(self) -> None:
        """Play what comes, for ever. A loudspeaker that is away is no reason to end."""
        async for name in self._notes:
            try:
                await self._speaker.play(self._sounds[name], self._rate)
            except DeviceError:
                continue
