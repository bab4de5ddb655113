"""`assistant watch`: the running assistant live in the terminal, through the control socket. Nothing is stored."""

from __future__ import annotations

from collections import deque
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from assistant.console import STAGES

SHOWN_TURNS = 6
METER_WIDTH = 40
METER_FLOOR_DB = -60.0
"""The left end of the level meter; speech at arm's length is at about -30, clipping at 0."""

CLIPPING_DB = -3.0
BAR_MS = 25
"""One character of a waterfall bar."""

COLOURS = {"endpoint": "blue", "asr": "cyan", "intent": "magenta", "action": "yellow", "voice": "green"}
STYLES = {"listening": "bold green", "thinking": "bold yellow", "speaking": "bold cyan", "muted": "bold red", "stopped": "red"}


class View:
    """What is known of the running assistant, from the lines of the control socket."""

    def __init__(self) -> None:
        self.state = "?"
        self.level_db = METER_FLOOR_DB
        self.phrase = ""
        self.privacy: dict[str, str] = {}
        self.heard = self.reply = self.sees = self.trouble = ""
        self.turns: deque[tuple[str, dict[str, Any]]] = deque(maxlen=SHOWN_TURNS)
        """What was heard and the TurnMeasured event of the last turns, oldest first."""

    def feed(self, line: dict[str, Any]) -> None:
        """Take note of one line: the first answer, a meter line, a state or an event."""
        self.state = str(line.get("state", self.state))
        self.level_db = float(line.get("level_db", self.level_db))
        self.privacy = line.get("privacy", self.privacy)
        if "status" in line:
            self.feed(line["status"])
            self.phrase = str(line["status"].get("wake_phrase", ""))
            for turn in line.get("turns", []):
                for event in turn:
                    self._event(event)
        elif "event" in line:
            self._event(line)

    def _event(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "WakeDetected":
                self.heard = self.reply = self.trouble = ""
            case "PartialTranscript" | "FinalTranscript":
                self.heard = event["text"]
            case "Replied":
                self.reply = event["text"]
            case "ImageTaken":
                self.sees = f"a picture of {event['width']} x {event['height']}"
            case "StageFailed":
                self.trouble = f"{event['stage']} failed: {event['code']}"
            case "AudioDropped":
                self.trouble = f"{event['seconds']:.2f} s of sound were lost"
            case "TurnMeasured" if event.get("total_ms") is not None:
                self.turns.append((self.heard, event))
        self._look(event)

    def _look(self, event: dict[str, Any]) -> None:
        """What the camera's model named: the objects of an event that lists some, or what an intent means in the picture."""
        objects = event.get("objects")
        if isinstance(objects, list | tuple) and objects:
            names = [
                str(thing.get("label") or thing.get("name") or "?") if isinstance(thing, dict) else str(thing)
                for thing in objects
            ]
            self.sees = ", ".join(names)
        elif event.get("used_image") and event.get("referent"):
            self.sees = f"{event['referent']} (meant)"

    def render(self) -> RenderableType:
        """The picture of this moment."""
        facts = Table.grid(padding=(0, 2))
        facts.add_row("state", Text(self.state, style=STYLES.get(self.state, "dim")))
        facts.add_row("level", meter(self.level_db))
        facts.add_row("heard", Text(self.heard))
        facts.add_row("reply", Text(self.reply, style="cyan"))
        facts.add_row("sees", Text(self.sees or "-", style="dim"))
        if closed := [sense for sense, position in self.privacy.items() if position == "off"]:
            facts.add_row("off", Text(", ".join(closed), style="bold red"))
        if self.trouble:
            facts.add_row("trouble", Text(self.trouble, style="bold red"))
        title = f"say “{self.phrase}”" if self.phrase else "the assistant is starting"
        return Group(Panel(facts, title=title, title_align="left"), Panel(waterfalls(list(self.turns)), title="last turns"))


def meter(level_db: float) -> Text:
    """The level as a bar with its number; red where it clips."""
    share = (level_db - METER_FLOOR_DB) / -METER_FLOOR_DB
    filled = max(0, min(METER_WIDTH, round(share * METER_WIDTH)))
    style = "bold red" if level_db > CLIPPING_DB else "green"
    return (
        Text("█" * filled, style=style).append("·" * (METER_WIDTH - filled), style="dim").append(f" {level_db:5.0f} dB", style="")
    )


def waterfalls(turns: list[tuple[str, dict[str, Any]]]) -> RenderableType:
    """The last turns, each a bar of its stages from the end of speech to the first audible sample."""
    if not turns:
        return Text("none yet", style="dim")
    table = Table.grid(padding=(0, 1))
    for heard, measured in turns:
        bar = Text()
        for name, field in STAGES:
            if measured.get(field):
                bar.append("█" * max(1, round(measured[field] / BAR_MS)), style=COLOURS[name])
        table.add_row(Text(f"{measured['total_ms']:.0f} ms", justify="right"), bar, Text(heard, style="dim", overflow="ellipsis"))
    legend = Text()
    for name, _ in STAGES:
        legend.append("█ ", style=COLOURS[name]).append(f"{name}  ")
    return Group(table, legend)
