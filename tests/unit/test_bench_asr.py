"""The scoreboards count as they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.bench_asr import find_clips, run
from assistant.bench_negatives import listen, noises, other_sentences, read_sentences
from assistant.bench_orders import Judge, Order, Row, babble, mixed
from assistant.caller import peak_energy
from assistant.commands import load_file
from assistant.errors import ConfigError
from assistant.understanding import Understanding
from tests.fakes import FakeVad

COFFEE = Path(__file__).parents[2] / "docs/examples/coffee.yaml"


def tone(seconds: float, frequency: float = 300) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(16000 * seconds)) / 16000)).astype(np.float32)


def test_noise_is_mixed_by_the_loudest_frames() -> None:
    speech, noise = tone(2), np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    mix = mixed(speech, noise, 6.0, np.random.default_rng(1))
    assert np.abs(mix).max() == pytest.approx(0.5, abs=1e-6)
    rest = mix - speech * float(mix @ speech / (speech @ speech))  # what is left is the noise
    assert 10 * np.log10(peak_energy(mix - rest) / peak_energy(rest)) == pytest.approx(6, abs=0.3)
    assert np.array_equal(mix, mixed(speech, noise, 6.0, np.random.default_rng(1)))


def test_nobody_is_in_his_own_babble() -> None:
    orders = [Order(str(place), tone(1, 200 + 100 * place), "x", {}) for place in range(4)]
    spectrum = np.abs(np.fft.rfft(babble(orders, 1, np.random.default_rng(0))))
    assert spectrum[300] < 0.05 * spectrum[[200, 400, 500]].min()


def test_acceptance_ignores_extra_slots_and_the_strict_count_does_not() -> None:
    judge, row = Judge(load_file(COFFEE)), Row("ours", "clean")
    order = Order("one", tone(1), "orderDrink", {"coffeeDrink": "latte", "size": "twelve ounce"})
    judge.count(row, order, "Get me a 12-ounce latte.")
    assert (row.n, row.accepted, row.strict, row.words) == (1, 1, 1, 1)
    judge.count(row, order, "get me a twelve ounce latte with milk")
    assert (row.n, row.accepted, row.strict, row.words) == (2, 2, 1, 2)
    judge.count(row, order, "get me a small latte")
    assert (row.n, row.accepted, row.strict, row.words) == (3, 2, 1, 2)


def test_word_errors(tmp_path: Path) -> None:
    pytest.importorskip("jiwer", reason="jiwer is not installed")
    soundfile = pytest.importorskip("soundfile")
    for name in ("one", "two"):
        soundfile.write(tmp_path / f"{name}.wav", tone(0.5), 16000)
    (tmp_path / "one.txt").write_text("Set it to fifty percent.", "utf-8")
    (tmp_path / "two.txt").write_text("stop the music now", "utf-8")
    answers = iter(["set it to 50%", "stop music now"])
    (errors,) = list(run(find_clips(tmp_path), {"fake": lambda sound: next(answers)}))[-1]
    assert (errors.word_errors, errors.words) == ([0, 1], [5, 4])
    assert errors.summary()["wer"] == pytest.approx(1 / 9, abs=1e-4)


def test_lists_of_transcripts(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("path\tsentence\none.wav\tHello there\n", "utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps({"audio": "two.wav", "text": "Goodbye"}) + "\n", "utf-8")
    assert [(clip.path.name, clip.text) for clip in find_clips(tmp_path)] == [("one.wav", "Hello there"), ("two.wav", "Goodbye")]
    with pytest.raises(ConfigError, match="no transcripts"):
        find_clips(tmp_path / "nothing")


def test_sentences_that_are_commands_are_left_out(tmp_path: Path, private_home: Path) -> None:
    from assistant.home import load_home

    file = tmp_path / "sentences.txt"
    file.write_text("Turn on the kitchen light\nwho wrote hamlet\n\nmy sister likes tea\n", "utf-8")
    assert len(read_sentences(file)) == 3
    chosen, commands = other_sentences([file], Understanding(load_home()), 3, 0)
    assert sorted(chosen) == ["my sister likes tea", "who wrote hamlet"] and commands == 1


def test_every_kind_of_noise_is_listened_to() -> None:
    rows = list(
        listen(noises((), 1.0, lambda path: tone(1)), FakeVad(), 0.5, lambda sound: "no" if np.abs(sound).max() > 9000 else "")
    )[-1]
    assert sum(row["pieces"] for row in rows.values()) == 12
    assert rows["digital silence"]["texts"] == 0 == rows["digital silence"]["taken_for_speech"]
    assert all(row["seconds"] == 5 * row["pieces"] for row in rows.values())
