"""Second stage: the picture half learns what sentences mean in front of scenes. The text half is finished and stays as it is."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, cross_entropy, log_softmax, smooth_l1_loss

from assistant.engines.boxes import COCO
from models.intent import parallel
from models.intent import sentences as text
from models.intent.fit import Losses, Options, fit
from models.intent.fusion_net import FusionNet
from models.intent.labels import INTENTS
from models.intent.noise import noisy
from models.intent.questions import Asker, Row, imagine, learn_bank
from models.intent.scene import Scene
from models.intent.text_net import TextNet, Tokens


@dataclass(slots=True)
class Said:
    """The text half's results for sentences, each kept once. hidden: its last layer; early: the trunk; text: row -> sentence."""

    hidden: Tokens
    early: Tokens
    pooled: Tensor
    intent: Tensor
    family: Tensor
    text: Tensor


@dataclass(slots=True)
class FusionSet:
    """Rows as numbers; the names are those of Row. tracks: float16 (n, FRAMES, TRACKS, TRACK_SIZE)."""

    rows: list[Row]
    said: Said
    tracks: Tensor
    intents: Tensor
    pointers: Tensor
    matches: Tensor
    yes: Tensor
    counts: Tensor

    def inputs(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What FusionNet takes."""
        sentence = self.said.text[chosen]
        hidden, mask, _ = self.said.hidden.batch(sentence)
        early, _, _ = self.said.early.batch(sentence)
        return hidden, early, mask, self.said.pooled[sentence], self.said.intent[sentence], self.tracks[chosen].float()


def say(texts: Sequence[str], net: TextNet, encode: Callable[[Sequence[str]], Tokens]) -> Said:
    """Runs the text half over all sentences."""
    unique = sorted(set(texts))
    place = {one: number for number, one in enumerate(unique)}
    tokens = encode(unique)
    last = Tokens(torch.zeros_like(tokens.hidden), tokens.words, tokens.starts)
    pooled, intents, families = [], [], []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(unique)), 128):
            hidden, mask, _ = tokens.batch(rows)
            out = net(hidden, mask)
            for number, vectors, there in zip(rows.tolist(), out.hidden, mask, strict=True):
                start = int(tokens.starts[number])
                length = int(there.sum())
                last.hidden[start : start + length] = vectors[:length].half()
            pooled.append(out.pooled)
            intents.append(out.intent)
            families.append(out.family)
    return Said(
        last, tokens, torch.cat(pooled), torch.cat(intents), torch.cat(families), torch.tensor([place[one] for one in texts])
    )


def fusion_set(rows: Sequence[Row], net: TextNet, encode: Callable[[Sequence[str]], Tokens]) -> FusionSet:
    """Rows as tensors."""
    return FusionSet(
        list(rows),
        say([row.sentence.text for row in rows], net, encode),
        torch.from_numpy(np.stack([row.tracks for row in rows]).astype(np.float16)),
        torch.tensor([INTENTS.index(row.learned) for row in rows]),
        torch.from_numpy(np.stack([row.pointer for row in rows])),
        torch.from_numpy(np.stack([row.match for row in rows])),
        torch.tensor([row.yes for row in rows]),
        torch.tensor([row.count for row in rows]),
    )


def class_vectors(net: TextNet, encode: Callable[[Sequence[str]], Tokens]) -> Tensor:
    """The text half's pooled vector of every COCO class name, (80, 384)."""
    said = say(COCO, net, encode)
    return said.pooled[said.text].clone()


def training_rows(scenes: dict[str, list[Scene]], count: int, seed: int) -> list[Row]:
    """`count` rows with training photos and training wordings: half of the scenes imagined, a few blank."""
    random_ = random.Random(seed)
    asker = Asker(False, noisy(text.home_sentences(60, seed + 5) + text.paraphrases(2, seed), seed), seed + 1)
    real = scenes["train_photo"] + scenes["train_composed"]
    bank = learn_bank(real)
    rows: list[Row] = []
    while len(rows) < count:
        draw = random_.random()
        scene = imagine(bank, random_) if draw < 0.5 else random_.choice(real)
        row = asker.ask(Scene((), (), "blank") if draw > 0.96 else scene)
        if row is not None:
            rows.append(row)
    return rows


def fusion_losses(net: FusionNet, data: FusionSet) -> Losses:
    """The losses of the picture half for a batch of rows."""

    def losses(chosen: Tensor) -> dict[str, Tensor]:
        out = net(*data.inputs(chosen))
        match, yes, counts = data.matches[chosen], data.yes[chosen], data.counts[chosen]
        every = torch.ones(len(chosen))
        intent = cross_entropy(out.intent, data.intents[chosen], reduction="none", label_smoothing=0.03)
        pointer = -(log_softmax(out.pointer, -1) * data.pointers[chosen]).sum(-1)
        same = binary_cross_entropy(out.match, match.clamp(min=0).float(), reduction="none")
        answer = binary_cross_entropy(out.yes.clamp(1e-4, 1 - 1e-4), yes.clamp(min=0).float(), reduction="none")
        number = smooth_l1_loss(out.number, counts.clamp(0, 8).float(), reduction="none")
        return {
            "intent": parallel.mean(intent, every),
            "pointer": parallel.mean(pointer, every),
            "match": parallel.mean(same, (match >= 0).float()),
            "yes": 0.5 * parallel.mean(answer, (yes >= 0).float()),
            "count": 0.2 * parallel.mean(number, (counts >= 0).float()),
        }

    return losses


def train_fusion(net: FusionNet, data: FusionSet, options: Options, log: Path | None = None, pretrain: int = 0) -> None:
    """Trains the picture half in place. pretrain: epochs of `masked_losses` before."""
    lengths = data.said.hidden.starts[1:] - data.said.hidden.starts[:-1]
    if pretrain:
        guess = nn.Linear(net.point[0].in_features, 80)  # type: ignore[arg-type]
        both = nn.ModuleList([net, guess])
        fit(both, [], lengths[data.said.text], masked_losses(net, guess, data), Options(epochs=pretrain, seed=options.seed), log)
    fit(net, [], lengths[data.said.text], fusion_losses(net, data), options, log)


def masked_losses(net: FusionNet, guess: nn.Linear, data: FusionSet) -> Losses:
    """Self-supervised: the class scores of one thing in the newest picture are hidden and must be guessed from its place, the
    pictures before and the things around it. No labels are used."""

    def losses(chosen: Tensor) -> dict[str, Tensor]:
        tracks = data.tracks[chosen].float()
        there = tracks[:, -1, :, 84] > 0
        hidden = there & (torch.rand(there.shape) < 0.3)
        target = tracks[:, -1, :, :80].argmax(-1)
        masked = tracks.clone()
        masked[:, -1, :, :80] *= (~hidden)[..., None]
        things, _, _ = net._things(masked)
        values = cross_entropy(guess(things).flatten(0, 1), target.flatten(), reduction="none")
        return {"masked": parallel.mean(values, hidden.flatten().float())}

    return losses
