"""What a network for words in replies hears in scenes, and the thresholds that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.wake.reply_network import CONTEXT, STRIDE
from models.wake.reply_scenes import STEP_SECONDS, Scenes
from models.wake.reply_speech import WORDS

HEARD = (-0.3, 0.8)
"""Seconds from the end of what was said between which an answer is about it."""

FALSE_PER_HOUR = (6.0, 6.0)
"""Of each word, while only the assistant speaks, that the scenes kept apart may show. Their noise is much worse than life: other
talkers up to 8 dB below the echo, two fifths of whose phrases were chosen because they sound like the words."""

RATIOS_DB = ((-14, -8), (-8, -3), (-3, 2), (2, 8))


@dataclass(frozen=True, slots=True)
class Point:
    """A word's threshold (a logit) and what it did on scenes kept apart.

    heard: of the words said, by speech-to-echo ratio; others: of other things said, a third of which were chosen because they
    sound like the words, how many were taken for it; alone: false ones while only the assistant spoke, and the hours of that;
    delay_ms: from the end of the word to the first answer, median.
    """

    word: str
    threshold: float
    heard: dict[str, str]
    others: str
    alone: str
    delay_ms: int

    @property
    def text(self) -> str:
        """One line."""
        heard = ", ".join(f"{name} {share}" for name, share in self.heard.items())
        return f"{self.word}: {heard} at a logit of {self.threshold:.2f}; others {self.others}, alone {self.alone}"


def logits_of(network: nn.Module, scenes: Scenes) -> Iterator[np.ndarray]:
    """For every scene the answers, (k, words), one every STRIDE columns from CONTEXT on."""
    training = network.training
    network.eval()
    with torch.no_grad():
        for start, end in zip(np.concatenate([[0], scenes.ends[:-1]]), scenes.ends, strict=True):
            columns = torch.from_numpy(scenes.columns[start:end].astype(np.float32))
            yield network(columns[None])[0].numpy()
    network.train(training)


def choose_thresholds(network: nn.Module, scenes: Scenes) -> list[Point]:
    """For every word the lowest threshold at which it is hardly ever heard while only the assistant speaks."""
    answers = [*logits_of(network, scenes)]
    return [_point(answers, scenes, word) for word in range(len(WORDS))]


def _point(answers: list[np.ndarray], scenes: Scenes, word: int) -> Point:
    spoken_into = set(scenes.said[:, 0].astype(int))
    alone = [logits[:, word] for number, logits in enumerate(answers) if number not in spoken_into]
    hours = sum(map(len, alone)) * STRIDE * STEP_SECONDS / 3600
    allowed = int(FALSE_PER_HOUR[word] * hours)
    seconds = [float(part.max()) for logits in alone for part in np.array_split(logits, max(1, len(logits) // 50))]
    threshold = sorted(seconds, reverse=True)[allowed]
    heard: dict[str, list[bool]] = {f"{low} to {high} dB": [] for low, high in RATIOS_DB}
    others: list[bool] = []
    delays: list[float] = []
    for number, kind, _, end, ratio in scenes.said:
        logit = answers[int(number)][:, word]
        late = (CONTEXT + np.arange(len(logit)) * STRIDE - end) * STEP_SECONDS
        found = late[(logit > threshold) & (late > HEARD[0]) & (late < HEARD[1])]
        if kind == word:
            names = [name for name, (low, high) in zip(heard, RATIOS_DB, strict=True) if low <= ratio < high]
            heard[names[0]].append(len(found) > 0)
            delays += [*found[:1]]
        elif kind == len(WORDS):
            others.append(len(found) > 0)
    shares = {name: f"{sum(values)}/{len(values)}" for name, values in heard.items()}
    delay = round(1000 * float(np.median(delays or [0.0])))
    return Point(WORDS[word], threshold, shares, f"{sum(others)}/{len(others)}", f"{allowed} in {hours:.2f} h", delay)
