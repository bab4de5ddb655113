"""The doctor: looks at everything the assistant needs, says of each whether it is well, and which one command mends it."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant import app, factory
from assistant import config as settings
from assistant.config import Config, Folders
from assistant.control_client import ask, find_socket
from assistant.engines.session_passport import read_passport
from assistant.errors import AssistantError, DeviceError
from assistant.home import load_home
from assistant.recording import key_path, read_key
from device import probes
from device.privacy import SENSES, PrivacySwitch
from device.probes import Finding


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. root: the machine's file system; silent: play nothing."""

    config: Config
    folders: Folders
    root: Path = Path("/")
    silent: bool = False


def examine(patient: Patient, trouble: str = "") -> Iterator[Finding]:
    """Every finding, as it is made. trouble: why the settings could not be read (the defaults are then examined)."""
    yield from _settings(patient, trouble)
    yield from _models(patient)
    yield from _engines(patient)
    yield from _machine(patient)
    yield from _privacy(patient)
    yield from _camera(patient)
    yield _service()
    yield from _sound(patient)


def _settings(patient: Patient, trouble: str) -> Iterator[Finding]:
    if trouble:
        yield Finding("settings", "fault", trouble, "assistant config check")
        return
    try:
        home = load_home(app.home_file(patient.config, patient.folders))
    except AssistantError as error:
        yield Finding("home", "fault", str(error), "assistant config check")
    else:
        yield Finding("settings", "ok", f"right; the home has {len(home.entities)} devices")
    if patient.config.recording.enabled:
        try:
            read_key(key_path(patient.folders.config))
        except AssistantError as error:
            yield Finding("recording", "fault", str(error), "assistant recordings key")
    yield from _writable(patient.folders)


def _writable(folders: Folders) -> Iterator[Finding]:
    for name in ("state", "cache"):
        folder: Path = getattr(folders, name)
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not os.access(existing, os.W_OK) or not existing.is_dir():
            yield Finding("permissions", "fault", f"cannot write into {existing}", f"sudo chown -R $USER {existing}")


def _models(patient: Patient) -> Iterator[Finding]:
    """Hash the default models and those the settings name."""
    registry = factory.make_registry(patient.folders)
    known = {entry.name for entry in registry.entries()}
    config = patient.config
    named = {config.asr.model, config.tts.voice, config.wake.model} & known
    for name in sorted({*registry.defaults(), *named}):
        bad = [check for check in registry.verify(name) if not check.ok]
        if bad:
            yield Finding("model", "fault", f"{name}: {bad[0].name}: {bad[0].reason}", f"assistant models pull {name}")
        else:
            yield Finding("model", "ok", f"{name}: every file has its SHA-256")


def _engines(patient: Patient) -> Iterator[Finding]:
    """Do the TensorRT engines in the cache have a readable passport, and did they prove themselves?"""
    for plan in sorted(patient.folders.cache.rglob("*.plan")):
        passport = read_passport(plan)
        if passport is None or passport.size != plan.stat().st_size or not passport.proven:
            yield Finding("engine", "fault", f"{plan.name} has no valid passport: it will be built anew", f"rm {plan}*")
        else:
            yield Finding("engine", "ok", f"{plan.name}: {passport.part} for {passport.device.sm}, proven")


def _machine(patient: Patient) -> Iterator[Finding]:
    folders, root = patient.folders, patient.root
    yield from probes.disk([folders.data, folders.cache, folders.state])
    yield probes.memory(root)
    yield probes.processor(root)
    yield probes.accelerator(root, importlib.util.find_spec("tensorrt") is not None)
    yield from probes.jetson(root)
    if (heat := probes.heat(root)) is not None:
        yield heat
    yield probes.clock(root)
    yield from probes.permissions(root, bool(patient.config.camera.source))


def _privacy(patient: Patient) -> Iterator[Finding]:
    for sense in SENSES:
        if PrivacySwitch(patient.folders.state, sense).off:
            yield Finding(sense, "warning", "switched off for privacy", f"assistant privacy {sense} on")


def _service() -> Finding:
    """Is an assistant running, and does it answer?"""
    path = find_socket()
    if not path.exists():
        return Finding("service", "ok", "no assistant is running now")
    began = time.monotonic()
    try:
        status = ask(path, {"do": "status"})["status"]
    except DeviceError as error:
        return Finding("service", "fault", str(error), "assistant service logs")
    return Finding("service", "ok", f"{status['state']}, answers after {1000 * (time.monotonic() - began):.0f} ms")


def _camera(patient: Patient) -> Iterator[Finding]:
    config = patient.config.camera
    if not config.source or PrivacySwitch(patient.folders.state, "camera").off:
        return
    from device.camera import CameraSettings
    from device.probe_camera import look

    yield look(CameraSettings(**config.model_dump(exclude={"area"})))


def _sound(patient: Patient) -> Iterator[Finding]:
    if PrivacySwitch(patient.folders.state, "microphone").off:
        return
    from assistant.doctor_sound import examine_sound

    yield from examine_sound(patient.config.audio, silent=patient.silent)


def mend(finding: Finding, patient: Patient) -> bool:
    """Do what can be done safely without asking: fetch models, make folders, close the key to others. True when something was
    done.

    Raises AssistantError when it was tried and failed.
    """
    done: dict[str, Callable[[], None]] = {"model": lambda: _pull(finding, patient), "recording": lambda: _close_key(patient)}
    if finding.verdict == "ok" or finding.subject not in done:
        return False
    done[finding.subject]()
    return True


def _pull(finding: Finding, patient: Patient) -> None:
    factory.make_registry(patient.folders).pull(finding.mend.rpartition(" ")[2])


def _close_key(patient: Patient) -> None:
    from assistant.recording import make_key

    path = key_path(patient.folders.config)
    path.chmod(0o600) if path.exists() else make_key(path)


def read_settings(read: Callable[[], Config]) -> tuple[Config, str]:
    """The settings, or the defaults and why the settings could not be read."""
    try:
        return read(), ""
    except AssistantError as error:
        return settings.Config.model_construct(), str(error)
