"""What every wake word engine must do, on every registered one."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import factory
from assistant.caller import LIGHT_NOISE, request, speak_wake_word
from assistant.config import Config, folders
from assistant.engines import ENGINES, ScoringWake, Wake, WakeEngine
from assistant.engines.micro_network import OnnxNetwork, TfliteNetwork
from assistant.engines.tts_pico import PicoTts
from assistant.engines.vad_silero import SileroVad
from assistant.engines.wake_micro import MicroWake
from assistant.engines.wake_openwakeword import EMBEDDING, OpenWakeWord
from assistant.engines.wake_own import OwnWake
from assistant.engines.wake_verified import VerifiedWake
from assistant.errors import ModelError
from assistant.events import Samples
from assistant.wake.network import Network
from assistant.wake.word import Card, save_word

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


def restless_word(folder: Path) -> Path:
    """A word that nobody taught: it fires whenever it may, so that all around it is exercised."""
    network = Network(np.zeros(EMBEDDING, np.float32), np.full(EMBEDDING, 17, np.float32), np.random.default_rng(0))
    save_word(folder, network.folded(), Card("hey test", -1e3, 0))
    return folder


@pytest.fixture(params=sorted(ENGINES["wake"]))
def engine(request: pytest.FixtureRequest, fetch: Any, tmp_path: Path) -> WakeEngine:
    if request.param == "micro":
        return MicroWake(cache=tmp_path)
    if request.param == "openwakeword":
        return OpenWakeWord(str(loud_head(tmp_path / "hey_test.onnx")), fetch("openwakeword-features"))
    if request.param == "own":
        return OwnWake(restless_word(tmp_path / "hey_test"), fetch("openwakeword-features"), tmp_path)
    if request.param == "verified":
        own = OwnWake(restless_word(tmp_path / "hey_test"), fetch("openwakeword-features"), tmp_path)
        return VerifiedWake(own, SileroVad(fetch("silero-vad")), MicroWake(cache=tmp_path))
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


@pytest.mark.parametrize("voice", ["en-GB", "en-US"])
@pytest.mark.parametrize("words", ["What is this?", "Turn on the kitchen light."])
def test_the_default_reports_a_word_once(registry: Any, voice: str, words: str) -> None:
    engine = factory.make_wake(Config(), registry, folders())
    said = request(PicoTts(voice), engine.phrase, words)
    assert len(hear(engine, to_int16(np.concatenate([said.sound, np.zeros(32000, np.float32)])))) == 1


def test_detections_are_plausible(engine: WakeEngine, spoken: Samples) -> None:
    for wake in hear(engine, spoken):
        assert 0 < wake.score <= 1
        assert 0 < wake.word_end <= len(spoken)
    assert engine.word and engine.phrase == engine.phrase.lower()


def test_a_detection_is_a_score_above_the_threshold(engine: WakeEngine, spoken: Samples) -> None:
    assert isinstance(engine, ScoringWake)
    (first, *_) = hear(engine, spoken)
    engine.reset()
    scores = engine.scores(spoken)
    assert abs(len(scores) - len(spoken) / engine.step) <= 20 and all(0 <= score <= 1 for score in scores)
    above = next(index for index, score in enumerate(scores) if score > engine.threshold)
    assert first.score == pytest.approx(scores[above], abs=1e-4)


def test_okay_nabu_in_onnx_is_okay_nabu_in_tensorflow_lite(spoken: Samples, tmp_path: Path) -> None:
    assert isinstance(MicroWake(cache=tmp_path)._network, OnnxNetwork) and isinstance(MicroWake()._network, TfliteNetwork)
    noisy = spoken + (np.random.default_rng(1).standard_normal(len(spoken)) * 300).astype(np.int16)
    for sound in (spoken, noisy):
        ours, theirs = MicroWake(cache=tmp_path).scores(sound), MicroWake().scores(sound)
        assert max(theirs) > 0.9
        assert np.abs(np.array(ours) - theirs).max() == pytest.approx(0, abs=1e-9 if platform.machine() == "x86_64" else 0.05)


class Says:
    """A detector, or a voice activity detector, that says what it is told to, once for every step."""

    word, phrase, delay, threshold = "hey_test", "hey test", 0, 0.5

    def __init__(self, step: int, says: list[float], again: float | None = None) -> None:
        self.step, self._says, self._next = step, says, 0
        self._again = max(says) if again is None else again

    def afresh(self) -> Says:
        return Says(self.step, [self._again])

    def scores(self, samples: Samples) -> list[float]:
        found = [self._says[min(self._next + at, len(self._says) - 1)] for at in range(len(samples) // self.step)]
        self._next += len(found)
        return found

    feed: Any = scores

    def reset(self) -> None:
        self._next = 0


FIRES = [0.0] * 20 + [0.9] + [0.0] * 20


@pytest.mark.parametrize(
    ("first", "voice", "second", "heard"),
    [
        (FIRES, 0.9, None, 1),  # an enrolled word: a voice is enough
        (FIRES, 0.3, None, 0),  # clatter
        (FIRES, 0.9, 0.02, 1),
        (FIRES, 0.9, 0.005, 0),  # speech that only one network takes for the word
        (FIRES, 0.3, 0.9, 0),
        ([0.0] * 20 + [0.9, 0.99999] + [0.0] * 20, 0.9, 0.005, 1),  # ever so sure, one step later
        ([0.0] * 20 + [0.1] + [0.0] * 20, 0.9, 0.02, 0),  # in doubt
        ([0.0] * 20 + [0.1] + [0.0] * 20, 0.9, 0.2, 1),  # the other has heard it
        ([0.0] * 20 + [0.02] + [0.0] * 20, 0.9, 0.2, 0),  # hardly anything: the other must be surer
        ([0.0] * 20 + [0.02] + [0.0] * 20, 0.9, 0.6, 1),
        ([0.0] * 20 + [0.002] + [0.0] * 20, 0.9, 0.99, 0),  # however sure it is, alone it is not believed
    ],
)
def test_a_word_needs_a_voice_and_another_network_that_heard_of_it(
    first: list[float], voice: float, second: float | None, heard: int
) -> None:
    other: Any = None if second is None else Says(480, [second])
    engine = VerifiedWake(Says(1280, first), Says(512, [voice]), other)  # type: ignore[arg-type]
    assert len(hear(engine, np.zeros(1280 * len(first), np.int16))) == heard


@pytest.mark.parametrize(
    ("first", "again", "second", "heard"),
    [
        (1e-5, 0.9, 0.6, 1),
        (1e-5, 0.1, 0.6, 1),  # in doubt in both, but the other network has heard it
        (1e-5, 0.9, 0.2, 0),  # only the other network makes it count
        (1e-6, 0.9, 0.9, 0),  # not even a glimmer: nobody looked
        (1e-5, 0.0, 0.9, 0),
        (0.9, 0.6, 0.02, 1),
        (0.9, 0.2, 0.02, 0),  # both hearings must agree
        (0.9, 0.2, 0.08, 1),  # with what the other network adds they do
        (0.9, 0.001, 0.2, 0),
        (0.9, 0.001, 0.6, 1),  # it is convinced: the better hearing counts
        (0.99999, 0.9999, 0.005, 0),
        (0.99999, 0.99999, 0.005, 1),
    ],
)
def test_a_word_is_heard_again_half_a_step_later(first: float, again: float, second: float, heard: int) -> None:
    steps = [0.0] * 20 + [first] + [0.0] * 20
    engine = VerifiedWake(Says(1280, steps, again), Says(512, [0.9]), Says(480, [second]))  # type: ignore[arg-type]
    assert len(hear(engine, np.zeros(1280 * len(steps), np.int16))) == heard


def test_what_is_heard_again_begins_half_a_step_later() -> None:
    """After 10.5 s, with a glimmer in the last step; every sample says where it stands in a step of the first network."""
    heard: list[Any] = []

    class Again(Says):
        def scores(self, samples: Any) -> list[float]:
            heard.append(samples)
            return super().scores(samples)

    class First(Says):
        def afresh(self) -> Says:
            return Again(1280, [0.0])

    engine = VerifiedWake(First(1280, [0.0] * 130 + [1e-5, 0.0]), Says(512, [0.9]), Says(480, [0.9]))  # type: ignore[arg-type]
    engine.feed(np.tile(np.arange(1280, dtype=np.int16), 131))
    sound = np.concatenate(heard)
    assert len(sound) > 32000 and (sound == (np.arange(len(sound)) + 640) % 1280).all()


@pytest.mark.parametrize(("score", "second", "heard"), [(0.9, 0.02, 2), (0.9, 0.2, 3), (0.99999, 0.005, 2)])
def test_only_testimony_interrupts_a_request(score: float, second: float, heard: int) -> None:
    """The word, and what the first network takes for it 2 s and 8 s later."""
    fires = [0.0] * 20 + [score] + [0.0] * 24 + [score] + [0.0] * 74 + [score] + [0.0] * 20
    engine = VerifiedWake(Says(1280, fires), Says(512, [0.9]), Says(480, [second]))  # type: ignore[arg-type]
    assert len(hear(engine, np.zeros(1280 * len(fires), np.int16))) == heard


def test_witnesses_may_come_a_moment_late_but_no_later() -> None:
    """The voice is heard 0.25 s, and in a second word 0.65 s, after the network fired."""
    for late, heard in ((8, 1), (20, 0)):
        vad = Says(512, [0.1] * (31 + late) + [0.9])  # begins with the last second: 31 frames
        engine = VerifiedWake(Says(1280, FIRES), vad)  # type: ignore[arg-type]
        assert len(hear(engine, np.zeros(1280 * len(FIRES), np.int16))) == heard


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
