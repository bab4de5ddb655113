"""Hears "stop" while the assistant speaks, without the wake word; "mm-hmm", coughs and the assistant's own words do not stop it.

Works on sound from which the assistant's own voice has been removed (device/echo_path.py), in two ways side by side: a small
network that knows nothing but the wake word and "stop", which hears them through what is left of a loud reply, and the
recogniser, which knows other words for it: what is voiced goes to it in short pieces, and only a piece that consists of stop
words counts. The wake word interrupts a reply as well.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import anyio
import numpy as np
from anyio import to_thread

from assistant.engines import CAPTURE_RATE, VAD_FRAME, AsrEngine, VadEngine
from assistant.events import AudioChunk, Event, Replied, Samples, SpeakingStarted, TurnFinished, TurnInterrupted
from assistant.ports import Microphone
from assistant.wake.reply_words import ReplyWords

STOP_WORDS = frozenset(["stop", "cancel", "quiet", "enough", "silence"])
FILLERS = frozenset(["please", "now", "it", "that", "be", "ok", "okay", "oh", "no", "hey", "talking", "the", "just"])
"""Words that may stand beside a stop word: "stop it please", "oh be quiet now"."""

MOST_WORDS = 4

SPEECH_ON = 0.4
"""Voice probability from which a frame is voiced; lower than the ear's, as the recogniser decides in the end."""

FIRST_MS, EVERY_MS, LAST_MS = 224, 96, 1200
"""A piece is looked at after so much of it, then so often, and no more after so much: somebody is then telling a story."""

PAUSE_MS = 64
"""Silence that ends a piece."""

PREROLL_MS = 192
GAIN = 4.0


def is_stop(text: str) -> bool:
    """True for "Stop.", "stop it, please", "Be quiet!"; False for "stop the kitchen timer at nine" and "mm-hmm"."""
    words = re.findall(r"[a-z]+", text.lower())
    return 0 < len(words) <= MOST_WORDS and bool(STOP_WORDS & {*words}) and {*words} <= STOP_WORDS | FILLERS


class Pieces:
    """Cuts what is voiced out of a stream, sans-IO: the candidates for the recogniser, while they still grow and when they
    end."""

    def __init__(self, vad: VadEngine) -> None:
        self._vad = vad
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._vad.reset()
        self._pending: Samples = np.zeros(0, np.int16)
        self._before: deque[Samples] = deque(maxlen=_frames(PREROLL_MS))
        self._piece: list[Samples] = []
        self._silent = 0
        self._lead = 0  # frames of the piece from before somebody spoke
        self._looked_at = 0

    @property
    def voiced(self) -> bool:
        """True while somebody speaks."""
        return bool(self._piece)

    def feed(self, samples: Samples) -> Samples | None:
        """More sound, int16, (n,). The newest piece that is worth recognising, None when there is none."""
        self._pending = np.concatenate([self._pending, samples])
        found: Samples | None = None
        while len(self._pending) >= VAD_FRAME:
            frame, self._pending = self._pending[:VAD_FRAME], self._pending[VAD_FRAME:]
            piece = self._frame(frame)
            found = piece if piece is not None else found
        return found

    def _frame(self, frame: Samples) -> Samples | None:
        frame = louder(frame)
        voiced = self._vad.feed(frame)[0] >= SPEECH_ON
        if not voiced and not self._piece:
            self._before.append(frame)
            return None
        if not self._piece:
            self._piece, self._lead = [*self._before], len(self._before)
            self._looked_at = self._lead
            self._before.clear()
        self._piece.append(frame)
        self._silent = 0 if voiced else self._silent + 1
        length = len(self._piece) - self._lead
        ended = self._silent >= _frames(PAUSE_MS)
        due = length >= _frames(FIRST_MS) and len(self._piece) - self._looked_at >= _frames(EVERY_MS)
        piece = np.concatenate(self._piece) if (ended or due) and length <= _frames(LAST_MS) else None
        if due:
            self._looked_at = len(self._piece)
        if ended:
            self._piece, self._silent = [], 0
        return piece


SEEN_SAMPLES = int(1.5 * CAPTURE_RATE)
"""What a wake word's ordinary network looks back, about: so long after an echo it may still mistake it."""

Told = Callable[[float, int], None]
"""Told how surely a word was heard, 0..1, and how many samples before the present piece of sound it ended."""


