"""The settings: one frozen class per table of assistant.toml. Defaults live here and nowhere else.

Precedence: `--set table.key=value` > environment `ASSISTANT_TABLE__KEY` > assistant.toml > default. A key that does not exist is
an error that names the nearest one that does.
"""

from __future__ import annotations

import difflib
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from assistant.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

APP = "edge-assistant"
FILE_NAME = "assistant.toml"

Probability = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int, Field(gt=0, le=60_000)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WakeConfig(_Table):
    """The wake word. model: a name the engine knows, or the path of a model file; threshold: None = the model's own."""

    engine: str = "verified"
    model: str = "okay_nabu"
    threshold: Probability | None = None


class EarConfig(_Table):
    """When an utterance begins and ends. See EarSettings for the meaning of each."""

    vad: str = "silero"
    speech_on: Probability = 0.5  # Silero's own default
    speech_off: Probability = 0.35  # Silero's default hysteresis: on - 0.15
    silence_ms: Milliseconds = 400  # cuts 0 % of 200 real commands, 0.5 % at 6 dB SNR (docs/wake.md)
    pause_ms: Milliseconds = 128
    complete_ms: Milliseconds = 192
    whole_ms: Milliseconds = 352  # 256 cut 1 of 25 real orders (a pause before "with")
    unfinished_ms: Milliseconds = 900
    min_speech_ms: Milliseconds = 96
    run_on_ms: Milliseconds = 200  # docs/wake.md: the word alone starts nothing, "stop" right after it is heard
    preroll_ms: Milliseconds = 300
    start_timeout_ms: Milliseconds = 5000
    answer_timeout_ms: Milliseconds = 6000
    max_utterance_ms: Milliseconds = 16000


class AsrConfig(_Table):
    """Speech recognition. model: a registry entry, or the path of a model folder; biased: expect the home's sentences."""

    engine: str = "whisper"
    model: str = "whisper-tiny.en"
    biased: bool = True


class TtsConfig(_Table):
    """The voice. voice: what the engine calls it (Piper: the path of a voice's .onnx); speed: 1 = normal."""

    engine: str = "hibari"
    voice: str = "heart"
    speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0


class RuntimeConfig(_Table):
    """What runs the networks. backend: cpu, cuda, tensorrt or triton; packages: a folder made by `assistant export`, "" = the
    assistant's own files on the processor; server: a Triton server's HTTP address, for the backend triton."""

    backend: Literal["cpu", "cuda", "tensorrt", "triton"] = "cpu"
    packages: str = ""
    server: str = "127.0.0.1:8000"


class AudioConfig(_Table):
    """Sound devices by name, or part of one; "" = the system's default. `assistant devices` lists them.

    channel: which channel of the microphone, counted from 0; -1 = the mean of all. echo_cancellation: take the assistant's own
    voice out of what the microphone hears, so that "stop" works without the wake word; costs 1.5 % of a core. earcons: short
    sounds at the wake word, the end of a request, an error and a timer.
    """

    input: str = ""
    output: str = ""
    channel: Annotated[int, Field(ge=-1, le=31)] = 0
    echo_cancellation: bool = True
    earcons: bool = False


class HomeConfig(_Table):
    """The home. file: a home.toml; "" = home.toml in the configuration folder, or the built-in example home."""

    file: str = ""


class CameraConfig(_Table):
    """The camera. area: the room it looks at, as home.toml names it; "" = the room the assistant stands in.

    source: "0" or /dev/video0, "csi" (Jetson), a GStreamer pipeline or a video file; "" = no camera. See docs/device.md.
    """

    area: str = ""
    source: str = ""
    width: Annotated[int, Field(ge=16, le=8192)] = 1280
    height: Annotated[int, Field(ge=16, le=8192)] = 720
    fps: Annotated[int, Field(ge=1, le=240)] = 30
    idle_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0


class PrivacyConfig(_Table):
    """Switches of wood and wire: files that read "1" while the switch says off, such as a GPIO's value file; "" = none."""

    camera_switch: str = ""
    microphone_switch: str = ""


class IndicatorConfig(_Table):
    """Shows the state on an LED or elsewhere. name: "file", "command" or a plug-in's; "" = none. argument: see docs/device.md."""

    name: str = ""
    argument: str = ""


class RecordingConfig(_Table):
    """Keeps what was said, encrypted, if you want that. days: how long; see docs/privacy.md."""

    enabled: bool = False
    days: Annotated[int, Field(ge=1, le=3650)] = 7


class VisionConfig(_Table):
    """The eyes. engine: what finds things in a picture; model: a registry entry, or the path of a model folder; also: another
    engine, which adds what the first has no name for (lamps, ceiling fans); "" = none."""

    engine: str = "yolox"
    model: str = "yolox-nano"
    also: str = "own"


class IntentConfig(_Table):
    """Understanding beyond the sentences. engine: the learned model that is asked when no sentence fits; "auto" = fusion if its
    weights are installed (`assistant models pull minilm-l6`), else none; "" = none."""

    engine: str = "auto"


class ChatConfig(_Table):
    """A language model on the local network, for open questions. url: of its OpenAI-compatible interface, such as
    "http://127.0.0.1:8080/v1"; "" = none. send_pictures: show it what the camera sees when a question is about that."""

    url: str = ""
    model: str = ""
    send_pictures: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 20.0


class MqttConfig(_Table):
    """Where the `mqtt` actions of command files go. host: the broker; "" = nowhere."""

    host: str = ""
    port: Annotated[int, Field(gt=0, le=65535)] = 1883


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


class Folders(_Table):
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
