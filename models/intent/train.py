"""Trains the image-aware intent model. The whole recipe, one seed:

    python -m models.intent.scenes --data ../shared/data/vision --out runs/scenes.pkl
    python -m models.intent.train text    --minilm MINILM --data ../shared/data/text --out runs/text.pt
    python -m models.intent.train fusion  --minilm MINILM --text runs/text.pt --scenes runs/scenes.pkl --out runs/fusion.pt
    python -m models.intent.train fusion  ... --init runs/fusion.pt --seed 5 --out runs/more.pt      # and the mean of them:
    python -m models.intent.average runs/fusion.pt runs/more.pt --minilm MINILM --text runs/text.pt --scenes runs/scenes.pkl \\
        --out runs/average.pt
    python -m models.intent.export --minilm MINILM --text runs/text.pt --fusion runs/average.pt --settings runs/average.json \\
        --out assistant/engines/graphs

    python -m models.intent.train ablation --minilm MINILM --text runs/text.pt --scenes runs/scenes.pkl --out runs/ablation
    torchrun --nproc_per_node 2 -m models.intent.train text ...      # several processes, same result within rounding

MINILM is the folder of the registry's model: `assistant models pull minilm-l6`. Every run writes its curves beside its result:
a JSONL file and a picture of it.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from models.intent import parallel
from models.intent import sentences as text
from models.intent.calibrate import fusion_settings
from models.intent.curves import draw
from models.intent.fit import Options
from models.intent.fusion_net import KINDS, FusionNet
from models.intent.fusion_stage import FusionSet, class_vectors, fusion_set, train_fusion, training_rows
from models.intent.measure import Numbers, blank, missed_now, predict, scores, shuffled, untouched
from models.intent.minilm import Layer
from models.intent.questions import Asker, Row, imagine, learn_bank
from models.intent.scene import Scene
from models.intent.text_net import TextNet, Tokens
from models.intent.text_stage import clinc_names, encoder, text_set, train_text, training_sentences

Encode = Callable[[Sequence[str]], Tokens]


def options(arguments: argparse.Namespace) -> Options:
    """The training settings of the command line."""
    return Options(
        epochs=arguments.epochs,
        batch=arguments.batch,
        rate=arguments.rate,
        decay=arguments.decay,
        seed=arguments.seed,
        half=arguments.half,
    )


def text_command(arguments: argparse.Namespace) -> None:
    """First stage: words alone."""
    encode, upper, _, _ = encoder(arguments.minilm)
    if arguments.fresh:
        upper = [Layer() for _ in upper]
    sentences = training_sentences(arguments.data, arguments.fold, arguments.seed)
    data = text_set(sentences, clinc_names(arguments.data), encode)
    net = TextNet(upper, arguments.dropout)
    for layer in list(net.layers)[: arguments.freeze]:
        layer.requires_grad_(False)
    train_text(net, data, options(arguments), fresh_log(arguments.out), arguments.pretrain)
    if parallel.rank() == 0:
        torch.save(net.state_dict(), arguments.out)


def test_rows(scenes: dict[str, list[Scene]], count: int, seed: int) -> list[Row]:
    """`count` rows with test photos and held-out wordings; a third of the scenes are imagined."""
    random_ = random.Random(seed)
    asker = Asker(True, text.home_sentences(10, seed + 1), seed + 2)
    bank = learn_bank(scenes["train_photo"] + scenes["train_composed"])
    real = scenes["test_photo"] + scenes["test_composed"]
    rows: list[Row] = []
    while len(rows) < count:
        row = asker.ask(imagine(bank, random_) if random_.random() < 0.3 else random_.choice(real))
        if row is not None:
            rows.append(row)
    return rows


def trained_text(arguments: argparse.Namespace) -> tuple[TextNet, Encode]:
    """The finished text half, and what turns sentences into its input."""
    encode, upper, _, _ = encoder(arguments.minilm)
    net = TextNet(upper)
    net.load_state_dict(torch.load(arguments.text))
    return net.eval(), encode


def fusion_command(arguments: argparse.Namespace) -> None:
    """Second stage: words and things seen."""
    net, encode = trained_text(arguments)
    scenes = pickle.loads(arguments.scenes.read_bytes())
    data = fusion_set(training_rows(scenes, arguments.rows, arguments.seed), net, encode)
    torch.manual_seed(arguments.seed)
    fusion = FusionNet(arguments.fusion, class_vectors(net, encode), arguments.dropout)
    if arguments.init:
        kept = torch.load(arguments.init)["state"]
        fusion.load_state_dict(kept, strict=False)
        if not any(name.startswith("early.") for name in kept):
            nn.init.zeros_(fusion.early.weight)
            nn.init.zeros_(fusion.early.bias)
    train_fusion(fusion, data, options(arguments), fresh_log(arguments.out), arguments.pretrain)
    if parallel.rank():
        return
    finish(fusion, arguments, scenes, net, encode)


def finish(
    fusion: FusionNet, arguments: argparse.Namespace, scenes: dict[str, list[Scene]], net: TextNet, encode: Encode
) -> None:
    """Writes a picture half, and beside it what it measures and how its confidence is calibrated."""
    torch.save({"kind": fusion.kind, "state": fusion.state_dict()}, arguments.out)
    checked = fusion_set(test_rows(scenes, arguments.test_rows, 1000 + arguments.seed), net, encode)
    numbers = report(fusion, checked)
    settings = fusion_settings(fusion, fusion_set(test_rows(scenes, 600, 2000 + arguments.seed), net, encode))
    arguments.out.with_suffix(".json").write_text(json.dumps({**settings, "measured": numbers}, indent=1) + "\n", "utf-8")


def report(fusion: FusionNet, data: FusionSet) -> dict[str, Numbers]:
    """Numbers with the right picture, a blank one, another row's, and with the newest look lost; printed and returned."""
    changes = {"image": untouched, "blank": blank, "shuffled": shuffled, "missed now": missed_now}
    found = {name: scores(predict(fusion, data, change), data) for name, change in changes.items()}
    print(f"{'':32s}" + "".join(f"{name:>12s}" for name in changes) + "           n")
    for name, (_, count) in found["image"].items():
        print(f"{name:32s}" + "".join(f"{found[kind][name][0]:12.3f}" for kind in changes) + f"{count:12d}", flush=True)
    return found


