"""The systemd units, judged by systemd itself: `systemd-analyze verify` and `systemd-analyze security`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.errors import DeviceError
from device.service import Service, check_reachable
from device.service_unit import UNIT, UnitOptions, accelerator_nodes, system_unit, user_unit

EXPOSURE = 1.5
ALLOWANCES = [
    UnitOptions(Path("/bin/true"), camera=False),
    UnitOptions(Path("/bin/true"), network=True, camera=True, recording=True),
    UnitOptions(Path("/bin/true"), network=True, camera=True, accelerator=(Path("/dev/nvmap"), Path("/dev/nvhost-gpu"))),
]
NAMES = ["closed", "network, camera, recording", "everything and a GPU"]


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if not found:
        pytest.skip("systemd-analyze is not installed: apt install systemd")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
    if int(re.search(r"\d+", version).group()) < 250:  # type: ignore[union-attr]
        pytest.skip("systemd-analyze is older than 250: it cannot judge a file")
    return found


@pytest.mark.parametrize("options", ALLOWANCES, ids=NAMES)
def test_systemd_accepts_the_unit_and_finds_it_locked_down(analyze: str, options: UnitOptions, tmp_path: Path) -> None:
    unit = tmp_path / UNIT
    unit.write_text(system_unit(options))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True)
    assert verified.returncode == 0 and verified.stderr == "", verified.stderr
    judged = subprocess.run([analyze, "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert exposure and float(exposure.group(1)) <= EXPOSURE, judged.stdout


def test_the_bar_can_be_missed(analyze: str, tmp_path: Path) -> None:
    """The same unit without its locks is judged worse: the number is about this unit."""
    unit = tmp_path / UNIT
    unit.write_text(re.sub(r"(?m)^(SystemCall|Protect|Private|Restrict|Capab|NoNew).*\n", "", system_unit(ALLOWANCES[0])))
    judged = subprocess.run([analyze, "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert exposure and float(exposure.group(1)) > EXPOSURE


def test_systemd_accepts_the_user_unit(analyze: str, tmp_path: Path) -> None:
    unit = tmp_path / UNIT
    unit.write_text(user_unit(UnitOptions(Path("/bin/true"))))
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    verified = subprocess.run([analyze, "verify", "--user", str(unit)], capture_output=True, text=True, env=env)
    assert verified.returncode == 0 and verified.stderr == "", verified.stderr


def test_only_what_is_asked_for_is_allowed() -> None:
    closed, open_ = system_unit(ALLOWANCES[0]), system_unit(ALLOWANCES[2])
    assert "PrivateNetwork=yes" in closed and "AF_INET" not in closed
    assert "PrivateNetwork" not in open_ and "AF_INET" in open_
    assert "video4linux" not in system_unit(UnitOptions(Path("/bin/true"), camera=False))
    assert "MemoryDenyWriteExecute" in closed and "MemoryDenyWriteExecute" not in open_
    assert "DeviceAllow=/dev/nvmap rw" in open_
    assert "LoadCredential" not in closed and "LoadCredential=" in system_unit(ALLOWANCES[1])
    for text in (closed, open_, user_unit(ALLOWANCES[0])):
        assert {"Type=notify", "RestartPreventExitStatus=78", "NoNewPrivileges=yes"} <= set(text.splitlines())
        assert "run --quiet" in text, "what is said must not reach the journal"


def test_the_gpus_nodes_are_found(tmp_path: Path) -> None:
    for name in ("nvmap", "nvhost-ctrl", "nvidia0", "snd", "sda"):
        (tmp_path / "dev").mkdir(exist_ok=True)
        (tmp_path / "dev" / name).touch()
    assert accelerator_nodes(tmp_path) == (Path("/dev/nvhost-ctrl"), Path("/dev/nvidia0"), Path("/dev/nvmap"))


def test_install_and_uninstall(private_home: Path, tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "xdg")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "assistant.cli", "service", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)

    unit = tmp_path / "xdg" / "systemd" / "user" / UNIT
    done = run("install", "--user", "--no-start")
    assert done.returncode == 0 and unit.exists(), done.stderr
    assert str(Path(sys.executable).with_name("assistant")) in unit.read_text()
    assert not list(unit.parent.glob("*.part"))
    assert run("unit").stdout.startswith("[Unit]")
    if not Path("/run/systemd/system").exists():
        assert run("uninstall", "--user").stdout.strip() == "removed" and not unit.exists()
        assert "no service" in run("uninstall", "--user").stdout


def test_a_command_that_the_service_cannot_reach_is_refused(tmp_path: Path) -> None:
    command = tmp_path / "assistant"
    command.touch()
    for unreachable in (command, tmp_path / "none", Path("/root/.venv/bin/assistant")):
        with pytest.raises(DeviceError, match="/opt/edge-assistant"):
            check_reachable(unreachable)
    check_reachable(Path("/bin/true"))


def test_a_unit_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where a folder should be")
    with pytest.raises(DeviceError, match="cannot write"):
        Service(user=True, folder=tmp_path / "folder").write(UnitOptions(Path("/bin/true")))
