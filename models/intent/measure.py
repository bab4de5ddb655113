"""Numbers of a trained picture half on rows it has not seen; see questions.Row for what is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from models.intent.fusion_net import FusionNet, FusionOut
from models.intent.fusion_stage import FusionSet
from models.intent.labels import ACTIONS, CLARIFY, INTENTS
from models.intent.questions import Row

Numbers = dict[str, tuple[float, int]]
"""Name -> (share that is right, number of rows)."""


def predict(net: FusionNet, data: FusionSet, change: Callable[[Tensor], Tensor] | None = None) -> FusionOut:
    """The network's results for all rows. change: what is done to the tracks, such as blanking them."""
    found = []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(data.rows)), 256):
            *said, tracks = data.inputs(rows)
            found.append(net(*said, change(tracks) if change else tracks))
    return FusionOut(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def deictic(row: Row) -> bool:
    """A command whose meaning depends on the thing in view."""
    return row.sentence.family in ACTIONS


def scores(out: FusionOut, data: FusionSet) -> Numbers:
    """Everything that is counted, by name."""
    right = [INTENTS[place] == row.intent for place, row in zip(out.intent.argmax(-1).tolist(), data.rows, strict=True)]
    pointed = out.pointer.argmax(-1).tolist()
    hits = [bool(row.pointer[place] > 0) for place, row in zip(pointed, data.rows, strict=True)]
    yes = [(value > 0.5) == bool(row.yes) for value, row in zip(out.yes.tolist(), data.rows, strict=True)]
    count = [round(value) == row.count for value, row in zip(out.number.tolist(), data.rows, strict=True)]

    def share(values: Sequence[bool], chosen: Callable[[Row], bool]) -> tuple[float, int]:
        picked = [value for value, row in zip(values, data.rows, strict=True) if chosen(row)]
        return (sum(picked) / len(picked) if picked else float("nan"), len(picked))

    def target(row: Row) -> bool:
        return row.target >= 0

    def shown(row: Row) -> bool:
        return row.target >= 0 and bool(row.pointer[-1] == 0)

    return {
        "deictic intent": share(right, deictic),
        "deictic, something to control": share(right, lambda row: deictic(row) and row.intent != CLARIFY),
        "deictic, nothing to control": share(right, lambda row: deictic(row) and row.intent == CLARIFY),
        "referent": share(hits, target),
        "referent, detected": share(hits, shown),
        "referent, deictic": share(hits, lambda row: target(row) and deictic(row)),
        "left/right": share(hits, lambda row: row.side in ("left", "right")),
        "left/right, detected": share(hits, lambda row: row.side in ("left", "right") and shown(row)),
        "near/far": share(hits, lambda row: row.side in ("near", "far")),
        "what is this": share(hits, lambda row: row.sentence.family == "what" and target(row)),
        "is anyone there": share(yes, lambda row: row.sentence.family == "who"),
        "is there a thing": share(yes, lambda row: row.sentence.family == "exists"),
        "count, exact": share(count, lambda row: row.count >= 0),
        "where": share(hits, lambda row: row.sentence.family == "where" and target(row)),
        "explicit intent": share(right, lambda row: row.sentence.family == "none"),
        "all intents": share(right, lambda row: True),
    }


def untouched(tracks: Tensor) -> Tensor:
    """The right picture."""
    return tracks


def blank(tracks: Tensor) -> Tensor:
    """Nothing is seen."""
    return tracks * 0


def shuffled(tracks: Tensor) -> Tensor:
    """Every sentence in front of another row's picture."""
    return tracks.roll(1, 0)


def missed_now(tracks: Tensor) -> Tensor:
    """The newest picture shows nothing; only memory helps."""
    changed = tracks.clone()
    changed[:, -1] = 0
    return changed
