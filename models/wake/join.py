"""Joins words that were learned from different lessons into one, whose answer is the mean of theirs.

    python -m models.wake.join WORD WORD -o assistant/wake/words/okay_nabu --check ../shared/data/audio/commands

Each word's threshold is taken off its own answers first, so that none outweighs the others, and the joint threshold is the one
that `models.wake.train` would choose: the highest score on the check part of the bank and every second file of --check, but never
below --least.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from assistant import factory, spoken
from assistant.config import folders
from assistant.engines.embedding_head import CARD_FILE, HEAD_BLOB, HEAD_FILE, MEMBERS, TAPS_OF_LAYER, Floats, head_shapes
from assistant.engines.session import OnnxSession
from assistant.engines.speech_embedding import FEATURES, SpeechEmbedding
from assistant.errors import ConfigError
from assistant.wake.bank import Bank
from assistant.wake.lesson import LEAST_LOGIT, RATE
from assistant.wake.network import Weights
from assistant.wake.rates import HOP_HOURS, Point, at_threshold, events, point_at
from assistant.wake.word import Card, read_card, save_word
from models.wake.build_graphs import head
from models.wake.train import checked


def read_weights(folder: Path) -> Weights:
    """head.bin of a word, by name. Raises ConfigError when it holds no whole members."""
    numbers = np.fromfile(folder / HEAD_BLOB, "<f4")
    one = sum(math.prod(shape) for shape in head_shapes(1).values())
    members, rest = divmod(len(numbers), one)
    if rest or not members:
        raise ConfigError(f"{folder / HEAD_BLOB} holds no network of a wake word")
    found: Weights = {}
    for name, shape in head_shapes(members).items():
        found[name], numbers = numbers[: math.prod(shape)].reshape(shape), numbers[math.prod(shape) :]
    return found


def centred(folder: Path) -> Weights:
    """The weights with the word's threshold at 0."""
    weights = read_weights(folder)
    last = f"b{len(TAPS_OF_LAYER)}"
    return weights | {last: weights[last] - np.float32(read_card(folder).threshold)}


def operating_point(folder: Path, sound: Floats, least: float = LEAST_LOGIT) -> Point:
    """The lowest threshold, but not below `least`, at which a word fires at most RATE times an hour of other sound, and how
    often it does. sound: embeddings (k, 96)."""
    heard = events(OnnxSession(folder / HEAD_FILE).run({"x": sound})["logit"])
    hours = len(sound) * HOP_HOURS
    return at_threshold(max(least, point_at(RATE, [], heard, hours).threshold), [], heard, hours)


def main(words: list[Path], output: Path, bank: Bank, members: int = MEMBERS, least: float = LEAST_LOGIT) -> Card:
    """Write the joint word of the first `members` networks of each; its threshold is chosen on the bank's check part."""
    parts, cards = [centred(folder) for folder in words], [read_card(folder) for folder in words]
    weights = {name: np.concatenate([part[name][:members] for part in parts]) for name in parts[0]}
    card = Card(cards[0].phrase, 0.0, round(float(np.median([card.delay for card in cards]))))
    save_word(output, weights, card)
    (output / HEAD_FILE).write_bytes(head(head_shapes(len(weights["w0"]))).SerializeToString())
    point = operating_point(output, bank.check, least)
    missed = spoken.listing([f"{card.point['missed']} of {card.point['said']}" for card in cards])
    alone = f"the mean of {len(words)} words, which alone missed {missed} {cards[0].point['said_what']}"
    said: dict[str, object] = {
        "text": f"{alone}; {point.accepts} false accepts in {point.hours:.2f} h ({bank.about})",
        "joined": [{key: card.point[key] for key in ("missed", "said")} for card in cards],
        "recordings": 0,
    }
    card = replace(card, threshold=point.threshold, point=said)
    (output / CARD_FILE).write_text(json.dumps(asdict(card), indent=1) + "\n", "utf-8")
    return card


def join(
    words: Annotated[list[Path], typer.Argument(help="folders of words, each learned by models.wake.train")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the joint word's folder")],
    members: Annotated[int, typer.Option(help="networks taken of each word")] = MEMBERS,
    check: Annotated[list[Path] | None, typer.Option(help="folder of ordinary sound; repeatable")] = None,
    least: Annotated[float, typer.Option(help="logit below which the threshold must not lie")] = LEAST_LOGIT,
) -> None:
    """Write the joint word."""
    bank = checked(check or [], SpeechEmbedding(factory.make_registry(folders()).path(FEATURES), folders().cache))
    card = main(words, output, bank, members, least)
    typer.echo(f"threshold {card.threshold:.2f}: {card.point['text']}")


if __name__ == "__main__":
    typer.run(join)
