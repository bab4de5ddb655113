"""The network that hears words in replies: cuts do not matter, words are heard through an echo, an echo is no word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.bench_echo import LEAD_SECONDS, cleaned, echo_of, own_speech, with_words
from assistant.bench_rooms import ROOMS, answer_of, convolve
from assistant.caller import speak, speak_wake_word
from assistant.engines import CAPTURE_RATE
from assistant.engines.tts_hibari import HibariTts
from assistant.engines.tts_pico import PicoTts
from assistant.events import AudioChunk
from assistant.interject import ReplyNetwork
from assistant.wake import reply_words
from assistant.wake.reply_features import COLUMNS, SILENCE, ReplyFeatures
from assistant.wake.reply_words import CONTEXT, STOP, ReplyWords, Spotted
from models.wake import reply_scenes
from models.wake.reply_speech import Speech

KITCHEN = ROOMS[1]


@pytest.fixture(scope="module")
def network() -> ReplyWords:
    return ReplyWords()


def some_sound(seconds: float) -> np.ndarray:
    return np.random.default_rng(3).integers(-3000, 3000, int(seconds * CAPTURE_RATE)).astype(np.int16)


def test_columns_do_not_depend_on_how_the_sound_is_cut() -> None:
    left, echo = some_sound(1), some_sound(1) // 2
    whole = ReplyFeatures().feed(left, echo)
    features = ReplyFeatures()
    pieces = np.concatenate([features.feed(left[at : at + 333], echo[at : at + 333]) for at in range(0, len(left), 333)])
    assert whole.shape == (97, COLUMNS)
    assert pieces == pytest.approx(whole, abs=1e-5)


def test_silence_has_the_value_that_a_reply_begins_with() -> None:
    silence = np.zeros(CAPTURE_RATE, np.int16)
    assert ReplyFeatures().feed(silence, silence) == pytest.approx(SILENCE, abs=1e-5)


def test_what_is_heard_does_not_depend_on_the_pieces(network: ReplyWords) -> None:
    said = speak(PicoTts("en-GB"), "Stop.")
    sound = np.concatenate([np.zeros(CAPTURE_RATE, np.int16), np.asarray(said * 32767, np.int16), np.zeros(12800, np.int16)])

    def heard(piece: int) -> list[tuple[str, int]]:
        network.reset()
        found = []
        for at in range(0, len(sound), piece):
            chunk = AudioChunk(samples=sound[at : at + piece], rate=CAPTURE_RATE)
            found += [(word.phrase, at + len(chunk.samples) - word.ago) for word in network.feed(chunk)]
        return found

    one, many, few = heard(len(sound)), heard(640), heard(5000)
    assert [phrase for phrase, _ in many] == [STOP]
    assert [phrase for phrase, _ in one] == [phrase for phrase, _ in few] == [STOP]
    assert abs(one[0][1] - many[0][1]) < 1300
    assert abs(one[0][1] - len(sound) + 12800) < 8000


def test_the_network_sees_exactly_its_context(network: ReplyWords) -> None:
    columns = np.random.default_rng(0).standard_normal((CONTEXT + 8, COLUMNS)).astype(np.float32)
    assert network.logits(columns).shape == (4, len(network.phrases))
    assert network.logits(columns[2:])[0] == pytest.approx(network.logits(columns)[1], abs=1e-4)


def in_the_kitchen(network: ReplyWords, words: list[np.ndarray], ratio_db: float) -> list[Spotted]:
    """Words said into a reply: what was heard."""
    seconds = LEAD_SECONDS + 4 * len(words) + 1
    far = own_speech(HibariTts(), seconds)
    sound, _ = with_words(echo_of(far, KITCHEN, "still", 4), words, ratio_db)
    network.reset()
    return [spotted for chunk in cleaned(sound, far, True) for spotted in network.feed(chunk)]


def test_words_are_heard_in_a_reply_as_loud_as_they_are(network: ReplyWords) -> None:
    answer = answer_of(KITCHEN, KITCHEN.person, 7)
    voices = [PicoTts("en-GB"), PicoTts("en-US", 0.9, 0.8)]
    words = [say for voice in voices for say in (speak(voice, "Stop."), speak_wake_word(voice, "okay nabu"))]
    wet = [convolve(np.concatenate([word, np.zeros(1600, np.float32)]), answer) for word in words]
    assert [spotted.phrase for spotted in in_the_kitchen(network, wet, 0.0)] == [STOP, "okay nabu"] * 2


def test_the_assistant_does_not_hear_itself(network: ReplyWords) -> None:
    assert in_the_kitchen(network, [np.full(1600, 1e-4, np.float32)] * 6, -60.0) == []


def test_a_reply_that_says_a_word_is_listened_to_for_the_others_only(network: ReplyWords) -> None:
    told: list[str] = []
    listener = ReplyNetwork(network, {STOP: lambda score, ago: told.append(STOP)})
    said = np.asarray(speak(PicoTts("en-GB"), "Stop.") * 32767, np.int16)
    chunk = AudioChunk(samples=np.concatenate([np.zeros(8000, np.int16), said, np.zeros(9600, np.int16)]), rate=CAPTURE_RATE)
    for reply, wanted in (("The timer has stopped.", []), ("It is nine.", [STOP])):
        told.clear()
        listener.reset(reply)
        if (tell := listener.feed(chunk)) is not None:
            tell()
        assert told == wanted


def test_scenes_of_several_files_are_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_scenes, "ROOMS", 1)
    random = np.random.default_rng(1)
    words = [random.standard_normal(CAPTURE_RATE // 2).astype(np.float32) * np.float32(0.1)]
    maker = reply_scenes.Maker(Speech(words, words, words, [own_speech(HibariTts(), 12.0)]), [], random, alone=0.0)
    columns, thought, said = maker.scene()
    assert columns.shape == (len(thought), COLUMNS) and len(said) >= 1
    assert all(0 <= begin < end < len(columns) and kind in (0, 1, 2) for kind, begin, end, _ in said)
    rows = np.array([(0, *word) for word in said], np.float32)
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, columns=columns, ends=np.array([len(columns)]), said=rows, somebody=thought)
    both = reply_scenes.Scenes.load(tmp_path / "a.npz", tmp_path / "b.npz")
    assert both.ends.tolist() == [len(columns), 2 * len(columns)]
    assert both.said[:, 0].tolist() == [0.0] * len(said) + [1.0] * len(said)


def test_speech_is_stored_and_read_again(tmp_path: Path) -> None:
    sounds = [np.full(count, 0.25, np.float32) for count in (5, 9)]
    Speech(sounds, sounds[:1], sounds[1:], sounds).save(tmp_path / "speech.npz")
    again = Speech.load(tmp_path / "speech.npz")
    assert [len(sound) for sound in again.nabu] == [5, 9] and [len(sound) for sound in again.other] == [9]
    assert again.own[1] == pytest.approx(sounds[1], abs=1e-4)


def test_training_goes_on_where_a_graph_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch: pip install 'edge-assistant[train]'")
    from models.wake.reply_network import ReplyNetwork as Trained
    from models.wake.reply_save import restore

    columns = np.random.default_rng(2).normal(0, 1, (3, CONTEXT + 40, COLUMNS)).astype(np.float32)
    torch.manual_seed(0)
    before, again = Trained(2), Trained(2)
    with torch.no_grad():
        before.train()(torch.from_numpy(columns))  # as after training, no two layers are alike
        for weights in before.parameters():
            weights.add_(0.1 * torch.randn_like(weights))
    graph = saved(before, tmp_path, monkeypatch)
    restore(again, tmp_path / reply_words.GRAPH, torch.from_numpy(columns))
    with torch.no_grad():
        logits = again.eval()(torch.from_numpy(columns[:1]))[0].numpy()
    assert logits - graph._thresholds == pytest.approx(graph.logits(columns[0][:-1]), abs=1e-3)


def test_a_panel_is_the_mean_of_its_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="training needs torch: pip install 'edge-assistant[train]'")
    from models.wake.reply_network import ReplyNetwork as Trained
    from models.wake.reply_panel import Panel, trained
    from models.wake.reply_save import WEIGHTS

    folders = [tmp_path / name for name in "abc"]
    for seed, folder in enumerate(folders):
        torch.manual_seed(seed)
        folder.mkdir()
        torch.save(Trained(2).state_dict(), folder / WEIGHTS)
    a, b, c = (trained(folder) for folder in folders)
    graph = saved(Panel([[a], [b, c]]), tmp_path, monkeypatch)
    columns = torch.from_numpy(np.random.default_rng(3).normal(0, 1, (1, CONTEXT + 40, COLUMNS)).astype(np.float32))
    with torch.no_grad():
        first, second, third = (network(columns)[0].numpy() for network in (a, b, c))
    logits = graph.logits(columns[0, :-1].numpy()) + graph._thresholds
    assert logits[:, 0] == pytest.approx(first[:, 0], abs=1e-4)
    assert logits[:, 1] == pytest.approx((second[:, 1] + third[:, 1]) / 2, abs=1e-4)


def saved(network: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ReplyWords:
    """A network as the runtime reads it back."""
    from models.wake.reply_measure import Point
    from models.wake.reply_save import save

    save(network, [Point(word, 0.5, {}, "0/0", "0 in 0 h", 60) for word in ("okay nabu", "stop")], folder)
    monkeypatch.setattr(reply_words, "GRAPHS", folder)
    return ReplyWords()
