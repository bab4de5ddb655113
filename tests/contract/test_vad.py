"""What every voice activity engine must do, on every registered one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.caller import speak
from assistant.engines import ENGINES, VAD_FRAME, VadEngine
from assistant.engines.tts_pico import PicoTts
from assistant.engines.vad_silero import SileroVad
from assistant.errors import ModelError


@pytest.fixture(params=sorted(ENGINES["vad"]))
def engine(request: pytest.FixtureRequest, registry: Any) -> VadEngine:
    if request.param == "silero":
        return SileroVad(registry.path("silero-vad"))
    pytest.fail(f"no contract test knows how to make the VAD engine {request.param!r}: add it here")


@pytest.fixture(scope="module")
def sound() -> Any:
    speech = speak(PicoTts("en-GB"), "Turn on the kitchen light, please.")
    return (np.concatenate([np.zeros(16000), speech, np.zeros(16000)]) * 32767).astype(np.int16)


def test_chunk_size_and_reset_change_nothing(engine: VadEngine, sound: Any) -> None:
    results = []
    for chunk in (512, 1024, 1280, 333):
        engine.reset()
        results.append([value for start in range(0, len(sound), chunk) for value in engine.feed(sound[start : start + chunk])])
    assert all(result == results[0] for result in results)
    assert len(results[0]) == len(sound) // VAD_FRAME


def test_speech_is_told_from_silence(engine: VadEngine, sound: Any) -> None:
    probabilities = np.array(engine.feed(sound))
    assert probabilities.min() >= 0 and probabilities.max() <= 1
    assert probabilities[: 15000 // VAD_FRAME].max() < 0.35
    assert probabilities[-14000 // VAD_FRAME + 6 :].max() < 0.35
    middle = probabilities[16000 // VAD_FRAME + 4 : (len(sound) - 16000) // VAD_FRAME - 4]
    assert (middle > 0.5).mean() > 0.75, "a pause at the comma is fine"


def test_kitchen_noise_is_no_speech(engine: VadEngine, shared_data: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    noise, _ = soundfile.read(shared_data / "audio/noise/kitchen_first_half.flac", dtype="int16")
    voiced = np.array(engine.feed(noise)) >= 0.5
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], voiced, [0]]))))[::2]
    assert (runs * VAD_FRAME / 16000).max(initial=0) < 0.25, "no false segment of 250 ms or more"


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="assistant models pull"):
        SileroVad(tmp_path)
