"""Learns a wake word. numpy only, so that a device can do it; about two minutes on one core."""

from __future__ import annotations

import numpy as np

from assistant.caller import Floats
from assistant.engines.embedding_head import MEMBERS, WINDOW
from assistant.wake.examples import BAG, Examples, Tick
from assistant.wake.network import Network, score

STEPS = 700
SCENES, OTHERS, HARD = 32, 80, 40
"""Per step and member: scenes with the word, random stretches as long of other sound, and of those that fool the network most."""

MINED = 4000
MINE_AT = (0.35, 0.65)
"""Shares of the steps after which the windows that fool the network most are looked for."""

PEAK_RATE = 2e-3
OTHERS_WEIGHT = 3.0
BEST = 3
"""The loss of a stretch is that of the mean of its highest windows: the network need not answer at every hop of the word."""


def train(examples: Examples, random: np.random.Generator, tick: Tick, steps: int = STEPS) -> Network:
    """A network that tells the word from everything else. tick is called after every step."""
    others, starts = _joined(examples.streams)
    sample = others[random.integers(len(others), size=20_000)]
    network = Network(sample.mean(0), sample.std(0) + np.float32(1e-3), random)
    hard = np.zeros(0, np.int64)
    chance = examples.share / examples.share.sum()
    for step in range(steps):
        if step in [int(steps * share) for share in MINE_AT]:
            hard = mine(network, others, starts)
        scenes = random.choice(len(chance), (MEMBERS, SCENES), p=chance)
        places = starts[random.integers(len(starts), size=(MEMBERS, OTHERS))]
        if len(hard):
            places = np.concatenate([places, random.choice(hard, (MEMBERS, HARD))], axis=1)
        _step(network, examples.bags[scenes], others[places[..., None] + np.arange(BAG)], _rate(step, steps))
        tick()
    return network


def _joined(streams: tuple[Floats, ...]) -> tuple[Floats, np.ndarray]:
    """All streams in one array, and the places at which a stretch lies wholly in one of them."""
    long = [stream for stream in streams if len(stream) >= BAG]
    ends = np.cumsum([len(stream) for stream in long])
    starts = [np.arange(end - len(stream), end - BAG + 1) for stream, end in zip(long, ends, strict=True)]
    return np.concatenate(long), np.concatenate(starts)


def mine(network: Network, others: Floats, starts: np.ndarray) -> np.ndarray:
    """The MINED stretches of other sound that look most like the word."""
    windows = np.lib.stride_tricks.sliding_window_view(score(network, others), BAG - WINDOW + 1)
    highest = windows.max(1)[starts]
    return starts[np.argsort(-highest)[:MINED]]


def _step(network: Network, scenes: Floats, others: Floats, rate: float) -> None:
    """scenes: (members, SCENES, BAG, 96), with the word; others: (members, m, BAG, 96), without."""
    logits, kept = network.forward(np.concatenate([scenes, others], axis=1), learn=True)  # (members, SCENES + m, BAG_WINDOWS)
    best = logits >= np.partition(logits, -BEST, axis=2)[:, :, -BEST : -BEST + 1]
    best = best / best.sum(2, keepdims=True)
    mean = (logits * best).sum(2, keepdims=True)
    count = scenes.shape[1]
    weight = np.full(mean.shape, -1 / count, np.float32) * _sigmoid(-mean)
    weight[:, count:] = OTHERS_WEIGHT / others.shape[1] * _sigmoid(mean[:, count:])
    network.step(np.asarray(best * weight, np.float32), kept, rate)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(logits / 2)), np.float32)


def _rate(step: int, steps: int) -> float:
    """One cycle: a third up, two thirds down along a cosine."""
    up = steps / 3
    if step < up:
        return PEAK_RATE * (0.04 + 0.96 * step / up)
    return PEAK_RATE * (0.5 + 0.5 * float(np.cos(np.pi * (step - up) / (steps - up)))) + 1e-6
