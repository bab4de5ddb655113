"""First stage: the text half learns intents, families, slots and CLINC150's classes from sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from assistant.engines.boxes import COCO
from assistant.engines.word_pieces import WordPieces
from models.intent import parallel
from models.intent import sentences as text
from models.intent.fit import Losses, Options, fit
from models.intent.labels import FAMILIES, INTENTS, TAGS
from models.intent.minilm import Layer, Trunk, published
from models.intent.noise import noisy
from models.intent.sentences import Sentence
from models.intent.text_net import TextNet, TextOut, Tokens, tokens_of

UNKNOWN = -1
"""Class number of a label that is not known: no loss."""

SMOOTHING = 0.05
PRETRAIN_TEMPERATURE = 0.05
"""Of the contrastive loss, as in SimCSE (Gao et al. 2021)."""


@dataclass(slots=True)
class TextSet:
    """Sentences as numbers. intents, families, clinc: int64 (n,), UNKNOWN where not known; clinc == -2: out of scope."""

    sentences: list[Sentence]
    tokens: Tokens
    intents: Tensor
    families: Tensor
    clinc: Tensor

    @property
    def lengths(self) -> Tensor:
        """Pieces of every sentence."""
        return self.tokens.starts[1:] - self.tokens.starts[:-1]


OUT_OF_SCOPE = -2


def clinc_names(data: Path) -> list[str]:
    """CLINC150's classes in alphabetical order."""
    rows = json.loads((data / "clinc150_train_val.json").read_text("utf-8"))["train"]
    return sorted({name for _, name in rows})


def training_sentences(data: Path, fold: int | None, seed: int) -> list[Sentence]:
    """What the text half is trained on. fold: the part of SLURP that is left out; None = all of SLURP is used."""
    slurp = [sentence for part, sentence in text.slurp_sentences(data / "slurp_devel.jsonl") if part != fold]
    clinc = text.clinc_sentences(data / "clinc150_train_val.json", "train")
    strange = text.clinc_sentences(data / "clinc150_train_val.json", "oos_train")
    ours = text.wording_sentences(COCO, False, 10, seed)
    said = text.paraphrases(6, seed)
    found = noisy(text.home_sentences(280, seed), seed + 1) + noisy(said * 2, seed + 5)
    found += noisy(slurp * 2, seed + 2, 0.1, 0.15) + noisy(clinc, seed + 3, 0.05, 0.05) + strange * 6
    return found + noisy(ours, seed + 4, 0.3, 0.15)


def text_set(sentences: Sequence[Sentence], names: Sequence[str], encode: Callable[[Sequence[str]], Tokens]) -> TextSet:
    """Labels as numbers, and the trunk's output for every sentence."""
    clinc = {**{name: place for place, name in enumerate(names)}, "oos": OUT_OF_SCOPE}
    intents = [INTENTS.index(one.intent) if one.intent in INTENTS else UNKNOWN for one in sentences]
    families = [UNKNOWN if one.clinc == "find_phone" else FAMILIES.index(one.family) for one in sentences]
    return TextSet(
        list(sentences),
        encode([one.text for one in sentences]),
        torch.tensor(intents),
        torch.tensor(families),
        torch.tensor([clinc.get(one.clinc, UNKNOWN) for one in sentences]),
    )


def encoder(minilm: Path) -> tuple[Callable[[Sequence[str]], Tokens], list[Layer], Trunk, WordPieces]:
    """What turns texts into trunk outputs, MiniLM's upper layers, the trunk and the tokenizer."""
    trunk, upper = published(minilm / "model.safetensors")
    pieces = WordPieces(minilm / "vocab.txt")
    return (lambda texts: tokens_of(texts, pieces, trunk)), upper, trunk, pieces


def tag_targets(sentences: Sequence[Sentence], words: Tensor) -> Tensor:
    """Class of every piece, int64 (B, T): the tag of the word it begins, UNKNOWN elsewhere and for sentences without tags."""
    targets = torch.full(words.shape, UNKNOWN)
    for row, sentence in enumerate(sentences):
        if sentence.tags:
            numbers = torch.tensor([TAGS.index(tag) for tag in sentence.tags])
            known = (words[row] >= 0) & (words[row] < len(numbers))
            targets[row, known] = numbers[words[row, known]]
    return targets


def class_loss(logits: Tensor, targets: Tensor, smoothing: float = SMOOTHING) -> Tensor:
    """Mean cross-entropy over the rows whose class is known, across all processes. logits (..., C), targets (...)."""
    values = cross_entropy(
        logits.float().flatten(0, -2), targets.flatten().clamp(min=0), reduction="none", label_smoothing=smoothing
    )
    return parallel.mean(values, (targets.flatten() >= 0).float())


def text_losses(net: TextNet, data: TextSet) -> Losses:
    """The losses of the text half for a batch of rows."""

    def losses(rows: Tensor) -> dict[str, Tensor]:
        hidden, mask, words = data.tokens.batch(rows)
        out: TextOut = net(hidden, mask)
        chosen = [data.sentences[i] for i in rows.tolist()]
        uniform = -log_softmax(out.clinc.float(), -1).mean(-1)
        return {
            "intent": class_loss(out.intent, data.intents[rows]),
            "family": class_loss(out.family, data.families[rows]),
            "slots": class_loss(out.tags, tag_targets(chosen, words), 0.0),
            "clinc": class_loss(out.clinc, data.clinc[rows]),
            "strange": 0.5 * parallel.mean(uniform, (data.clinc[rows] == OUT_OF_SCOPE).float()),
        }

    return losses


def contrastive_losses(net: TextNet, data: TextSet) -> Losses:
    """SimCSE: two passes of a sentence under different dropout are alike, other sentences of the batch are not. No labels."""

    def losses(rows: Tensor) -> dict[str, Tensor]:
        hidden, mask, _ = data.tokens.batch(rows)
        one, two = (nn.functional.normalize(net(hidden, mask).pooled, dim=-1) for _ in range(2))
        return {"contrast": class_loss(one @ two.T / PRETRAIN_TEMPERATURE, torch.arange(len(rows)), 0.0)}

    return losses


def train_text(net: TextNet, data: TextSet, options: Options, log: Path | None = None, pretrain: int = 0) -> None:
    """Trains the text half in place. pretrain: epochs of the contrastive loss before."""
    tuned = list(net.layers.parameters())
    if pretrain:
        before = Options(epochs=pretrain, tuned_rate=5e-5, seed=options.seed)
        fit(net, tuned, data.lengths, contrastive_losses(net, data), before, log)
    fit(net, tuned, data.lengths, text_losses(net, data), options, log)
