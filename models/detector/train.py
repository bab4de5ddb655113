"""Train the detector that ships, from YOLOX-Nano's published weights on.

    python -m models.detector.train --data shared/data/vision --minutes 80 --out build/detector.pt \
        --teacher ~/.local/share/edge-assistant/models/yolox-nano-0.1.1rc0
    python -m models.detector.export build/detector.pt assistant/engines/graphs/detector.onnx
    python -m models.detector.evaluate --data shared/data/vision --teacher ...     # the numbers of the card

All weights learn, with two kinds more than COCO has. What the teacher, the network as it was published, says of a composed
picture stays right; lamps and ceiling fans, which it does not know, are learned.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assistant.engines.boxes import COCO
from assistant.engines.vision_own import LABELS
from assistant.engines.vision_yolox import Yolox
from models.detector.data import Photo, compose, read_photos
from models.detector.network import Detector, cells

RADIUS = 1.5
"""Strides around a box's centre in which cells learn it (FCOS's centre sampling)."""

SIZES = {8: (0.0, 72.0), 16: (48.0, 144.0), 32: (96.0, float("inf"))}
"""Largest sides in pixels that each scale learns; neighbours both learn what is between."""

LEAST_QUALITY = 0.5
"""What a cell that learns a box is asked for at least, however badly its box fits yet."""

BATCH, RATE, OWN_RATE, KEEP = 8, 1e-4, 1e-2, 0.99
"""Pictures in a step; highest learning rate, and of the layers that begin at nothing; share of the running mean of weights, which
is what is saved, that a step keeps."""


def main() -> None:
    """Read the command line, train, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with coco128_train, objects and fight_strips")
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the model yolox-nano")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go")
    parser.add_argument("--minutes", type=float, default=80, help="of training")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    options = parser.parse_args()
    began = time.monotonic()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    photos = [photo for photo in read_photos(options.data, Yolox(options.teacher)) if not photo.test]
    print(f"{len(photos)} photos to train on, read in {time.monotonic() - began:.0f} s", flush=True)
    network = Detector(len(LABELS))
    network.load_published(options.teacher / "yolox_nano.onnx")
    trained = train(network, photos, np.random.default_rng(options.seed), 60 * options.minutes)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(trained.state_dict(), options.out)
    print(f"saved after {(time.monotonic() - began) / 60:.1f} min", flush=True)


def train(network: Detector, photos: list[Photo], random: np.random.Generator, seconds: float) -> Detector:
    """All weights, until the time is up. Returns the running mean of the weights."""
    teacher: Detector = copy.deepcopy(network)
    mean: Detector = copy.deepcopy(network).eval()
    own = [weight for part in network.own_parts() for weight in part.parameters()]
    rest = [weight for weight in network.parameters() if all(weight is not other for other in own)]
    optimiser = torch.optim.Adam([{"params": rest}, {"params": own}])
    starts, step, share = time.monotonic(), 0, 0.0
    while share < 1:
        share = min(1.0, (time.monotonic() - starts) / seconds)
        for group, rate in zip(optimiser.param_groups, (RATE, OWN_RATE), strict=True):
            group["lr"] = rate * min(1.0, step / 50 + 0.02) * (0.5 + 0.5 * float(np.cos(np.pi * share)))
        pictures, targets = batch(random, photos, BATCH)
        with torch.no_grad():
            seen = teacher(pictures)
        value = loss(network(pictures), seen, targets)
        optimiser.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        step += 1
        keep = min(KEEP, step / (step + 10))
        with torch.no_grad():
            for average, weight in zip(mean.parameters(), network.parameters(), strict=True):
                average.lerp_(weight, 1 - keep)
        if step % 25 == 0:
            print(f"step {step} {100 * share:.0f} % loss {value.item():.3f}", flush=True)
    return mean


