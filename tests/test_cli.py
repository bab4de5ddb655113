"""The commands as a user types them, on the real default models."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from assistant.caller import Room, request
from assistant.engines.tts_pico import PicoTts
from assistant.events import EVENTS, from_json

RATE = 16000


def run(*arguments: str, code: int = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`assistant ...` in a process of its own."""
    command = [sys.executable, "-m", "assistant.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **(env or {})})
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


@pytest.fixture(scope="module", autouse=True)
def _models(registry: Any) -> None:
    """The models are there before the first command runs."""


@pytest.fixture(scope="module")
def said() -> np.ndarray:
    """A request in light noise, int16, 16 kHz."""
    utterance = request(PicoTts("en-GB"), "okay nabu", "Turn on the kitchen light.")
    return np.concatenate([Room().hear(utterance.sound), np.zeros(RATE, np.int16)])


@pytest.fixture(scope="module")
def wav(said: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "request.wav"
    soundfile.write(path, said, RATE)
    return path


def test_listen_hears_understands_acts_and_answers(wav: Path, private_home: Path, tmp_path: Path) -> None:
    replies = tmp_path / "replies.wav"
    events = events_of(run("listen", str(wav), "--json", "--replies", str(replies)).stdout)
    assert [kind for kind in kinds(events) if kind != "PartialTranscript"] == [
        "WakeDetected",
        "SpeechStarted",
        "SpeechEnded",
        "FinalTranscript",
        "IntentParsed",
        "SkillRan",
        "Replied",
        "SpeakingStarted",
        "TurnFinished",
        "TurnMeasured",
    ]
    by_kind = {event["event"]: event for event in events}
    assert by_kind["IntentParsed"]["name"] == "HassTurnOn"
    assert by_kind["SkillRan"]["actions"] == [{"target": "light.kitchen_light", "attribute": "state", "value": "on"}]
    assert "kitchen light" in by_kind["Replied"]["text"]
    sound, rate = soundfile.read(replies)
    assert rate == RATE and np.abs(sound).max() > 0.1
    for line in events:
        assert from_json(json.dumps(line)).__class__ is EVENTS[line["event"]]


def test_the_same_recording_gives_the_same_lines(wav: Path, private_home: Path) -> None:
    def lines() -> list[str]:
        return [line for line in run("listen", str(wav), "--json").stdout.splitlines() if '"TurnMeasured"' not in line]

    first = lines()
    assert first == lines()
    assert len(first) >= 9


@pytest.mark.parametrize(
    ("name", "rate", "subtype", "channels"),
    [
        ("8 kHz", 8000, "PCM_16", 1),
        ("44.1 kHz stereo", 44100, "PCM_16", 2),
        ("48 kHz float", 48000, "FLOAT", 1),
        ("16 kHz 24 bit", 16000, "PCM_24", 1),
    ],
)
def test_any_usual_file_is_heard(
    said: np.ndarray, tmp_path: Path, private_home: Path, name: str, rate: int, subtype: str, channels: int
) -> None:
    sound = soxr.resample(said.astype(np.float32) / 32768, RATE, rate)
    path = tmp_path / "odd.wav"
    soundfile.write(path, np.repeat(sound[:, None], channels, axis=1), rate, subtype=subtype)
    events = events_of(run("listen", str(path), "--json").stdout)
    assert any(event["event"] == "SkillRan" and event["ok"] for event in events), kinds(events)


def test_a_truncated_file_is_heard_as_far_as_it_goes(wav: Path, tmp_path: Path, private_home: Path) -> None:
    data = wav.read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(data[: len(data) - RATE])  # half a second of silence is missing, the header says otherwise
    events = events_of(run("listen", str(cut), "--json").stdout)
    assert "SkillRan" in kinds(events)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"this is no sound at all" * 20, "sound"),
        (
            b"RIFF"
            + struct.pack("<I", 36)
            + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
            + b"data"
            + bytes(4),
            "",
        ),
    ],
    ids=["empty", "text", "header only"],
)
def test_a_file_without_sound_is_a_clear_error_or_an_empty_answer(
    content: bytes, words: str, tmp_path: Path, private_home: Path
) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    if not words:
        assert events_of(run("listen", str(path), "--json").stdout) == []
        return
    done = run("listen", str(path), code=66)
    assert len(done.stderr.splitlines()) <= 2 and "bad.wav" in done.stderr


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path: Path, private_home: Path) -> None:
    assert "none.wav" in run("listen", str(tmp_path / "none.wav"), code=66).stderr
    assert run("transcribe", str(tmp_path), code=66).stderr


