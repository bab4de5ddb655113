"""Scripted stand-ins for engines: they make the logic around them exact, and are used where real sound is not the point."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from assistant.brain import Acted, Outcome
from assistant.engines import VAD_FRAME, Transcript, Wake
from assistant.events import Action, Samples
from assistant.intents import Intent
from assistant.ports import Image
from assistant.skills import Reply

SECOND = 16000


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SECOND), np.int16)


def voice(seconds: float, level: int = 8000) -> Samples:
    """Loud sound that FakeVad takes for speech, from a level of 2000 on."""
    return np.full(int(seconds * SECOND), level, np.int16)


def others(seconds: float) -> Samples:
    """Somebody further away, 11 dB weaker than `voice`."""
    return voice(seconds, 2250)


def wake_word(seconds: float = 0.75) -> Samples:
    """Sound that FakeWake hears as the wake word, and FakeVad as speech."""
    return np.full(int(seconds * SECOND), 12345, np.int16)


class FakeWake:
    """Fires `delay` seconds after a stretch of `wake_word()` ends."""

    word, phrase = "hey_test", "hey test"

    def __init__(self, delay: float = 0.15) -> None:
        self._delay = int(delay * SECOND)
        self.reset()

    def feed(self, samples: Samples) -> list[Wake]:
        if not self._last and not (samples == 12345).any():
            self._position += len(samples)
            return []
        found = []
        for sample in samples:
            self._position += 1
            if sample == 12345:
                self._last = self._position
            elif self._last and self._position - self._last == self._delay:
                found.append(Wake(score=0.9, word_end=self._last))
                self._last = 0
        return found

    def reset(self) -> None:
        self._position = 0
        self._last = 0


class FakeVad:
    """Loudness as probability of speech."""

    def __init__(self) -> None:
        self.reset()

    def feed(self, samples: Samples) -> list[float]:
        self._pending = np.concatenate([self._pending, samples])
        found = []
        while len(self._pending) >= VAD_FRAME:
            found.append(1.0 if np.abs(self._pending[:VAD_FRAME]).mean() > 2000 else 0.0)
            self._pending = self._pending[VAD_FRAME:]
        return found

    def reset(self) -> None:
        self._pending = np.zeros(0, np.int16)


class FakeAsr:
    """Says the next of its texts, whatever it hears; remembers how much it heard."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.heard_seconds: list[float] = []
        self._samples = 0

    def accept(self, samples: Samples) -> str | None:
        self._samples += len(samples)
        return None

    def finish(self) -> Transcript:
        self.heard_seconds.append(self._samples / SECOND)
        self._samples = 0
        text = self.texts.pop(0) if self.texts else ""
        return Transcript(text=text, confidence=1.0 if text else 0.0)

    def reset(self) -> None:
        self._samples = 0


class FakeTts:
    """A tone of 60 ms per letter, in chunks of 200 ms."""

    rate = SECOND

    def synthesize(self, text: str) -> Iterator[Samples]:
        sound = np.full(int(0.06 * SECOND) * len(text), 1000, np.int16)
        for start in range(0, len(sound), SECOND // 5):
            yield sound[start : start + SECOND // 5]


class FakeBrain:
    """Replies by table: text -> reply; a text that ends in "?" in the table expects an answer."""

    def __init__(self, replies: dict[str, str] | None = None) -> None:
        self.replies = replies or {}
        self.heard: list[str] = []
        self.images: list[Image | None] = []

    def understand(self, text: str, image: Image | None = None) -> tuple[Intent, ...]:
        self.heard.append(text)
        self.images.append(image)
        return (Intent("Said", {"what": text}),) if text in self.replies else ()

    async def act(self, intents: Sequence[Intent]) -> Outcome:
        text = self.replies[str(intents[0].slots["what"])] if intents else "Pardon?"
        acted = tuple(Acted(intent.name, True, (Action("world", "said", intent.slots["what"]),)) for intent in intents)
        return Outcome(acted, Reply(text, expects_answer=text.endswith("?") and bool(intents)))

    async def carry_out(self, intents: Sequence[Intent]) -> Outcome:
        return Outcome(tuple(Acted(intent.name, True) for intent in intents), Reply("Done."))
