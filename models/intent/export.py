"""Writes the two trained graphs of the intent model, float and int8, and the manifest that the runtime reads.

    python -m models.intent.export --text text.pt --fusion fusion.pt --minilm FOLDER --out assistant/engines/graphs

    intent.text.onnx      hidden of the trunk (1, T, 384) -> hidden, pooled, intent, family, tags, clinc
    intent.fusion.onnx    those and tracks (1, FRAMES, TRACKS, TRACK_SIZE) -> intent, pointer, match, yes, count
    intent.json           names of the outputs' positions, temperatures and thresholds

`--float` writes float32 graphs; without it the matrices are int8 with a scale for each output, activations are made int8 as they
come. The trunk, which is not ours, is written by build_trunk.py.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

from assistant.engines.sight_memory import FRAMES, TRACK_SIZE, TRACKS
from models.intent.fusion_net import FusionNet
from models.intent.labels import FAMILIES, INTENTS, TAGS
from models.intent.minilm import WIDTH
from models.intent.text_net import TextNet
from models.intent.text_stage import encoder

OPSET = 17
"""As in the recogniser's graphs: read by onnxruntime >= 1.12 and TensorRT >= 8.6."""

TEXT, FUSION, MANIFEST = "intent.text.onnx", "intent.fusion.onnx", "intent.json"
TEXT_OUTPUTS = ["words", "pooled", "intent", "family", "tags", "clinc"]
FUSION_INPUTS = ["words", "early", "pooled", "text_intent", "tracks"]
FUSION_OUTPUTS = ["intent", "pointer", "match", "yes", "count"]


class _OneText(nn.Module):
    """The text half for a single sentence without padding."""

    def __init__(self, net: TextNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, hidden: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.net(hidden, torch.ones_like(hidden[..., 0])))


class _OneScene(nn.Module):
    """The picture half for a single sentence without padding."""

    def __init__(self, net: FusionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, words: Tensor, early: Tensor, pooled: Tensor, text_intent: Tensor, tracks: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.net(words, early, torch.ones_like(words[..., 0]), pooled, text_intent, tracks))


def write_graph(
    net: nn.Module, inputs: tuple[Tensor, ...], names: tuple[list[str], list[str]], path: Path, quantized: bool
) -> None:
    """Exports a network. names: of inputs and outputs; axes called T may have any length."""
    axes = {name: {1: "T"} for name in (*names[0], *names[1]) if name in ("hidden", "words", "early", "tags")}
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "plain.onnx"
        settings: dict[str, Any] = {"opset_version": OPSET, "dynamo": False, "dynamic_axes": axes}
        torch.onnx.export(net.eval(), inputs, str(plain), input_names=names[0], output_names=names[1], **settings)
        if quantized:
            quantize_dynamic(plain, path, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"])
        else:
            path.write_bytes(plain.read_bytes())
    model = onnx.load(path)
    model.producer_name, model.producer_version = "edge-assistant", ""
    path.write_bytes(model.SerializeToString(deterministic=True))


def export(text: TextNet, fusion: FusionNet, out: Path, settings: dict[str, Any], quantized: bool = True) -> None:
    """Writes both graphs and the manifest. settings: temperatures and thresholds, see calibrate.py."""
    out.mkdir(parents=True, exist_ok=True)
    hidden = torch.randn(1, 9, WIDTH)
    write_graph(_OneText(text), (hidden,), (["hidden"], TEXT_OUTPUTS), out / TEXT, quantized)
    pooled, intent = torch.randn(1, WIDTH), torch.randn(1, len(INTENTS))
    inputs = (hidden, hidden, pooled, intent, torch.rand(1, FRAMES, TRACKS, TRACK_SIZE))
    write_graph(_OneScene(fusion), inputs, (FUSION_INPUTS, FUSION_OUTPUTS), out / FUSION, quantized)
    manifest = {"intents": INTENTS, "families": FAMILIES, "tags": TAGS, **settings}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def load_text(path: Path, minilm: Path) -> TextNet:
    """A trained text half."""
    _, upper, _, _ = encoder(minilm)
    net = TextNet(upper)
    net.load_state_dict(torch.load(path))
    net.eval()
    return net


def load_fusion(path: Path) -> FusionNet:
    """A trained picture half."""
    kept = torch.load(path)
    net = FusionNet(kept["kind"], kept["state"]["names"])
    net.load_state_dict(kept["state"])
    net.eval()
    return net


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="the trained text half, from train.py")
    parser.add_argument("--fusion", type=Path, required=True, help="the trained picture half, from train.py")
    parser.add_argument("--minilm", type=Path, required=True, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("--settings", type=Path, help="temperatures and thresholds, from train.py")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--float", action="store_true", help="float32 instead of int8")
    arguments = parser.parse_args()
    settings = json.loads(arguments.settings.read_text("utf-8")) if arguments.settings else {}
    settings.pop("measured", None)
    text = load_text(arguments.text, arguments.minilm)
    export(text, load_fusion(arguments.fusion), arguments.out, settings, not arguments.float)
    for path in sorted(arguments.out.glob("intent.*")):
        print(f"{path.stat().st_size:9d} {path}")


if __name__ == "__main__":
    main()
