"""Trains the network that hears the wake word and "stop" in replies, in the order things happen. Needs torch and two hours.

    for seed in 0 1; do
        python -m models.wake.reply_speech TEXTS -o speech$seed.npz --words 700 --others 700 --replies 90 --seed $seed
        python -m models.wake.reply_scenes speech$seed.npz -o scenes$seed.npz --scenes 700 --noise NOISE --seed $seed
    done
    python -m models.wake.reply_speech TEXTS -o kept.npz --words 150 --others 200 --replies 40 --seed 9
    python -m models.wake.reply_scenes kept.npz -o kept1.npz --scenes 250 --noise NOISE --seed 9
    python -m models.wake.reply_scenes kept.npz -o kept2.npz --scenes 200 --alone 1 --noise NOISE --seed 10
    git show 8dc6fcf:assistant/engines/graphs/reply-words.onnx > before.onnx
    python -m models.wake.train_reply scenes0.npz scenes1.npz --start before.onnx --rate 1.5e-3 --steps 1200 --late 440 \
        --kept kept1.npz kept2.npz -o first
    python -m models.wake.train_reply scenes0.npz scenes1.npz --start first/reply-words.pt --rate 1.2e-3 --steps 900 --seed 1 \
        --kept kept1.npz kept2.npz -o plain
    (the same with --mean before.onnx --share 0.2 -o last)
    python -m models.wake.train_reply scenes0.npz scenes1.npz --start last/reply-words.pt --rate 1e-3 --steps 800 --late 140 \
        --seed 2 --kept kept1.npz kept2.npz -o earlier
    python -m models.wake.train_reply scenes0.npz scenes1.npz --start last/reply-words.pt --rate 1e-3 --steps 900 --late 190 \
        --seed 3 --kept kept1.npz kept2.npz -o early
    python -m models.wake.reply_panel --okay-nabu last --stop plain early earlier --kept kept1.npz kept2.npz -o panel

panel/reply-words.onnx and .json are what ships in assistant/engines/graphs. `last` is the mean of the weights before and after,
which hears voices that neither learned better than either. before.onnx was made by the same two steps from nothing, with the echo
path of its day and three files of scenes; without --start that still works (2500 steps, then 1300 more). TEXTS:
../shared/data/text; NOISE: ../shared/data/audio/noise/kitchen_first_half.flac, of which the first 30 s are used. The thresholds
are chosen on the scenes that were kept apart, whose speech and rooms are others.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assistant.wake.reply_features import BANDS
from models.average import mean_of
from models.wake.reply_measure import choose_thresholds, logits_of
from models.wake.reply_network import CONTEXT, STRIDE, ReplyNetwork
from models.wake.reply_save import NORMS, WEIGHTS, restore, save
from models.wake.reply_scenes import STEP_SECONDS, Scenes
from models.wake.reply_speech import WORDS

BATCH, ANSWERS = 48, 160
"""Stretches per step, and answers that count in each, 20 ms apart."""

COLUMNS = CONTEXT + 1 + (ANSWERS - 1) * STRIDE
SHARES = (0.5, 0.15, 0.2, 0.15)
"""Of a batch: around a word, around something else that was said, anywhere, where the network was most wrong."""

EARLY, LATE_MS = 4, 240
"""From so many answers before to so many milliseconds after the end of a word it must be heard."""

UNJUDGED = 20
"""Answers before and after those that are neither right nor wrong."""

BEST, WORST = 3, 4
"""The loss of a word is that of its BEST answers, and every stretch's WORST false ones count besides the mean."""

RATE, DECAY = 3e-3, 1e-3
SEEN_BATCHES = 12
"""After which a mean of weights knows the mean and deviation of what its layers see."""

MINE_AT = (0.35, 0.65)
MINED = 3000
GAIN = 0.35
"""Random loudness, powers of ten over SPREAD."""

PACE = (0.85, 1.18)
"""Every second stretch is heard faster or slower."""

WARP, SHIFT = 0.1, 1.0
"""Bands are moved, as by a longer or shorter vocal tract: by a share of their number, and by so many bands."""


