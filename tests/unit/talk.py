"""A conversation with the brain of the default home, without sound."""

from __future__ import annotations

from pathlib import Path

import anyio

from assistant.brain import Brain, Outcome
from assistant.home import MemoryHome, load_home
from assistant.skills import MemoryVolume
from assistant.timers import Timers
from tests.unit.clocks import HandClock


class Talk:
    """folder: for the timers' file. The clock is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.home: MemoryHome = load_home()
        self.volume = MemoryVolume(50)
        self.timers = Timers(folder / "timers.sqlite", self.clock)
        self.brain = Brain(home=self.home, timers=self.timers, clock=self.clock, volume=self.volume)

    def say(self, text: str) -> Outcome:
        """What one sentence leads to."""
        return anyio.run(self.brain.act, self.brain.understand(text))

    def reply(self, *texts: str) -> str:
        """The answer to the last of some sentences."""
        return [self.say(text) for text in texts][-1].reply.text

    def states(self) -> dict[str, object]:
        """The state of every device."""
        return {entity: state.get("state") for entity, state in self.home.snapshot().items()}
