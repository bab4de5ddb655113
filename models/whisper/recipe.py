"""Graphs without weights and the recipe of their weights file, as files: what every program that writes them ends with."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from models.whisper.network import Network, Precision

GRAPHS = Path(__file__).resolve().parents[2] / "assistant" / "engines" / "graphs"
"""Where the runtime finds what these programs write."""

WEIGHT_LEVELS = 127
"""Largest magnitude of an int8 weight.

Processors with AVX2 but without VNNI add two products of 8-bit numbers in 16 bits, which saturates. Counted on the encoder's
real activations: 2 of 100,000 pairs, an error of at most 8 % in one layer and below 4 % in the others, about that of 8 bits
themselves. 63 levels would exclude it and cost accuracy everywhere: 279 of 320 texts equal to the 32-bit graph's, not 295.
"""


def with_recipe(
    network: Network, parts: Mapping[str, bytes], source_sha256: str, weights_sha256: str, change: str = ""
) -> dict[str, bytes]:
    """File name -> content of the graphs and of the recipe that assembles their weights.

    parts: name -> graph. source_sha256: of the published weights; weights_sha256: what the assembled file must hash to.
    change: name of a file of `assistant.engines.whisper_change` beside the recipe.
    """
    files = {f"{network.name}.{part}.onnx": data for part, data in parts.items()}
    recipe = {
        "format": 1,
        "model": network.name,
        "precision": network.precision,
        "levels": WEIGHT_LEVELS,
        "source_sha256": source_sha256,
        **({"change": change} if change else {}),
        "graphs": list(files),
        "weights": network.plan.location,
        "weights_bytes": network.plan.end,
        "weights_sha256": weights_sha256,
    }
    head = json.dumps(recipe, indent=1)[:-2]
    rows = ",\n  ".join(json.dumps(asdict(tensor)) for tensor in network.plan.tensors.values())
    files[f"{network.name}.weights.json"] = f'{head},\n "tensors": [\n  {rows}\n ]\n}}\n'.encode()
    return files


def write_files(usage: str | None, files: Callable[[Precision], dict[str, bytes]]) -> None:
    """The command line of such a program. usage: its docstring; files: what it writes in a precision."""
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--precision", choices=["int8", "fp32"], default="int8")
    parser.add_argument("--out", type=Path, default=GRAPHS)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, data in files(arguments.precision).items():
        (arguments.out / name).write_bytes(data)
        print(f"{len(data):8d} {arguments.out / name}")
