"""How long nothing has been heard of somebody, and how long that must last to end an utterance (`assistant.ear`). Sans-IO."""

from __future__ import annotations

from assistant.engines import CAPTURE_RATE


class Waiting:
    """One such wait, positions in samples. pause_ms: when it counts as a pause; patience_ms: as long as nothing is settled."""

    def __init__(self, pause_ms: int, patience_ms: int) -> None:
        self._pause, self._usual = in_samples(pause_ms), in_samples(patience_ms)
        self.begin(0)

    def begin(self, position: int) -> None:
        """They were heard at this position: what was settled before is forgotten."""
        self.last = position
        """Where they were last heard."""
        self._patience = self._usual
        self._paused = self._settled = False

    def settle(self, at: int, patience_ms: int) -> None:
        """What was said up to a pause at this position asks for such patience; a later pause of the same wait only for less."""
        if at > self.last:
            patience = in_samples(patience_ms)
            self._patience = min(patience, self._patience) if self._settled else patience
            self._settled = True

    def pauses(self, position: int) -> bool:
        """Whether it is long enough now for a pause; True once."""
        begins = not self._paused and position - self.last >= self._pause
        self._paused |= begins
        return begins

    def over(self, position: int) -> bool:
        """Whether it has lasted long enough."""
        return position - self.last >= self._patience


def in_samples(milliseconds: int) -> int:
    """Samples of the stream in a time."""
    return milliseconds * CAPTURE_RATE // 1000
