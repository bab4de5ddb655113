"""The mean of networks that went on from one another, weight by weight.

Runs that share their beginning lie in one valley; its middle generalises better than its slopes (Wortsman et al. 2022, "Model
soups") and costs nothing at run time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch


def mean_of(states: Sequence[Mapping[str, Any]], shares: Sequence[float] | None = None) -> dict[str, Any]:
    """The mean of state dicts with the same names and shapes, float32. shares: of each in it, in sum 1; None = equal ones."""
    weights = torch.tensor([1 / len(states)] * len(states) if shares is None else shares, dtype=torch.float64)
    stacked = {name: torch.stack([state[name].double() for state in states]) for name in states[0]}
    return {name: torch.tensordot(weights, values, 1).float() for name, values in stacked.items()}
