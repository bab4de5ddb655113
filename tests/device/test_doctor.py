"""The doctor: on this machine, on a recorded tree of a Jetson, and on a real sound server with an echo."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device import probe_sound, probes
from device.camera import CameraSettings
from device.probe_camera import look

RATE = 16000


def doctor(*arguments: str, code: int | None = None) -> dict[str, list[dict[str, str]]]:
    """Its findings by subject."""
    command = [sys.executable, "-m", "assistant.cli", "doctor", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr, done.stderr
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    faults = [finding for finding in findings if finding["verdict"] == "fault"]
    assert done.returncode == (1 if faults else 0)
    assert code is None or done.returncode == code, done.stdout
    assert all(finding["mend"] for finding in findings if finding["verdict"] != "ok"), "everything that is wrong needs a mend"
    found: dict[str, list[dict[str, str]]] = {}
    for finding in findings:
        found.setdefault(finding["subject"], []).append(finding)
    return found


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def jetson(tmp_path: Path) -> Path:
    """An Orin Nano on JetPack 6 in its 15 W mode, warm, clocks not pinned."""
    release = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 2025"
    conf = "< POWER_MODEL ID=0 NAME=15W >\nCPU_ONLINE CORE_0 1\n< POWER_MODEL ID=1 NAME=25W >\n"
    conf += "< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n"
    cpu = "sys/devices/system/cpu/cpu0/cpufreq"
    return write(
        tmp_path / "jetson",
        {
            "etc/nv_tegra_release": release,
            "etc/nvpmodel.conf": conf,
            "var/lib/nvpmodel/status": "pmode:0000\nfmode:quiet\n",
            "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
            f"{cpu}/scaling_min_freq": "729600",
            f"{cpu}/cpuinfo_max_freq": "1510400",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
            "sys/class/thermal/thermal_zone0/temp": "91000",
            "sys/class/thermal/thermal_zone1/type": "gpu-thermal",
            "sys/class/thermal/thermal_zone1/temp": "not available",
            "proc/meminfo": "MemTotal: 7990000 kB\nMemAvailable: 300000 kB\n",
            "dev/nvhost-gpu": "",
        },
    )


def test_a_jetson_in_a_slow_mode(jetson: Path) -> None:
    found = {finding.subject: finding for finding in probes.jetson(jetson)}
    assert found["JetPack"].verdict == "ok"
    assert "Orin Nano" in found["JetPack"].detail and "JetPack 6.1 or 6.2" in found["JetPack"].detail
    assert found["power mode"].verdict == "warning" and found["power mode"].mend == "sudo nvpmodel -m 2"
    assert found["clocks"].mend == "sudo jetson_clocks"
    heat = probes.heat(jetson)
    assert heat is not None and heat.verdict == "warning" and "91" in heat.detail and "cpu-thermal" in heat.detail
    assert probes.memory(jetson).verdict == "warning"
    assert probes.accelerator(jetson, has_tensorrt=False).verdict == "warning"
    assert probes.accelerator(jetson, has_tensorrt=True).verdict == "ok"


def test_a_jetson_at_full_speed(jetson: Path) -> None:
    write(jetson, {"var/lib/nvpmodel/status": "pmode:0002", "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": "1510400"})
    assert {finding.verdict for finding in probes.jetson(jetson)} == {"ok"}


def test_a_machine_of_which_nothing_is_known(tmp_path: Path) -> None:
    assert probes.jetson(tmp_path) == [] and probes.heat(tmp_path) is None
    assert probes.memory(tmp_path).verdict == "warning"
    assert probes.accelerator(tmp_path, has_tensorrt=False).verdict == "ok"
    write(tmp_path, {"etc/nv_tegra_release": "# R99 (release), REVISION: 1.0"})
    assert [finding.verdict for finding in probes.jetson(tmp_path)] == ["warning"] * 3


def test_a_clock_without_a_battery(tmp_path: Path) -> None:
    assert probes.clock(tmp_path, now=0.0).verdict == "fault"
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    assert probes.clock(tmp_path).verdict == "warning"
    (tmp_path / "run/systemd/timesync/synchronized").touch()
    assert probes.clock(tmp_path).verdict == "ok"


@pytest.mark.parametrize(("delay", "gain_db"), [(0, -6), (2000, -20), (9000, -40)])
def test_the_chirp_is_found_at_its_delay(delay: int, gain_db: float) -> None:
    played = probe_sound.probe().astype(np.float64)
    heard = np.random.default_rng(1).normal(0, 15, len(played) + 24000)  # noise at -67 dB
    heard[delay : delay + len(played)] += played * 10 ** (gain_db / 20)
    echo = probe_sound.measure_echo(np.clip(heard, -32768, 32767).astype(np.int16))
    assert echo.heard
    assert echo.delay_ms == pytest.approx(delay / 16, abs=1)
    assert echo.gain_db == pytest.approx(gain_db, abs=1)
    assert echo.cancelled_db > {-6: 20, -20: 10, -40: 0}[gain_db]


def test_noise_speech_and_silence_are_no_chirp() -> None:
    random = np.random.default_rng(2)
    noise = random.normal(0, 3000, 88000)
    tone = 8000 * np.sin(np.arange(88000) * 2 * np.pi * 440 / RATE)
    for sound in (noise, tone, np.zeros(88000), noise * np.abs(np.sin(np.arange(88000) / 3000))):
        assert not probe_sound.measure_echo(sound.astype(np.int16)).heard


def test_levels_clipping_and_a_dead_microphone() -> None:
    tone = np.clip(40000 * np.sin(np.arange(32000) / 5), -32768, 32767).astype(np.int16)
    heard = probe_sound.quality(tone)
    assert heard.clipped > 0.3 and heard.level_db > -3 and not heard.dead
    assert probe_sound.quality(np.full(32000, 7, np.int16)).dead and probe_sound.quality(np.zeros(0, np.int16)).dead
    burst = np.random.default_rng(0).normal(0, 10, 32000)
    burst[8000:16000] *= 300
    heard = probe_sound.quality(burst.astype(np.int16))
    assert heard.noise_db == pytest.approx(-70.3, abs=1.5) and heard.level_db > -30


def test_on_this_machine(private_home: Path, registry: Any) -> None:
    found = doctor("--silent")
    assert {finding["verdict"] for finding in found["model"]} == {"ok"}
    assert {"settings", "disk", "memory", "processor", "accelerator", "clock", "service"} <= set(found)
    assert not list((private_home / "state").rglob("*")) if (private_home / "state").exists() else True


def test_a_damaged_model_is_found_and_mended(private_home: Path, registry: Any) -> None:
    real = registry.path("silero-vad").parent
    (private_home / "data").unlink()
    shutil.copytree(real, private_home / "data" / "models", symlinks=True)
    damaged = next(path for path in (private_home / "data" / "models").rglob("*.onnx") if "silero" in str(path))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    (bad,) = [finding for finding in doctor("--silent", code=1)["model"] if finding["verdict"] != "ok"]
    assert bad["mend"] == "assistant models pull silero-vad"
    (mended,) = [finding for finding in doctor("--silent", "--fix")["model"] if "mended" in finding["detail"]]
    assert mended["verdict"] == "ok"
    assert {finding["verdict"] for finding in doctor("--silent")["model"]} == {"ok"}


def test_wrong_settings_a_missing_key_and_a_switched_off_sense(private_home: Path, registry: Any) -> None:
    write(private_home, {"config/assistant.toml": "[wkae]\n", "state/privacy/microphone.off": ""})
    found = doctor("--silent", code=1)
    assert "did you mean 'wake'" in found["settings"][0]["detail"]
    assert found["microphone"][0]["mend"] == "assistant privacy microphone on"
    write(private_home, {"config/assistant.toml": "[recording]\nenabled = true\n"})
    assert doctor("--silent", code=1)["recording"][0]["mend"] == "assistant recordings key"
    doctor("--silent", "--fix")
    assert "recording" not in doctor("--silent")
    (private_home / "config" / "recording.key").chmod(0o644)
    assert "others may read" in doctor("--silent", code=1)["recording"][0]["detail"]


def test_a_camera_is_looked_at(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed (extra: camera)")
    for name, brightness, verdict in (("light", 120, "ok"), ("dark", 2, "warning")):
        path = tmp_path / f"{name}.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (160, 120))
        for _ in range(12):
            writer.write(np.full((120, 160, 3), brightness, np.uint8))
        writer.release()
        finding = look(CameraSettings(str(path)))
        assert finding.verdict == verdict and "160 x 120" in finding.detail, finding
    assert look(CameraSettings("/dev/video77")).verdict == "fault"


@pytest.fixture
def echoing_room(sound_card: None, tmp_path: Path) -> Iterator[None]:
    """The loudspeaker sounds in the room, where there is a little noise."""
    loop = ["pactl", "load-module", "module-loopback", "source=speaker.monitor", "sink=room", "latency_msec=60"]
    module = subprocess.run(loop, capture_output=True, text=True, check=True).stdout.strip()
    noise = np.random.default_rng(0).normal(0, 20, RATE).astype(np.int16).tobytes()
    (tmp_path / "noise.raw").write_bytes(noise * 120)
    with (tmp_path / "noise.raw").open("rb") as sound:
        player = subprocess.Popen(["pacat", "--device=room", "--rate=16000", "--channels=1", "--raw"], stdin=sound)
    yield
    player.kill()
    player.wait()
    subprocess.run(["pactl", "unload-module", module], check=False)


def test_the_echo_is_measured_on_a_real_sound_server(echoing_room: None, private_home: Path, registry: Any) -> None:
    pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")
    for _ in range(3):  # a busy machine may tear a hole into the sound
        found = doctor()
        if found["loudspeaker"][0]["verdict"] == "ok":
            break
    assert found["microphone"][0]["verdict"] == "ok", found["microphone"]
    assert found["loudspeaker"][0]["verdict"] == "ok", found["loudspeaker"]
    print(found["microphone"], found["loudspeaker"])


def test_a_room_that_does_not_hear_the_loudspeaker(sound_card: None, private_home: Path, registry: Any) -> None:
    pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")
    found = doctor(code=1)
    assert found["microphone"][0]["verdict"] == "fault" and "muted" in found["microphone"][0]["detail"]
    assert "does not hear it" in found["loudspeaker"][0]["detail"]
