"""Examples to learn from: embeddings of the word in many surroundings, and of sound that is not the word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.caller import Floats
from assistant.engines import CAPTURE_RATE
from assistant.engines.embedding_head import WINDOW
from assistant.engines.speech_embedding import EMBEDDING, HOP, SpeechEmbedding
from assistant.wake.sound import Surroundings, heard, peak_energy, scene

LATE_HOPS = 8
"""Hops after the end of the word during which the network may answer: 0.64 s."""

BAG = LATE_HOPS + WINDOW
"""Embeddings kept of one scene: the windows that end in the last hop of the word, or at most LATE_HOPS hops later."""

GAP = np.zeros(CAPTURE_RATE // 4, np.float32)

Tick = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Examples:
    """What the network learns from. bags: (b, BAG, 96), one scene with the word each; share: (b,), how often each is drawn.

    streams: embeddings of sound without the word, each (k, 96).
    """

    bags: Floats
    share: Floats
    streams: tuple[Floats, ...]


def bags(
    words: Sequence[Floats], around: Surroundings, embed: SpeechEmbedding, random: np.random.Generator, tick: Tick
) -> Floats:
    """Every word in one random scene: (len(words), BAG, 96). words: float32, (n,), 16 kHz; tick is called after each."""
    found = np.zeros((len(words), BAG, EMBEDDING), np.float32)
    for index, word in enumerate(words):
        sound, end = scene(word, around, random)
        found[index] = bag(sound, end, embed)
        tick()
    return found


def bag(sound: Floats, end: int, embed: SpeechEmbedding) -> Floats:
    """The embeddings around the end of a word: (BAG, 96). sound: int16 scale, (n,), with 2 s before the word; end: in samples."""
    embed.reset()
    stream = embed.feed(np.asarray(np.clip(sound, -32768, 32767), np.int16))
    last = min(end // HOP + LATE_HOPS, len(stream) - 1)
    return stream[last - BAG + 1 : last + 1]


def plain(sounds: Sequence[Floats], embed: SpeechEmbedding) -> Floats:
    """Recordings as they are, one after another: (k, 96). sounds: float32, full scale 1."""
    return _stream([np.concatenate([sound, GAP]) * np.float32(32767) for sound in sounds], embed)


def disturbed(
    sounds: Sequence[Floats], around: Surroundings, embed: SpeechEmbedding, random: np.random.Generator, tick: Tick
) -> Floats:
    """The same, each in another room with noise: (k, 96)."""
    changed = []
    for sound in sounds:
        changed.append(heard(np.concatenate([sound, GAP]), peak_energy(sound), around, random))
        tick()
    return _stream(changed, embed)


def _stream(sounds: Sequence[Floats], embed: SpeechEmbedding) -> Floats:
    embed.reset()
    parts = [embed.feed(np.asarray(np.clip(sound, -32768, 32767), np.int16)) for sound in sounds]
    return np.concatenate(parts) if parts else np.zeros((0, EMBEDDING), np.float32)