class ReplyNetwork:
    """The network of assistant/wake/reply_words.py, which hears several words; none is believed in a reply that says it itself.

    Args:
        network: hears them.
        heard: told about each phrase that matters.
    """

    def __init__(self, network: ReplyWords, heard: Mapping[str, Told]) -> None:
        self._network, self._heard = network, heard
        self._listened_for: set[str] = set()
        self._echoing = 0  # samples until nobody's window holds an echo any more

    def reset(self, reply: str) -> None:
        """A reply begins. reply: its text."""
        self._network.reset()
        self._echoing = 0
        self._listened_for = {phrase for phrase in self._heard if phrase not in reply.lower()}

    def hears(self, phrase: str) -> bool:
        """Whether it is the one to ask for a phrase now: it was trained for echoes, the other listeners were not, and they still
        see one for a while when it is over."""
        return phrase in self._listened_for and self._echoing > 0

    def feed(self, chunk: AudioChunk) -> Callable[[], None] | None:
        """More sound. What is to be done about it."""
        echo = chunk.echo is not None and bool(chunk.echo.any())
        self._echoing = SEEN_SAMPLES if echo else max(0, self._echoing - len(chunk.samples))
        for spotted in self._network.feed(chunk):
            if spotted.phrase in self._listened_for:
                return partial(self._heard[spotted.phrase], spotted.score, spotted.ago - len(chunk.samples))
        return None


class Interjections:
    """A microphone that listens for "stop" and the wake word on the way, but only while the assistant speaks.

    Args:
        microphone: where the sound comes from, without the assistant's own voice.
        vad: an engine of its own; asr: the pipeline's, which has nothing to do while the assistant speaks.
        stop: called when the recogniser heard a stop word.
        duck: told when somebody begins (True) and ends (False) to speak into the reply.
        network: hears single words through what is left of a loud reply; None = only the recogniser listens.
        wake_phrase: what the ear listens for; in an echo it is not believed about it where the network knows it.
    """

    def __init__(
        self,
        microphone: Microphone,
        vad: VadEngine,
        asr: AsrEngine,
        stop: Callable[[], None],
        duck: Callable[[bool], None],
        network: ReplyNetwork | None = None,
        wake_phrase: str = "",
    ) -> None:
        self._microphone, self._asr, self._stop, self._duck = microphone, asr, stop, duck
        self._network, self._wake_phrase = network, wake_phrase
        self._pieces = Pieces(vad)
        self._speaking = False
        self._reply = ""
        self._ducked = False
        self.dropped_seconds = 0.0
        self._one_at_a_time = anyio.CapacityLimiter(1)

    def __call__(self, event: Event) -> None:
        """Take note of when the assistant speaks."""
        match event:
            case Replied():
                self._reply = event.text
            case SpeakingStarted():
                self._pieces.reset()
                if self._network is not None:
                    self._network.reset(self._reply)
                self._speaking = True
            case TurnFinished() | TurnInterrupted():
                self._speaking = False
                self._note_voice(False)

    async def read(self) -> AudioChunk | None:
        """See Microphone.read."""
        chunk = await self._microphone.read()
        self.dropped_seconds = self._microphone.dropped_seconds
        if chunk is None or not self._speaking:
            return chunk
        heard = await to_thread.run_sync(self._listen, chunk, limiter=self._one_at_a_time)
        if self._speaking:
            self._note_voice(self._pieces.voiced)
            if heard is not None:
                heard()
        knows_better = self._network is not None and self._network.hears(self._wake_phrase)
        return replace(chunk, somebody=False) if knows_better else chunk

    def _note_voice(self, voiced: bool) -> None:
        if voiced != self._ducked:
            self._ducked = voiced
            self._duck(voiced)

    def _listen(self, chunk: AudioChunk) -> Callable[[], None] | None:
        """What is to be done about this piece of sound."""
        if self._network is not None and (told := self._network.feed(chunk)) is not None:
            return told
        piece = self._pieces.feed(chunk.samples)
        return self._stop if piece is not None and is_stop(transcribe(self._asr, piece)) else None


def louder(frame: Samples) -> Samples:
    """A frame GAIN times as loud, or as much as fits: who speaks below a reply is quiet once the reply is gone."""
    gain = min(GAIN, 32767 / max(1, int(np.abs(frame.astype(np.int32)).max())))
    return np.asarray(frame * np.float32(gain), np.int16)


def transcribe(asr: AsrEngine, piece: Samples) -> str:
    """The text of one short piece of sound."""
    asr.reset()
    asr.accept(piece)
    return asr.finish().text


def _frames(milliseconds: int) -> int:
    return milliseconds * CAPTURE_RATE // 1000 // VAD_FRAME
