"""The engines that the settings name, made from the models of the registry."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from assistant.config import Config, Folders, VisionConfig
from assistant.engines import (
    AsrEngine,
    IntentEngine,
    TextReader,
    TtsEngine,
    VadEngine,
    VisionEngine,
    WakeEngine,
    engine_class,
)
from assistant.engines.speech_embedding import FEATURES
from assistant.errors import ModelError
from assistant.registry import Registry
from assistant.sight.lookout import TwoLooks
from assistant.wake.word import find_word

log = logging.getLogger(__name__)

MIRROR = "EDGE_ASSISTANT_MIRROR"

MINILM = "minilm-l6"
"""Registry entry whose weights the intent engine `fusion` needs."""

HEARD_BY_TWO = ("okay_nabu",)
"""Words that microWakeWord knows as well, whose network is then asked for its opinion (docs/wake.md)."""


def make_registry(folders: Folders) -> Registry:
    """The model registry over the user's data folder and the mirror of the environment."""
    return Registry(folders.data / "models", os.environ.get(MIRROR) or None)


def model_folder(registry: Registry, model: str) -> Path:
    """A model named in the settings: a folder that exists, or a registry entry. Raises ModelError."""
    path = Path(model).expanduser()
    return path if path.is_dir() else registry.path(model)


def make_wake(config: Config, registry: Registry, folders: Folders) -> WakeEngine:
    """The wake word engine of the settings."""
    wake = config.wake
    engine = engine_class("wake", wake.engine)
    if wake.engine == "verified":
        own = wake.model_copy(update={"engine": "own"})
        first = make_wake(config.model_copy(update={"wake": own}), registry, folders)
        name = Path(wake.model).name
        second = engine_class("wake", "micro")(name, None, folders.cache) if name in HEARD_BY_TWO else None
        return engine(first, make_vad(config, registry), second)  # type: ignore[no-any-return]
    if wake.engine == "own":
        word, features = find_word(wake.model, folders.data), registry.path(FEATURES)
        return engine(word, features, folders.cache, wake.threshold)  # type: ignore[no-any-return]
    if wake.engine == "micro":
        return engine(wake.model, wake.threshold, folders.cache)  # type: ignore[no-any-return]
    if wake.engine == "openwakeword":
        return engine(wake.model, registry.path(FEATURES), wake.threshold)  # type: ignore[no-any-return]
    return engine(wake.model, wake.threshold)  # type: ignore[no-any-return]


def make_vad(config: Config, registry: Registry) -> VadEngine:
    """The voice activity engine of the settings."""
    engine = engine_class("vad", config.ear.vad)
    return engine(registry.path("silero-vad")) if config.ear.vad == "silero" else engine()  # type: ignore[no-any-return]


def make_asr(config: Config, registry: Registry, cache: Path) -> AsrEngine:
    """The recogniser of the settings."""
    engine = engine_class("asr", config.asr.engine)
    folder = model_folder(registry, config.asr.model)
    return engine(folder, cache) if config.asr.engine == "whisper" else engine(folder)  # type: ignore[no-any-return]


def make_tts(config: Config, registry: Registry) -> TtsEngine:
    """The voice of the settings."""
    tts = config.tts
    engine = engine_class("tts", tts.engine)
    voice: str | Path = tts.voice
    if tts.engine in ("piper", "vits"):
        voice = _piper_voice(registry, tts.voice)
    return engine(voice, tts.speed)  # type: ignore[no-any-return]


def _piper_voice(registry: Registry, voice: str) -> Path:
    path = Path(voice).expanduser()
    return path if path.suffix == ".onnx" or path.is_dir() else next(registry.path(voice).glob("*.onnx"))


def make_vision(config: Config, registry: Registry) -> VisionEngine:
    """The engine that finds things in a picture; our own where the default's model is missing. Raises ConfigError, ModelError."""
    vision, name = config.vision, config.vision.engine
    if vision == VisionConfig() and not registry.installed(vision.model):
        log.warning("the model %s is not installed: the built-in detector looks instead", vision.model)
        name = "own"
    folder = () if name == "own" else (model_folder(registry, vision.model),)
    first: VisionEngine = engine_class("vision", name)(*folder)
    return TwoLooks(first, engine_class("vision", vision.also)()) if vision.also not in ("", name) else first


def make_intent(config: Config, folders: Folders) -> IntentEngine | None:
    """The learned model of the settings that understands what no sentence fits; None = none. Raises ConfigError or ModelError."""
    name, registry = config.intent.engine, make_registry(folders)
    if not name or (name == "auto" and not registry.installed(MINILM)):
        return None
    try:
        needs = (registry.path(MINILM), folders.cache) if name in ("auto", "fusion") else ()
        return engine_class("intent", "fusion" if name == "auto" else name)(*needs)  # type: ignore[no-any-return]
    except ModelError as error:
        if name != "auto":
            raise
        log.warning("only sentences that are expected are understood: %s", error)
        return None


def make_reader() -> TextReader:
    """The engine that reads text. Raises ConfigError that names the extra to install."""
    return engine_class("reader", "ocr")()  # type: ignore[no-any-return]
