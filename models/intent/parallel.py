"""Training on several processes that together do exactly what one would do (torchrun sets the environment; gloo on processors).

Every process builds the same batch and keeps its share of the rows. A loss is a sum over rows divided by the number of rows of
all processes, so adding up the gradients of the shares gives the gradient of the whole batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn


def start() -> None:
    """Joins the other processes when there are any."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")


def stop() -> None:
    """Leaves the group."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """0 .. world() - 1; only process 0 writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(rows: Tensor) -> Tensor:
    """This process's part of a batch's row numbers."""
    return rows[rank() :: world()]


def mean(values: Tensor, counted: Tensor) -> Tensor:
    """Mean of this process's values over the counted rows of all processes. values, counted: same shape, counted 0 or 1."""
    count = counted.sum().detach().clone()
    if world() > 1:
        dist.all_reduce(count)
    return (values * counted).sum() / count.clamp(min=1)


def add_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replaces every gradient by the sum over all processes."""
    if world() == 1:
        return
    for parameter in parameters:
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        dist.all_reduce(gradient)
        parameter.grad = gradient
