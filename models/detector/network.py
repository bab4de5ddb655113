"""The network: YOLOX-Nano's form with batch normalisation folded into the convolutions, and kinds of our own beside COCO's.

Ge et al., YOLOX: Exceeding YOLO Series in 2021 (arXiv 2107.08430), exps/default/yolox_nano.py: CSPDarknet of depth 0.33 and width
0.25 with depthwise convolutions, a path aggregation network, and a decoupled head without anchors on three scales.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from assistant.engines.cells import PLACES, STRIDE

WIDTH = 64
"""Channels of the head."""

PUBLISHED = 80
"""Kinds that the published weights know; those of our own come after them."""

RARE = -4.0
"""Bias of a kind of our own: rare at first."""


class Conv(nn.Module):
    """Convolution and SiLU. deep: each channel by itself."""

    def __init__(self, inside: int, outside: int, kernel: int = 1, stride: int = 1, *, deep: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, (kernel - 1) // 2, groups=inside if deep else 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        return functional.silu(self.conv(x))


def separable(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution in each channel, then one across them."""
    return nn.Sequential(Conv(inside, inside, 3, stride, deep=True), Conv(inside, outside))


class Bottleneck(nn.Module):
    """Two convolutions; add: their input is added."""

    def __init__(self, width: int, *, add: bool) -> None:
        super().__init__()
        self.first, self.second, self.add = Conv(width, width), separable(width, width), add

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        out: Tensor = self.second(self.first(x))
        return out + x if self.add else out


class Split(nn.Module):
    """A cross-stage-partial layer: half of the channels go through the bottlenecks."""

    def __init__(self, inside: int, outside: int, count: int = 1, *, add: bool = False) -> None:
        super().__init__()
        half = outside // 2
        self.long, self.short = Conv(inside, half), Conv(inside, half)
        self.blocks = nn.Sequential(*(Bottleneck(half, add=add) for _ in range(count)))
        self.join = Conv(outside, outside)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H, W)."""
        out: Tensor = self.join(torch.cat([self.blocks(self.long(x)), self.short(x)], dim=1))
        return out


class Pyramid(nn.Module):
    """Spatial pyramid pooling: the largest values around, at three sizes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = Conv(width, width // 2), Conv(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        x = self.first(x)
        out: Tensor = self.second(torch.cat([x, *(functional.max_pool2d(x, size, 1, size // 2) for size in (5, 9, 13))], dim=1))
        return out


class Head(nn.Module):
    """One scale's features -> for each cell the box, how likely there is a thing, and the kinds'."""

    def __init__(self, inside: int, kinds: int) -> None:
        super().__init__()
        self.stem = Conv(inside, WIDTH)
        self.kind = nn.Sequential(separable(WIDTH, WIDTH), separable(WIDTH, WIDTH))
        self.kinds = nn.Conv2d(WIDTH, PUBLISHED, 1)
        self.place = nn.Sequential(separable(WIDTH, WIDTH), separable(WIDTH, WIDTH))
        self.box, self.thing = nn.Conv2d(WIDTH, 4, 1), nn.Conv2d(WIDTH, 1, 1)
        self.own = nn.Conv2d(WIDTH, kinds - PUBLISHED, 1)
        nn.init.zeros_(self.own.weight)
        assert self.own.bias is not None
        nn.init.constant_(self.own.bias, RARE)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, H x W, 5 + kinds), all as the layers give them."""
        x = self.stem(x)
        place, kind = self.place(x), self.kind(x)
        found = torch.cat([self.box(place), self.thing(place), self.kinds(kind), self.own(kind)], dim=1)
        return found.flatten(2).transpose(1, 2)


class Detector(nn.Module):
    """The whole network. kinds: how many are named. Its parts stand in the order of the published graph's convolutions."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 6, 2, 2)  # the published "focus" (pixels to channels, then 3 x 3) as one convolution
        self.low = nn.Sequential(separable(16, 32, 2), Split(32, 32, 1, add=True))
        self.fine = nn.Sequential(separable(32, 64, 2), Split(64, 64, 3, add=True))
        self.middle = nn.Sequential(separable(64, 128, 2), Split(128, 128, 3, add=True))
        self.coarse = nn.Sequential(separable(128, 256, 2), Pyramid(256), Split(256, 256))
        self.down_1, self.mix_1 = Conv(256, 128), Split(256, 128)
        self.down_2, self.mix_2 = Conv(128, 64), Split(128, 64)
        self.up_1, self.mix_3 = separable(64, 64, 2), Split(128, 128)
        self.up_2, self.mix_4 = separable(128, 128, 2), Split(256, 256)
        self.heads = nn.ModuleList(Head(width, kinds) for width in (64, 128, 256))

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, S, S), RGB 0..255 -> (B, cells, 5 + kinds): box, thing, kinds, before the sigmoid."""
        fine = self.fine(self.low(functional.silu(self.stem(x))))
        middle = self.middle(fine)
        top = self.down_1(self.coarse(middle))
        between = self.down_2(self.mix_1(torch.cat([_larger(top), middle], dim=1)))
        first = self.mix_2(torch.cat([_larger(between), fine], dim=1))
        second = self.mix_3(torch.cat([self.up_1(first), between], dim=1))
        third = self.mix_4(torch.cat([self.up_2(second), top], dim=1))
        return torch.cat([head(scale) for head, scale in zip(self.heads, (first, second, third), strict=True)], dim=1)

    def load_published(self, path: Path) -> None:
        """Begin with the weights of yolox_nano.onnx (Megvii, Apache-2.0); kinds of our own begin rare."""
        model = onnx.load(str(path))
        tensors = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in model.graph.initializer}
        theirs = [(tensors[node.input[1]], tensors[node.input[2]]) for node in model.graph.node if node.op_type == "Conv"]
        own = {id(part) for part in self.own_parts()}
        ours = [part for part in self.modules() if isinstance(part, nn.Conv2d) and id(part) not in own]
        with torch.no_grad():
            for part, (weight, bias) in zip(ours, chain([_whole_pixels(*theirs[0])], theirs[1:]), strict=True):
                part.weight.copy_(weight)
                assert part.bias is not None
                part.bias.copy_(bias)

    def own_parts(self) -> list[nn.Module]:
        """The layers that the published network lacks."""
        return [head.own for head in self.heads if isinstance(head, Head)]


def _larger(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def _whole_pixels(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The published first convolution, on every second pixel's blue, green and red, as one on the picture in red, green, blue.

    Channels of the published one: the pixels above left, below left, above right, below right. (O, 12, 3, 3) -> (O, 3, 6, 6).
    """
    whole = torch.zeros(len(weight), 3, 6, 6)
    for number, (down, across) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        whole[:, :, down::2, across::2] = weight[:, 3 * number : 3 * number + 3].flip(1)
    return whole, bias


def cells() -> tuple[Tensor, Tensor]:
    """Column and row of every cell, shape (3549, 2), and its stride in pixels, shape (3549, 1)."""
    return torch.from_numpy(PLACES), torch.from_numpy(STRIDE)
