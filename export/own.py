"""The models that ship in this repository: our own detector, and image-aware understanding over MiniLM's lower layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from assistant.engines.embedding_head import HEAD_FILE, WINDOW
from assistant.engines.external_weights import assembled
from assistant.engines.minilm_weights import TRUNK, prepare
from assistant.engines.session import OrtBackend
from assistant.engines.speech_embedding import BATCH_HOPS, EMBEDDING
from assistant.engines.whisper_weights import GRAPHS
from assistant.wake import reply_words
from assistant.wake.reply_features import COLUMNS
from assistant.wake.word import SHIPPED
from export import paths, surgery
from export.recurrent import unroll_gru
from export.spec import Array, Model, ModelSpec, Part, Range, Run, integers, scaled

PIECES = (3, 16, 96)
"""Word pieces of a sentence: least, usual, most."""

PICTURES = 3
"""Moments the fusion remembers: the first axis of its recurrent layer."""

VOCABULARY = 30000
WORDS = Range((1, PIECES[0], 384), (1, PIECES[1], 384), (1, PIECES[2], 384))
APACHE = "Apache-2.0"


def _file(name: str) -> Model:
    return surgery.constants_to_initializers(onnx.load(GRAPHS / name))


def detector(_: Path) -> Model:
    """Our detector as it ships, with its eight-bit weights made fp32."""
    return surgery.drop_outputs_axis_names(surgery.slim(_file("detector.onnx")))


def detector_as_shipped(_: Path) -> Run:
    """What the exported detector is compared with."""
    return OrtBackend(GRAPHS / "detector.onnx").run


def trunk(folder: Path) -> Model:
    """MiniLM's lower layers in fp32: quantisation undone, 8-bit tables that rows are gathered from made fp32."""
    model = surgery.dequantize(onnx.load(prepare(folder / "model.safetensors", paths.cache_folder()) / TRUNK))
    tables = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    for tensor in model.graph.initializer:
        if tensor.name in tables and tensor.data_type == TensorProto.INT8:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    return surgery.slim(model)


def _intent(part: str) -> Model:
    model = surgery.slim(unroll_gru(surgery.dequantize(_file(f"intent.{part}.onnx")), PICTURES))
    return surgery.drop_outputs_axis_names(surgery.reshape(model, {name: [1, "T", 384] for name in ("hidden", "words", "early")}))


