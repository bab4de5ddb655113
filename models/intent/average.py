"""The mean of several trained picture halves that went on from one another, weight by weight.

    python -m models.intent.average runs/fusion.pt runs/more.pt --minilm MINILM --text runs/text.pt --scenes runs/scenes.pkl \\
        --out runs/average.pt

It is calibrated and measured like a trained one.
"""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import torch

from models.average import mean_of
from models.intent.export import load_fusion
from models.intent.train import finish, trained_text


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("halves", type=Path, nargs="+", help="trained picture halves, from train.py")
    parser.add_argument("--minilm", type=Path, required=True, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("--text", type=Path, required=True, help="the trained text half")
    parser.add_argument("--scenes", type=Path, required=True, help="what scenes.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="what to write")
    parser.add_argument("--test-rows", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    fusion = load_fusion(arguments.halves[0])
    fusion.load_state_dict(mean_of([load_fusion(path).state_dict() for path in arguments.halves]))
    finish(fusion, arguments, pickle.loads(arguments.scenes.read_bytes()), *trained_text(arguments))


if __name__ == "__main__":
    main()