def ablation_command(arguments: argparse.Namespace) -> None:
    """Every way of fusing, and what pre-training and dropout do to the best, on the same rows."""
    net, encode = trained_text(arguments)
    scenes = pickle.loads(arguments.scenes.read_bytes())
    data = fusion_set(training_rows(scenes, arguments.rows, arguments.seed), net, encode)
    checked = fusion_set(test_rows(scenes, arguments.test_rows, 1000 + arguments.seed), net, encode)
    names = class_vectors(net, encode)
    arguments.out.mkdir(parents=True, exist_ok=True)
    runs = [(kind, kind, arguments.dropout, 0) for kind in KINDS]
    runs += [("deep+temporal, pre-trained", KINDS[-1], arguments.dropout, 1), ("deep+temporal, no dropout", KINDS[-1], 0.0, 0)]
    table = {}
    for name, kind, dropout, pretrain in runs:
        print(f"== {name}", flush=True)
        torch.manual_seed(arguments.seed)
        fusion = FusionNet(kind, names, dropout)
        train_fusion(fusion, data, options(arguments), fresh_log(arguments.out / f"{name}.pt"), pretrain)
        table[name] = {"parameters": sum(p.numel() for p in fusion.parameters()), **report(fusion, checked)}
        (arguments.out / "ablation.json").write_text(json.dumps(table, indent=1) + "\n", "utf-8")


def fresh_log(out: Path) -> Path:
    """The empty log of a run."""
    out.parent.mkdir(parents=True, exist_ok=True)
    log = out.with_suffix(".jsonl")
    if parallel.rank() == 0:
        log.unlink(missing_ok=True)
    return log


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["text", "fusion", "ablation"])
    parser.add_argument("--minilm", type=Path, required=True, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("--out", type=Path, required=True, help="what to write")
    parser.add_argument("--data", type=Path, help="text: folder with slurp_devel.jsonl and clinc150_train_val.json")
    parser.add_argument("--fold", type=int, help="text: the part of SLURP to leave out, for testing on it")
    parser.add_argument("--freeze", type=int, default=0, help="text: how many of the two upper layers stay as published")
    parser.add_argument("--fresh", action="store_true", help="text: begin the upper layers at random")
    parser.add_argument("--text", type=Path, help="fusion: the trained text half")
    parser.add_argument("--scenes", type=Path, help="fusion: what scenes.py wrote")
    parser.add_argument("--fusion", choices=KINDS, default="deep+temporal", help="how words and pictures meet")
    parser.add_argument("--init", type=Path, help="fusion: a trained picture half to go on from")
    parser.add_argument("--rows", type=int, default=20000, help="fusion: training rows")
    parser.add_argument("--test-rows", type=int, default=2400, help="fusion: test rows")
    parser.add_argument("--pretrain", type=int, default=0, help="epochs of the self-supervised loss before")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64, help="rows of all processes together")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate of new parts")
    parser.add_argument("--decay", type=float, default=0.02, help="AdamW's weight decay")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--half", action="store_true", help="bfloat16 matrix products: faster with AVX-512 BF16")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    parallel.start()
    {"text": text_command, "fusion": fusion_command, "ablation": ablation_command}[arguments.stage](arguments)
    if parallel.rank() == 0:
        for log in [arguments.out.with_suffix(".jsonl"), *arguments.out.glob("*.jsonl")]:
            if log.is_file():
                draw(log)
    parallel.stop()


if __name__ == "__main__":
    main()
