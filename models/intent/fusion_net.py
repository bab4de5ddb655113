"""The picture half of the intent model: a sentence and what was seen in the last pictures, fused in one of five ways.

text            the picture is ignored (what a picture is worth is the distance to this)
spatial         the sentence is concatenated with every thing of the newest picture
temporal        the same for every picture, then a recurrence over pictures for every thing
deep            words and things of the newest picture attend to each other, twice
deep+temporal   things are first read by a recurrence over pictures, then as in deep
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from assistant.engines.boxes import COCO
from assistant.engines.sight_memory import LEAST_SCORE, TRACKS
from models.intent.labels import CONTROLLABLE, INTENTS, MEDIA
from models.intent.minilm import WIDTH

KINDS = ("text", "spatial", "temporal", "deep", "deep+temporal")
SIZE, HALF = 128, 64
RANKS = 10
"""Comparisons of a thing with the others, see FusionNet._ranks."""

BOX_WAVES = 4
"""Fourier features: each box number as sine and cosine of 1, 2, 4 and 8 half turns (Tancik et al. 2020), so that small
differences of position are large differences of input."""


class FusionOut(NamedTuple):
    """intent (B, intents) and pointer (B, TRACKS + 1) as logits; match (B, TRACKS) 0..1, whether each thing is of the kind asked
    for; yes (B,) 0..1; number (B,), how many there are."""

    intent: Tensor
    pointer: Tensor
    match: Tensor
    yes: Tensor
    number: Tensor


class Attention(nn.Module):
    """Multi-head attention written out, because exporters read it best that way."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.join = (nn.Linear(SIZE, SIZE) for _ in range(4))

    def forward(self, x: Tensor, other: Tensor, mask: Tensor) -> Tensor:
        """x (B, N, SIZE) looks at other (B, M, SIZE) where mask (B, M) is 1 -> (B, N, SIZE)."""
        q, k, v = (self._split(part(y)) for part, y in ((self.query, x), (self.key, other), (self.value, other)))
        scores = q @ k.transpose(-1, -2) / math.sqrt(SIZE // self.heads) + (mask[:, None, None, :] - 1) * 1e4
        mixed = (scores.softmax(-1) @ v).transpose(1, 2)
        joined: Tensor = self.join(mixed.reshape(x.shape[0], x.shape[1], SIZE))
        return joined

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, SIZE // self.heads).transpose(1, 2)


class Exchange(nn.Module):
    """Words look at things, things at words and at each other."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.word_thing, self.thing_word, self.thing_thing = (Attention() for _ in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(SIZE) for _ in range(5))
        self.word_mix, self.thing_mix = (
            nn.Sequential(nn.Linear(SIZE, 2 * SIZE), nn.GELU(), nn.Linear(2 * SIZE, SIZE), nn.Dropout(dropout)) for _ in range(2)
        )
        self.drop = nn.Dropout(dropout)

    def forward(self, words: Tensor, things: Tensor, said: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """words (B, T, SIZE), things (B, K, SIZE) and their masks (B, T), (B, K)."""
        n = self.norms
        words = words + self.drop(self.word_thing(n[0](words), things, seen))
        words = words + self.word_mix(n[1](words))
        things = things + self.drop(self.thing_word(n[2](things), words, said))
        normed = n[3](things)
        things = things + self.drop(self.thing_thing(normed, normed, seen))
        return words, things + self.thing_mix(n[4](things))


class Sides(nn.Module):
    """ "The left one", "the big one": which comparisons a sentence asks for, and how much each thing has of them.

    One word, found by attention, says which; attention between words and things alone did not learn it (left and right: 0.37 of
    those detected after 240,000 rows, with this: docs/intent.md).
    """

    def __init__(self) -> None:
        super().__init__()
        self.find, self.ask = nn.Linear(WIDTH, 1), nn.Sequential(nn.Linear(WIDTH, HALF), nn.GELU(), nn.Linear(HALF, RANKS))

    def forward(self, early: Tensor, mask: Tensor, ranks: Tensor) -> Tensor:
        """early (B, T, 384), mask (B, T), ranks (B, TRACKS, RANKS) -> (B, TRACKS), to be added to the pointer's logits."""
        weight = (self.find(early).squeeze(-1) + (mask - 1) * 1e4).softmax(-1)
        asked = (weight[..., None] * self.ask(early)).sum(1)  # (B, RANKS)
        favoured: Tensor = (ranks @ asked[..., None]).squeeze(-1) * SIDE_SCALE
        return favoured


SIDE_SCALE = 8.0
"""Shares left of a thing differ by 0.5 for two things: weights of ordinary size must turn that into a few logits."""


class FusionNet(nn.Module):
    """kind: one of KINDS. names: (80, 384), the text half's pooled vector of every class name, so that a thing can be compared
    with words it was never trained with."""

    names: Tensor
    kinds: Tensor

    def __init__(self, kind: str, names: Tensor, dropout: float = 0.1) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"unknown fusion {kind!r}: choose one of {', '.join(KINDS)}")
        self.kind = kind
        self.register_buffer("names", names)
        groups = (COCO, CONTROLLABLE, MEDIA)
        self.register_buffer("kinds", torch.tensor([[float(label in group) for group in groups] for label in COCO]))
        self.word, self.whole, self.early = (nn.Linear(WIDTH, SIZE) for _ in range(3))
        self.name, self.look = nn.Linear(WIDTH, SIZE), nn.Linear(80, SIZE)
        self.place = nn.Sequential(nn.Linear(4 * (1 + 2 * BOX_WAVES), SIZE), nn.GELU(), nn.Linear(SIZE, SIZE))
        self.rank, self.sides = nn.Linear(RANKS, SIZE), Sides()
        self.asked, self.called = nn.Linear(WIDTH, HALF), nn.Linear(WIDTH, HALF)
        self.alike = nn.Sequential(nn.Linear(1, SIZE), nn.GELU(), nn.Linear(SIZE, SIZE))
        self.thing_norm = nn.LayerNorm(SIZE)
        self.missing, self.nothing = (nn.Parameter(torch.randn(SIZE) * 0.02) for _ in range(2))
        if "temporal" in kind:
            self.memory = nn.GRU(SIZE, SIZE, batch_first=True)
        if kind in ("spatial", "temporal"):
            self.mix = nn.Sequential(nn.Linear(3 * SIZE, 2 * SIZE), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * SIZE, SIZE))
        if kind.startswith("deep"):
            self.exchanges = nn.ModuleList(Exchange(dropout) for _ in range(2))
        self.point, self.fit = (nn.Sequential(nn.Linear(SIZE, SIZE), nn.GELU(), nn.Linear(SIZE, 1)) for _ in range(2))
        self.decide = nn.Sequential(nn.Linear(3 * SIZE, SIZE), nn.GELU(), nn.Dropout(dropout), nn.Linear(SIZE, len(INTENTS)))
        self.alone = nn.Linear(SIZE, 1)

    def forward(
        self, hidden: Tensor, early: Tensor, mask: Tensor, pooled: Tensor, text_intent: Tensor, tracks: Tensor
    ) -> FusionOut:
        """hidden (B, T, 384), mask, pooled (B, 384), text_intent (B, intents) from the text half; early (B, T, 384) from the
        trunk, because the text half learns to treat "the left one" and "the right one" alike;
        tracks (B, FRAMES, TRACKS, TRACK_SIZE)."""
        plain = self.early(early)
        words = self.word(hidden) + plain
        whole = self.whole(pooled) + (plain * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        things, seen, ranks = self._things(tracks)
        things = things + self._alike(hidden, mask, tracks) * seen[..., None]
        nothing = (self.nothing + torch.zeros_like(whole))[:, None]
        if self.kind == "text":
            things, seen, ranks = things * 0, seen * 0, ranks * 0
        if self.kind in ("spatial", "temporal"):
            every = torch.cat([things, nothing], 1)
            room = whole[:, None].expand_as(every)
            every = every + self.mix(torch.cat([every, room, every * room], -1))
        elif self.kind == "text":
            every = torch.cat([things, nothing + whole[:, None]], 1)
        else:
            every = torch.cat([things, nothing], 1)
            there = torch.cat([seen, torch.ones_like(seen[:, :1])], 1)
            for exchange in self.exchanges:
                words, every = exchange(words, every, mask, there)
        return self._decide(words, mask, whole, every, seen, text_intent, self.sides(early, mask, ranks))

    def _things(self, tracks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Each thing as a vector (B, TRACKS, SIZE), where there is one (B, TRACKS), and how it compared with the others when it
        was last seen (B, TRACKS, RANKS)."""
        logs, box, here = tracks[..., :80], tracks[..., 80:84], tracks[..., 84:85]
        scores, named = self._named(tracks)
        turns = [box * (math.pi * 2**wave) for wave in range(BOX_WAVES)]
        waves = torch.cat([box * 2 - 1, *(torch.sin(turn) for turn in turns), *(torch.cos(turn) for turn in turns)], -1)
        ranks = self._ranks(scores, box, here)
        vectors = self.thing_norm(self.name(named) + self.look(logs) + self.place(waves) + self.rank(ranks))
        vectors = vectors * here + self.missing * (1 - here)  # (B, FRAMES, TRACKS, SIZE)
        if "temporal" not in self.kind:
            return vectors[:, -1], here[:, -1, :, 0], ranks[:, -1]
        batch, frames = vectors.shape[:2]
        series = vectors.transpose(1, 2).reshape(batch * TRACKS, frames, SIZE)
        last = self.memory(series)[0][:, -1].reshape(batch, TRACKS, SIZE)
        latest = ranks[:, 0]
        for age in range(1, frames):
            latest = torch.where(here[:, age] > 0.5, ranks[:, age], latest)
        return last + vectors[:, -1], here.amax(1)[..., 0], latest

    def _named(self, tracks: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores 0..1, and the class names' vectors mixed by them (..., 384)."""
        scores = torch.exp((1 - tracks[..., :80]) * math.log(LEAST_SCORE)) * tracks[..., 84:85]
        return scores, (scores @ self.names) / (scores.sum(-1, keepdim=True) + 0.05)

    def _ranks(self, scores: Tensor, box: Tensor, here: Tensor) -> Tensor:
        """How each thing compares with the others: which part of all, controllable and media things is left of it and
        smaller than it; whether it is one itself; how salient it is beside the most salient. (..., TRACKS, RANKS)"""
        weight = (scores @ self.kinds).clamp(max=1)  # (..., TRACKS, 3)
        across, size = box[..., 0], (box[..., 2] * box[..., 3]).clamp(min=1e-4)
        left = torch.sigmoid((across[..., :, None] - across[..., None, :]) * 20)  # (..., TRACKS, TRACKS)
        small = torch.sigmoid((size.log()[..., :, None] - size.log()[..., None, :]) * 3)
        total = weight.sum(-2, keepdim=True) + 0.05
        away = (box[..., 0] - 0.5) ** 2 + (box[..., 1] - 0.5) ** 2
        salience = size * torch.exp(-4 * away) * here[..., 0]
        relative = salience / (salience.amax(-1, keepdim=True) + 1e-4)
        return torch.cat([left @ weight / total, small @ weight / total, weight, relative[..., None]], -1) * here

    def _alike(self, hidden: Tensor, mask: Tensor, tracks: Tensor) -> Tensor:
        """How well the best word of the sentence names each thing, as it looked best. (B, TRACKS, SIZE)"""
        called = self.called(self._named(tracks)[1])  # (B, FRAMES, TRACKS, HALF)
        if "temporal" not in self.kind:
            called = called[:, -1:]
        asked = nn.functional.normalize(self.asked(hidden), dim=-1)
        called = nn.functional.normalize(called, dim=-1).flatten(1, 2)
        closest = (called @ asked.transpose(1, 2) + (mask[:, None] - 1) * 9).amax(-1)  # (B, frames x TRACKS)
        best = closest.view(hidden.shape[0], -1, TRACKS).amax(1)
        alike: Tensor = self.alike(best[..., None] * 4)
        return alike

    def _decide(
        self,
        words: Tensor,
        mask: Tensor,
        whole: Tensor,
        every: Tensor,
        seen: Tensor,
        text_intent: Tensor,
        favoured: Tensor,
    ) -> FusionOut:
        pointer = self.point(every).squeeze(-1) + nn.functional.pad(favoured, (0, 1))  # (B, TRACKS + 1)
        hidden = torch.cat([(1 - seen) * -30.0, torch.zeros_like(seen[:, :1])], 1)
        pointer = pointer + hidden
        meant = (pointer.softmax(-1)[..., None] * every).sum(1)
        said = (words * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        intent = text_intent + self.decide(torch.cat([whole, said, meant], -1))
        match = torch.sigmoid(self.fit(every[:, :-1]).squeeze(-1)) * seen
        some = 1 - torch.exp(torch.log(1 - match.clamp(max=0.9999)).sum(1))
        turned = torch.sigmoid(self.alone(whole).squeeze(-1))  # "are we alone": yes means that nobody is there
        return FusionOut(intent, pointer, match, some * (1 - turned) + (1 - some) * turned, match.sum(1))
