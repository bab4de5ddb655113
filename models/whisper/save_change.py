"""Writes what models/whisper/train_encoder.py learned as the file that ships: whole numbers, and only a share of the change.

    python -m models.whisper.save_change change.pt     # rewrites whisper-tiny.en.babble.change.npz in assistant/engines/graphs
    python -m models.whisper.build_graphs              # after BABBLE_SHA256 there says what comes out

A share, because the mean of the published and the trained weights hears both what was learned and what was not better than
either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models").
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from assistant.engines.whisper_change import DOWN, STEP, UP, WHOLE, Array
from models.whisper.build_graphs import CHANGE
from models.whisper.recipe import GRAPHS

SHARE = 0.7

LEVELS = {DOWN: 127, UP: 32767, WHOLE: 32767}
TYPES = {DOWN: np.int8, UP: np.int16, WHOLE: np.int16}


def whole_numbers(state: dict[str, Array], share: float) -> dict[str, Array]:
    """The arrays of the file (see assistant.engines.whisper_change). state: as ChangedWhisper.state; share: of the change."""
    result: dict[str, Array] = {}
    for key, values in state.items():
        name, _, kind = key.rpartition(":")
        if kind == DOWN:
            peaks = np.abs(values).max(axis=1)  # each direction has a step of its own, which moves to the other side
            result[key] = np.rint(values / peaks[:, None] * LEVELS[DOWN]).astype(TYPES[DOWN])
            values, key = state[f"{name}:{UP}"] * peaks / LEVELS[DOWN], f"{name}:{UP}"
        elif kind == UP:
            continue
        step = np.abs(values).max() / LEVELS[UP] or 1.0
        result[key] = np.rint(values / step).astype(np.int16)
        result[f"{name}:{STEP}"] = np.float64(step * share)
    return result


def learned(change: Path, share: float = SHARE) -> dict[str, torch.Tensor]:
    """What such a file was written from, as ChangedWhisper.state, but for rounding."""
    with np.load(change, allow_pickle=False) as stored:
        parts = {key: stored[key].astype(np.float64) for key in stored.files}
    state: dict[str, Array] = {}
    for name in {key.rpartition(":")[0] for key in parts}:
        step = parts[f"{name}:{STEP}"] / share
        if f"{name}:{WHOLE}" in parts:
            state[f"{name}:{WHOLE}"] = parts[f"{name}:{WHOLE}"] * step
            continue
        lengths = np.linalg.norm(parts[f"{name}:{DOWN}"], axis=1) + 1e-9  # training begins with directions of about length 1
        state[f"{name}:{DOWN}"] = parts[f"{name}:{DOWN}"] / lengths[:, None]
        state[f"{name}:{UP}"] = parts[f"{name}:{UP}"] * step * lengths
    return {key: torch.from_numpy(values).float() for key, values in state.items()}


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("change", type=Path, help="by models.whisper.train_encoder, .pt")
    parser.add_argument("--share", type=float, default=SHARE, help="how much of it is taken")
    parser.add_argument("-o", "--output", type=Path, default=GRAPHS / CHANGE)
    options = parser.parse_args()
    state = {name: value.double().numpy() for name, value in torch.load(options.change, weights_only=True).items()}
    np.savez(options.output, allow_pickle=False, **whole_numbers(state, options.share))
    print(f"{options.output.stat().st_size:8d} {options.output}")


if __name__ == "__main__":
    main()
