"""The training loop that both halves of the intent model share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.intent import parallel


@dataclass(frozen=True, slots=True)
class Options:
    """How to train. rate: peak learning rate of new parts; tuned_rate: of parts that begin with published weights.

    batch: rows of all processes together; decay: AdamW's weight decay; clip: largest gradient norm; seed: of order and dropout;
    half: matrix products in bfloat16, on processors with AVX-512 BF16 nearly twice as fast.
    """

    epochs: int = 4
    batch: int = 64
    rate: float = 2e-3
    tuned_rate: float = 2e-4
    decay: float = 0.02
    clip: float = 1.0
    seed: int = 1
    half: bool = False


Losses = Callable[[Tensor], dict[str, Tensor]]
"""From the row numbers of a batch (this process's share) to named losses; their sum is minimised."""


SMALLEST_BATCH = 8
"""Rows of a batch that is worth a step; also gives every process of a small group its share."""


def order(lengths: Tensor, batch: int, generator: torch.Generator) -> list[Tensor]:
    """Batches of rows of similar length in random order; every row once, but for a last few."""
    shuffled = torch.randperm(len(lengths), generator=generator)
    batches: list[Tensor] = []
    for pool in torch.split(shuffled, batch * 16):
        batches += torch.split(pool[lengths[pool].argsort(stable=True)], batch)
    full = [batch for batch in batches if len(batch) >= SMALLEST_BATCH]
    return [full[i] for i in torch.randperm(len(full), generator=generator).tolist()]


def fit(net: nn.Module, tuned: list[nn.Parameter], lengths: Tensor, losses: Losses, options: Options, log: Path | None) -> None:
    """Trains in place. tuned: parameters with the small learning rate; lengths: of every row; log: a JSONL file."""
    torch.manual_seed(options.seed + parallel.rank())
    generator = torch.Generator().manual_seed(options.seed)
    parameters = [parameter for parameter in net.parameters() if parameter.requires_grad]
    ids = {id(parameter) for parameter in tuned}
    groups = [
        {"params": [p for p in parameters if id(p) in ids], "lr": options.tuned_rate},
        {"params": [p for p in parameters if id(p) not in ids], "lr": options.rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=options.decay)
    steps = options.epochs * len(order(lengths, options.batch, torch.Generator().manual_seed(0)))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [options.tuned_rate, options.rate], total_steps=steps, pct_start=0.1
    )
    began = time.monotonic()
    for epoch in range(options.epochs):
        net.train()
        sums: dict[str, float] = {}
        batches = order(lengths, options.batch, generator)
        for rows in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=options.half):
                found = losses(parallel.share(rows))
            optimizer.zero_grad()
            torch.stack(list(found.values())).sum().backward()  # type: ignore[no-untyped-call]
            parallel.add_gradients(parameters)
            nn.utils.clip_grad_norm_(parameters, options.clip)
            optimizer.step()
            schedule.step()
            for name, value in found.items():
                sums[name] = sums.get(name, 0.0) + value.item() / len(batches)
        _note(
            log, {"epoch": epoch + 1, "seconds": round(time.monotonic() - began, 1), **{k: round(v, 4) for k, v in sums.items()}}
        )
    net.eval()


def _note(log: Path | None, row: dict[str, float]) -> None:
    """One line on the screen and in the log; process 0 alone speaks."""
    if parallel.rank() == 0:
        print(" ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        if log is not None:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
