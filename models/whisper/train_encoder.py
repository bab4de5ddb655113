"""Learns our change to Whisper's encoder: what is heard beside somebody should not change the words. Needs torch.

    python -m models.whisper.sounds ../shared/data/text -o speech.npz --minutes 165
    python -m models.whisper.train_encoder speech.npz ../shared/data/audio -o change.pt --bfloat16
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from assistant.config import folders
from assistant.engines.whisper_decoder import MODEL
from assistant.engines.whisper_weights import Array
from assistant.factory import make_registry
from models.whisper.lessons import Lesson, Lessons, Listener, Teacher, features, surroundings
from models.whisper.save_change import learned
from models.whisper.sounds import ANYTHING, CROWDS, LONG, SHORT, Scenes, Voices
from models.whisper.torch_model import LAYERS, TorchWhisper

FIRST = "encoder/conv1"
MATRICES = (
    *(f"encoder/layer_{layer}/self_attention/linear_{part}" for layer in range(LAYERS) for part in range(2)),
    *(f"encoder/layer_{layer}/ffn/linear_{part}" for layer in range(LAYERS) for part in range(2)),
    *(f"decoder/layer_{layer}/attention/linear_1" for layer in range(LAYERS)),
)
"""All of the encoder's, and those that make of its output what the decoder's layers look at."""

RANK, BATCH = 64, 8


@dataclass(frozen=True, slots=True)
class Stage:
    """Part of the training. scenes: what else is heard; snr_db: loudest frame of the speaker over that of the rest, from and to;
    steps; rate: highest learning rate."""

    scenes: Scenes
    snr_db: tuple[float, float]
    steps: int
    rate: float


STAGES = {"anything": Stage(ANYTHING, (2.0, 14.0), 3000, 5e-4), "crowds": Stage(CROWDS, (3.0, 10.0), 5400, 4e-4)}
"""First where anything is heard, then where many talk."""

FIRST_RATE = 0.1
"""Of the learning rate, for the first convolution."""

WARM_UP, LAST_RATE, DECAY = 0.04, 0.01, 0.01
"""Share of the steps in which the learning rate rises; what it falls to; AdamW's weight decay."""

TEXTS, PIECES = 1400, 1600
EVERY, KEEP_S = 50, 60.0
"""Steps between lines, and seconds after which what was learned is written."""


class ChangedWhisper(TorchWhisper):
    """The published Whisper with a change that can be learned."""

    def __init__(self, variables: Mapping[str, Array], rank: int = RANK, device: str = "cpu") -> None:
        super().__init__(variables, torch.float32, device)
        sizes = {name: self._weights[f"{name}/weight"].shape for name in MATRICES}
        self.down = {name: self._learned(torch.randn(rank, width) / width**0.5) for name, (_, width) in sizes.items()}
        self.up = {name: self._learned(torch.zeros(height, rank)) for name, (height, _) in sizes.items()}
        self.first = self._learned(torch.zeros_like(self._weights[f"{FIRST}/weight"]))

    def _learned(self, begun: Tensor) -> nn.Parameter:
        return nn.Parameter(begun.to(self.device))

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

    def save(self, path: Path) -> None:
        """Write it for any device."""
        torch.save({name: value.cpu() for name, value in self.state().items()}, path)

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from such a state."""
        for name, value in self.state().items():
            value.copy_(state[name])


def loss_of(lesson: Lesson, student: Listener) -> Tensor:
    """Kullback-Leibler divergence of the next word's probabilities from the teacher's, nats a token, and the squared error of the
    encoder's output as a share of its own square."""
    texts = lesson.texts
    heard, alone = student.whisper.listen(features(lesson.logs)), texts.heard.float()
    both = student.hidden(heard, texts.tokens)[texts.said], texts.hidden[texts.said]
    scores = [functional.log_softmax(student.whisper.logits(hidden), -1) for hidden in both]
    divergence = functional.kl_div(*scores, reduction="batchmean", log_target=True)
    return divergence + (heard - alone).square().mean() / alone.square().mean()


def rate_at(done: float) -> float:
    """Share of the highest learning rate when a share of the steps is done: a cosine (Loshchilov & Hutter 2017, "SGDR")."""
    return min(1.0, done / WARM_UP) * 0.5 * (1 + math.cos(math.pi * done)) + LAST_RATE


def train(
    whisper: ChangedWhisper, lessons: Sequence[Lessons], stage: Stage, output: Path, batch: int = BATCH, half: bool = False
) -> None:
    """Learn from these lessons in turn, and write what was learned now and then. half: multiply in bfloat16."""
    student = Listener(whisper)
    *matrices, first = whisper.parameters()
    groups = [{"params": matrices, "lr": stage.rate}, {"params": [first], "lr": stage.rate * FIRST_RATE}]
    optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step / stage.steps))
    began = kept = time.monotonic()
    seen = torch.zeros((), device=whisper.device)
    for step in range(1, stage.steps + 1):
        with torch.autocast(torch.device(whisper.device).type, torch.bfloat16, enabled=half):
            loss = loss_of(lessons[step % len(lessons)].draw(batch), student)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*matrices, first], 1.0)
        optimizer.step()
        schedule.step()
        seen += loss.detach()
        if step % EVERY == 0:
            left = (time.monotonic() - began) / step * (stage.steps - step)
            print(f"step {step} of {stage.steps}: loss {float(seen) / EVERY:.3f}, {left / 60:.0f} min to go", flush=True)
            seen.zero_()
        if time.monotonic() - kept > KEEP_S:
            whisper.save(output)
            kept = time.monotonic()
    whisper.save(output)


def main() -> None:
    """Read the command line and train."""
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_float32_matmul_precision("high")
    voices = Voices.load(options.speech, options.recordings)
    teacher = Teacher(make_registry(folders()).path(MODEL), options.device)
    whisper = ChangedWhisper(teacher.published, device=options.device)
    if options.begin:
        whisper.load(_begun(options.begin))
    texts = [teacher.texts(voices, samples, options.texts, options.seed) for samples in (SHORT, LONG)]
    for number, name in enumerate(options.stages):
        stage, seed = STAGES[name], options.seed + number
        rest = surroundings(voices, stage.scenes, options.pieces, seed)
        lessons = [Lessons(part, rest, stage.snr_db, seed) for part in texts]
        train(whisper, lessons, stage, options.output, options.batch, options.bfloat16)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, help="by models.whisper.sounds")
    parser.add_argument("recordings", type=Path, help="folder with wake and speech_de")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write, .pt")
    parser.add_argument("--begin", type=Path, help="go on from this change, .pt, or from one that shipped, .npz")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES), help="of the training, in this order")
    parser.add_argument("--batch", type=int, default=BATCH, help="lessons a step")
    parser.add_argument("--texts", type=int, default=TEXTS, help="pieces of speech, short ones and as many long ones")
    parser.add_argument("--pieces", type=int, default=PIECES, help="pieces of sound beside them, for each stage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="what computes: cpu, or cuda for a GPU")
    parser.add_argument("--bfloat16", action="store_true", help="multiply in 16 bits: twice as fast where the processor can")
    return parser.parse_args()


def _begun(change: Path) -> Mapping[str, Tensor]:
    if change.suffix == ".npz":
        return learned(change)
    state: Mapping[str, Tensor] = torch.load(change, weights_only=True)
    return state


if __name__ == "__main__":
    main()
