"""A real sound server as a fixture: PulseAudio with null sinks as sound cards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def sound_card() -> Iterator[None]:
    """Our own server: the microphone hears sink `room`; `speaker` is the loudspeaker."""
    if not shutil.which("pulseaudio") or not Path("/usr/share/alsa/alsa.conf.d/50-pulseaudio.conf").exists():
        pytest.skip("PulseAudio or its ALSA plug-in is not installed: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    with running_server():
        yield


def _write_settings(folder: Path) -> dict[str, str]:
    """What the server is to do, written into its folder; the environment in which programs find it."""
    asoundrc = folder / "asound.conf"
    asoundrc.write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n")
    script = [
        f"load-module module-native-protocol-unix socket={folder}/native auth-anonymous=1",
        "load-module module-null-sink sink_name=room",
        "load-module module-null-sink sink_name=speaker",
        "set-default-source room.monitor",
        "set-default-sink speaker",
    ]
    (folder / "start.pa").write_text("\n".join(script))
    pulse = {"PULSE_RUNTIME_PATH": str(folder), "PULSE_SERVER": f"unix:{folder}/native", "PULSE_COOKIE": str(folder / "cookie")}
    return {**pulse, "ALSA_CONFIG_PATH": str(asoundrc)}


@contextmanager
def running_server() -> Iterator[None]:
    """A PulseAudio server that the programs of this process find."""
    with tempfile.TemporaryDirectory(prefix="pulse-") as name:
        folder = Path(name)
        own = _write_settings(folder)
        before = {key: os.environ.get(key) for key in own}
        os.environ.update(own)
        command = ["pulseaudio", "-n", "-F", str(folder / "start.pa")]
        command += ["--exit-idle-time=-1", "--daemonize=no", "--disable-shm=yes"]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if (folder / "native").exists():
                    break
                time.sleep(0.05)
            # A null sink first waits its 2 s of default latency; a reader that wants 20 ms keeps it brisk from then on.
            brisk = ["parec", "--rate=16000", "--channels=1", "--raw", "--latency-msec=20"]
            readers = [
                subprocess.Popen([*brisk, f"--device={sink}.monitor"], stdout=subprocess.DEVNULL) for sink in ("room", "speaker")
            ]
            time.sleep(2.5)
            yield
            for reader in readers:
                reader.kill()
        finally:
            server.terminate()
            server.wait()
            for key, value in before.items():
                os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)
