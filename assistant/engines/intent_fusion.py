"""Understands a sentence together with what is in view: "turn that off", "what is this?", "how many cups are there?".

    engine = FusionIntent(registry.path("minilm-l6"), cache)
    engine.needs_image("turn that off")           # 0.99: look before asking on
    engine.parse("turn that off", [sight])        # IntentGuess(intent="HassTurnOff", referent=0, ...)

Three graphs: MiniLM's lower layers (published weights, prepared once in the cache), our own upper layers with the heads for words
alone, and our own fusion of words and things seen. The picture is only used when the words need it, so an explicit "turn off the
kitchen light" cannot be harmed by what is in view. Trained by models/intent; the card is docs/intent.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.engines import MOST_OBJECTS, IntentGuess, Sight
from assistant.engines.minilm_weights import TRUNK, prepare
from assistant.engines.session import OnnxSession
from assistant.engines.sight_memory import FRAMES, remember
from assistant.engines.whisper_weights import GRAPHS
from assistant.engines.word_pieces import WordPieces
from assistant.errors import ModelError

NOT_FOR_ME = "NotForMe"
POINTED_ELSEWHERE = 0.25
"""Share of the pointer from which another thing could as well be meant."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the words alone say. All float32: words and early (1, T, 384), of the last layer and the trunk; pooled (1, 384);
    intent, family, clinc (classes,) logits; needs: 0..1; slots: name and words."""

    words: Array
    early: Array
    pooled: Array
    intent: Array
    family: Array
    clinc: Array
    needs: float
    slots: tuple[tuple[str, str], ...]


class FusionIntent:
    """An IntentEngine.

    folder: model.safetensors and vocab.txt of MiniLM; cache: where the prepared weights are kept; graphs: our own part.
    Raises ModelError when something is missing or damaged. Not safe for several threads at once.
    """

    def __init__(self, folder: Path, cache: Path, graphs: Path = GRAPHS) -> None:
        self._pieces = WordPieces(folder / "vocab.txt")
        self._trunk = OnnxSession(prepare(folder / "model.safetensors", cache) / TRUNK)
        self._text, self._fusion = (OnnxSession(graphs / f"intent.{part}.onnx") for part in ("text", "fusion"))
        try:
            self.manifest: dict[str, Any] = json.loads((graphs / "intent.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{graphs / 'intent.json'} cannot be read ({error}): install the assistant again") from error
        self.intents: tuple[str, ...] = tuple(self.manifest["intents"])
        self._last: tuple[str, Reading] | None = None

    def needs_image(self, text: str) -> float:
        """See IntentEngine.needs_image."""
        return self.read(text).needs

    def parse(self, text: str, sights: Sequence[Sight]) -> IntentGuess:
        """See IntentEngine.parse."""
        reading = self.read(text)
        if reading.needs < 0.5:
            return self._sure(self._judge(reading.intent, reading, "text_temperature"))
        feeds = {
            "words": reading.words,
            "early": reading.early,
            "pooled": reading.pooled,
            "text_intent": reading.intent[None],
            "tracks": remember(_padded(sights))[None],
        }
        found = {
            name: values[0] for name, values in self._fusion.run({name: feeds[name] for name in self._fusion.inputs}).items()
        }
        guess = self._judge(found["intent"], reading, "fusion_temperature")
        objects = min(len(sights[-1].objects), MOST_OBJECTS) if sights else 0
        shares = softmax(found["pointer"])
        best = int(shares.argmax())
        referent = best if best < objects else None
        others = [n for n in range(objects) if n != referent and shares[n] >= POINTED_ELSEWHERE]
        return IntentGuess(
            intent=guess.intent,
            confidence=guess.confidence,
            slots=guess.slots,
            referent=referent,
            alternatives=tuple(sorted(others, key=lambda n: -float(shares[n]))),
            yes=float(found["yes"]) if guess.intent == "PresenceQuery" else None,
            count=round(float(found["count"])) if guess.intent == "CountObjects" else None,
        )

    def read(self, text: str) -> Reading:
        """What the words alone say; the last sentence is remembered."""
        if self._last is None or self._last[0] != text:
            self._last = (text, self._read(text))
        return self._last[1]

    def _read(self, text: str) -> Reading:
        encoded = self._pieces.encode(text)
        ids = np.array([encoded.ids], np.int64)
        early = self._trunk.run({"ids": ids})["hidden"]
        out = self._text.run({"hidden": early})
        family = out["family"][0]
        slots = slots_of(text, encoded.words, [self.manifest["tags"][best] for best in out["tags"][0].argmax(-1)])
        needs = 1 - float(softmax(family)[self.manifest["families"].index("none")])
        return Reading(out["words"], early, out["pooled"], out["intent"][0], family, out["clinc"][0], needs, slots)

    def _judge(self, logits: Array, reading: Reading, temperature: str) -> IntentGuess:
        """The best intent with its calibrated probability."""
        shares = softmax(logits / float(self.manifest.get(temperature, 1.0)))
        best = int(shares.argmax())
        return IntentGuess(self.intents[best], float(shares[best]), reading.slots)

    def _sure(self, guess: IntentGuess) -> IntentGuess:
        """A home command that is more likely wrong than right is not for us; a sentence about the view is left to the caller."""
        if guess.intent != NOT_FOR_ME and guess.confidence < float(self.manifest.get("least_confidence", 0.5)):
            return IntentGuess(NOT_FOR_ME, 1 - guess.confidence)
        return guess


def slots_of(text: str, words: Sequence[int], tags: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names and words of a sentence's slots. words: the word each piece belongs to, -1 = none; tags: each piece's, as BIO; the
    tag of a word's first piece counts."""
    spoken = text.split()
    found: list[tuple[str, list[str]]] = []
    open_slot, before = "", -1
    for word, tag in zip(words, tags, strict=False):
        if word < 0 or word == before:
            continue
        before = word
        kind, _, slot = tag.partition("-")
        if kind == "B" or (kind == "I" and slot != open_slot):
            found.append((slot, [spoken[word]]))
        elif kind == "I":
            found[-1][1].append(spoken[word])
        open_slot = slot
    return tuple((slot, " ".join(parts)) for slot, parts in found)


def _padded(sights: Sequence[Sight]) -> list[Sight]:
    """As many looks as in training: before the first one it looked the same."""
    return [*[sights[0]] * (FRAMES - len(sights)), *sights] if sights else []


def softmax(logits: Array) -> Array:
    """Over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares
