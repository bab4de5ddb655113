"""Which engines there are, and their classes when they are asked for."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from assistant.errors import ConfigError

ENGINES: dict[str, dict[str, str]] = {
    "wake": {
        "micro": "assistant.engines.wake_micro:MicroWake",
        "own": "assistant.engines.wake_own:OwnWake",
        "verified": "assistant.engines.wake_verified:VerifiedWake",
        "openwakeword": "assistant.engines.wake_openwakeword:OpenWakeWord",
    },
    "vad": {"silero": "assistant.engines.vad_silero:SileroVad"},
    "asr": {
        "whisper": "assistant.engines.asr_whisper:WhisperAsr",
        "vosk": "assistant.engines.asr_vosk:VoskAsr",
    },
    "tts": {
        "hibari": "assistant.engines.tts_hibari:HibariTts",
        "pico": "assistant.engines.tts_pico:PicoTts",
        "piper": "assistant.engines.tts_piper:PiperTts",
        "vits": "assistant.engines.tts_vits:VitsTts",
    },
    "vision": {
        "yolox": "assistant.engines.vision_yolox:Yolox",
        "own": "assistant.engines.vision_own:OwnVision",
    },
    "reader": {"ocr": "assistant.engines.reader_rapidocr:RapidReader"},
    "intent": {"fusion": "assistant.engines.intent_fusion:FusionIntent"},
}
"""kind -> name -> "module:Class"; imported when an engine is asked for, so an extra that is not installed costs nothing."""


def engine_names(kind: str) -> list[str]:
    """All engines of a kind that could be asked for: ours and other packages' (entry points of the group `assistant.<kind>`)."""
    return sorted({*ENGINES[kind], *(point.name for point in entry_points(group=f"assistant.{kind}"))})


def engine_class(kind: str, name: str) -> Any:
    """The class of an engine. Raises ConfigError that names the choices, or the extra to install."""
    if name in ENGINES[kind]:
        module, _, attribute = ENGINES[kind][name].partition(":")
    else:
        found = [point for point in entry_points(group=f"assistant.{kind}") if point.name == name]
        if not found:
            raise ConfigError(f"unknown {kind} engine {name!r}: choose one of {', '.join(engine_names(kind))}")
        module, attribute = found[0].module, found[0].attr
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"the {kind} engine {name!r} needs the Python package {error.name!r}: pip install 'edge-assistant[{name}]'"
        ) from error