def seen(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Things in view as assistant.engines.sight_memory numbers them: log scores mostly 0, boxes within the picture, a mark."""
    tracks = np.zeros(shape)
    tracks[..., :80] = random.random((*shape[:-1], 80)) ** 8
    tracks[..., 80:84] = random.uniform(0.2, 0.8, (*shape[:-1], 4))
    tracks[..., 84] = 1
    return tracks * (random.random((*shape[:-1], 1)) < 0.6)


DETECTOR = ModelSpec(
    "own-detector",
    "vision",
    "",
    APACHE,
    "",
    "The assistant's own detector, 416 x 416",
    (
        Part(
            "detector",
            detector,
            ({"picture": Range.fixed(1, 3, 416, 416)},),
            detector_as_shipped,
            {"picture": scaled(60.0, 120.0)},
            int8=("Conv",),
            replaces="detector.onnx",
        ),
    ),
    "own_detector",
)

INTENT = ModelSpec(
    "image-aware-intent",
    "intent",
    "minilm-l6",
    APACHE,
    "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    "Understanding with what is in view: MiniLM's lower layers, our text layers, our fusion with the objects seen",
    (
        Part(
            "trunk",
            trunk,
            ({"ids": Range(*((1, count) for count in PIECES))},),
            fill={"ids": integers(1000, VOCABULARY)},
            int8=("MatMul",),
            replaces=TRUNK,
        ),
        Part(
            "text",
            lambda _: _intent("text"),
            ({"hidden": WORDS},),
            fill={"hidden": scaled(0.5)},
            int8=("MatMul",),
            replaces="intent.text.onnx",
        ),
        Part(
            "fusion",
            lambda _: _intent("fusion"),
            (
                {
                    "words": WORDS,
                    "early": WORDS,
                    "pooled": Range.fixed(1, 384),
                    "text_intent": Range.fixed(1, 49),
                    "tracks": Range.fixed(1, 3, 12, 85),
                },
            ),
            fill={"words": scaled(0.5), "early": scaled(0.5), "tracks": seen},
            int8=("MatMul",),
            replaces="intent.fusion.onnx",
        ),
    ),
    "intent",
)

STATES = {
    "state_0": (14, 64),
    "state_1": (16, 64),
    "state_2": (2, 40),
    "state_3": (2, 64),
    "state_4": (8, 64),
    "state_5": (12, 64),
}


def _wake_graph(folder: Path) -> Path:
    """The assistant's own file: our graph beside the published weights. folder: the registry's `okay-nabu`."""
    weights = folder / "okay_nabu.tflite"
    return assembled(GRAPHS / "okay_nabu.onnx", weights.name, weights.read_bytes(), paths.cache_folder())


def wake_word(folder: Path) -> Model:
    """The default wake word: microWakeWord's 8-bit arithmetic, written out in fp32.

    The assistant's own file multiplies sums by 31-bit fractions in float64, twice rounded, as TensorFlow Lite does. In float32
    the first of the two may now and then round to the other side, which the second nearly always hides.
    """
    model = surgery.slim(surgery.constants_to_initializers(onnx.load(_wake_graph(folder))))
    return surgery.drop_outputs_axis_names(surgery.slim(surgery.single_precision(model)))


WAKE_WORD = ModelSpec(
    "okay-nabu",
    "wake",
    "okay-nabu",
    APACHE,
    "https://github.com/OHF-Voice/pymicro-wakeword",
    "The wake word okay nabu, one step of 30 ms per call, state outside",
    (
        Part(
            "word",
            wake_word,
            ({"features": Range.fixed(3, 40), **{name: Range.fixed(*shape) for name, shape in STATES.items()}},),
            lambda folder: OrtBackend(_wake_graph(folder)).run,
            {"features": scaled(5.0, 10.0)},
            fp32=("*",),  # whole numbers up to 2^31 and rounding: half precision would change them
            replaces="okay_nabu.onnx",
        ),
    ),
    "none",
)


def _head(word: Path) -> ModelSpec:
    """The small network of a word that ships, over the embedding in `openwakeword-features`. word: its folder."""
    file = word / HEAD_FILE
    return ModelSpec(
        f"word-{word.name.replace('_', '-')}",
        "wake",
        "",
        APACHE,
        "",
        f"Our own word {word.name.replace('_', ' ')!r}: 16 embeddings to one decision, every 80 ms",
        (
            Part(
                "head",
                lambda _: surgery.tidy(onnx.load(file)),
                ({"x": Range((WINDOW, EMBEDDING), (WINDOW, EMBEDDING), (WINDOW - 1 + BATCH_HOPS, EMBEDDING))},),
                lambda _: OrtBackend(file).run,
                {"x": scaled(10.0)},
                int8=("MatMul",),
                replaces=f"{word.name}/{HEAD_FILE}",
            ),
        ),
        f"word {word.name}",
    )


def _times(*columns: int) -> tuple[tuple[int, int, int], ...]:
    return tuple((1, reply_words.CONTEXT + count, COLUMNS) for count in columns)


REPLY_WORDS = ModelSpec(
    "reply-words",
    "wake",
    "",
    APACHE,
    "",
    'The wake word and "stop" in replies: spectra of an echo and of what is left of it to decisions, every 20 ms',
    (
        Part(
            "words",
            lambda _: surgery.tidy(onnx.load(GRAPHS / reply_words.GRAPH)),
            ({"columns": Range(*_times(reply_words.LEAST, reply_words.LEAST, reply_words.MOST))},),
            lambda _: OrtBackend(GRAPHS / reply_words.GRAPH).run,
            {"columns": scaled(1.0)},
            int8=("Conv",),
            replaces=reply_words.GRAPH,
        ),
    ),
    "reply words",
)

MODELS = (WAKE_WORD, _head(SHIPPED / "okay_nabu"), REPLY_WORDS, DETECTOR, INTENT)
