"""Recording: only when wanted, encrypted, for a limited time, and gone when told to forget."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.errors import ConfigError, DeviceError
from assistant.events import Event, FinalTranscript, SpeechEnded, TurnFinished, WakeDetected
from assistant.forgetting import forget
from assistant.recording import FOLDER, Recorder, Recording, make_key, read_key, recordings, seal, sweep, unseal

pytest.importorskip("cryptography", reason="cryptography is not installed (extra: recording)")
KEY = bytes(range(32))
SECRET = "the xylophone is under the bed"
TURN: list[Event] = [
    WakeDetected(turn=1, at=1.0, word="okay_nabu", score=0.9),
    SpeechEnded(turn=1, at=3.0, reason="silence", speech_end_at=2.6),
    FinalTranscript(turn=1, at=3.0, text=SECRET, confidence=0.9),
    TurnFinished(turn=1, at=3.0),
]


def record(folder: Path, seconds_before: int = 10, key: bytes = KEY, days: int = 7) -> None:
    recorder = Recorder(folder, key, days)
    for second in range(seconds_before):
        recorder.hear(np.full(16000, second, np.int16))
    recorder(TURN[0])
    recorder.hear(np.full(32000, 777, np.int16))
    for event in TURN[1:]:
        recorder(event)
        recorder.hear(np.full(16000, 999, np.int16))  # what comes after the request is not kept
    recorder.close(10)


def test_a_turn_is_kept_with_its_sound_and_no_byte_of_it_is_readable(tmp_path: Path) -> None:
    record(tmp_path / FOLDER)
    (path,) = recordings(tmp_path)
    data = path.read_bytes()
    assert b"xylophone" not in data and np.full(50, 777, np.int16).tobytes() not in data
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert os.listdir(path.parent) == [path.name]
    kept = unseal(data, KEY, path.name)
    assert [event["event"] for event in kept.events] == [type(event).__name__ for event in TURN]
    assert kept.events[2]["text"] == SECRET
    assert (kept.sound == 777).sum() == 32000 and not (kept.sound == 999).any()
    assert len(kept.sound) == 5 * 16000, "3 s before the turn, 2 s of it"


def test_a_damaged_an_exchanged_and_a_foreign_recording_are_refused(tmp_path: Path) -> None:
    sealed = seal(Recording([{"event": "x"}], np.zeros(4, np.int16)), KEY, "a.rec")
    assert unseal(sealed, KEY, "a.rec").events == [{"event": "x"}]
    for data, key, name in (
        (sealed[:-1] + bytes([sealed[-1] ^ 1]), KEY, "a.rec"),
        (sealed, KEY, "b.rec"),
        (sealed, bytes(32), "a.rec"),
        (sealed[:10], KEY, "a.rec"),
        (b"", KEY, "a.rec"),
    ):
        with pytest.raises(DeviceError):
            unseal(data, key, name)
    assert seal(Recording([], np.zeros(0, np.int16)), KEY, "a") != seal(Recording([], np.zeros(0, np.int16)), KEY, "a")


def test_old_recordings_go(tmp_path: Path) -> None:
    record(tmp_path / FOLDER)
    (old,) = recordings(tmp_path)
    os.utime(old, (0, old.stat().st_mtime - 8 * 86400))
    record(tmp_path / FOLDER, days=7)
    assert old not in recordings(tmp_path) and len(recordings(tmp_path)) == 1
    assert sweep(tmp_path / FOLDER, 0.0) == 0


def test_the_key_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "config" / "recording.key"
    with pytest.raises(ConfigError, match="assistant recordings key"):
        read_key(path)
    make_key(path)
    assert len(read_key(path)) == 32
    with pytest.raises(ConfigError, match="already"):
        make_key(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_key(path)
    path.chmod(0o600)
    for content in ("", "zz", "00"):
        path.write_text(content)
        with pytest.raises(ConfigError, match="not a key"):
            read_key(path)


def test_a_full_disk_does_not_stop_the_assistant(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file where a folder should be")
    record(tmp_path / FOLDER)


def test_forget_deletes_recordings_learned_names_and_lists_alone(tmp_path: Path) -> None:
    record(tmp_path / FOLDER)
    (tmp_path / "learned_names.json").write_text("{}")
    (tmp_path / "lists.json").write_text("{}")
    (tmp_path / "timers.sqlite").write_text("stays")
    assert forget(tmp_path) == ["1 recording", "what it learned", "the lists"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["timers.sqlite"]
    assert forget(tmp_path) == []


def test_the_commands(private_home: Path, tmp_path: Path) -> None:
    def cli(*arguments: str, code: int = 0) -> str:
        done = subprocess.run([sys.executable, "-m", "assistant.cli", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert "assistant recordings key" in cli("recordings", "export", code=78)
    cli("recordings", "key")
    record(private_home / "state" / FOLDER, key=read_key(private_home / "config" / "recording.key"))
    assert cli("recordings", "list").strip().endswith(".rec")
    out = tmp_path / "out"
    cli("recordings", "export", "-o", str(out))
    (wav,), (lines,) = out.glob("*.wav"), out.glob("*.jsonl")
    assert soundfile.read(wav)[0].shape == (5 * 16000,) and SECRET in lines.read_text()
    assert "1 recording" in cli("forget")
    assert cli("recordings", "list") == ""
