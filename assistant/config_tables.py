"""The tables of assistant.toml, one frozen class each. Defaults live here and nowhere else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Milliseconds = Annotated[int, Field(gt=0, le=60_000)]


class Table(BaseModel):
    """One table: it cannot be changed, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WakeConfig(Table):
    """The wake word. model: a name the engine knows, or the path of a model file; threshold: None = the model's own."""

    engine: str = "verified"
    model: str = "okay_nabu"
    threshold: Probability | None = None


class EarConfig(Table):
    """When an utterance begins and ends. See EarSettings for the meaning of each."""

    vad: str = "silero"
    speech_on: Probability = 0.5  # Silero's own default
    speech_off: Probability = 0.35  # Silero's default hysteresis: on - 0.15
    silence_ms: Milliseconds = 400  # cuts 0 % of 200 real commands, 0.5 % at 6 dB SNR (docs/wake.md)
    pause_ms: Milliseconds = 64
    complete_ms: Milliseconds = 192
    sure_ms: Milliseconds = 256  # 224 cuts 2 of 200 real orders where decoding takes no time
    whole_ms: Milliseconds = 352  # 256 cut 1 of 25 real orders (a pause before "with")
    unfinished_ms: Milliseconds = 900
    others_db: Annotated[float, Field(gt=0, le=60)] = 10.0
    others_pause_ms: Milliseconds = 256
    others_ms: Milliseconds = 800
    min_speech_ms: Milliseconds = 96
    run_on_ms: Milliseconds = 200  # docs/wake.md: the word alone starts nothing, "stop" right after it is heard
    preroll_ms: Milliseconds = 300
    start_timeout_ms: Milliseconds = 5000
    answer_timeout_ms: Milliseconds = 6000
    max_utterance_ms: Milliseconds = 16000


class AsrConfig(Table):
    """Speech recognition. model: a registry entry, or the path of a model folder; biased: expect the home's sentences."""

    engine: str = "whisper"
    model: str = "whisper-tiny.en"
    biased: bool = True


class TtsConfig(Table):
    """The voice. voice: what the engine calls it (Piper: the path of a voice's .onnx); speed: 1 = normal."""

    engine: str = "hibari"
    voice: str = "heart"
    speed: Annotated[float, Field(ge=0.5, le=2)] = 1.0


class RuntimeConfig(Table):
    """What runs the networks. backend: cpu, cuda, tensorrt or triton; packages: a folder made by `assistant export`, "" = the
    assistant's own files on the processor; server: a Triton server's HTTP address, for the backend triton."""

    backend: Literal["cpu", "cuda", "tensorrt", "triton"] = "cpu"
    packages: str = ""
    server: str = "127.0.0.1:8000"


class AudioConfig(Table):
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


class HomeConfig(Table):
    """The home. file: a home.toml; "" = home.toml in the configuration folder, or the built-in example home."""

    file: str = ""


class CameraConfig(Table):
    """The camera. area: the room it looks at, as home.toml names it; "" = the room the assistant stands in.

    source: "0" or /dev/video0, "csi" (Jetson), a GStreamer pipeline or a video file; "" = no camera. See docs/device.md.
    """

    area: str = ""
    source: str = ""
    width: Annotated[int, Field(ge=16, le=8192)] = 1280
    height: Annotated[int, Field(ge=16, le=8192)] = 720
    fps: Annotated[int, Field(ge=1, le=240)] = 30
    idle_seconds: Annotated[float, Field(gt=0, le=3600)] = 10.0


class PrivacyConfig(Table):
    """Switches of wood and wire: files that read "1" while the switch says off, such as a GPIO's value file; "" = none."""

    camera_switch: str = ""
    microphone_switch: str = ""


class IndicatorConfig(Table):
    """Shows the state on an LED or elsewhere. name: "file", "command" or a plug-in's; "" = none. argument: see docs/device.md."""

    name: str = ""
    argument: str = ""


class RecordingConfig(Table):
    """Keeps what was said, encrypted, if you want that. days: how long; see docs/privacy.md."""

    enabled: bool = False
    days: Annotated[int, Field(ge=1, le=3650)] = 7


class VisionConfig(Table):
    """The eyes. engine: what finds things in a picture; model: a registry entry, or the path of a model folder; also: another
    engine, which adds what the first has no name for (lamps, ceiling fans); "" = none."""

    engine: str = "yolox"
    model: str = "yolox-nano"
    also: str = "own"


class IntentConfig(Table):
    """Understanding beyond the sentences. engine: the learned model that is asked when no sentence fits; "auto" = fusion if its
    weights are installed (`assistant models pull minilm-l6`), else none; "" = none."""

    engine: str = "auto"


class ChatConfig(Table):
    """A language model on the local network, for open questions. url: of its OpenAI-compatible interface, such as
    "http://127.0.0.1:8080/v1"; "" = none. send_pictures: show it what the camera sees when a question is about that."""

    url: str = ""
    model: str = ""
    send_pictures: bool = False
    timeout_s: Annotated[float, Field(gt=0, le=120)] = 20.0


class MqttConfig(Table):
    """Where the `mqtt` actions of command files go. host: the broker; "" = nowhere."""

    host: str = ""
    port: Annotated[int, Field(gt=0, le=65535)] = 1883
