"""The proof: every model of the assistant becomes packages that JetPack 6 and 7 take, and real TensorRT engines for two GPUs.

Built with TensorRT for RTX, which needs no GPU: for SM86 (nearest to Orin's SM87) and SM120 (Blackwell, as Thor). That shows that
a graph parses, that its shapes agree and that every operator has a kernel there; it runs nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from pymicro_wakeword import MicroWakeWordFeatures

from assistant.caller import speak_wake_word
from assistant.engines.session import OrtBackend
from assistant.engines.session_packages import Package
from assistant.engines.session_parts import StaticMemory, TwoGraphVoice
from assistant.engines.session_passport import Device
from assistant.engines.tts_pico import PicoTts
from export import catalog, hibari, own, package, whisper
from export.build import EngineBuilder
from export.parity import relative_error, run_model
from export.produce import Producer
from export.spec import FP32_LIMIT

MODELS = [*catalog.MODELS, catalog.PIPER_JOE]
GPUS = ["SM86", "SM120"]


@pytest.fixture(scope="module")
def packages(registry, fetch, tmp_path_factory: pytest.TempPathFactory):
    """(name) -> package folder of a model, in fp16 for TensorRT."""
    out = tmp_path_factory.mktemp("packages")
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            source = name if name == catalog.PIPER_JOE else catalog.MODELS[name].source
            if source:
                fetch(source)
            spec, folder, described = catalog.sources(False, [name], [])[0]
            result = Producer(spec, folder, "jp6", lambda text: None, measure=False).run("fp16")
            made[name] = package.write(result, described, out, catalog.extra_of(spec, folder))
        return made[name]

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_exact_and_clean_for_both_jetpacks(packages, name: str) -> None:
    manifest = json.loads((packages(name) / "manifest.json").read_text())
    assert manifest["precision"] == "fp16", manifest["refused"]
    for part in manifest["parts"]:
        assert part["lint"]["jp6"] == part["lint"]["jp7"] == []
        assert max(part["parity"]["fp32"].values(), default=0) <= FP32_LIMIT
        assert max(part["parity"]["fp16"].values()) < 0.05
    assert package.problems(packages(name), manifest) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_model_becomes_engines(packages, name: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorrt_rtx", reason="TensorRT for RTX is not installed: pip install 'edge-assistant[rtx]'")
    found = Package.read(packages(name))
    for sm in GPUS:
        builder = EngineBuilder(tmp_path / sm, Device("tensorrt_rtx 1.7.1.116", sm, "x86_64"))
        for part in found.parts:
            built = builder.build(found, part, lambda share, left: None)
            print(f"{built.part} {sm}: {built.megabytes:.1f} MB, {built.seconds} s, peak {built.peak_mb} MB")
            assert built.plan.read_bytes()[:4] == b"vtrt"
            assert built.peak_mb < 2000


@pytest.mark.slow
def test_the_exported_wake_word_gives_the_same_probabilities(registry) -> None:
    folder = registry.path("okay-nabu")
    shipped, exported = own.WAKE_WORD.parts[0].reference(folder), run_model(own.wake_word(folder))
    said = speak_wake_word(PicoTts("en-GB"), "okay nabu")
    frames = list(MicroWakeWordFeatures().process_streaming((said * 32767).astype("<i2").tobytes()))
    memory = {name: np.zeros(shape, np.float32) for name, shape in own.STATES.items()}
    states, highest = [memory, memory], 0.0
    for start in range(0, len(frames) - 2, 3):
        features = np.asarray(frames[start : start + 3], np.float32).reshape(3, 40)
        found = [run({"features": features, **state}) for run, state in zip((shipped, exported), states, strict=True)]
        assert found[0]["probability"] == found[1]["probability"]
        states = [{name: one[name.replace("state", "next")] for name in memory} for one in found]
        highest = max(highest, float(found[0]["probability"][0, 0]))
    assert highest > 0.5, "the word was not heard, so the comparison would be empty"


@pytest.mark.slow
def test_the_decoder_with_fixed_memory_is_the_decoder(registry, tmp_path: Path) -> None:
    folder = registry.path(whisper.NAME)
    backends = {}
    for part in ("decoder", "decoder_static"):
        onnx.save(whisper.graph(folder, part), tmp_path / f"{part}.onnx")
        backends[part] = OrtBackend(tmp_path / f"{part}.onnx")
    growing, fixed = backends["decoder"], StaticMemory(backends["decoder_static"])
    assert (fixed.inputs, fixed.outputs) == (growing.inputs, growing.outputs)
    random = np.random.default_rng(0)
    heard = {name: random.standard_normal((4, 6, 40, 64)).astype(np.float32) for name in ("xk", "xv")}
    memory = {name: np.empty((4, 2, 6, 0, 64), np.float32) for name in ("past_k", "past_v")}
    for tokens in ([[5], [5]], [[7, 8, 9], [100, 200, 300]], [[11], [12]]):
        feeds = {**heard, **memory, "tokens": np.array(tokens, np.int32), "bias": np.zeros(40, np.float32)}
        one, other = growing.run(feeds), fixed.run(feeds)
        assert relative_error(one, other) < FP32_LIMIT
        memory = {"past_k": one["new_k"], "past_v": one["new_v"]}
    with pytest.raises(ValueError, match="112 tokens"):
        long = {name: np.zeros((4, 2, 6, 112, 64), np.float32) for name in memory}
        fixed.run({**heard, **long, "tokens": np.array([[1], [1]], np.int32), "bias": np.zeros(40, np.float32)})


@pytest.mark.slow
def test_two_graphs_are_hibaris_voice(registry, tmp_path: Path) -> None:
    """Against the whole graph with its quantisation undone: the length regulator in numpy is the one that was inside."""
    folder = registry.path("hibari-heart")
    (tmp_path / "whole.onnx").write_bytes(hibari.whole(folder))
    for name, build in (("text", hibari.text), ("frames", hibari.frames)):
        onnx.save(build(folder), tmp_path / f"{name}.onnx")
    voice = TwoGraphVoice(*(OrtBackend(tmp_path / f"{name}.onnx") for name in ("text", "frames")))
    for length in (3, 40, 200):
        feeds = {"ids": np.random.default_rng(length).integers(1, 60, (1, length)), "speed": np.ones(1, np.float32)}
        assert relative_error(OrtBackend(tmp_path / "whole.onnx").run(feeds), voice.run(feeds)) < FP32_LIMIT
