"""Learns our change to Whisper's encoder: what is heard beside somebody should not change the words. Needs torch.

    python -m models.whisper.sounds ../shared/data/text -o speech.npz
    python -m models.whisper.train_encoder speech.npz ../shared/data/audio -o first.pt
    python -m models.whisper.train_encoder speech.npz ../shared/data/audio -o change.pt \\
        --begin first.pt --rate 4e-4 --texts 3200 --seed 1
    python -m models.whisper.save_change change.pt

The change is a sum of low rank for every matrix of the encoder (Hu et al. 2021, "LoRA"), and the whole of its first convolution.
It is learned by distillation from the published Whisper, which hears the speaker alone: the next word's probabilities, its own
text given, and the encoder's output. No recorded order and no recorded kitchen are learned from, which `assistant bench commands`
measures with.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from assistant.config import folders
from assistant.engines.whisper_decoder import MODEL
from assistant.engines.whisper_weights import Array
from assistant.factory import make_registry
from models.whisper.lessons import Lesson, Lessons, Listener, Teacher, features
from models.whisper.sounds import Voices
from models.whisper.torch_model import LAYERS, TorchWhisper

FIRST = "encoder/conv1"
MATRICES = (
    *(f"encoder/layer_{layer}/self_attention/linear_{part}" for layer in range(LAYERS) for part in range(2)),
    *(f"encoder/layer_{layer}/ffn/linear_{part}" for layer in range(LAYERS) for part in range(2)),
    *(f"decoder/layer_{layer}/attention/linear_1" for layer in range(LAYERS)),
)
"""All of the encoder's, and those that make of its output what the decoder's layers look at."""

RANK = 32
STEPS, BATCH, RATE = 1600, 8, 5e-4
FIRST_RATE = 0.1
"""Of the learning rate, for the first convolution."""

WARM_UP, LAST_RATE, DECAY = 0.04, 0.01, 0.01
"""Share of the steps in which the learning rate rises; what it falls to; AdamW's weight decay."""

TEXTS, POOL = 2000, 600
EVERY = 50


class ChangedWhisper(TorchWhisper):
    """The published Whisper with a change that can be learned."""

    def __init__(self, variables: Mapping[str, Array], rank: int = RANK) -> None:
        super().__init__(variables, torch.float32)
        self.down = {name: self._down(self._weights[f"{name}/weight"].shape[1], rank) for name in MATRICES}
        self.up = {name: nn.Parameter(torch.zeros(len(self._weights[f"{name}/weight"]), rank)) for name in MATRICES}
        self.first = nn.Parameter(torch.zeros_like(self._weights[f"{FIRST}/weight"]))

    @staticmethod
    def _down(width: int, rank: int) -> nn.Parameter:
        return nn.Parameter(torch.randn(rank, width) / width**0.5)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        result = super()._linear(x, name)
        return result + x @ self.down[name].T @ self.up[name].T if name in self.down else result

    def _kernel(self, name: str) -> Tensor:
        kernel = super()._kernel(name)
        return kernel + self.first if name == FIRST else kernel

    def parameters(self) -> Iterator[nn.Parameter]:
        """Everything that is learned, the first convolution last."""
        yield from (*self.down.values(), *self.up.values(), self.first)

    def state(self) -> dict[str, Tensor]:
        """Name -> what was learned: `NAME:down` (rank, in), `NAME:up` (out, rank), and `NAME:whole` of the first convolution."""
        kept = {f"{name}/weight:down": value.data for name, value in self.down.items()}
        kept |= {f"{name}/weight:up": value.data for name, value in self.up.items()}
        return {**kept, f"{FIRST}/weight:whole": self.first.data}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from such a state."""
        for name, value in self.state().items():
            value.copy_(state[name])


def loss_of(lesson: Lesson, student: Listener, teacher: Teacher) -> Tensor:
    """Kullback-Leibler divergence of the next word's probabilities from the teacher's, nats a token, and the squared error of the
    encoder's output as a share of its own square."""
    heard = student.whisper.listen(features(lesson.logs))
    found = student.hidden(heard, [text.tokens for text in lesson.texts], teacher.first)
    wanted = torch.cat([text.hidden for text in lesson.texts])
    alone = torch.stack([text.heard for text in lesson.texts]).float()
    scores = [functional.log_softmax(student.whisper.logits(hidden), -1) for hidden in (found, wanted)]
    divergence = functional.kl_div(*scores, reduction="batchmean", log_target=True)
    return divergence + (heard - alone).square().mean() / alone.square().mean()


def rate_at(done: float) -> float:
    """Share of the highest learning rate when a share of the steps is done: a cosine (Loshchilov & Hutter 2017, "SGDR")."""
    return min(1.0, done / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done)) + LAST_RATE


def train(whisper: ChangedWhisper, lessons: Lessons, teacher: Teacher, steps: int, rate: float, output: Path) -> None:
    """Learn, and write what was learned now and then."""
    student = Listener(whisper)
    *matrices, first = whisper.parameters()
    groups = [{"params": matrices, "lr": rate}, {"params": [first], "lr": rate * FIRST_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step / steps))
    began, seen = time.monotonic(), 0.0
    for step in range(1, steps + 1):
        loss = loss_of(lessons.draw(BATCH), student, teacher)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*matrices, first], 1.0)
        optimizer.step()
        schedule.step()
        seen += float(loss.detach())
        if step % EVERY == 0:
            left = (time.monotonic() - began) / step * (steps - step)
            print(f"step {step} of {steps}: loss {seen / EVERY:.3f}, {left / 60:.0f} min to go", flush=True)
            seen = 0.0
            torch.save(whisper.state(), output)
    torch.save(whisper.state(), output)


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, help="by models.whisper.sounds")
    parser.add_argument("recordings", type=Path, help="folder with wake and speech_de")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .pt")
    parser.add_argument("--begin", type=Path, help="go on from this change, .pt")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--rate", type=float, default=RATE, help="highest learning rate")
    parser.add_argument("--texts", type=int, default=TEXTS, help="pieces of speech that are said")
    parser.add_argument("--pool", type=int, default=POOL, help="pieces of sound beside them that are ready at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    voices = Voices.load(options.speech, options.recordings)
    teacher = Teacher(make_registry(folders()).path(MODEL))
    whisper = ChangedWhisper(teacher.published)
    if options.begin:
        whisper.load(torch.load(options.begin, weights_only=True))
    lessons = Lessons(teacher.texts(voices, options.texts, random), voices, options.pool, random)
    train(whisper, lessons, teacher, options.steps, options.rate, options.output)


if __name__ == "__main__":
    main()
