"""The intent model's networks: what each way of fusing can use, parity of the ONNX graphs, and training on two processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed")
pytest.importorskip("onnx", reason="the extra `export` is not installed")
pytest.importorskip("cv2", reason="the extra `camera` is not installed")

from assistant.engines import IntentGuess  # noqa: E402
from assistant.engines.minilm_weights import prepare  # noqa: E402
from assistant.engines.session import OnnxSession  # noqa: E402
from assistant.engines.sight_memory import FRAMES, TRACK_SIZE, TRACKS  # noqa: E402
from assistant.engines.whisper_weights import GRAPHS  # noqa: E402
from assistant.engines.word_pieces import WordPieces  # noqa: E402
from models.average import mean_of  # noqa: E402
from models.intent import crossval, export  # noqa: E402
from models.intent.build_trunk import TrunkGraph  # noqa: E402
from models.intent.fusion_net import KINDS, FusionNet  # noqa: E402
from models.intent.labels import INTENTS  # noqa: E402
from models.intent.minilm import WIDTH, Layer, published  # noqa: E402
from models.intent.sentences import Sentence  # noqa: E402
from models.intent.text_net import TextNet  # noqa: E402


def inputs(rows: int = 3, seed: int = 1):
    torch.manual_seed(seed)
    tracks = torch.rand(rows, FRAMES, TRACKS, TRACK_SIZE)
    tracks[..., 84] = 1
    return (
        torch.randn(rows, 7, WIDTH),
        torch.randn(rows, 7, WIDTH),
        torch.ones(rows, 7),
        torch.randn(rows, WIDTH),
        torch.randn(rows, len(INTENTS)),
        tracks,
    )


def fusion(kind: str) -> FusionNet:
    torch.manual_seed(2)
    return FusionNet(kind, torch.randn(80, WIDTH)).eval()


def reacts(kind: str, frame: int) -> bool:
    """Whether the intent changes with one of the pictures."""
    net, given = fusion(kind), inputs()
    other = given[-1].clone()
    other[:, frame, :, :80] = other[:, frame, :, :80].flip(-1)
    with torch.no_grad():
        return bool((net(*given).intent - net(*given[:-1], other).intent).abs().max() > 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_of_fusing_uses_the_pictures_it_says(kind: str) -> None:
    assert reacts(kind, FRAMES - 1) == (kind != "text")
    assert reacts(kind, 0) == ("temporal" in kind)


def test_an_unknown_way_of_fusing_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of text, spatial"):
        fusion("magic")


def test_a_thing_that_is_not_there_is_never_pointed_at() -> None:
    net, given = fusion("deep+temporal"), inputs()
    given[-1][:, :, 1:] = 0
    with torch.no_grad():
        shares = net(*given).pointer.softmax(-1)
    assert float(shares[:, 1:-1].max()) < 1e-6


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("kind", ["spatial", "deep+temporal"])
def test_the_exported_graphs_compute_what_torch_computes(tmp_path: Path, kind: str, quantized: bool) -> None:
    torch.manual_seed(3)
    text, net = TextNet([Layer(), Layer()]).eval(), fusion(kind)
    export.export(text, net, tmp_path, {}, quantized)
    hidden, early, mask, pooled, intent, tracks = inputs(1)
    with torch.no_grad():
        wanted = {**dict(zip(export.TEXT_OUTPUTS, text(hidden, mask), strict=True))}
        answers = dict(zip(export.FUSION_OUTPUTS, net(hidden, early, mask, pooled, intent, tracks), strict=True))
    found = OnnxSession(tmp_path / export.TEXT).run({"hidden": hidden.numpy()})
    feeds = {"words": hidden, "early": early, "pooled": pooled, "text_intent": intent, "tracks": tracks}
    said = OnnxSession(tmp_path / export.FUSION).run({name: value.numpy() for name, value in feeds.items()})
    for right, got in ((wanted, found), (answers, said)):
        for name, value in right.items():
            error = np.abs(got[name] - value.numpy()).max() / np.abs(value.numpy()).max()
            assert error < (0.08 if quantized else 1e-4), name


def test_the_committed_trunk_is_what_its_program_writes() -> None:
    for name, data in TrunkGraph("int8").files().items():
        assert (GRAPHS / name).read_bytes() == data, f"{name}: run python -m models.intent.build_trunk"
        assert len(data) < 64_000, f"{name} must not hold weights"


def test_the_trunk_computes_minilm(fetch, tmp_path: Path) -> None:
    folder = fetch("minilm-l6")
    trunk, _ = published(folder / "model.safetensors")
    pieces = WordPieces(folder / "vocab.txt")
    for name, data in TrunkGraph("fp32").files().items():
        (tmp_path / name).write_bytes(data)
    exact = OnnxSession(
        prepare(folder / "model.safetensors", tmp_path / "32", tmp_path / "minilm-l6.weights.json") / "minilm-l6.trunk.onnx"
    )
    small = OnnxSession(prepare(folder / "model.safetensors", tmp_path / "8") / "minilm-l6.trunk.onnx")
    for sentence in ("turn that off", "is the television on the left or on the right?"):
        ids = np.array([pieces.encode(sentence).ids], np.int64)
        wanted = trunk(torch.from_numpy(ids), torch.ones(ids.shape)).numpy()
        assert np.abs(exact.run({"ids": ids})["hidden"] - wanted).max() < 1e-4
        got = small.run({"ids": ids})["hidden"]
        alike = (got * wanted).sum(-1) / np.linalg.norm(got, axis=-1) / np.linalg.norm(wanted, axis=-1)
        assert alike.min() > 0.98


SCRIPT = """
import sys, torch
from models.intent import parallel
from models.intent.fit import Options, fit
torch.set_num_threads(1)
parallel.start()
torch.manual_seed(5)
x, y, known = torch.randn(200, 12), torch.randint(0, 4, (200,)), (torch.arange(200) % 3 > 0).float()
torch.manual_seed(6)
net = torch.nn.Sequential(torch.nn.Linear(12, 16), torch.nn.GELU(), torch.nn.Linear(16, 4))
def losses(rows):
    values = torch.nn.functional.cross_entropy(net(x[rows]), y[rows], reduction="none")
    return {"all": parallel.mean(values, torch.ones(len(rows))), "some": parallel.mean(values, known[rows])}
