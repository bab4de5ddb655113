"""Learning a wake word: the numpy network, its files, rates, takes, similar words. Small sizes; the maths is the real one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.caller import SPEECH_PEAK
from assistant.engines import CAPTURE_RATE
from assistant.engines.embedding_head import HEAD_FILE, MEMBERS, WINDOW
from assistant.engines.session import OnnxSession
from assistant.engines.speech_embedding import EMBEDDING, HOP, SpeechEmbedding, mel_filters
from assistant.engines.wake_own import OwnWake
from assistant.errors import ConfigError, ModelError
from assistant.intervals import poisson, wilson
from assistant.wake.bank import SPOKEN_FILE, Bank, load_bank, load_whole_bank, save_bank, save_spoken
from assistant.wake.examples import BAG, Examples
from assistant.wake.lesson import Lesson, Teacher
from assistant.wake.near import near_phrases, near_words
from assistant.wake.network import Network, score
from assistant.wake.rates import at_threshold, events, point_at
from assistant.wake.sound import Surroundings, jumbled, scene, talkers
from assistant.wake.take import Take, complaint
from assistant.wake.training import train
from assistant.wake.voices import installed_voices
from assistant.wake.word import Card, find_word, read_card, save_word, word_name, words


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def network() -> Network:
    return Network(numbers(EMBEDDING), np.abs(numbers(EMBEDDING, seed=1)) + 1, np.random.default_rng(2))


@pytest.fixture(scope="module")
def embed(fetch, tmp_path_factory) -> SpeechEmbedding:
    return SpeechEmbedding(fetch("openwakeword-features"), tmp_path_factory.mktemp("cache"))


def test_streaming_embeddings_are_those_of_the_published_graphs(fetch, embed) -> None:
    folder = fetch("openwakeword-features")
    mel, original = OnnxSession(folder / "melspectrogram.onnx"), OnnxSession(folder / "embedding_model.onnx")
    sound = (numbers(HOP * 30) * 3000 * np.linspace(0, 1, HOP * 30)).astype(np.int16)
    window, mels, expected = np.zeros(1760, np.float32), np.ones((76, 32), np.float32), []
    for start in range(0, len(sound), HOP):
        window = np.concatenate([window[HOP:], sound[start : start + HOP].astype(np.float32)])
        frames = mel.run({"input": window[None]})["output"].reshape(-1, 32) / 10 + 2
        mels = np.concatenate([mels[len(frames) :], frames])
        expected.append(original.run({"input_1": mels[None, :, :, None]})["conv2d_19"].ravel())
    embed.reset()
    whole = embed.feed(sound)
    embed.reset()
    pieces = np.concatenate([embed.feed(sound[start : start + 333]) for start in range(0, len(sound), 333)])
    assert np.abs(whole - expected).max() < 1e-3 * np.abs(expected).max()
    assert np.abs(whole - pieces).max() < 1e-4


def test_the_mel_filters_are_the_published_ones(fetch) -> None:
    onnx = pytest.importorskip("onnx", reason="reads the published weights (extra: export)")
    model = onnx.load(fetch("openwakeword-features") / "melspectrogram.onnx")
    published = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}["1.melW"]
    assert np.abs(mel_filters() - published).max() < 1e-8


def test_a_joint_word_answers_with_the_mean_of_its_parts(tmp_path) -> None:
    pytest.importorskip("onnx", reason="writes a graph (extra: export)")
    from models.wake.join import main, operating_point

    x, answers = numbers(40, EMBEDDING, seed=5), []
    for number, threshold in enumerate((1.5, -2.0)):
        net = Network(numbers(EMBEDDING), np.ones(EMBEDDING, np.float32), np.random.default_rng(number))
        point: dict[str, object] = {"missed": number, "said": 9, "said_what": "voices"}
        save_word(tmp_path / str(number), net.folded(), Card("hey test", threshold, 800 + 160 * number, point))
        answers.append(OnnxSession(tmp_path / str(number) / HEAD_FILE).run({"x": x})["logit"] - threshold)
    main([tmp_path / "0", tmp_path / "1"], tmp_path / "both", Bank(x, x, "noise"))
    joint = OnnxSession(tmp_path / "both" / HEAD_FILE).run({"x": x})["logit"]
    assert np.abs(joint - np.mean(answers, 0)).max() < 1e-4
    card = read_card(tmp_path / "both")
    assert card.delay == 880 and "missed 0 of 9 and 1 of 9 voices" in str(card.point["text"])
    assert card.threshold == pytest.approx(max(0.0, float(joint.max()))) == operating_point(tmp_path / "both", x).threshold


def test_people_talk_on_beside_the_word() -> None:
    random = np.random.default_rng(0)
    tone = np.sin(np.arange(4000, dtype=np.float32) / 3)
    noise = talkers([tone], 3 * CAPTURE_RATE, random)
    assert noise.shape == (3 * CAPTURE_RATE,) and noise.std() == pytest.approx(1, abs=0.01)
    seconds = noise.reshape(3, -1).std(1)
    assert seconds.min() > 0.5, "nobody pauses for a second"
    around = Surroundings([tone], [], replies=0.0, talk=1.0)
    word = np.zeros(8000, np.float32)
    word[2000:6000] = random.standard_normal(4000)
    sound, end = scene(word, around, random)
    spectrum = np.abs(np.fft.rfft(sound[: end - 16000]))
    bin_of_tone = round(len(sound[: end - 16000]) / 3 / (2 * np.pi))
    assert spectrum[int(0.7 * bin_of_tone) : int(1.4 * bin_of_tone)].max() > 10 * np.median(spectrum), (
        "the talker is before the word"
    )


def test_the_gradient_is_the_slope(monkeypatch) -> None:
    found: dict[str, np.ndarray] = {}
    net = network()
    monkeypatch.setattr(net, "_adam", lambda gradients, rate: found.update(gradients))
    monkeypatch.setattr("assistant.wake.network.DROPOUT", 0.0)
    x = numbers(MEMBERS, 4, BAG, EMBEDDING, seed=3) * 2
    logits, kept = net.forward(x, learn=True)
    slope = numbers(*logits.shape, seed=4)
    net.step(slope, kept, 1e-3)
    for name, gradient in found.items():
        steepness = float(np.linalg.norm(gradient))  # the slope along the gradient itself
        before, values = net.weights[name], []
        for sign in (1, -1):
            net.weights[name] = before + np.float32(sign * 3e-3 / steepness) * gradient
            values.append(float((net.forward(x, learn=False)[0].astype(np.float64) * slope).sum()))
        net.weights[name] = before
        assert (values[0] - values[1]) / 6e-3 == pytest.approx(steepness, rel=0.03), name


def test_a_word_on_disk_computes_what_the_network_computed(tmp_path) -> None:
    net, x = network(), numbers(50, EMBEDDING, seed=6) * 3
    save_word(tmp_path / "hey_test", net.folded(), Card("hey test", 1.5, 800))
    logits = OnnxSession(tmp_path / "hey_test" / HEAD_FILE).run({"x": x})["logit"]
    assert logits.shape == (50 - WINDOW + 1,)
    assert np.abs(logits - score(net, x)).max() < 1e-4
    assert read_card(tmp_path / "hey_test").threshold == 1.5


def test_learning_tells_two_kinds_of_sound_apart() -> None:
    word, other = numbers(40, BAG, EMBEDDING, seed=7), numbers(3000, EMBEDDING, seed=8)
    word[:, 10:14] += numbers(4, EMBEDDING, seed=9)  # the same pattern in every scene
    net = train(Examples(word, np.ones(40, np.float32), (other,)), np.random.default_rng(0), lambda: None, 40)
    fresh = numbers(20, BAG, EMBEDDING, seed=10)
    fresh[:, 10:14] += numbers(4, EMBEDDING, seed=9)
    assert np.mean([score(net, scene).max() for scene in fresh]) > score(net, numbers(3000, EMBEDDING, seed=11)).max()


def test_words_are_found_by_name_and_their_absence_is_explained(tmp_path) -> None:
    save_word(tmp_path / "wake" / "hey_test", network().folded(), Card("hey test", 0.0, 0))
    assert find_word("hey_test", tmp_path) == words(tmp_path)["hey_test"]
    with pytest.raises(ModelError, match=r"hey_test.*assistant wake enroll"):
        find_word("hey_nobody", tmp_path)
    (tmp_path / "wake" / "hey_test" / "word.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged"):
        read_card(tmp_path / "wake" / "hey_test")
    with pytest.raises(ModelError, match="wake list"):
        OwnWake(tmp_path, tmp_path, tmp_path)


@pytest.mark.parametrize(("phrase", "name"), [("Hey Mira!", "hey_mira"), ("computer", "computer"), ("o'brien now", "obrien_now")])
def test_names_of_words(phrase, name) -> None:
    assert word_name(phrase) == name


@pytest.mark.parametrize("phrase", ["", "a b", "x" * 60, "小爱同学"])
def test_what_cannot_be_a_word(phrase) -> None:
    with pytest.raises(ConfigError, match="cannot be a wake word"):
        word_name(phrase)


def test_intervals_match_published_tables() -> None:
    assert poisson(0, 2.0) == (0.0, 1.5)
    assert poisson(5, 1.0) == pytest.approx((1.62, 11.67), abs=0.01)  # Garwood's table
    assert wilson(16, 20) == pytest.approx((0.584, 0.919), abs=0.001)
    assert wilson(0, 0) == (0.0, 1.0)


def test_peaks_and_points() -> None:
    scores = np.full(200, -9.0)
    scores[[20, 22, 100]] = 3.0, 4.0, 1.0
    assert events(scores) == [4.0, 1.0]
    point = point_at(0.5, [0.0, 2.0, 5.0], [4.0, 1.0], hours=2.0)  # one accept allowed: the threshold is the second peak
    assert (point.threshold, point.misses, point.accepts) == (1.0, 1, 1)
    assert point_at(0.5, [2.0], [4.0, 1.0], hours=1.9).accepts == 0  # half an accept is none
    assert "at most" in at_threshold(9.0, [10.0], [4.0], 2.0).text()


def test_a_scene_holds_the_word_where_it_says() -> None:
    word = np.sin(np.arange(8000) / 5).astype(np.float32) * SPEECH_PEAK
    sound, end = scene(word, Surroundings([], []), np.random.default_rng(0))
    assert len(sound) > end > 2 * 16000
    assert np.abs(sound).max() <= 32767


def test_similar_words_are_similar_and_never_the_word() -> None:
    similar = near_words("computer", 10)
    assert "commuter" in similar and not any("computer" in word for word in similar)
    phrases = near_phrases("hey mira", np.random.default_rng(0), 30)
    assert "hey mira" not in phrases and {"hey", "mira"} <= set(phrases) and len(phrases) == 30


class LoudIsSpeech:
    def feed(self, samples):
        return [float(np.abs(samples).max() > 1000)]

    def reset(self) -> None: ...


def test_a_take_ends_after_the_word_and_keeps_it_whole() -> None:
    word = (np.sin(np.arange(12000) / 4) * 12000).astype(np.int16)
    take = Take(LoudIsSpeech())
    stream = np.concatenate([np.zeros(20000, np.int16), word, np.zeros(16000, np.int16)])
    for start in range(0, len(stream), 700):
        take.feed(stream[start : start + 700])
    assert take.done and take.complaint() == ""
    assert len(take.sound()) == pytest.approx(len(word), abs=400)
    assert np.abs(take.sound()).max() == pytest.approx(12000 / 32768, rel=0.02)  # its own loudness


def test_complaints_about_recordings() -> None:
    tone = np.sin(np.arange(16000) / 4).astype(np.float32)
    assert complaint(tone * 0.3) == ""
    assert "quiet" in complaint(tone * 0.001) and "loud" in complaint(tone) and "short" in complaint(tone[:1000] * 0.3)
    assert "long" in complaint(np.tile(tone, 3) * 0.3)


def test_the_bank_survives_its_file(tmp_path) -> None:
    bank = Bank(numbers(300, EMBEDDING) * 9 + 4, numbers(100, EMBEDDING, seed=1) * 9 + 4, "noise")
    save_bank(tmp_path / "bank.npz", bank)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("assistant.wake.bank.FILE", tmp_path / "bank.npz")
        again = load_bank()
    assert again.about == "noise" and np.abs(again.check - bank.check).max() < 0.2 * 9 + 0.5 * 9


def test_the_shipped_bank_is_small_and_long_enough() -> None:
    bank = load_bank()
    assert (Path(__file__).parents[2] / "assistant/wake/negatives.npz").stat().st_size < 5_000_000
    assert len(bank.check) * 0.08 > 1500 and len(bank.learn) > 20_000


def test_a_jumbled_word_is_not_the_word() -> None:
    word, random = np.sin(np.arange(8000) ** 1.3 / 90).astype(np.float32), np.random.default_rng(0)
    for _ in range(50):
        sound = jumbled(word, random)
        assert sound.dtype == np.float32 and len(sound) > 2000
        assert len(sound) != len(word) or np.corrcoef(sound, word)[0, 1] < 0.95


def test_programs_that_speak_are_voices_where_they_are_installed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    own = {"hibari", "pico en-GB", "pico en-US"}
    assert set(installed_voices()) == own
    (tmp_path / "flite").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "flite").chmod(0o755)
    voices = installed_voices()
    assert set(voices) - own == {"flite kal16", "flite awb", "flite rms", "flite slt"}
    with pytest.raises(ModelError, match=r"flite does not speak.*remove it"):
        voices["flite slt"]("hello", np.random.default_rng(0))


def test_spoken_hours_survive_their_coarse_file(tmp_path, monkeypatch) -> None:
    values = numbers(2000, EMBEDDING) * 9 + 4
    save_spoken(tmp_path / "spoken.npz", values)
    monkeypatch.setattr("assistant.wake.bank.SPOKEN_FILE", tmp_path / "spoken.npz")
    small, whole = load_bank(), load_whole_bank()
    again = whole.learn[len(small.learn) :]
    assert np.abs(again - np.clip(values, 4 - 4 * 9.1, 4 + 4 * 9.1)).max() < 9.2 * 4 / 15 / 2 + 0.5 and whole.about == small.about


def test_the_shipped_hours_are_small_and_long_enough() -> None:
    assert SPOKEN_FILE.stat().st_size < 12_000_000
    assert (len(load_whole_bank().learn) - len(load_bank().learn)) * 0.08 > 3.9 * 3600


def beep(text: str, random: np.random.Generator) -> np.ndarray:
    """A voice for tests: every letter is a tone."""
    tones = [np.sin(np.arange(1600) * (ord(letter) - 90) / 40 * random.uniform(0.98, 1.02)) for letter in text.replace(" ", "")]
    return np.asarray(np.concatenate(tones) * SPEECH_PEAK, np.float32)


def test_a_lesson_is_learned_kept_and_corrected(embed, tmp_path, monkeypatch) -> None:
    from assistant.wake import enroll, lesson

    monkeypatch.setattr(lesson, "SCENES_OF_RECORDING", 3)
    ticks = []
    scale = lesson.Scale(spoken=20, scenes=2, steps=30, near=6)
    teacher = Teacher({"beep": beep}, embed, np.random.default_rng(0), lambda: ticks.append(1), scale)
    made = teacher.prepare("hey mira", [beep("hey mira", np.random.default_rng(5))])
    assert made.spoken.shape[1:] == (BAG, EMBEDDING) and len(made.recorded) == 3 and len(made.held_out)
    folder = tmp_path / "hey_mira"
    card = enroll.finish(teacher, made, "hey mira", 1, folder)
    made.save(folder)
    assert abs(len(ticks) - scale.work(1)) < 0.5 * len(ticks)
    assert json.loads((folder / "word.json").read_text())["phrase"] == "hey mira" == card.phrase
    corrected = teacher.with_mistake(Lesson.load(folder), beep("okay", np.random.default_rng(6)))
    assert len(corrected.mistakes) > 100
    network_, point = teacher.learn(corrected, load_bank())
    assert point.said == len(made.held_out) and score(network_, corrected.spoken[0]).shape == (BAG - WINDOW + 1,)
    with pytest.raises(ModelError, match="not enrolled on this device"):
        Lesson.load(tmp_path)
