"""What the daemon builds from the settings: switches, recorder; and what it checks before it takes new settings over."""

from __future__ import annotations

from pathlib import Path

from assistant.config import Config, Folders
from assistant.engines import engine_class
from assistant.recording import FOLDER, Recorder, key_path, read_key
from device.camera import LatestCamera
from device.privacy import SENSES, PrivacySwitch


def privacy_switches(config: Config, folders: Folders) -> dict[str, PrivacySwitch]:
    """The switch of every sense, by name."""
    files = {"camera": config.privacy.camera_switch, "microphone": config.privacy.microphone_switch}
    return {sense: PrivacySwitch(folders.state, sense, Path(files[sense]) if files[sense] else None) for sense in SENSES}


def camera_state(camera: LatestCamera | None) -> str:
    """What the camera is doing: "none", "open", "closed", or its trouble in one line."""
    if camera is None:
        return "none"
    return camera.trouble or ("open" if camera.is_open else "closed")


def make_recorder(config: Config, folders: Folders) -> Recorder | None:
    """The recorder, if the settings want one. Raises ConfigError: no key, or no cipher installed."""
    if not config.recording.enabled:
        return None
    return Recorder(folders.state / FOLDER, read_key(key_path(folders.config)), config.recording.days)


def check(config: Config, folders: Folders) -> None:
    """Do the engines that the settings name exist, and the key they need? Raises ConfigError."""
    for kind, name in (
        ("wake", config.wake.engine),
        ("vad", config.ear.vad),
        ("asr", config.asr.engine),
        ("tts", config.tts.engine),
    ):
        engine_class(kind, name)
    if config.recording.enabled:
        read_key(key_path(folders.config))
