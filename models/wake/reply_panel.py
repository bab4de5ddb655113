"""Puts networks for words in replies together: each word is judged by the mean of those that are to hear it. Needs torch.

    python -m models.wake.reply_panel --okay-nabu last --stop plain early earlier --kept kept1.npz kept2.npz -o panel

The arguments are folders that models.wake.train_reply wrote; panel/reply-words.onnx and .json are what ships.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from models.wake.reply_measure import choose_thresholds
from models.wake.reply_network import ReplyNetwork
from models.wake.reply_save import WEIGHTS, save
from models.wake.reply_scenes import Scenes
from models.wake.reply_speech import WORDS


class Panel(nn.Module):
    """One network made of several. judges: for each word the networks whose mean logit is its logit."""

    def __init__(self, judges: Sequence[Sequence[ReplyNetwork]]) -> None:
        super().__init__()
        self.judges = nn.ModuleList([nn.ModuleList(networks) for networks in judges])

    def forward(self, columns: Tensor) -> Tensor:
        """As ReplyNetwork.forward."""
        logits = [
            torch.stack([network(columns)[..., word] for network in networks]).mean(0)  # type: ignore[union-attr]
            for word, networks in enumerate(self.judges)
        ]
        return torch.stack(logits, dim=-1)


def trained(folder: Path) -> ReplyNetwork:
    """A network that models.wake.train_reply wrote into a folder."""
    network = ReplyNetwork(len(WORDS))
    network.load_state_dict(torch.load(folder / WEIGHTS, map_location="cpu", weights_only=True))
    network.eval()
    return network


def main() -> None:
    """Read the command line, put together, choose thresholds, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for word in WORDS:
        parser.add_argument(
            f"--{word.replace(' ', '-')}", dest=word, type=Path, nargs="+", required=True, help=f"networks that judge “{word}”"
        )
    parser.add_argument("--kept", type=Path, nargs="+", required=True, help="scenes to choose the thresholds on")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write the panel to")
    options = vars(parser.parse_args())
    panel = Panel([[trained(folder) for folder in options[word]] for word in WORDS])
    points = choose_thresholds(panel, Scenes.load(*options["kept"]))
    save(panel, points, options["output"])
    for point in points:
        print(point.text)


if __name__ == "__main__":
    main()
