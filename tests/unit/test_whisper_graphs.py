"""The hand-written Whisper graphs against a second implementation: forty lines of numpy from the published architecture."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest

from assistant.engines.session import OnnxSession
from assistant.engines.whisper_mel import LogMel
from assistant.engines.whisper_weights import GRAPHS, Recipe, prepare, read_ct2, sha256, write_weights

HEADS = 6
NAMES = [f"whisper-tiny.en.{part}.onnx" for part in ("encoder", "decoder", "head")]


class NumpyWhisper:
    """Everything in float64 and without a cache. Vectors are rows; weights are (out, in)."""

    def __init__(self, variables: dict[str, np.ndarray]) -> None:
        self.v = {name: array.astype(np.float64) for name, array in variables.items() if array.ndim}

    def linear(self, x, name):
        return x @ self.v[f"{name}/weight"].T + self.v[f"{name}/bias"]

    def norm(self, x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        return scaled * self.v[f"{name}/gamma"] + self.v[f"{name}/beta"]

    def gelu(self, x):
        return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))

    def feed_forward(self, x, name):
        return x + self.linear(self.gelu(self.linear(self.norm(x, f"{name}/layer_norm"), f"{name}/linear_0")), f"{name}/linear_1")

    def heads(self, x):
        return x.reshape(len(x), HEADS, -1).swapaxes(0, 1)

    def attend(self, q, k, v, causal=False):
        scores = self.heads(q) @ self.heads(k).swapaxes(1, 2) / 8
        if causal:
            scores += np.triu(np.full(scores.shape[1:], -np.inf), 1)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return ((weights / weights.sum(-1, keepdims=True)) @ self.heads(v)).swapaxes(0, 1).reshape(len(q), -1)

    def self_attention(self, x, name, causal=False):
        q, k, v = np.split(self.linear(self.norm(x, f"{name}/layer_norm"), f"{name}/linear_0"), 3, axis=1)
        return x + self.linear(self.attend(q, k, v, causal), f"{name}/linear_1")

    def conv(self, x, name, stride):
        padded = np.pad(x, ((1, 1), (0, 0)))
        taps = np.stack([padded[i : i + len(x)][::stride] for i in range(3)], axis=2)  # (time, in, 3)
        return np.einsum("tik,oik->to", taps, self.v[f"{name}/weight"]) + self.v[f"{name}/bias"]

    def encode(self, mel):
        x = self.gelu(self.conv(self.gelu(self.conv(mel.T.astype(np.float64), "encoder/conv1", 1)), "encoder/conv2", 2))
        x = x + self.v["encoder/position_encodings/encodings"][: len(x)]
        for layer in range(4):
            x = self.feed_forward(self.self_attention(x, f"encoder/layer_{layer}/self_attention"), f"encoder/layer_{layer}/ffn")
        return self.norm(x, "encoder/layer_norm")

    def cross(self, x, layer):
        return np.split(self.linear(x, f"decoder/layer_{layer}/attention/linear_1"), 2, axis=1)

    def logits(self, tokens, heard):
        x = self.v["decoder/embeddings/weight"][tokens] + self.v["decoder/position_encodings/encodings"][: len(tokens)]
        for layer in range(4):
            name = f"decoder/layer_{layer}"
            x = self.self_attention(x, f"{name}/self_attention", causal=True)
            q = self.linear(self.norm(x, f"{name}/attention/layer_norm"), f"{name}/attention/linear_0")
            x = x + self.linear(self.attend(q, *self.cross(heard, layer)), f"{name}/attention/linear_2")
            x = self.feed_forward(x, f"{name}/ffn")
        return self.norm(x, "decoder/layer_norm")[-1] @ self.v["decoder/embeddings/weight"].T


@pytest.fixture(scope="module")
def model_bin(request: pytest.FixtureRequest) -> Path:
    named = os.environ.get("EDGE_ASSISTANT_TEST_WHISPER")
    return (Path(named) if named else Path(request.getfixturevalue("registry").path("whisper-tiny.en"))) / "model.bin"


@pytest.fixture(scope="module")
def reference(model_bin: Path) -> NumpyWhisper:
    return NumpyWhisper(read_ct2(model_bin))


@pytest.fixture(scope="module", params=["fp32", "int8"])
def sessions(request: pytest.FixtureRequest, model_bin: Path, tmp_path_factory: pytest.TempPathFactory):
    """The three graphs of one precision and the largest relative error it may have.

    8 bits blur the scores of these meaningless tokens by up to 25 %, and of real sentences by 2-20 %; whether the text
    survives is asked in tests/contract/test_asr.py.
    """
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "int8":
        folder = prepare(model_bin, Recipe.load(GRAPHS / "whisper-tiny.en.weights.json"), folder)
        return [OnnxSession(folder / name) for name in NAMES], 0.3
    pytest.importorskip("onnx", reason="the extra `export` is not installed")
    from models.whisper.build_graphs import WhisperGraphs

    for name, data in WhisperGraphs("whisper-tiny.en", "fp32").files().items():
        (folder / name).write_bytes(data)
    recipe = Recipe.load(folder / "whisper-tiny.en.weights.json")
    with (folder / recipe.weights).open("wb") as file:
        write_weights(file, read_ct2(model_bin), recipe)
    assert sha256(folder / recipe.weights) == recipe.weights_sha256
    return [OnnxSession(folder / name) for name in NAMES], 1e-4


def relative(got: np.ndarray, wanted: np.ndarray) -> float:
    """Error energy over signal energy, as a ratio of norms."""
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def test_the_graphs_compute_whisper(sessions, reference: NumpyWhisper) -> None:
    (encoder, decoder, head), tolerance = sessions
    random = np.random.default_rng(3)
    mel = LogMel(2)
    tone = np.sin(np.arange(16000) * (0.05 + np.arange(16000) * 1e-5)) * 8000
    mel.feed((tone + random.standard_normal(16000) * 300).astype(np.int16))
    features = mel.features(150)
    heard = reference.encode(features)
    cross = encoder.run({"mel": features[None]})
    assert cross["xk"].shape == cross["xv"].shape == (4, HEADS, 75, 64)
    for layer in range(4):
        k, v = reference.cross(heard, layer)
        assert relative(cross["xk"][layer], reference.heads(k)) < tolerance
        assert relative(cross["xv"][layer], reference.heads(v)) < tolerance

    cross["bias"] = np.zeros(75, np.float32)
    tokens = np.array([[50257, 50362, 2, 1000], [50257, 50362, 77, 31000]], np.int32)  # two hypotheses
    empty = np.empty((4, 2, HEADS, 0, 64), np.float32)
    first = decoder.run({"tokens": tokens[:, :3], "past_k": empty, "past_v": empty, **cross})
    then = decoder.run({"tokens": tokens[:, 3:], "past_k": first["new_k"], "past_v": first["new_v"], **cross})
    assert then["new_k"].shape == (4, 2, HEADS, 4, 64)
    for step, length in ((first, 3), (then, 4)):
        got = head.run({"hidden": step["hidden"]})["logits"]
        for row in range(2):
            assert relative(got[row], reference.logits(tokens[row, :length], heard)) < tolerance


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("int8", 0.3)])
def test_the_second_encoder_has_our_change(model_bin: Path, tmp_path: Path, precision: str, tolerance: float) -> None:
    graphs = GRAPHS
    if precision == "fp32":
        pytest.importorskip("onnx", reason="the extra `export` is not installed")
        from models.whisper.build_graphs import BabbleGraphs

        graphs = tmp_path
        for name, data in BabbleGraphs("whisper-tiny.en.babble", "fp32").files().items():
            (graphs / name).write_bytes(data)
    recipe = Recipe.load(graphs / "whisper-tiny.en.babble.weights.json")
    encoder = OnnxSession(prepare(model_bin, recipe, tmp_path / "cache") / recipe.graphs[0])
    mel = np.random.default_rng(6).standard_normal((80, 60)).astype(np.float32)
    keys = encoder.run({"mel": mel[None]})["xk"]
    published, changed = (NumpyWhisper(variables) for variables in (read_ct2(model_bin), recipe.variables(model_bin)))
    wanted, before = (
        np.stack([one.heads(one.cross(one.encode(mel), layer)[0]) for layer in range(4)]) for one in (changed, published)
    )
    assert relative(keys, wanted) < tolerance
    assert relative(before, wanted) > 0.1


def test_a_bias_stands_for_repeated_positions(sessions) -> None:
    (encoder, decoder, _), tolerance = sessions
    cross = encoder.run({"mel": np.random.default_rng(5).standard_normal((1, 80, 40)).astype(np.float32)})
    empty = np.empty((4, 1, HEADS, 0, 64), np.float32)
    feeds = {"tokens": np.array([[50257, 50362]], np.int32), "past_k": empty, "past_v": empty}
    twice = {name: np.concatenate([cross[name], cross[name][:, :, -5:]], axis=2) for name in ("xk", "xv")}
    weighted = np.zeros(20, np.float32)
    weighted[-5:] = math.log(2)
    one = decoder.run({**feeds, **cross, "bias": weighted})["hidden"]
    other = decoder.run({**feeds, **twice, "bias": np.zeros(25, np.float32)})["hidden"]
    assert relative(one, other) < tolerance
