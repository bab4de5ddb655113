"""Synthetic speakers that say a word in many ways: those that come with the assistant. models/wake/voices.py has more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assistant.caller import Floats, speak
from assistant.engines import TtsEngine
from assistant.engines.tts_hibari import HibariTts
from assistant.engines.tts_pico import PicoTts

Voice = Callable[[str, np.random.Generator], Floats]
"""(text, random) -> the text said in a way that differs every time: float32, (n,), 16 kHz, silence trimmed."""

HIBARI_SPEEDS = (0.8, 1.0, 1.2)
PICO_SPEED, PICO_PITCH = (0.7, 1.35), (0.7, 1.45)
"""Ranges drawn from evenly; beyond them the voices stop sounding like people."""

ENDINGS = ("", ".", "!", "?")
"""Signs that change the melody of a word."""


def installed_voices() -> dict[str, Voice]:
    """The voices of the assistant itself, by name."""
    return {"hibari": hibari(), "pico en-GB": pico("en-GB"), "pico en-US": pico("en-US")}


def hibari() -> Voice:
    """hibari's voice at three speeds."""
    engines: list[TtsEngine] = [HibariTts(speed=speed) for speed in HIBARI_SPEEDS]
    return lambda text, random: speak(engines[random.integers(len(engines))], text + str(random.choice(ENDINGS)))


def pico(name: str) -> Voice:
    """One of Pico's voices at any speed and pitch."""

    def say(text: str, random: np.random.Generator) -> Floats:
        return speak(PicoTts(name, random.uniform(*PICO_SPEED), random.uniform(*PICO_PITCH)), text + str(random.choice(ENDINGS)))

    return say
