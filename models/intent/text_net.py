"""The text half of the intent model: MiniLM's upper layers, fine-tuned, and the heads that need no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from assistant.engines.word_pieces import WordPieces
from models.intent.labels import FAMILIES, INTENTS, TAGS
from models.intent.minilm import WIDTH, Layer, Trunk, hide

CLINC_CLASSES = 150


class TextOut(NamedTuple):
    """Logits of the text half. hidden (B, T, 384); pooled (B, 384); intent, family, clinc (B, classes); tags (B, T, tags)."""

    hidden: Tensor
    pooled: Tensor
    intent: Tensor
    family: Tensor
    tags: Tensor
    clinc: Tensor


class TextNet(nn.Module):
    """Layer FROZEN's output -> TextOut. layers: MiniLM's upper two as published, or new ones (the ablation)."""

    def __init__(self, layers: Sequence[Layer], dropout: float = 0.2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.drop = nn.Dropout(dropout)
        self.intent, self.family = nn.Linear(WIDTH, len(INTENTS)), nn.Linear(WIDTH, len(FAMILIES))
        self.clinc, self.tags = nn.Linear(WIDTH, CLINC_CLASSES), nn.Linear(WIDTH, len(TAGS))

    def forward(self, x: Tensor, mask: Tensor) -> TextOut:
        """x (B, T, 384) from the trunk, mask (B, T)."""
        hidden = hide(mask)
        for layer in self.layers:
            x = layer(x, hidden)
        weight = mask.to(x.dtype)[..., None]
        pooled = nn.functional.normalize((x * weight).sum(1) / weight.sum(1), dim=-1) * POOLED_LENGTH
        dropped = self.drop(pooled)
        return TextOut(x, pooled, self.intent(dropped), self.family(dropped), self.tags(self.drop(x)), self.clinc(dropped))


POOLED_LENGTH = 8.0
"""Length of the pooled vector: long enough for a linear layer with the usual small weights to be sure of something."""


@dataclass(slots=True)
class Tokens:
    """Trunk outputs of many sentences. starts: where each begins in `hidden`; its length is the distance to the next start.

    hidden: float16 (all pieces, 384); words: int16 (all pieces,), the word that a piece begins, -1 for marks and further pieces.
    """

    hidden: Tensor
    words: Tensor
    starts: Tensor

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """hidden float32 (B, T, 384), mask float32 (B, T) and words int64 (B, T) of some sentences, padded with 0 and -1."""
        lengths = self.starts[chosen + 1] - self.starts[chosen]
        places = torch.arange(int(lengths.max()))[None]
        mask = places < lengths[:, None]
        index = (self.starts[chosen][:, None] + places).clamp(max=len(self.words) - 1)
        words = torch.where(mask, self.words[index].long(), -1)
        return self.hidden[index].float() * mask[..., None], mask.float(), words


def tokens_of(texts: Sequence[str], pieces: WordPieces, trunk: Trunk, size: int = 64) -> Tokens:
    """Runs the trunk over every sentence once."""
    encoded = [pieces.encode(text) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
    lengths = torch.tensor([0, *(len(one.ids) for one in encoded)])
    starts = lengths.cumsum(0)
    hidden = torch.zeros(int(starts[-1]), WIDTH, dtype=torch.float16)
    words = torch.full((int(starts[-1]),), -1, dtype=torch.int16)
    with torch.inference_mode():
        for first in range(0, len(order), size):
            some = order[first : first + size]
            longest = max(len(encoded[i].ids) for i in some)
            ids = torch.tensor([[*encoded[i].ids, *[0] * (longest - len(encoded[i].ids))] for i in some])
            mask = torch.tensor([[1] * len(encoded[i].ids) + [0] * (longest - len(encoded[i].ids)) for i in some])
            out = trunk(ids, mask).half()
            for row, i in enumerate(some):
                start, length = int(starts[i]), len(encoded[i].ids)
                hidden[start : start + length] = out[row, :length]
                words[start : start + length] = torch.tensor(_first_pieces(encoded[i].words), dtype=torch.int16)
    return Tokens(hidden, words, starts)


def _first_pieces(words: Sequence[int]) -> list[int]:
    """Only a word's first piece keeps its number: that is where its tag is read."""
    return [word if word != before else -1 for before, word in zip([-1, *words], words, strict=False)]
