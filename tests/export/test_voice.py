"""The three-graph Piper pipeline: the whole graph's sound, sooner."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from assistant.engines.session import OnnxSession
from assistant.engines.tts_vits import VitsTts, ipa
from assistant.engines.vits_pipeline import Style, VitsPipeline
from assistant.errors import ConfigError, ModelError
from export import vits
from tests.export.voices import voice_package

SILENT = Style(noise=0.0, noise_w=0.0)


@pytest.fixture(scope="module")
def joe(fetch) -> Path:
    return next(fetch("piper-joe").glob("*.onnx"))


@pytest.fixture(scope="module")
def package(joe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return voice_package(joe, tmp_path_factory.mktemp("voice"))


@pytest.fixture(scope="module")
def pipeline(package: Path) -> VitsPipeline:
    parts = [OnnxSession(package / f"{name}.onnx") for name in ("encoder", "flow", "decoder")]
    return VitsPipeline(parts[0], parts[1], parts[2], hop=256)


def some_ids(length: int) -> np.ndarray:
    return np.random.default_rng(length).integers(14, 60, (1, length))


@pytest.mark.parametrize("length", [4, 40, 150])
def test_windows_join_to_the_whole_graphs_sound(joe: Path, pipeline: VitsPipeline, length: int) -> None:
    ids = some_ids(length)
    scales = np.array([0, 1, 0], np.float32)
    whole = OnnxSession(joe).run({"input": ids, "input_lengths": np.array([length]), "scales": scales})["output"].ravel()
    parts = list(pipeline.speak(ids, SILENT, np.random.default_rng(0)))
    sound = np.concatenate(parts)
    assert sound.shape == whole.shape
    assert np.abs(sound - whole).max() <= 1e-6
    assert len(parts[0]) <= 24 * 256, "the first window is short, so that it sounds soon"


def test_durations_are_the_original_splines(joe: Path) -> None:
    """The dense spline against the masks it replaces, deep into the tails."""
    from export.parity import run_model

    model = vits.load_voice(joe)
    cuts = vits.find_cuts(model)
    dense, masks = run_model(vits.encoder(model, cuts)), run_model(vits.encoder(model, cuts, dense=False))
    random = np.random.default_rng(0)
    changed = total = 0
    for noise_w in (0.0, 0.8, 3.0, 6.0):
        ids = random.integers(3, 60, (1, 90))
        feeds = {"input": ids, "eps": random.standard_normal((1, 2, 90), np.float32), "noise_w": np.array([noise_w], np.float32)}
        one, other = dense(feeds), masks(feeds)
        assert all((one[name] == other[name]).all() for name in ("m_p", "logs_p"))
        changed += int((np.ceil(one["durations"]) != np.ceil(other["durations"])).sum())
        total += 90
    assert changed == 0, f"{changed} of {total} phonemes last another number of frames"


def test_the_engine_sounds_before_the_sentence_is_computed(package: Path) -> None:
    voice = VitsTts(package)
    decoded: list[int] = []
    pipeline = voice._voice.pipeline
    run = pipeline._decoder.run
    pipeline._decoder.run = lambda feeds, outputs=None: decoded.append(1) or run(feeds, outputs)  # type: ignore[method-assign]
    chunks = voice.synthesize("The living room light is now on and the temperature is twenty one degrees.")
    next(chunks)
    first = len(decoded)
    rest = list(chunks)
    assert first <= 2 < len(decoded), "the first sound needs one or two windows, not all"
    assert max(len(chunk) for chunk in rest) <= 0.2 * voice.rate


def test_the_same_seed_gives_the_same_sound(package: Path) -> None:
    one, two = (np.concatenate(list(VitsTts(package, seed=3).synthesize("Okay then."))) for _ in range(2))
    assert (one == two).all()


def test_pronunciation_is_in_the_voices_alphabet() -> None:
    assert ipa("ʤˈOk") == "dʒˈoʊk"
    assert ipa("kˈɑɹ") == "kˈɑːɹ"


def test_voices_that_cannot_be_cut_are_refused_with_the_reason(joe: Path, package: Path, tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no voice")
    with pytest.raises(ModelError, match="not an ONNX voice"):
        vits.load_voice(tmp_path / "text.onnx")
    with pytest.raises(ModelError, match="no Piper voice"):
        vits.load_voice(package / "flow.onnx")
    model = onnx.load(joe)
    sid = onnx.helper.make_tensor_value_info("sid", onnx.TensorProto.INT64, [1])
    model.graph.input.append(sid)
    onnx.save(model, tmp_path / "many.onnx")
    with pytest.raises(ModelError, match="several speakers"):
        vits.load_voice(tmp_path / "many.onnx")
    del model.graph.input[-1]
    for node in model.graph.node:
        for place, name in enumerate(node.output):
            node.output[place] = name.replace("/dp/flows", "/other")
        for place, name in enumerate(node.input):
            node.input[place] = name.replace("/dp/flows", "/other")
    with pytest.raises(ModelError, match="other tensor names"):
        vits.find_cuts(model)


def test_another_language_is_refused(package: Path, tmp_path: Path) -> None:
    import json
    import shutil

    other = shutil.copytree(package, tmp_path / "german")
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["extra"]["voice"]["espeak"]["voice"] = "de"
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ConfigError, match="piper"):
        VitsTts(other)
