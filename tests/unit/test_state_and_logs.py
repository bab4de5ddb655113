"""What the assistant shows of itself: its state, `assistant watch`, its log."""

from __future__ import annotations

import io
import json
import logging

import pytest
from rich.console import Console

from assistant import events
from assistant.events import Event, to_json
from assistant.logs import JournalFormatter, JsonFormatter
from assistant.state import StateKeeper
from assistant.watch import View, meter

TURN: list[Event] = [
    events.WakeDetected(turn=1, at=1.0, word="okay_nabu", score=0.9),
    events.SpeechStarted(turn=1, at=1.5),
    events.ImageTaken(turn=1, at=1.5, width=640, height=480),
    events.SpeechEnded(turn=1, at=3.0, reason="silence", speech_end_at=2.6),
    events.FinalTranscript(turn=1, at=3.0, text="unlock the door", confidence=0.9),
    events.Replied(turn=1, at=3.0, text="Do you want me to?", expects_answer=True),
    events.SpeakingStarted(turn=1, at=3.0),
    events.TurnFinished(turn=1, at=3.0),
    events.TurnMeasured(
        turn=1, at=3.0, endpoint_ms=400.0, asr_ms=50.0, intent_ms=5.0, action_ms=1.0, speech_ms=20.0, total_ms=476.0
    ),
]


def test_the_state_follows_the_events() -> None:
    shown: list[str] = []
    muted = False
    keeper = StateKeeper(shown.append, lambda: muted)
    keeper.set("asleep")
    for event in TURN:
        keeper(event)
    assert shown == ["asleep", "listening", "thinking", "speaking", "listening"], "it asks, so it listens for the answer"
    keeper(events.SpeechEnded(turn=2, at=9.0, reason="no_speech", speech_end_at=9.0))
    keeper(events.TurnFinished(turn=2, at=9.0))
    muted = True
    keeper.refresh()
    assert shown[-2:] == ["asleep", "muted"]


def text_of(view: View) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(view.render())
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_watching_shows_everything_of_a_turn() -> None:
    view = View()
    assert "starting" in text_of(view)
    view.feed({"ok": True, "status": {"state": "asleep", "wake_phrase": "okay nabu", "privacy": {"camera": "off"}}, "turns": []})
    view.feed({"level_db": -30.0, "state": "listening"})
    for event in TURN:
        view.feed(json.loads(to_json(event)))
    text = text_of(view)
    for part in ("okay nabu", "listening", "-30 dB", "unlock the door", "Do you want me to?", "640 x 480", "476 ms", "camera"):
        assert part in text, f"{part} is missing:\n{text}"
    view.feed({"event": "Looked", "turn": 2, "at": 4.0, "objects": [{"label": "cup"}, {"label": "lamp"}]})
    assert "cup, lamp" in text_of(view)
    view.feed(json.loads(to_json(events.StageFailed(turn=2, at=4.0, stage="asr", code="oom", recoverable=True))))
    assert "asr failed: oom" in text_of(view)


def test_the_last_turns_are_shown_to_who_comes_later() -> None:
    view = View()
    turn = [json.loads(to_json(event)) for event in TURN]
    view.feed({"ok": True, "status": {"state": "asleep"}, "turns": [turn] * 9})
    assert len(view.turns) == 6 and "476 ms" in text_of(view)


@pytest.mark.parametrize(("level", "filled"), [(-96.0, 0), (-60.0, 0), (-30.0, 20), (0.0, 40), (6.0, 40)])
def test_the_meter(level: float, filled: int) -> None:
    assert meter(level).plain.count("█") == filled


def test_log_lines_for_the_journal_and_for_programs() -> None:
    record = logging.LogRecord("assistant.daemon", logging.WARNING, "", 0, "%s of\nsound", ("1 s",), None)
    assert JournalFormatter("%(name)s: %(message)s").format(record) == "<4>assistant.daemon: 1 s of\n<4>sound"
    fields = json.loads(JsonFormatter().format(record))
    assert fields["level"] == "warning" and fields["message"] == "1 s of\nsound" and fields["time"].endswith("+00:00")
    try:
        raise ValueError("x")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert "ValueError" in json.loads(JsonFormatter().format(record))["exception"]
