"""The network that hears words in replies: where is more sound, in time and frequency, than echoes leave, and is that a word?"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from assistant.wake.reply_features import BANDS

FRONT = (16, 24)
"""Channels of the two convolutions over time and frequency."""

CHANNELS = 96
TAPS = 5
DILATIONS = (1, 2, 4, 8, 2, 4)
STRIDE = 2
"""Columns of 10 ms per answer."""

CONTEXT = 2 + 2 + STRIDE * (TAPS - 1) * sum(DILATIONS)
"""Columns that an answer sees before its own: 1.72 s."""


class Block(nn.Module):
    """A depthwise convolution over time, a mixture of the channels, and the input beside them."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self._cut = (TAPS - 1) * dilation
        self.over_time = nn.Conv1d(CHANNELS, CHANNELS, TAPS, dilation=dilation, groups=CHANNELS, bias=False)
        self.mix = nn.Conv1d(CHANNELS, CHANNELS, 1, bias=False)
        self.first, self.second = nn.BatchNorm1d(CHANNELS), nn.BatchNorm1d(CHANNELS)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, CHANNELS, time) -> shorter by (TAPS - 1) * dilation."""
        y = functional.relu(self.first(self.over_time(x)))
        return functional.relu(self.second(self.mix(self.dropout(y))) + x[..., self._cut :])


class ReplyNetwork(nn.Module):
    """Columns in, a logit for each word every 20 ms out; no padding: every answer sees exactly CONTEXT columns before its own."""

    def __init__(self, words: int) -> None:
        super().__init__()
        first, second = FRONT
        self.front = nn.Sequential(
            nn.Conv2d(2, first, 3, stride=(1, 2), padding=(0, 1), bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=(STRIDE, 2), padding=(0, 1), bias=False),
            nn.BatchNorm2d(second),
            nn.ReLU(),
        )
        self.mix = nn.Sequential(nn.Conv1d(second * BANDS // 4, CHANNELS, 1, bias=False), nn.BatchNorm1d(CHANNELS), nn.ReLU())
        self.blocks = nn.Sequential(*(Block(dilation) for dilation in DILATIONS))
        self.out = nn.Conv1d(CHANNELS, words, 1)

    def forward(self, columns: Tensor) -> Tensor:
        """(batch, time, 2 * BANDS) -> logits, (batch, (time - CONTEXT - 1) // STRIDE + 1, words)."""
        split = columns.unflatten(2, (2, BANDS)).transpose(1, 2)  # (batch, 2, time, BANDS)
        seen = self.front(split)  # (batch, channels, time / 2, BANDS / 4)
        x = self.mix(seen.transpose(2, 3).flatten(1, 2))  # (batch, CHANNELS, time / 2)
        logits: Tensor = self.out(self.blocks(x))
        return logits.transpose(1, 2)
