"""What can be asked of the running assistant from outside: the answers behind the control socket."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import anyio

import assistant as package
from assistant import events
from assistant.app import Assistant, Engines
from assistant.control_request import ControlError, Request
from assistant.forgetting import forget
from assistant.ports import Camera
from assistant.state import StateKeeper
from assistant.switches import SwitchedMicrophone
from assistant.turn import Turn, respond
from device.privacy import PrivacySwitch

BUSY_SECONDS = 30.0
"""How long a written request waits for a spoken one to finish."""

REST_CHECK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """The assistant of the moment: what a reload replaces. camera_state: "none", "open", "closed" or what is wrong with it."""

    assistant: Assistant
    engines: Engines
    microphone: SwitchedMicrophone
    camera: Camera | None
    camera_state: Callable[[], str]


@dataclass(slots=True)
class Mute:
    """Whether the microphone is off until further notice or the next start. (The privacy switch holds longer.)"""

    on: bool = False


class Remote:
    """Answers requests about and to the assistant of the moment.

    Args:
        state: what it is doing.
        mute: the switch that `mute` and `unmute` move.
        switches: the privacy switches to report.
        folder: the state folder.
        reload: reads the settings anew; raises ConfigError and leaves everything as it was when they are wrong.
    """

    def __init__(
        self,
        state: StateKeeper,
        mute: Mute,
        switches: Mapping[str, PrivacySwitch],
        folder: Path,
        reload: Callable[[], Awaitable[None]],
    ) -> None:
        self._state, self._mute, self._switches, self._folder, self._reload = state, mute, switches, folder, reload
        self._began = time.monotonic()
        self.running: Running | None = None
        """Set by the daemon; None while the models load."""

    async def handle(self, request: Request) -> dict[str, Any]:
        """The answer to one request. Raises AssistantError for one that cannot be served."""
        match request.do:
            case "say":
                await self._rested()
                await self._now().assistant.pipeline.announce(request.text)
                return {}
            case "ask":
                return {"reply": await self._ask(request.text)}
            case "mute" | "unmute":
                self._mute.on = request.do == "mute"
                self._state.refresh()
                return {"muted": self._mute.on}
            case "timers":
                return {"timers": self.timers()}
            case "reload":
                await self._reload()
                return {}
            case "privacy":
                self._switches[request.sense].turn(on=request.on)
                self._state.refresh()
                return {"privacy": self.switches()}
            case "forget":
                return {"forgotten": await self._forget()}
            case "watch":
                return {"status": self.status(), "turns": self.turns()}
            case _:
                return {"status": self.status()}

    def status(self) -> dict[str, Any]:
        """What `ctl status` shows: numbers and switches, no words that were said."""
        running = self.running
        status: dict[str, Any] = {
            "version": package.__version__,
            "state": self._state.state,
            "uptime_s": round(time.monotonic() - self._began, 1),
            "muted": self._mute.on,
            "privacy": self.switches(),
            "memory_mb": round(memory_mb(), 1),
        }
        if running is not None:
            status["wake_phrase"] = running.engines.wake.phrase
            status["level_db"] = round(running.microphone.level, 1)
            status["camera"] = running.camera_state()
            status["dropped_s"] = round(running.microphone.dropped_seconds, 2)
            status["timers"] = len(running.engines.brain.timers.active())
            status["turns"] = running.assistant.ear.turn
        return status

    def switches(self) -> dict[str, str]:
        """The privacy switches: "on" or "off" by sense."""
        return {name: "off" if switch.off else "on" for name, switch in self._switches.items()}

    def turns(self) -> list[list[dict[str, Any]]]:
        """The events of the last turns, oldest first."""
        running = self.running
        turns = running.assistant.journal.turns if running is not None else ()
        return [[json.loads(events.to_json(event)) for event in turn] for turn in turns]

    def timers(self) -> list[dict[str, Any]]:
        """Those that have not rung, the next one first."""
        now = datetime.now(timezone.utc)
        return [
            {
                "title": timer.title(),
                "kind": timer.kind,
                "due": timer.due.isoformat(timespec="seconds"),
                "left_s": math.ceil((timer.due - now).total_seconds()),
                "days": timer.days,
            }
            for timer in self._now().engines.brain.timers.active()
        ]

    async def _forget(self) -> list[str]:
        """Delete what is on the disk and in memory; what was there, in words."""
        forgotten = forget(self._folder)
        running = self._now()
        running.assistant.journal.turns.clear()
        running.engines.brain.forget()
        await self._reload()  # what was learned is in memory, too
        return forgotten

    async def _ask(self, text: str) -> str:
        """Understand a written request and act on it, silently, as a turn of its own."""
        running = await self._rested()
        publish = running.assistant.publish
        turn = Turn(running.assistant.ear.begin_turn(), running.assistant.ear.seconds)
        turn.image = running.camera.latest() if running.camera is not None else None
        reply = await respond(running.engines.brain, text, turn, publish)
        publish(events.Replied(turn=turn.number, at=turn.at, text=reply.text, expects_answer=False))
        publish(events.TurnFinished(turn=turn.number, at=turn.at))
        return reply.text

    async def _rested(self) -> Running:
        """The assistant once nobody is speaking with it. Raises ControlError when it stays busy."""
        with anyio.move_on_after(BUSY_SECONDS):
            while not self._now().assistant.pipeline.resting:
                await anyio.sleep(REST_CHECK_SECONDS)
            return self._now()
        raise ControlError("the assistant is busy: try again later")

    def _now(self) -> Running:
        if self.running is None:
            raise ControlError("the assistant is still starting: try again in a few seconds")
        return self.running


def memory_mb() -> float:
    """This process's resident memory in MB, from /proc/self/statm; 0 where there is none."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
