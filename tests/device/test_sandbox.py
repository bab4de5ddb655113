"""The shipped unit run by a real systemd, in a container whose changes vanish: the whole assistant works inside its sandbox.

Needs root, systemd-nspawn (apt install systemd-container), PulseAudio and PyAudio; skipped with the reason where one is missing.
Only the sound server's address and a shorter watchdog are added to the unit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assistant.config import folders
from device.service_unit import UnitOptions, system_unit

pytest.importorskip("pyaudio", reason="PyAudio is not installed (extra: audio)")
ROOT = Path(__file__).parents[2]
DROP_IN = "[Service]\nWatchdogSec=6\nEnvironment=PULSE_SERVER=unix:/run/sound/native ALSA_CONFIG_PATH=/opt/test/asound.conf\n"
ALSA = "</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\nctl.!default { type pulse }\n"
SOUND = """load-module module-native-protocol-unix socket=/run/sound/native auth-anonymous=1
load-module module-null-sink sink_name=room
load-module module-null-sink sink_name=speaker
set-default-source room.monitor
set-default-sink speaker
"""
RUNNER = """[Unit]
After=basic.target dbus.service
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/test/run.sh
TimeoutStartSec=240
"""
RUN = """exec > /opt/test/out/log 2>&1
mkdir -p /run/sound
PULSE_RUNTIME_PATH=/run/sound-own pulseaudio -n -F /opt/test/sound.pa --exit-idle-time=-1 --daemonize=no --disable-shm=yes &
for i in $(seq 100); do [ -S /run/sound/native ] && break; sleep 0.1; done
chmod 777 /run/sound/native
PULSE_SERVER=unix:/run/sound/native parec --device=room.monitor --rate=16000 --raw --latency-msec=20 > /dev/null &
A=/opt/edge-assistant/bin/assistant
show() { systemctl show edge-assistant -p ActiveState -p NRestarts -p ExecMainStatus | sed "s/^/$1 /"; }
systemctl start edge-assistant; show started
P=$(systemctl show -p MainPID --value edge-assistant)
[ "$P" = 0 ] && { journalctl -u edge-assistant --no-pager; systemctl --no-block exit; exit 1; }
grep -E "^(Seccomp|NoNewPrivs|CapEff|Uid):" /proc/$P/status
echo "interfaces $(tail -n +3 /proc/$P/net/dev | cut -d: -f1 | xargs)"
$A ctl ask "turn on the kitchen light"
$A ctl ask "set a pasta timer for ten minutes"
$A ctl say "Hello."
$A privacy camera off
$A ctl status
systemctl reload edge-assistant; echo "reload $?"
kill -STOP $P  # a blocked loop
for i in $(seq 60); do [ "$(systemctl show -p NRestarts --value edge-assistant)" = 1 ] && break; sleep 0.5; done
for i in $(seq 120); do systemctl is-active -q edge-assistant && break; sleep 0.5; done
show restarted
$A ctl timers; $A privacy camera status
began=$(date +%s%N); systemctl stop edge-assistant; echo "stopped in $((($(date +%s%N) - began) / 1000000)) ms"
show stopped
echo "[ttts]" > /etc/edge-assistant/assistant.toml
systemctl start edge-assistant; sleep 5; show misconfigured
echo "words in the journal: $(journalctl --no-pager | grep -ciE 'kitchen|pasta')"
systemctl --no-block exit
"""
CONTAINER = """mount --make-rprivate / && mount -t tmpfs tmpfs "$1" && mkdir "$1/up" "$1/work" "$1/root" || exit 9
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root" || exit 9
shift; exec "$@"
"""


def launcher(python: str) -> str:
    return (
        f"#!{python}\nimport site, sys\nsys.path.insert(0, '/opt/repository')\nsite.addsitedir('/opt/packages')\n"
        "from assistant.cli import main\nmain()\n"
    )


@pytest.fixture(scope="module")
def log(registry: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the run wrote."""
    for program in ("systemd-nspawn", "pulseaudio"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: apt install systemd-container pulseaudio")
    if os.geteuid() != 0:
        pytest.skip("a container needs root")
    base = tmp_path_factory.mktemp("sandbox")
    test, overlay = base / "test", base / "overlay"
    (test / "out").mkdir(parents=True)
    overlay.mkdir()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    system_python = Path("/usr/bin", name).exists()  # one in a home folder would be hidden from the service
    python = f"/usr/bin/{name}" if system_python else f"/opt/python/bin/{name}"
    unit = system_unit(UnitOptions(Path("/opt/edge-assistant/bin/assistant")))
    for file, text in {
        "unit": unit, "drop-in": DROP_IN, "runner": RUNNER, "run.sh": RUN, "sound.pa": SOUND, "asound.conf": ALSA,
        "assistant": launcher(python), "container.sh": CONTAINER,
    }.items():  # fmt: skip
        (test / file).write_text(text)
        (test / file).chmod(0o755)
    packages = Path(pytest.__file__).parents[1]
    binds = {
        **({} if system_python else {Path(sys.base_prefix): "/opt/python"}),
        packages: "/opt/packages",
        ROOT: "/opt/repository",
        test / "assistant": "/opt/edge-assistant/bin/assistant",
        test / "unit": "/etc/systemd/system/edge-assistant.service",
        test / "drop-in": "/etc/systemd/system/edge-assistant.service.d/test.conf",
        test / "runner": "/etc/systemd/system/test-runner.service",
        (folders().data / "models").resolve(): "/usr/local/share/edge-assistant/models",
    }
    command = ["unshare", "-m", "bash", str(test / "container.sh"), str(overlay), "systemd-nspawn", "--quiet", "--register=no"]
    command += ["--keep-unit", "--private-network", "-D", str(overlay / "root"), f"--bind={test}:/opt/test"]
    command += [f"--bind-ro={source}:{target}" for source, target in binds.items()]
    systemd = "/lib/systemd/systemd"
    done = subprocess.run([*command, systemd, "--unit=test-runner.service"], capture_output=True, text=True, timeout=290)
    if not (test / "out" / "log").exists():
        pytest.skip(f"no systemd container can run here: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return (test / "out" / "log").read_text()


@pytest.mark.slow
def test_the_assistant_works_in_its_sandbox(log: str) -> None:
    assert "started ActiveState=active" in log, log
    assert "Seccomp:\t2" in log and "NoNewPrivs:\t1" in log and "CapEff:\t0000000000000000" in log and "Uid:\t0" not in log
    assert "interfaces lo\n" in log, "it must have no network"
    assert "The kitchen light is on." in log and "pasta timer" in log
    assert "reload 0" in log


@pytest.mark.slow
def test_a_blocked_loop_is_started_anew_with_timers_and_switches(log: str) -> None:
    assert "restarted NRestarts=1" in log and "restarted ActiveState=active" in log, log
    after = log.partition("restarted ActiveState")[2]
    assert "pasta timer" in after and "camera: off" in after


@pytest.mark.slow
def test_it_stops_at_once_and_wrong_settings_do_not_restart_it(log: str) -> None:
    milliseconds = int(log.partition("stopped in ")[2].split()[0])
    assert milliseconds < 2000
    assert "stopped ActiveState=inactive" in log
    for line in ("ActiveState=failed", "ExecMainStatus=78", "NRestarts=0"):
        assert f"misconfigured {line}" in log, log
    assert "words in the journal: 0" in log
