"""Settings: precedence, and errors that name the fix."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from assistant import config
from assistant.ear import EarSettings
from assistant.engines import ENGINES
from assistant.errors import ConfigError


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_ASSISTANT_HOME", str(tmp_path))


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "assistant.toml"
    path.write_text(text, "utf-8")
    return path


def test_defaults_hold_without_a_file() -> None:
    assert config.load().asr.model == "whisper-tiny.en"


def test_set_beats_environment_beats_file_beats_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[ear]\nsilence_ms = 500\npreroll_ms = 100\n[tts]\nspeed = 0.9\n")
    assert config.load(path).ear.silence_ms == 500
    monkeypatch.setenv("ASSISTANT_EAR__SILENCE_MS", "600")
    assert config.load(path).ear.silence_ms == 600
    loaded = config.load(path, ("ear.silence_ms=700",))
    assert (loaded.ear.silence_ms, loaded.ear.preroll_ms, loaded.tts.speed) == (700, 100, 0.9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[waek]\nengine = 'x'\n", "unknown key 'waek': did you mean 'wake'"),
        ("[ear]\nsilense_ms = 3\n", "unknown key 'ear.silense_ms': did you mean 'silence_ms'"),
        ("[ear]\nsilence_ms = 'soon'\n", "ear.silence_ms = 'soon': input should be a valid integer"),
        ("[wake]\nthreshold = 7\n", "wake.threshold = 7: input should be less than or equal to 1"),
        ("[ear\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"assistant\.toml") as caught:
        config.load(written(tmp_path, text))
    assert message in str(caught.value)


def test_a_bad_override_is_explained() -> None:
    with pytest.raises(ConfigError, match=r"TABLE\.KEY=VALUE"):
        config.load(None, ("speed",))
    with pytest.raises(ConfigError, match="did you mean 'tts'"):
        config.load(None, ("ttts.speed=1",))


def test_a_missing_file_is_an_error_only_when_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        config.load(tmp_path / "none.toml")


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    loaded = config.load(None, ('tts.voice="a \\"b\\" \\\\ c"', "wake.threshold=0.5"))
    assert config.load(written(tmp_path, config.as_toml(loaded))) == loaded


def test_settings_are_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        config.load().ear.silence_ms = 1  # type: ignore[misc]


def test_the_ear_takes_every_key_of_its_table() -> None:
    fields = {field.name for field in dataclasses.fields(EarSettings)}
    assert fields == set(config.EarConfig.model_fields) - {"vad"}


def test_the_default_engines_exist() -> None:
    loaded = config.load()
    assert loaded.wake.engine in ENGINES["wake"] and loaded.asr.engine in ENGINES["asr"]
    assert loaded.ear.vad in ENGINES["vad"] and loaded.tts.engine in ENGINES["tts"]
