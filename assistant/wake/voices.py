"""Synthetic speakers that say a word in many ways: those that come with the assistant, and flite and espeak-ng where these
programs are installed (apt install flite espeak-ng): more speakers, more people who are heard. models/wake/voices.py has others.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import soundfile
import soxr

from assistant.caller import Floats, speak, trimmed
from assistant.engines import CAPTURE_RATE, TtsEngine
from assistant.engines.tts_hibari import HibariTts
from assistant.engines.tts_pico import PicoTts
from assistant.errors import ModelError

Voice = Callable[[str, np.random.Generator], Floats]
"""(text, random) -> the text said in a way that differs every time: float32, (n,), 16 kHz, silence trimmed."""

HIBARI_SPEEDS = (0.8, 1.0, 1.2)
PICO_SPEED, PICO_PITCH = (0.7, 1.35), (0.7, 1.45)
"""Ranges drawn from evenly; beyond them the voices stop sounding like people."""

ENDINGS = ("", ".", "!", "?")
"""Signs that change the melody of a word."""


FLITE = ("kal16", "awb", "rms", "slt")
ESPEAK = ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")

SHARES = {"espeak-ng": 3.0}
"""How often a voice speaks compared with others: espeak-ng is a hundred."""


PROGRAMS = ("flite", "espeak-ng")


def missing_programs() -> list[str]:
    """Of PROGRAMS those that are not installed."""
    return [name for name in PROGRAMS if not shutil.which(name)]


def installed_voices() -> dict[str, Voice]:
    """The voices of the assistant itself and of programs on this machine, by name."""
    missing = missing_programs()
    found = {"hibari": hibari(), "pico en-GB": pico("en-GB"), "pico en-US": pico("en-US")}
    if "flite" not in missing:
        found |= {f"flite {name}": flite(name) for name in FLITE}
    if "espeak-ng" not in missing:
        found["espeak-ng"] = espeak()
    return found


def hibari() -> Voice:
    """hibari's voice at three speeds."""
    engines: list[TtsEngine] = [HibariTts(speed=speed) for speed in HIBARI_SPEEDS]
    return lambda text, random: speak(engines[random.integers(len(engines))], text + str(random.choice(ENDINGS)))


def pico(name: str) -> Voice:
    """One of Pico's voices at any speed and pitch."""

    def say(text: str, random: np.random.Generator) -> Floats:
        return speak(PicoTts(name, random.uniform(*PICO_SPEED), random.uniform(*PICO_PITCH)), text + str(random.choice(ENDINGS)))

    return say


def flite(name: str) -> Voice:
    """One voice of flite at any pace and pitch."""

    def say(text: str, random: np.random.Generator) -> Floats:
        settings = (f"duration_stretch={random.uniform(0.75, 1.5):.2f}", f"int_f0_target_mean={random.uniform(80, 230):.0f}")
        options = [part for setting in settings for part in ("--setf", setting)]
        return _program(["flite", "-voice", name, *options, "-o", "/dev/stdout", "-t", text])

    return say


def espeak() -> Voice:
    """espeak-ng in several accents and all its voice variants."""
    listed = _output(["espeak-ng", "--voices=variant"]).decode()
    variants = [line.split()[4].removeprefix("!v/") for line in listed.splitlines()[1:]]

    def say(text: str, random: np.random.Generator) -> Floats:
        voice = f"{random.choice(ESPEAK)}+{random.choice(variants)}"
        speed, pitch = str(random.integers(110, 210)), str(random.integers(15, 90))
        return _program(["espeak-ng", "-v", voice, "-s", speed, "-p", pitch, "--stdout", text])

    return say


def _program(command: list[str]) -> Floats:
    """What a program says, at CAPTURE_RATE. Raises ModelError."""
    try:
        sound, rate = soundfile.read(io.BytesIO(_output(command)), dtype="float32")
    except soundfile.SoundFileError as error:
        raise _broken(command, error) from error
    return at_capture_rate(sound, rate)


def _output(command: list[str]) -> bytes:
    """What a program writes. Raises ModelError."""
    try:
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise _broken(command, error) from error


def _broken(command: list[str], error: Exception) -> ModelError:
    return ModelError(f"{command[0]} does not speak ({error}): install it anew or remove it")


def at_capture_rate(sound: Floats, rate: int) -> Floats:
    """A sound at CAPTURE_RATE, silence trimmed."""
    return trimmed(np.asarray(soxr.resample(sound, rate, CAPTURE_RATE), np.float32))
