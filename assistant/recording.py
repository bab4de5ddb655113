"""Keeps what was said and what came of it, for those who switch it on: encrypted, for a limited time.

Each finished turn becomes one file: the events as JSON and the sound from 3 s before the wake word was recognised to the end of
the request. XChaCha would allow longer nonces; ChaCha20-Poly1305 (RFC 8439) with a random 96-bit nonce a file stays safe for 2^32
files under one key, a hundred years of talking. The file's name is authenticated with the contents, so files cannot be exchanged
unnoticed.

    MAGIC, 8 bytes | nonce, 12 bytes | ciphertext of: length of the JSON (4 bytes, little endian) | JSON | sound (int16, 16 kHz)
"""

from __future__ import annotations

import json
import logging
import os
import queue
import secrets
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from assistant.engines import CAPTURE_RATE
from assistant.errors import ConfigError, DeviceError
from assistant.events import Event, Samples, SpeechEnded, SpeechStarted, TurnFinished, TurnInterrupted, WakeDetected, to_json

log = logging.getLogger(__name__)

MAGIC = b"EAREC\x00\x00\x01"
KEY_BYTES, NONCE_BYTES = 32, 12
KEY_FILE = "recording.key"
FOLDER, SUFFIX = "recordings", ".rec"
BEFORE_SECONDS = 3.0
"""Sound kept of the time before a turn, so that the wake word is in it; older sound is gone."""

SOUND_SECONDS = 30.0
"""The longest sound kept of a turn."""

MAX_EVENTS = 200

WAITING_TURNS = 4
"""Turns that wait to be written; when the disk is slower than that, turns are not recorded."""

SWEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Recording:
    """One turn that was kept. events: as JSON objects; sound: int16 (n,), 16 kHz mono."""

    events: list[dict[str, Any]]
    sound: Samples


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ModuleNotFoundError as error:
        raise ConfigError("recording needs a cipher: pip install 'edge-assistant[recording]'") from error
    return ChaCha20Poly1305(key)


def key_path(config_folder: Path) -> Path:
    """Where the key is: the service's credential, or a file in the configuration folder."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (found := Path(credentials) / KEY_FILE).exists():
        return found
    return config_folder / KEY_FILE


def read_key(path: Path) -> bytes:
    """The key. Raises ConfigError: there is none, it has a wrong length, or others may read it."""
    try:
        status = path.stat()
        key = bytes.fromhex(path.read_text("ascii").strip())
    except FileNotFoundError as error:
        raise ConfigError(f"there is no key {path}: make one with `assistant recordings key`") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is not a key: make one with `assistant recordings key`") from error
    if status.st_mode & 0o077 and "CREDENTIALS_DIRECTORY" not in os.environ:
        raise ConfigError(f"others may read the key: chmod 600 {path}")
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} is not a key: make one with `assistant recordings key`")
    return key


def make_key(path: Path) -> None:
    """Write a new key, readable by its owner alone. Raises ConfigError when there is one already, DeviceError when it cannot."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
    except FileExistsError as error:
        raise ConfigError(f"there is a key already: {path}; without it old recordings cannot be read") from error
    except OSError as error:
        raise DeviceError(f"cannot write {path}: {error.strerror}") from error


def seal(recording: Recording, key: bytes, name: str) -> bytes:
    """A recording as the contents of the file `name`."""
    text = json.dumps(recording.events, ensure_ascii=False).encode()
    plain = struct.pack("<I", len(text)) + text + recording.sound.astype("<i2").tobytes()
    nonce = secrets.token_bytes(NONCE_BYTES)
    return bytes(MAGIC + nonce + _cipher(key).encrypt(nonce, plain, name.encode()))


def unseal(data: bytes, key: bytes, name: str) -> Recording:
    """The recording in a file's contents. Raises DeviceError: damaged, exchanged, or another key."""
    from cryptography.exceptions import InvalidTag

    head = len(MAGIC) + NONCE_BYTES
    try:
        if not data.startswith(MAGIC) or len(data) < head:
            raise DeviceError(f"{name} is not a recording")
        plain = _cipher(key).decrypt(data[len(MAGIC) : head], data[head:], name.encode())
    except InvalidTag as error:
        raise DeviceError(f"{name} is damaged or was made with another key") from error
    (length,) = struct.unpack_from("<I", plain)
    return Recording(json.loads(plain[4 : 4 + length]), np.frombuffer(plain[4 + length :], "<i2").astype(np.int16))


class Recorder:
    """An observer of events and sound that writes one encrypted file a turn, in a thread of its own.

    Args:
        folder: where the files go; made with mode 700.
        key: 32 bytes.
        days: older files are deleted, at the start and every hour.
        now: seconds since 1970.
    """

    def __init__(self, folder: Path, key: bytes, days: int, now: Callable[[], float] = time.time) -> None:
        _cipher(key)
        self._folder, self._key, self._days, self._now = folder, key, days, now
        self._sound: deque[Samples] = deque()
        self._seconds = 0.0
        self._limit, self._ended = BEFORE_SECONDS, False
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._queue: queue.Queue[Recording | None] = queue.Queue(WAITING_TURNS)
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def hear(self, samples: Samples) -> None:
        """Take note of a piece of sound."""
        if self._ended:
            return
        self._sound.append(samples)
        self._seconds += len(samples) / CAPTURE_RATE
        while self._seconds > self._limit:
            self._seconds -= len(self._sound.popleft()) / CAPTURE_RATE

    def __call__(self, event: Event) -> None:
        """Take note of an event; the end of a turn sends it to the disk."""
        self._events.append(event)
        if isinstance(event, WakeDetected | SpeechStarted):
            self._limit, self._ended = SOUND_SECONDS, False
        elif isinstance(event, SpeechEnded):
            self._ended = True
        elif isinstance(event, TurnFinished | TurnInterrupted):
            self._keep()

    def _keep(self) -> None:
        """Send the turn that is over to the disk, and begin anew."""
        sound = np.concatenate([*self._sound, np.zeros(0, np.int16)])
        recording = Recording([json.loads(to_json(noted)) for noted in self._events], sound)
        self._events.clear()
        self._sound.clear()
        self._seconds, self._limit, self._ended = 0.0, BEFORE_SECONDS, False
        try:
            self._queue.put_nowait(recording)
        except queue.Full:
            log.warning("a turn was not recorded: the disk is too slow")

    def close(self, seconds: float = 1.0) -> None:
        """Write what waits."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            sweep(self._folder, self._now() - self._days * 86400)
            try:
                recording = self._queue.get(timeout=SWEEP_SECONDS)
            except queue.Empty:
                continue
            if recording is None:
                return
            try:
                self._write(recording)
            except OSError as error:
                log.warning("a turn could not be recorded: %s", error.strerror)

    def _write(self, recording: Recording) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        moment = datetime.fromtimestamp(self._now(), timezone.utc)
        name = f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}{SUFFIX}"
        part = self._folder / f"{name}.part"
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(seal(recording, self._key, name))
            os.replace(part, self._folder / name)
        finally:
            part.unlink(missing_ok=True)


def recordings(state: Path) -> list[Path]:
    """The files kept, the oldest first."""
    return sorted((state / FOLDER).glob(f"*{SUFFIX}"))


def sweep(folder: Path, before: float) -> int:
    """Delete recordings last changed before a moment (seconds since 1970). How many went."""
    gone = 0
    for path in folder.glob(f"*{SUFFIX}*"):
        try:
            if path.stat().st_mtime < before:
                path.unlink()
                gone += 1
        except OSError:
            continue
    return gone
