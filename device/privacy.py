"""The privacy switches: a file that says "off", which holds across restarts, and a switch of wood and wire.

A sense is off while its flag file exists, or while its hardware switch reads "1". The running assistant looks before every piece
of sound and every picture, so a change takes effect at once, from whatever process it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.errors import DeviceError

Sense = Literal["camera", "microphone"]
SENSES: tuple[Sense, ...] = ("camera", "microphone")
FOLDER = "privacy"


@dataclass(frozen=True, slots=True)
class PrivacySwitch:
    """The switch of one sense.

    Attributes:
        state: the assistant's state folder; the flag is below it.
        sense: what is switched.
        hardware: a file that reads "1" while a switch on the case says off, such as a GPIO's value file
            (/sys/class/gpio/gpio17/value); None = there is none. When it cannot be read, the sense is off: better blind than
            watched.
    """

    state: Path
    sense: Sense
    hardware: Path | None = None

    @property
    def flag(self) -> Path:
        """The file whose presence means off."""
        return self.state / FOLDER / f"{self.sense}.off"

    @property
    def off(self) -> bool:
        """Must this sense see or hear nothing now?"""
        return self.flag.exists() or self.hardware_off

    @property
    def hardware_off(self) -> bool:
        """Does the switch on the case say off?"""
        if self.hardware is None:
            return False
        try:
            return self.hardware.read_text("ascii").strip() != "0"
        except (OSError, ValueError):
            return True

    def turn(self, *, on: bool) -> None:
        """Switch. Raises DeviceError: the flag cannot be written or removed."""
        try:
            if on:
                self.flag.unlink(missing_ok=True)
            else:
                self.flag.parent.mkdir(parents=True, exist_ok=True)
                self.flag.touch()
        except OSError as error:
            raise DeviceError(f"cannot {'remove' if on else 'write'} {self.flag}: {error.strerror}; try it with sudo") from error