def batch(random: np.random.Generator, photos: list[Photo], size: int) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Composed pictures, (B, 3, 416, 416), and for each its boxes (n, 4) and kinds (n,).

    A quarter of the photos are scenes, a quarter show one of our own kinds.
    """
    scenes = [photo for photo in photos if photo.real]
    own = [photo for photo in photos if (photo.kinds >= len(COCO)).any()]
    mixed = [*photos, *(photo for part in (scenes, own) for photo in part * (len(photos) // (2 * max(1, len(part)))))]
    pictures, targets = [], []
    for _ in range(size):
        pixels, boxes, kinds = compose(random, mixed)
        pictures.append(torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float())
        targets.append((torch.from_numpy(boxes), torch.from_numpy(kinds)))
    return torch.stack(pictures), targets


def loss(raw: Tensor, seen: Tensor, targets: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Everywhere towards what the teacher says, but where one of our own kinds stands: there towards its box (GIoU) and kind.

    raw, seen: network's and teacher's (B, cells, 5 + kinds); targets: each picture's boxes (n, 4) and kinds (n,).
    """
    middle, strides = cells()
    thing, kind = seen[..., 4].sigmoid(), seen[..., 5:].sigmoid()
    kind[..., len(COCO) :] = 0
    corners = decode(raw[..., :4], middle, strides)
    box_weight, missing = thing.clone(), raw.new_zeros(())
    for place, (boxes, kinds) in enumerate(targets):
        own = kinds >= len(COCO)
        who = assign(boxes[own], middle, strides)
        mine = who >= 0
        if mine.any():
            overlap, generalised = overlaps(corners[place][mine], boxes[own][who[mine]])
            thing[place, mine] = torch.maximum(thing[place, mine], overlap.detach().clamp(min=LEAST_QUALITY))
            kind[place, mine] = functional.one_hot(kinds[own][who[mine]], len(LABELS)).float()
            box_weight[place, mine] = 0
            missing = missing + 2 * (1 - generalised).sum()
    count = thing.sum().clamp(min=1)
    things = functional.binary_cross_entropy_with_logits(raw[..., 4], thing, reduction="sum")
    named = functional.binary_cross_entropy_with_logits(raw[..., 5:], kind, reduction="none").sum(-1)
    boxes_off = (raw[..., :4] - seen[..., :4]).abs().sum(-1)
    return (things + (named * thing).sum() + (boxes_off * box_weight).sum() + missing) / count


def decode(raw: Tensor, middle: Tensor, strides: Tensor) -> Tensor:
    """YOLOX's boxes -> corners x1 y1 x2 y2 in pixels. (..., cells, 4)."""
    centre = (raw[..., :2] + middle) * strides
    half = raw[..., 2:].clamp(max=6).exp() * strides / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def within(boxes: Tensor, middle: Tensor, strides: Tensor) -> Tensor:
    """Whether the centre of each cell lies in each box. bool, (cells, boxes)."""
    centres = (middle + 0.5) * strides
    return ((centres[:, None] > boxes[None, :, :2]) & (centres[:, None] < boxes[None, :, 2:])).all(dim=2)


def assign(boxes: Tensor, middle: Tensor, strides: Tensor) -> Tensor:
    """For every cell the place of the box that it could learn, the smallest of several; -1 = none. Shape (cells,)."""
    if not len(boxes):
        return torch.full((len(middle),), -1)
    size = (boxes[:, 2:] - boxes[:, :2]).max(dim=1).values
    centres = (middle + 0.5) * strides
    near = ((centres[:, None] - ((boxes[:, :2] + boxes[:, 2:]) / 2)[None]).abs() <= RADIUS * strides[:, None]).all(dim=2)
    lows, highs = (torch.tensor([SIZES[int(stride)][end] for stride in strides[:, 0].tolist()]) for end in (0, 1))
    fits = (size[None] >= lows[:, None]) & (size[None] <= highs[:, None])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    cost = torch.where(near & within(boxes, middle, strides) & fits, area[None].expand(len(middle), -1), torch.tensor(torch.inf))
    best = cost.min(dim=1)
    return torch.where(best.values.isinf(), torch.tensor(-1), best.indices)


def overlaps(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union, and its generalised form (Rezatofighi et al., CVPR 2019), of pairs of boxes. (n,) and (n,)."""
    inside = (torch.minimum(one[:, 2:], other[:, 2:]) - torch.maximum(one[:, :2], other[:, :2])).clamp(min=0).prod(dim=1)
    union = (one[:, 2:] - one[:, :2]).prod(dim=1) + (other[:, 2:] - other[:, :2]).prod(dim=1) - inside
    around = (torch.maximum(one[:, 2:], other[:, 2:]) - torch.minimum(one[:, :2], other[:, :2])).prod(dim=1)
    overlap = inside / union.clamp(min=1e-6)
    return overlap, overlap - (around - union) / around.clamp(min=1e-6)


if __name__ == "__main__":
    main()