class Lessons:
    """Draws stretches of scenes with what they must be answered."""

    def __init__(self, scenes: Scenes, random: np.random.Generator, late_ms: int = LATE_MS) -> None:
        self.scenes, self._random = scenes, random
        self._late = round(late_ms / (1000 * STEP_SECONDS * STRIDE))
        self._starts = np.concatenate([[0], scenes.ends[:-1]])
        rows = scenes.said
        self._ends_of = [self._place(rows[rows[:, 1] == kind]) for kind in range(len(WORDS))]
        self._words = np.concatenate(self._ends_of)
        self._others = self._place(rows[rows[:, 1] == len(WORDS)])
        self.hard = np.zeros(0, np.int64)

    def _place(self, rows: np.ndarray) -> np.ndarray:
        """The column, of all scenes, at which something that was said ends."""
        places: np.ndarray = self._starts[rows[:, 0].astype(int)] + rows[:, 3].astype(int)
        return places

    def batch(self) -> tuple[Tensor, Tensor]:
        """Columns (BATCH, COLUMNS, 80), and what is due, (BATCH, ANSWERS, words): 1 hear it, 0 do not, -1 either."""
        counts = self._random.multinomial(BATCH, SHARES)
        hard = self.hard if len(self.hard) else self._others
        anywhere = self._random.integers(COLUMNS, len(self.scenes.columns) - COLUMNS, counts[2])
        drawn = [self._random.choice(places, count) for places, count in ((self._words, counts[0]), (self._others, counts[1]))]
        ends = np.concatenate([*drawn, anywhere, self._random.choice(hard, counts[3])])
        pace = np.where(self._random.random(BATCH) < 0.5, 1.0, self._random.uniform(*PACE, BATCH))
        before = CONTEXT + self._random.integers(EARLY, ANSWERS - self._late, BATCH) * STRIDE
        first = np.clip(ends - (before * pace).astype(int), 0, len(self.scenes.columns) - int(COLUMNS * PACE[1]) - 1)
        taken = first[:, None] + np.rint(np.arange(COLUMNS) * pace[:, None]).astype(int)
        columns = self._warped(self.scenes.columns[taken].astype(np.float32))
        columns += self._random.normal(0, GAIN, (BATCH, 1, 1)).astype(np.float32)
        return torch.from_numpy(columns), torch.from_numpy(np.stack([self._due(row[CONTEXT::STRIDE]) for row in taken]))

    def _warped(self, columns: np.ndarray) -> np.ndarray:
        """(BATCH, COLUMNS, 80), both halves with their bands moved alike."""
        stretch, shift = self._random.uniform(-WARP, WARP, (BATCH, 1)), self._random.uniform(-SHIFT, SHIFT, (BATCH, 1))
        place = np.clip(np.arange(BANDS) * (1 + stretch) + shift, 0, BANDS - 1)  # (BATCH, BANDS)
        low = np.minimum(place.astype(int), BANDS - 2)
        share = (place - low)[:, None, None].astype(np.float32)
        halves = columns.reshape(BATCH, COLUMNS, 2, BANDS)
        lower, upper = (np.take_along_axis(halves, band[:, None, None], 3) for band in (low, low + 1))
        return np.asarray((lower + share * (upper - lower)).reshape(columns.shape), np.float32)

    def _due(self, at: np.ndarray) -> np.ndarray:
        """at: the column that is the last each answer sees, (ANSWERS,)."""
        due = np.zeros((ANSWERS, len(WORDS)), np.float32)
        for word, ends in enumerate(self._ends_of):
            for end in ends[(ends > at[0] - CONTEXT) & (ends < at[-1] + 200)]:
                distance = (at - end) / STRIDE
                due[(distance > -EARLY - UNJUDGED) & (distance < self._late + UNJUDGED) & (due[:, word] == 0), word] = -1
                if distance[0] <= -EARLY and distance[-1] >= self._late:
                    due[(distance >= -EARLY) & (distance <= self._late), word] = 1
        return due

    def mine(self, network: ReplyNetwork) -> None:
        """Find where the network hears words that nobody said."""
        found = []
        for number, logits in enumerate(logits_of(network, self.scenes)):
            worst = logits.max(1)
            start = self._starts[number]
            for word, ends in enumerate(self._ends_of):
                for end in ends[(ends >= start) & (ends < self.scenes.ends[number])]:
                    middle = (end - start - CONTEXT) // STRIDE
                    worst[max(0, middle - EARLY - UNJUDGED) : middle + self._late + UNJUDGED] = logits[
                        max(0, middle - EARLY - UNJUDGED) : middle + self._late + UNJUDGED, 1 - word
                    ]
            for block in range(0, len(worst) - 50, 50):
                at = block + int(worst[block : block + 50].argmax())
                found.append((float(worst[at]), int(start + CONTEXT + at * STRIDE)))
        found.sort(reverse=True)
        self.hard = np.array([place for _, place in found[:MINED]])


