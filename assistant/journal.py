"""Watches the events go by: measures each turn's latency and remembers the last few turns, in memory only.

Nothing said or seen reaches a disk or a log from here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from assistant.events import (
    Event,
    FinalTranscript,
    IntentParsed,
    Replied,
    SkillRan,
    SpeakingStarted,
    SpeechEnded,
    TurnFinished,
    TurnInterrupted,
    TurnMeasured,
)

MEMORY_TURNS = 20
"""Turns remembered."""


class Journal:
    """An observer of events.

    Args:
        publish: called with the TurnMeasured of every finished turn.
        now: wall-clock seconds; another clock for tests.
    """

    def __init__(self, publish: Callable[[Event], None], now: Callable[[], float] = time.perf_counter) -> None:
        self._publish, self._now = publish, now
        self._turn: list[tuple[float, Event]] = []
        self.turns: deque[tuple[Event, ...]] = deque(maxlen=MEMORY_TURNS)
        """The events of the last turns, oldest first."""

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, TurnMeasured):
            return
        if self._turn and self._turn[-1][1].turn != event.turn:
            self._turn = []
        self._turn.append((self._now(), event))
        if isinstance(event, TurnFinished | TurnInterrupted):
            self.turns.append(tuple(noted for _, noted in self._turn))
            if isinstance(event, TurnFinished):
                self._publish(waterfall(self._turn))
            self._turn = []


def waterfall(turn: list[tuple[float, Event]]) -> TurnMeasured:
    """The latency of one turn from its events and their wall-clock times in seconds."""
    last = turn[-1][1]
    ended = next(((seen, event) for seen, event in reversed(turn) if isinstance(event, SpeechEnded)), None)
    if ended is None or not any(isinstance(event, SpeakingStarted) for _, event in turn):
        return TurnMeasured(turn=last.turn, at=last.at)
    endpoint_s = ended[1].at - ended[1].speech_end_at
    marks: list[float | None] = []
    previous = ended[0]
    for kinds in ((FinalTranscript,), (IntentParsed,), (SkillRan, Replied), (SpeakingStarted,)):
        seen = [moment for moment, event in turn if isinstance(event, kinds)]
        marks.append(_ms(seen[-1] - previous) if seen else None)
        previous = seen[-1] if seen else previous
    asr_ms, intent_ms, action_ms, speech_ms = marks
    return TurnMeasured(
        turn=last.turn,
        at=last.at,
        endpoint_ms=_ms(endpoint_s),
        asr_ms=asr_ms,
        intent_ms=intent_ms,
        action_ms=action_ms,
        speech_ms=speech_ms,
        total_ms=_ms(endpoint_s + previous - ended[0]),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
