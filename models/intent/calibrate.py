"""Confidence that means what it says: one temperature for each half, fitted on sentences and scenes kept for that alone.

A temperature T divides the logits so that, among guesses of confidence c, a share c is right (Guo et al. 2017). Below
`least_confidence` a home command is taken as not for us.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from models.intent.fusion_net import FusionNet
from models.intent.fusion_stage import FusionSet
from models.intent.labels import INTENTS
from models.intent.measure import predict

TEMPERATURES = [0.4 + 0.05 * step for step in range(53)]
LEAST_CONFIDENCE = 0.5
"""A guess that is more often wrong than right is not acted on."""


def best_temperature(logits: Tensor, targets: Tensor) -> float:
    """The temperature with the smallest cross-entropy. logits (n, classes); targets int64 (n,)."""
    return min(TEMPERATURES, key=lambda value: float(cross_entropy(logits / value, targets)))


def calibration_error(logits: Tensor, targets: Tensor, bins: int = 10) -> float:
    """Expected calibration error: mean distance of confidence and share right over equal bins, weighted by their size."""
    confidence, chosen = logits.softmax(-1).max(-1)
    right = (chosen == targets).float()
    place = (confidence * bins).long().clamp(max=bins - 1)
    parts = [(place == number) for number in range(bins)]
    return sum(float((right[part].mean() - confidence[part].mean()).abs() * part.float().mean()) for part in parts if part.any())


def fusion_settings(net: FusionNet, data: FusionSet) -> dict[str, float]:
    """The picture half's temperature and what it gains. data: rows used for nothing else."""
    logits = predict(net, data).intent
    targets = torch.tensor([INTENTS.index(row.intent) for row in data.rows])
    value = best_temperature(logits, targets)
    return {
        "fusion_temperature": round(value, 2),
        "fusion_error_before": round(calibration_error(logits, targets), 4),
        "fusion_error_after": round(calibration_error(logits / value, targets), 4),
        "text_temperature": 1.0,
        "least_confidence": LEAST_CONFIDENCE,
    }
