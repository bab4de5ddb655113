"""What a person sees in the terminal: one line per event, the latency waterfall as bars, the home as a table."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assistant.events import (
    AudioDropped,
    Event,
    FinalTranscript,
    ImageTaken,
    IntentParsed,
    PartialTranscript,
    Replied,
    SkillRan,
    SlotValue,
    SpeakingStarted,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    TurnFinished,
    TurnInterrupted,
    TurnMeasured,
    WakeDetected,
)

STAGES = (
    ("endpoint", "endpoint_ms"),
    ("asr", "asr_ms"),
    ("intent", "intent_ms"),
    ("action", "action_ms"),
    ("voice", "speech_ms"),
)
Snapshot = Mapping[str, Mapping[str, SlotValue]]
"""Entity -> attribute -> value, as MemoryHome.snapshot gives it."""

BAR_MS = 20
"""One character of a waterfall bar."""


class EventPrinter:
    """An observer that prints every event as a line.

    Args:
        console: where to print.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, TurnMeasured):
            print_waterfall(self._console, event)
            return
        line = Text(f"{event.at:8.2f} s  ", style="dim")
        line.append(f"{_label(event):<10}", style=_style(event))
        line.append(_detail(event))
        self._console.print(line)


def _label(event: Event) -> str:
    labels = {
        WakeDetected: "wake word",
        SpeechStarted: "speech",
        SpeechEnded: "silence",
        PartialTranscript: "partial",
        FinalTranscript: "heard",
        ImageTaken: "image",
        IntentParsed: "intent",
        SkillRan: "done",
        Replied: "reply",
        SpeakingStarted: "speaking",
        TurnFinished: "finished",
        TurnInterrupted: "cut off",
        StageFailed: "FAILED",
        AudioDropped: "LOST",
    }
    return labels[type(event)]


def _style(event: Event) -> str:
    if isinstance(event, StageFailed | AudioDropped | TurnInterrupted):
        return "bold red"
    return "bold cyan" if isinstance(event, FinalTranscript | Replied) else "green"


def _detail(event: Event) -> str:
    match event:
        case WakeDetected():
            return f"{event.word} ({event.score:.2f})"
        case SpeechEnded():
            return f"{event.reason}, speech ended at {event.speech_end_at:.2f} s"
        case PartialTranscript():
            return event.text
        case FinalTranscript():
            return f"“{event.text}” ({event.confidence:.2f})"
        case IntentParsed():
            return " ".join([event.name, *(f"{slot.name}={slot.value}" for slot in event.slots)])
        case SkillRan():
            done = ", ".join(f"{action.target}.{action.attribute} = {action.value}" for action in event.actions)
            return f"{event.skill}: {done or '-'}" + ("" if event.ok else "  (could not)")
        case Replied():
            return f"“{event.text}”" + ("  (waits for an answer)" if event.expects_answer else "")
        case StageFailed():
            return f"{event.stage}: {event.code}"
        case AudioDropped():
            return f"{event.seconds:.2f} s of sound"
        case ImageTaken():
            return f"{event.width} x {event.height}"
        case _:
            return ""


def print_waterfall(console: Console, measured: TurnMeasured) -> None:
    """End of speech to first audible sample, stage by stage."""
    if measured.total_ms is None:
        return
    offset = 0.0
    for name, field in STAGES:
        duration = getattr(measured, field)
        if duration is None:
            continue
        bar = " " * round(offset / BAR_MS) + "█" * max(1, round(duration / BAR_MS))
        console.print(Text(f"            {name:<9}{duration:7.1f} ms  ", style="dim").append(bar, style="yellow"))
        offset += duration
    console.print(
        Text(f"            {'total':<9}{measured.total_ms:7.1f} ms  end of speech to first audible sample", style="bold")
    )


def print_home(console: Console, before: Snapshot, after: Snapshot) -> None:
    """The home's entities before and after: state, and whatever else changed; what changed stands out."""
    table = Table("entity", "before", "after", title="The home")
    for name, now in after.items():
        was = before.get(name, {})
        shown = [key for key in now if key == "state" or was.get(key) != now[key]]
        cells = (", ".join(f"{key} {state[key]}" for key in shown if key in state) for state in (was, now))
        table.add_row(name, *cells, style="bold green" if was != now else "dim")
    console.print(table)
