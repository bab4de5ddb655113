"""The settings: assistant.toml, the environment and `--set` as one frozen Config of tables (config_tables.py).

Precedence: `--set table.key=value` > environment `ASSISTANT_TABLE__KEY` > assistant.toml > default. A key that does not exist is
an error that names the nearest one that does.
"""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from assistant.config_tables import (
    AsrConfig,
    AudioConfig,
    CameraConfig,
    ChatConfig,
    EarConfig,
    HomeConfig,
    IndicatorConfig,
    IntentConfig,
    MqttConfig,
    PrivacyConfig,
    RecordingConfig,
    RuntimeConfig,
    Table,
    TtsConfig,
    VisionConfig,
    WakeConfig,
)
from assistant.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = [
    "APP",
    "FILE_NAME",
    "AsrConfig",
    "AudioConfig",
    "CameraConfig",
    "ChatConfig",
    "Config",
    "EarConfig",
    "Folders",
    "HomeConfig",
    "IndicatorConfig",
    "IntentConfig",
    "MqttConfig",
    "PrivacyConfig",
    "RecordingConfig",
    "RuntimeConfig",
    "TtsConfig",
    "VisionConfig",
    "WakeConfig",
    "as_toml",
    "folders",
    "load",
]

APP = "edge-assistant"
FILE_NAME = "assistant.toml"


class Config(BaseSettings):
    """All settings of the assistant."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="ASSISTANT_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    wake: WakeConfig = WakeConfig()
    ear: EarConfig = EarConfig()
    asr: AsrConfig = AsrConfig()
    tts: TtsConfig = TtsConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    audio: AudioConfig = AudioConfig()
    home: HomeConfig = HomeConfig()
    camera: CameraConfig = CameraConfig()
    vision: VisionConfig = VisionConfig()
    intent: IntentConfig = IntentConfig()
    chat: ChatConfig = ChatConfig()
    mqtt: MqttConfig = MqttConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    indicator: IndicatorConfig = IndicatorConfig()
    recording: RecordingConfig = RecordingConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the environment and what `load` passes; no dotenv, no secrets folder."""
        return (env_settings, init_settings)


class Folders(Table):
    """Where things live: settings and command files; models; assembled graphs; timers."""

    config: Path
    data: Path
    cache: Path
    state: Path


def folders() -> Folders:
    """The user's XDG folders, or config/, data/, cache/ and state/ below EDGE_ASSISTANT_HOME. Nothing is created."""
    if home := os.environ.get("EDGE_ASSISTANT_HOME"):
        base = Path(home).expanduser()
        return Folders(config=base / "config", data=base / "data", cache=base / "cache", state=base / "state")
    return Folders(
        config=platformdirs.user_config_path(APP),
        data=platformdirs.user_data_path(APP),
        cache=platformdirs.user_cache_path(APP),
        state=platformdirs.user_state_path(APP),
    )


def load(file: Path | None = None, overrides: tuple[str, ...] = ()) -> Config:
    """The settings in force.

    Args:
        file: assistant.toml; None = the one in the configuration folder, if there is one.
        overrides: "table.key=value" in TOML's value syntax (a bare word is taken as text).

    Raises:
        ConfigError: names file, key and fix.
    """
    path = folders().config / FILE_NAME if file is None else file
    values = _read(path) if file is not None or path.exists() else {}
    for override in overrides:
        _apply(values, override)
    try:
        config = Config(**values)
    except ValidationError as error:
        raise ConfigError(_explain(error, str(path))) from error
    return _with_overrides(config, overrides, str(path))


def _with_overrides(config: Config, overrides: tuple[str, ...], where: str) -> Config:
    """`--set` beats the environment, which beats the file: so overrides are applied once more, last."""
    if not overrides:
        return config
    values = config.model_dump()
    for override in overrides:
        _apply(values, override)
    tables = {name: type(getattr(config, name)) for name in values}
    try:
        return config.model_copy(update={name: tables[name].model_validate(table) for name, table in values.items()})
    except ValidationError as error:
        raise ConfigError(_explain(error, where)) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is not valid TOML: it is nested too deeply; check brackets") from error
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    table, dot, name = key.strip().partition(".")
    if not separator or not dot:
        raise ConfigError(f"--set takes TABLE.KEY=VALUE, for example --set tts.speed=1.2 (got {override!r})")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    values.setdefault(table, {})[name] = value


def _explain(error: ValidationError, where: str) -> str:
    return "; ".join(_sentence(entry["loc"], entry["type"], entry["msg"], entry.get("input"), where) for entry in error.errors())


def _sentence(location: tuple[int | str, ...], kind: str, message: str, value: object, where: str) -> str:
    key = ".".join(map(str, location))
    if kind != "extra_forbidden":
        return f"{where}: {key} = {value!r}: {message[:1].lower()}{message[1:]}"
    fields = Config.model_fields
    known = list(fields)
    if len(location) == 2 and location[0] in fields:
        known = list(type(fields[str(location[0])].default).model_fields)
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    advice = f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}"
    return f"{where}: unknown key {key!r}: {advice}"


def as_toml(config: Config) -> str:
    """The settings in force as the text of an assistant.toml; unset values as comments."""
    lines: list[str] = []
    for table, values in config.model_dump().items():
        lines.append(f"[{table}]")
        lines += [f"# {key} =" if value is None else f"{key} = {_toml(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines).rstrip()


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else str(value)
