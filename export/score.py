"""What a task measured, and how much worse another run of it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from export.spec import Array


@dataclass(frozen=True, slots=True)
class Score:
    """what: in words; n: how many were measured; value: percent right, for "percent"; labels and signal: what to compare."""

    kind: Literal["percent", "labels", "signal", "none"]
    what: str
    n: int = 0
    value: float = math.nan
    labels: Sequence[Any] = ()
    signal: Sequence[Array] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Lost:
    """What a precision costs. points: of a percentage, positive = worse; db: for signals; nan = not measured this way."""

    what: str
    n: int
    points: float = math.nan
    db: float = math.nan
    value: float = math.nan


def lost(before: Score, after: Score) -> Lost:
    """How much worse `after` is."""
    if before.kind == "percent":
        return Lost(before.what, before.n, points=round(before.value - after.value, 3), value=round(after.value, 2))
    if before.kind == "labels":
        pairs = list(zip(before.labels, after.labels, strict=False))
        changed = sum(a != b for a, b in pairs) + abs(len(before.labels) - len(after.labels))
        return Lost(before.what, before.n, points=round(100 * changed / max(1, len(before.labels)), 3))
    if before.kind == "signal":
        return Lost(before.what, before.n, db=round(min(snr(a, b) for a, b in zip(before.signal, after.signal, strict=True)), 1))
    return Lost(before.what, 0)


def snr(wanted: Array, got: Array) -> float:
    """Signal-to-noise ratio in dB; another length counts as all noise."""
    if wanted.shape != got.shape:
        return -math.inf
    wanted, got = wanted.astype(np.float64), got.astype(np.float64)
    return 10 * math.log10(max(1e-20, float((wanted**2).sum())) / max(1e-20, float(((wanted - got) ** 2).sum())))