def loss_of(logits: Tensor, due: Tensor) -> Tensor:
    """logits, due: (batch, ANSWERS, words)."""
    heard = (due > 0).any(1)  # (batch, words)
    best = logits.masked_fill(due <= 0, -30.0).topk(BEST, dim=1).values.mean(1)
    missed = (functional.softplus(-best) * heard).sum() / heard.sum().clamp(min=1)
    false = functional.softplus(logits) * (due == 0)
    worst = false.topk(WORST, dim=1).values.mean()
    return missed + 2.0 * false.mean() + 2.0 * worst


def train(lessons: Lessons, network: ReplyNetwork, steps: int, peak: float) -> None:
    """Train a network. peak: the highest learning rate."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps, pct_start=0.15)
    began, seen = time.monotonic(), 0.0
    for step in range(steps):
        if step in [int(share * steps) for share in MINE_AT]:
            lessons.mine(network)
        columns, due = lessons.batch()
        loss = loss_of(network(columns), due)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        rate.step()
        seen += float(loss.detach())
        if (step + 1) % 50 == 0:
            left = (time.monotonic() - began) / (step + 1) * (steps - step - 1)
            print(f"step {step + 1} of {steps}: loss {seen / 50:.3f}, {left / 60:.0f} min to go", flush=True)
            seen = 0.0
    network.train(False)


def load(network: ReplyNetwork, file: Path, lessons: Lessons) -> None:
    """Take over weights from a .pt of ours or from a graph, .onnx."""
    if file.suffix == ".onnx":
        restore(network, file, lessons.batch()[0])
    else:
        network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))


def mix_in(network: ReplyNetwork, other: ReplyNetwork, share: float, lessons: Lessons) -> None:
    """Make a network the mean of itself and, with `share`, another that it came from."""
    network.load_state_dict(mean_of([network.state_dict(), other.state_dict()], [1 - share, share]))
    norms = [layer for layer in network.modules() if isinstance(layer, NORMS)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of what is seen now
    with torch.no_grad():
        network.train()
        for _ in range(SEEN_BATCHES):
            network(lessons.batch()[0])
    network.eval()


def main() -> None:
    """Read the command line, train, choose thresholds, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", type=Path, nargs="+", help="to learn from, by models.wake.reply_scenes")
    parser.add_argument("--kept", type=Path, nargs="+", required=True, help="scenes to choose the thresholds on")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write the network to")
    parser.add_argument("--start", type=Path, help="go on from these weights, .pt, or from a graph, .onnx")
    parser.add_argument("--mean", type=Path, help="save the mean of what was trained and of these weights, .pt or .onnx")
    parser.add_argument("--share", type=float, default=0.5, help="of the weights of --mean in it")
    parser.add_argument("--late", type=int, default=LATE_MS, help="ms after its end by which a word must be heard")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=RATE, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    lessons = Lessons(Scenes.load(*options.scenes), np.random.default_rng(options.seed), options.late)
    torch.manual_seed(options.seed)
    network = ReplyNetwork(len(WORDS))
    if options.start:
        load(network, options.start, lessons)
    train(lessons, network, options.steps, options.rate)
    if options.mean:
        load(before := ReplyNetwork(len(WORDS)), options.mean, lessons)
        mix_in(network, before, options.share, lessons)
    torch.save(network.state_dict(), options.output / WEIGHTS)
    points = choose_thresholds(network, Scenes.load(*options.kept))
    save(network, points, options.output)
    for point in points:
        print(point.text)


if __name__ == "__main__":
    main()