def test_ask(private_home: Path) -> None:
    assert "kitchen light" in run("ask", "turn on the kitchen light and close the blinds").stdout
    events = events_of(run("ask", "turn on the kitchen light", "--json").stdout)
    assert kinds(events) == ["IntentParsed", "SkillRan", "Replied"]


def test_what_cannot_be_done_is_said(private_home: Path) -> None:
    events = events_of(run("ask", "recite the declaration of independence", "--json").stdout)
    assert kinds(events) == ["Replied"]
    assert events[0]["text"].startswith("Sorry")


def test_say_and_transcribe(private_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "said.wav"
    run("say", "The kitchen light is now on.", "-o", str(path))
    assert json.loads(run("transcribe", str(path), "--json").stdout)["text"].lower().startswith("the kitchen light is now on")


def test_models(private_home: Path) -> None:
    listed = run("models", "list").stdout
    assert "whisper-tiny.en" in listed and "Apache-2.0" in listed
    assert "ok" in run("models", "verify").stdout
    assert "did you mean" in run("models", "pull", "silero-vat", code=69).stderr


def test_a_missing_model_says_which_command_mends_it(private_home: Path, wav: Path) -> None:
    (private_home / "data").unlink()
    assert "assistant models pull" in run("listen", str(wav), code=69).stderr


def test_a_damaged_model_says_which_command_mends_it(private_home: Path, wav: Path, registry: Any) -> None:
    real = registry.path("silero-vad")
    (private_home / "data").unlink()
    models = private_home / "data" / "models"
    models.mkdir(parents=True)
    for name in ("whisper-tiny.en", "openwakeword-features"):
        (models / registry.path(name).name).symlink_to(registry.path(name))
    damaged = models / real.name
    damaged.mkdir()
    for file in real.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes()[:-100] + bytes(100))
    done = run("listen", str(wav), code=69)
    assert "damaged" in done.stderr and "assistant models pull silero-vad" in done.stderr


def test_config(private_home: Path) -> None:
    assert "right" in run("config", "check").stdout
    (private_home / "config").mkdir()
    (private_home / "config" / "assistant.toml").write_text("[ttts]\nengine = 'hibari'\n")
    assert "did you mean 'tts'" in run("config", "check", code=78).stderr
    assert "did you mean 'tts'" in run("ask", "hello", code=78).stderr


def test_config_check_reads_the_home_and_the_engines(private_home: Path) -> None:
    assert "choose one of" in run("--set", "asr.engine=wisper", "config", "check", code=78).stderr
    (private_home / "config").mkdir()
    (private_home / "config" / "home.toml").write_text('[[entity]]\nname = "lamp"\ndomain = "lihgt"\n')
    assert "light" in run("config", "check", code=78).stderr


def test_commands_check(private_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("commands:\n  - sentences: ['make (coffee']\n    acttion: {}\n")
    done = run("commands", "check", str(path), code=1)
    assert "mine.yaml:" in done.stdout


def test_a_disk_that_cannot_be_written_is_a_clear_error(wav: Path, private_home: Path) -> None:
    (private_home / "cache").write_text("a file where a folder should be")
    done = run("listen", str(wav), code=69)
    assert "cache" in done.stderr


def test_version_and_help() -> None:
    assert run("--version").stdout.startswith("edge-assistant ")
    for command in (
        [],
        ["listen"],
        ["ask"],
        ["say"],
        ["models"],
        ["bench", "latency"],
        ["run"],
        ["demo"],
        ["devices"],
        ["commands"],
    ):
        assert "Usage" in run(*command, "--help").stdout


@pytest.mark.slow
def test_ten_minutes_of_noise_wake_nobody(tmp_path: Path, private_home: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(600 * RATE) * 3000
    path = tmp_path / "noise.flac"
    soundfile.write(path, noise.astype(np.int16), RATE)
    assert run("listen", str(path), "--json").stdout == ""