fit(net, [], torch.randint(3, 9, (200,), generator=torch.Generator().manual_seed(1)), losses, Options(epochs=3, batch=24), None)
if parallel.rank() == 0:
    torch.save(net.state_dict(), sys.argv[1])
parallel.stop()
"""


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    root = Path(__file__).parents[2]
    found = []
    for count in (1, 2):
        out = tmp_path / f"{count}.pt"
        launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={count}"]
        subprocess.run(
            [sys.executable, *launch, str(script), str(out)], check=True, capture_output=True, cwd=root, env=_path(root)
        )
        found.append(torch.load(out))
    for name, value in found[0].items():
        assert torch.allclose(value, found[1][name], atol=1e-5), name


def _path(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root)}


def test_an_average_lies_in_the_middle() -> None:
    one, other = fusion(KINDS[-1]).state_dict(), fusion(KINDS[0]).state_dict()
    shared = [name for name in one if name in other and one[name].shape == other[name].shape]
    middle = mean_of([{name: state[name] for name in shared} for state in (one, other)])
    assert all(torch.allclose(middle[name], (one[name] + other[name]) / 2) for name in shared) and shared
    assert all(torch.equal(value, one[name]) for name, value in mean_of([one, one]).items())
    assert all(torch.equal(value, one[name]) for name, value in mean_of([one, one], [0.75, 0.25]).items())


@pytest.mark.parametrize(
    ("text", "guess", "done"),
    [
        ("make it a bit cosier", IntentGuess("HassLightSet", 0.9), "NotForMe"),
        ("make the lamp a bit less bright", IntentGuess("HassLightSet", 0.9), "Adjust"),
        ("forty for the lamp", IntentGuess("HassLightSet", 0.9, (("brightness", "forty"),)), "HassLightSet"),
        ("forty for the lamp", IntentGuess("HassLightSet", 0.4, (("brightness", "forty"),)), "NotForMe"),
        ("will it rain", IntentGuess("HassGetWeather", 0.99), "NotForMe"),
        ("the floor is dirty", IntentGuess("HassVacuumStart", 0.9), "HassVacuumStart"),
    ],
)
def test_cross_validation_counts_what_the_assistant_would_do(text: str, guess: IntentGuess, done: str) -> None:
    assistant = crossval.Assistant(crossval.every_device())
    assert assistant.does(Sentence(text, "", source="slurp", group="iot_hue_lightdim"), guess) == done


def test_cross_validation_counts_home_control_and_false_accepts() -> None:
    sentences = [Sentence("a", "", source="slurp", group=group) for group in ("iot_hue_lightdim", "iot_coffee", "qa_maths")]
    assert crossval.home_hits(sentences, ["Adjust", "Adjust", "NotForMe"], "iot") == [True, False]
    assert crossval.accepted(sentences, ["NotForMe", "NotForMe", "IdentifyObject"]) == [True]
