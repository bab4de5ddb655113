"""The daemon's life with a real process: signs of life on a real socket, signals, two processes on the control socket."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.device.running import WATCHDOG_SECONDS, Daemon, film, make_home

pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")


@pytest.fixture(scope="module")
def daemon(sound_card: None, registry: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    home = make_home(tmp_path_factory)
    options = []
    if importlib.util.find_spec("cv2"):
        film(home / "film.avi")
        options = ["--set", f"camera.source={home / 'film.avi'}", "--set", "camera.idle_seconds=60"]
    running = Daemon(home, *options)
    try:
        yield running
    finally:
        running.end()


def test_it_is_ready_and_gives_signs_of_life(daemon: Daemon) -> None:
    began = time.monotonic()
    for _ in range(3):
        began = daemon.manager.wait_for("WATCHDOG=1", WATCHDOG_SECONDS, began)
    assert daemon.status()["state"] == "asleep"


def test_a_blocked_event_loop_gives_no_sign_of_life(daemon: Daemon) -> None:
    with subprocess.Popen([sys.executable, "-m", "assistant.cli", "ctl", "ask", "freeze for a while"], env=daemon.env) as asking:
        assert asking.wait(timeout=60) == 0
    signs = [moment for moment, line in daemon.manager.seen if line == "WATCHDOG=1"]
    longest = max(np.diff(signs))
    assert longest > 2.5, "the loop was blocked for 3 s, and signs of life came all the same"
    daemon.manager.wait_for("WATCHDOG=1", WATCHDOG_SECONDS, time.monotonic())


def test_another_process_asks_says_mutes_and_looks(daemon: Daemon) -> None:
    assert "kitchen light is on" in daemon.run("ctl", "ask", "turn on the kitchen light").lower()
    daemon.run("ctl", "say", "Hello.")
    daemon.run("ctl", "ask", "set a pasta timer for ten minutes")
    daemon.run("ctl", "ask", "wake me at seven on weekdays")
    listed = daemon.run("ctl", "timers")
    assert "pasta timer" in listed and "seven AM alarm, on weekdays" in listed
    daemon.run("ctl", "mute")
    assert daemon.status()["state"] == "muted"
    daemon.run("ctl", "unmute")
    assert daemon.status()["muted"] is False
    assert daemon.status()["turns"] >= 3


def test_a_command_for_later_is_done_without_a_word(daemon: Daemon) -> None:
    assert "I will turn on the desk lamp in twelve seconds" in daemon.run("ctl", "ask", "turn on the desk lamp in twelve seconds")
    assert [timer["kind"] for timer in daemon.timers() if timer["title"] == "turn on the desk lamp"] == ["command"]
    assert "lamp is off" in daemon.run("ctl", "ask", "is the desk lamp on")
    deadline = time.monotonic() + 40
    while any(timer["kind"] == "command" for timer in daemon.timers()):
        assert time.monotonic() < deadline, "the command was not done"
        time.sleep(0.2)
    assert "lamp is on" in daemon.run("ctl", "ask", "is the desk lamp on")


def test_privacy_goes_through_the_running_assistant_and_holds(daemon: Daemon) -> None:
    daemon.run("privacy", "microphone", "off")
    assert (daemon.home / "state" / "privacy" / "microphone.off").exists()
    assert daemon.status()["state"] == "muted" and daemon.status()["privacy"] == {"camera": "on", "microphone": "off"}
    assert "microphone: off" in daemon.run("privacy", "status")
    daemon.run("privacy", "microphone", "on")
    assert daemon.status()["state"] == "asleep"


def test_the_camera_opens_when_needed_and_the_switch_closes_it(daemon: Daemon) -> None:
    if "camera" not in daemon.senses:
        pytest.skip("OpenCV is not installed (extra: camera)")

    def camera_becomes(state: str) -> None:
        deadline = time.monotonic() + 10
        while daemon.status()["camera"] != state:
            assert time.monotonic() < deadline, f"{daemon.status()['camera']} instead of {state}"

    daemon.run("privacy", "camera", "off")
    camera_becomes("closed")
    daemon.run("privacy", "camera", "on")
    daemon.run("ctl", "ask", "what time is it")  # the mind may want to look
    camera_becomes("open")
    daemon.run("privacy", "camera", "off")
    camera_becomes("closed")
    daemon.run("ctl", "ask", "what time is it")
    assert daemon.status()["camera"] == "closed"
    daemon.run("privacy", "camera", "on")


def test_the_socket_is_the_owners_alone(daemon: Daemon) -> None:
    path = daemon.home / "run" / "control.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    if os.geteuid() != 0:
        pytest.skip("only root can try it as another user")
    code = (
        "import os, socket, sys\n"
        "connection = socket.socket(socket.AF_UNIX)\n"
        f"os.chdir({str(path.parent)!r})\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "connection.connect('control.sock')\n"
        'connection.sendall(b\'{"do": "status"}\\n\')\n'
        "print(connection.makefile().readline())"
    )
    refused = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "PermissionError" in refused.stderr, "the file's mode must refuse"
    path.chmod(0o666), path.parent.chmod(0o755)
    try:
        answered = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "another user" in answered.stdout and "memory" not in answered.stdout, "the kernel's word must refuse"
    finally:
        path.chmod(0o600), path.parent.chmod(0o700)


def test_sighup_reads_the_settings_anew_and_keeps_the_timers(daemon: Daemon) -> None:
    before = daemon.timers()
    (daemon.home / "config" / "home.toml").write_text('[[entity]]\nname = "disco ball"\ndomain = "light"\n')
    sent = time.monotonic()
    daemon.process.send_signal(signal.SIGHUP)
    began = daemon.manager.wait_for("RELOADING=1", after=sent)
    daemon.manager.wait_for("READY=1", after=began)
    assert "disco ball is on" in daemon.run("ctl", "ask", "turn on the disco ball").lower()
    after = daemon.timers()
    assert [(timer["title"], timer["due"]) for timer in after] == [(timer["title"], timer["due"]) for timer in before]


def test_wrong_settings_are_refused_and_the_old_ones_stay(daemon: Daemon) -> None:
    file = daemon.home / "config" / "assistant.toml"
    file.write_text("[ttts]\nspeed = 1\n")
    # the client must not read the broken file itself, so it speaks the protocol
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(daemon.home / "run" / "control.sock"))
        connection.sendall(b'{"do": "reload"}\n')
        answer = json.loads(connection.makefile().readline())
    assert answer["ok"] is False and "did you mean 'tts'" in answer["error"]
    daemon.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while not any(line["level"] == "error" for line in daemon.lines()) and time.monotonic() < deadline:
        time.sleep(0.05)
    file.unlink()
    assert any("did you mean 'tts'" in line["message"] for line in daemon.lines() if line["level"] == "error")
    assert daemon.status()["state"] == "asleep"


def test_settings_that_name_a_missing_device_are_refused_and_the_old_ones_stay(daemon: Daemon) -> None:
    before = daemon.timers()
    file = daemon.home / "config" / "assistant.toml"
    file.write_text('[audio]\noutput = "no such loudspeaker"\n')
    assert "no such loudspeaker" in daemon.run("ctl", "reload", code=74)
    file.unlink()
    assert daemon.status()["state"] == "asleep"
    daemon.run("ctl", "say", "I am still here.")
    assert [timer["due"] for timer in daemon.timers()] == [timer["due"] for timer in before]
    daemon.run("ctl", "reload")


def test_watching_shows_level_and_events(daemon: Daemon) -> None:
    command = [sys.executable, "-m", "assistant.cli", "watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=daemon.env) as watching:
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        assert first["status"]["wake_phrase"] == "okay nabu"
        daemon.run("ctl", "ask", "what time is it")
        kinds: set[str] = set()
        while not {"level_db", "Replied"} <= kinds:
            line = json.loads(watching.stdout.readline())
            kinds |= {line.get("event", ""), *line}
        watching.kill()


def test_only_one_assistant_at_a_time(daemon: Daemon) -> None:
    env = {key: value for key, value in daemon.env.items() if key != "NOTIFY_SOCKET"}
    done = subprocess.run([sys.executable, "-m", "assistant.cli", "run"], capture_output=True, text=True, env=env, timeout=60)
    assert done.returncode == 74 and "running already" in done.stderr


def test_no_word_reached_the_output_or_the_log(daemon: Daemon) -> None:
    daemon.output.flush()
    for text in (daemon.log.read_text(), (daemon.home / "output.txt").read_text()):
        assert "kitchen" not in text.lower() and "disco" not in text.lower() and "pasta" not in text.lower()


def test_sigterm_ends_it_within_two_seconds(daemon: Daemon) -> None:
    text = "One two three four five six seven eight nine ten."
    said = subprocess.Popen([sys.executable, "-m", "assistant.cli", "ctl", "say", text], env=daemon.env)
    time.sleep(1.5)
    began = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.process.wait(timeout=5) == 0
    assert time.monotonic() - began < 2.0
    daemon.manager.wait_for("STOPPING=1", 1)
    assert not (daemon.home / "run" / "control.sock").exists()
    said.wait(timeout=30)


def test_bad_settings_end_the_start_with_78(private_home: Path) -> None:
    command = [sys.executable, "-m", "assistant.cli", "--set", "indicator.name=lava-lamp", "run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 78 and "file" in done.stderr and "command" in done.stderr
