"""The image-aware intent engine as it ships: what it makes of sentences with and without things in view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.bench_intent import Answers, TestSet, by_intent, calibration, confusion, numbers, read_tests, share
from assistant.engines import IntentGuess, SeenObject, Sight
from assistant.engines.boxes import COCO
from assistant.engines.intent_fusion import FusionIntent
from assistant.engines.minilm_weights import prepare
from assistant.engines.word_pieces import WordPieces
from assistant.errors import ModelError


@pytest.fixture(scope="module")
def engine(fetch, tmp_path_factory: pytest.TempPathFactory) -> FusionIntent:
    return FusionIntent(fetch("minilm-l6"), tmp_path_factory.mktemp("cache"))


def thing(label: str, box: tuple[float, float, float, float], score: float = 0.8) -> SeenObject:
    scores = np.full(80, 1e-5, np.float32)  # as real detections have for the other classes
    scores[COCO.index(label)] = score
    return SeenObject(label, score, box, scores, scores[:0])


LEFT, RIGHT = (0.05, 0.3, 0.35, 0.7), (0.65, 0.3, 0.95, 0.7)
TV_AND_CUP = Sight((thing("tv", RIGHT), thing("cup", LEFT, 0.6)))


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("turn that off", True),
        ("what is this", True),
        ("is anyone there", True),
        ("turn off the kitchen light", False),
        ("set a timer for five minutes", False),
        ("what is the capital of france", False),
    ],
)
def test_it_looks_only_when_the_words_need_it(engine: FusionIntent, text: str, needed: bool) -> None:
    assert (engine.needs_image(text) > 0.5) == needed


def test_the_thing_in_view_decides_what_is_meant(engine: FusionIntent) -> None:
    guess = engine.parse("turn that off", [TV_AND_CUP])
    assert (guess.intent, guess.referent) == ("HassTurnOff", 0)
    assert engine.parse("turn that up", [TV_AND_CUP]).intent == "HassSetVolumeRelative"
    assert engine.parse("turn that up", [Sight((thing("oven", RIGHT),))]).intent == "HassClimateSetTemperature"


def test_it_asks_back_when_nothing_in_view_can_do_it(engine: FusionIntent) -> None:
    assert engine.parse("turn that off", [Sight((thing("cup", LEFT),))]).intent == "Clarify"
    assert engine.parse("turn that off", ()).intent == "Clarify"


@pytest.mark.parametrize(("side", "place"), [("left", 1), ("right", 0)])
def test_left_and_right(engine: FusionIntent, side: str, place: int) -> None:
    sight = Sight((thing("laptop", RIGHT), thing("tv", LEFT)))
    assert engine.parse(f"turn off the one on the {side}", [sight]).referent == place


def test_a_picture_cannot_harm_an_explicit_command(engine: FusionIntent) -> None:
    for text in ("turn off the kitchen light", "set the volume to 30 percent", "what time is it"):
        assert engine.parse(text, [TV_AND_CUP]) == engine.parse(text, ())


def test_people_are_seen_and_counted(engine: FusionIntent) -> None:
    people = Sight((thing("person", LEFT), thing("person", RIGHT)))
    seen = engine.parse("is anyone there", [people])
    assert seen.intent == "PresenceQuery" and seen.yes is not None and seen.yes > 0.5
    unseen = engine.parse("is anyone there", [TV_AND_CUP])
    assert unseen.yes is not None and unseen.yes < 0.5
    assert engine.parse("how many people are there", [people]).count == 2


def test_words_are_found_as_slots(engine: FusionIntent) -> None:
    assert ("name", "kitchen light") in engine.parse("set kitchen light brightness to 50%", ()).slots


def test_what_is_not_for_it_is_left_alone(engine: FusionIntent) -> None:
    assert engine.parse("what is the exchange rate of the dollar", ()).intent == "NotForMe"


def test_missing_and_wrong_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="assistant models pull minilm-l6"):
        FusionIntent(tmp_path, tmp_path)
    with pytest.raises(ModelError, match="is missing: run `assistant models pull minilm-l6`"):
        prepare(tmp_path / "model.safetensors", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not it")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        prepare(tmp_path / "model.safetensors", tmp_path / "cache")


def test_words_are_cut_as_in_bert(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "what", "'", "s", "turn", "##ed", "cafe", "50", "%"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n", "utf-8")
    encoded = WordPieces(tmp_path / "vocab.txt").encode("What's turned café 50% xyz")
    assert [words[place] for place in encoded.ids] == [
        "[CLS]", "what", "'", "s", "turn", "##ed", "cafe", "50", "%", "[UNK]", "[SEP]"
    ]  # fmt: skip
    assert encoded.words == (-1, 0, 0, 0, 1, 1, 2, 3, 3, 4, -1)


def test_the_shipped_test_set_is_whole() -> None:
    tests = read_tests()
    assert len(tests.rows) >= 1000
    for row in tests.rows:
        objects = tests.scenes[row["scene"]][-1].objects
        assert all(place < len(objects) for place in row["referents"])


def test_the_numbers_count_what_they_say() -> None:
    row = {
        "text": "t",
        "family": "off",
        "scene": 0,
        "intent": "A",
        "referents": [1],
        "meant": True,
        "yes": -1,
        "count": -1,
        "side": "",
    }
    tests = TestSet([row, {**row, "intent": "B"}], [(Sight(()),)], [])
    guesses = [IntentGuess("A", 0.9, referent=1), IntentGuess("A", 0.9, referent=None)]
    found = numbers(tests, Answers(guesses, [1.0, 1.0]))
    assert found["intent, deictic"]["right"] == found["referent"]["right"] == 0.5
    assert by_intent(tests, guesses)["A"] == {"precision": 0.5, "recall": 1.0, "f1": 0.667, "n": 1}
    assert confusion(tests, guesses) == [("B", "A", 1)]
    assert calibration(tests, guesses) == pytest.approx(0.4)
    assert share([])["n"] == 0
