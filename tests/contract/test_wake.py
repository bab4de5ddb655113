"""What every wake word engine must do, on every registered one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.caller import LIGHT_NOISE, request, speak_wake_word
from assistant.engines import ENGINES, Wake, WakeEngine
from assistant.engines.tts_pico import PicoTts
from assistant.engines.wake_micro import MicroWake
from assistant.engines.wake_openwakeword import EMBEDDING, OpenWakeWord
from assistant.errors import ModelError
from assistant.events import Samples

CHUNKS = (512, 1024, 1280, 333)


def loud_head(path: Path, frames: int = 16) -> Path:
    """A head in openWakeWord's format that fires when the embeddings move: enough to exercise everything around it."""
    onnx = pytest.importorskip("onnx", reason="heads are made with onnx (extra: export)")
    helper, double = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.zeros((frames * EMBEDDING, 1), np.float32)
    weight[-EMBEDDING:] = 0.02
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Flatten", ["a"], ["f"], axis=1),
        helper.make_node("MatMul", ["f", "w"], ["m"]),
        helper.make_node("Tanh", ["m"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("x", double, [1, frames, EMBEDDING])],
        [helper.make_tensor_value_info("y", double, [1, 1])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture(params=sorted(ENGINES["wake"]))
def engine(request: pytest.FixtureRequest, fetch: Any, tmp_path: Path) -> WakeEngine:
    if request.param == "micro":
        return MicroWake()
    if request.param == "openwakeword":
        return OpenWakeWord(str(loud_head(tmp_path / "hey_test.onnx")), fetch("openwakeword-features"))
    pytest.fail(f"no contract test knows how to make the wake engine {request.param!r}: add it here")


def to_int16(sound: Any) -> Samples:
    noise = np.random.default_rng(0).standard_normal(len(sound)) * LIGHT_NOISE
    return (np.clip(sound + noise, -1, 1) * 32767).astype(np.int16)


@pytest.fixture(scope="module")
def spoken() -> Samples:
    said = request(PicoTts("en-GB"), "okay nabu", "turn on the kitchen light")
    return to_int16(np.concatenate([said.sound, np.zeros(16000, np.float32)]))


def hear(engine: WakeEngine, sound: Samples, chunk: int = 1024) -> list[Wake]:
    return [wake for start in range(0, len(sound), chunk) for wake in engine.feed(sound[start : start + chunk])]


def test_chunk_size_and_reset_change_nothing(engine: WakeEngine, spoken: Samples) -> None:
    results = []
    for chunk in CHUNKS:
        engine.reset()
        results.append(hear(engine, spoken, chunk))
    assert all(result == results[0] for result in results)
    assert results[0], "the engine heard nothing, so the comparison would be empty"


def test_detections_are_plausible(engine: WakeEngine, spoken: Samples) -> None:
    for wake in hear(engine, spoken):
        assert 0 < wake.score <= 1
        assert 0 < wake.word_end <= len(spoken)
    assert engine.word and engine.phrase == engine.phrase.lower()


def test_silence_is_no_wake_word() -> None:
    assert hear(MicroWake(), np.zeros(30 * 16000, np.int16)) == []


@pytest.mark.parametrize("voice", [PicoTts("en-GB"), PicoTts("en-US", 0.8, 0.8)], ids=["en-GB", "en-US"])
def test_the_default_word_is_heard_and_its_end_is_found(voice: PicoTts) -> None:
    word = speak_wake_word(voice, "okay nabu")
    sound = to_int16(np.concatenate([np.zeros(16000), word, np.zeros(16000)]))
    (wake,) = hear(MicroWake(), sound)
    assert wake.word_end == pytest.approx(16000 + len(word), abs=0.25 * 16000)


def test_kitchen_noise_and_foreign_speech_wake_nobody(shared_data: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    engine = MicroWake()
    files = [shared_data / "audio/noise/kitchen_first_half.flac", *sorted((shared_data / "audio/speech_de").glob("*.ogg"))[:1]]
    for file in files:
        sound, rate = soundfile.read(file, frames=180 * 16000, dtype="int16")
        assert rate == 16000
        assert hear(engine, sound) == [], file.name


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="okay_nabu or the path"):
        MicroWake("hey_nobody")
    with pytest.raises(ModelError, match="path of a head"):
        OpenWakeWord(str(tmp_path / "none.onnx"), tmp_path)
