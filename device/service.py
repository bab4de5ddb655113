"""Installs the assistant as a systemd service, and takes it away again."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import DeviceError
from device.service_unit import UNIT, UnitOptions, system_unit, user_unit

SYSTEM_FOLDER = Path("/etc/systemd/system")
COMMAND_SECONDS = 120.0


def user_folder() -> Path:
    """Where a user's own units lie, systemd.unit(5)."""
    config = os.environ.get("XDG_CONFIG_HOME")
    return (Path(config) if config else Path.home() / ".config") / "systemd" / "user"


@dataclass(frozen=True, slots=True)
class Service:
    """The service of the system (user=False) or of this user's session. folder: where its unit lies; None = the usual place."""

    user: bool = False
    folder: Path | None = None

    @property
    def unit(self) -> Path:
        """The unit's file."""
        return (self.folder or (user_folder() if self.user else SYSTEM_FOLDER)) / UNIT

    def write(self, options: UnitOptions) -> Path:
        """Write the unit's file. Raises DeviceError: no right to, or the command cannot be reached by the service's user."""
        if not self.user:
            check_reachable(options.command)
        text = user_unit(options) if self.user else system_unit(options)
        try:
            self.unit.parent.mkdir(parents=True, exist_ok=True)
            part = self.unit.with_suffix(".part")
            part.write_text(text, "utf-8")
            part.chmod(0o644)
            os.replace(part, self.unit)
        except OSError as error:
            raise DeviceError(f"cannot write {self.unit}: {error.strerror}; {self._advice()}") from error
        return self.unit

    def start(self) -> None:
        """Let systemd read the unit, start it now and at every boot or login. Raises DeviceError."""
        self._systemctl("daemon-reload")
        self._systemctl("enable", "--now", UNIT)

    def remove(self) -> bool:
        """Stop it and remove the unit's file; False when there was none. Settings and timers stay. Raises DeviceError."""
        if not self.unit.exists():
            return False
        if running_systemd():
            self._systemctl("disable", "--now", UNIT)
        try:
            self.unit.unlink()
        except OSError as error:
            raise DeviceError(f"cannot remove {self.unit}: {error.strerror}; {self._advice()}") from error
        if running_systemd():
            self._systemctl("daemon-reload")
        return True

    def show(self, *arguments: str) -> int:
        """Run systemctl or journalctl in the terminal, such as show("systemctl", "status"). The command's exit code."""
        program, *rest = arguments
        if not shutil.which(program):
            raise DeviceError(f"{program} is not installed: this machine does not use systemd")
        return subprocess.run([program, *self._scope(), *rest]).returncode

    def _scope(self) -> list[str]:
        return ["--user"] if self.user else []

    def _advice(self) -> str:
        return "is the disk full or read-only?" if self.user or os.geteuid() == 0 else "try it with sudo, or with --user"

    def _systemctl(self, *arguments: str) -> None:
        if not running_systemd():
            raise DeviceError(f"systemd does not run here; the unit is {self.unit}")
        command = ["systemctl", *self._scope(), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeviceError(f"`{' '.join(command)}` did not work: {type(error).__name__}") from error
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise DeviceError(f"`{' '.join(command)}` failed: {reason}")


def running_systemd() -> bool:
    """Is systemd the system's manager now? sd_booted(3) looks for the same folder."""
    return Path("/run/systemd/system").is_dir()


def check_reachable(command: Path) -> None:
    """Can a user with no rights run this command inside the sandbox? Raises DeviceError that says where to install."""
    advice = "install into /opt: `python3 -m venv /opt/edge-assistant && /opt/edge-assistant/bin/pip install edge-assistant`"
    if not command.is_file():
        raise DeviceError(f"there is no command {command}; {advice}")
    hidden = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")
    real = command.resolve()
    for path in (command, real):
        if str(path).startswith(hidden):
            raise DeviceError(f"the service cannot see {path}, which is private to a user; {advice}; or use --user")
    for folder in real.parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise DeviceError(f"the service's user may not enter {folder}; {advice}")
