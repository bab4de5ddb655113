"""What the assistant is doing, in one word, from its events: for the indicator, `ctl status` and `assistant watch`."""

from __future__ import annotations

from collections.abc import Callable

from assistant import events
from assistant.events import Event
from device.indicator import State


class StateKeeper:
    """An observer of events that keeps the state.

    Args:
        changed: called with the new state whenever it changes; returns at once.
        muted: is the microphone off?
    """

    def __init__(self, changed: Callable[[State], None], muted: Callable[[], bool]) -> None:
        self._changed, self._muted = changed, muted
        self._doing: State = "starting"
        self._shown: State | None = None
        self._asks = False

    @property
    def state(self) -> State:
        """The state of this moment."""
        return "muted" if self._doing == "asleep" and self._muted() else self._doing

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case events.WakeDetected() | events.SpeechStarted():
                self.set("listening")
            case events.SpeechEnded():
                self.set("asleep" if event.reason == "no_speech" else "thinking")
            case events.Replied():
                self._asks = event.expects_answer
            case events.SpeakingStarted():
                self.set("speaking")
            case events.TurnFinished():
                self.set("listening" if self._asks else "asleep")
                self._asks = False
            case events.TurnInterrupted():
                self._asks = False

    def set(self, doing: State) -> None:
        """Enter a state that no event tells of."""
        self._doing = doing
        self.refresh()

    def refresh(self) -> None:
        """Look at the switches again."""
        state = self.state
        if state != self._shown:
            self._shown = state
            self._changed(state)
