"""The intent model's data recipe: wordings, splits, tags, what is right in a scene, and how things are followed over pictures."""

from __future__ import annotations

import random

import numpy as np
import pytest

from assistant.engines import SeenObject, Sight
from assistant.engines.boxes import COCO
from assistant.engines.sight_memory import FRAMES, MOST_OBJECTS, TRACKS, remember

pytest.importorskip("cv2", reason="the extra `camera` is not installed")
from models.intent import sentences as text
from models.intent.labels import FAMILIES, HOME_INTENTS, INTENTS, SLOTS, action_intent
from models.intent.noise import noisy
from models.intent.questions import Asker, imagine, learn_bank
from models.intent.scene import Scene, Truth


def thing(label: str, box: tuple[float, float, float, float], score: float = 0.9) -> SeenObject:
    scores = np.full(80, 1e-3, np.float32)
    scores[COCO.index(label)] = score
    return SeenObject(label, score, box, scores, scores[:0])


LEFT, RIGHT = (0.05, 0.3, 0.3, 0.6), (0.7, 0.3, 0.95, 0.6)


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_every_family_has_sixty_wordings_and_keeps_some_for_testing(family: str) -> None:
    trained, tested = text.wordings(family, False), text.wordings(family, True)
    assert len(set(trained) | set(tested)) == len(trained) + len(tested) >= 60
    assert len(tested) >= 10


def test_training_and_test_sentences_share_no_wording() -> None:
    trained = {one.group for one in text.wording_sentences(COCO, False, 3, 1)}
    tested = {one.group for one in text.wording_sentences(COCO, True, 3, 1)}
    assert trained and tested and not trained & tested


def test_every_word_has_a_tag_that_the_model_knows() -> None:
    sentences = noisy(
        text.home_sentences(20, 3) + text.paraphrases(2, 3) + text.wording_sentences(COCO, False, 2, 3), 4, 0.5, 0.5
    )
    for one in sentences:
        assert len(one.tags) == len(one.text.split()), one
        assert {tag[2:] for tag in one.tags if tag != "O"} <= set(SLOTS)
        assert one.intent in INTENTS or one.intent == text.ANY
    assert {one.intent for one in sentences} >= set(HOME_INTENTS)


def test_the_same_seed_gives_the_same_sentences() -> None:
    assert text.home_sentences(5, 8) == text.home_sentences(5, 8) != text.home_sentences(5, 9)


def test_a_name_stands_where_the_wording_has_its_place() -> None:
    sentence = text.fill("how many <obj>s are there", "count", "wine glass", random.Random(1))
    assert sentence.text == "how many wine glasses are there"
    assert sentence.tags == ("O", "O", "B-object", "I-object", "O", "O")


def ask(scene: Scene, family: str, times: int = 60) -> list:
    asker = Asker(True, text.home_sentences(1, 1), 3)
    return [row for row in (asker.ask(scene, family) for _ in range(times)) if row is not None]


def test_what_turn_it_up_means_depends_on_the_thing() -> None:
    assert action_intent("up", "tv") == "HassSetVolumeRelative"
    assert action_intent("up", "oven") == "HassClimateSetTemperature"
    assert action_intent("off", "cup") == "Clarify"


def test_the_right_answer_follows_from_what_is_there() -> None:
    truth = (Truth("tv", LEFT), Truth("laptop", RIGHT))
    scene = Scene((Sight((thing("laptop", RIGHT), thing("tv", LEFT))),), truth, "test")
    rows = [row for row in ask(scene, "off") if row.side in ("left", "right")]
    assert rows
    for row in rows:
        assert row.intent == "HassTurnOff"
        assert int(row.pointer.argmax()) == (1 if row.side == "left" else 0)
        assert row.side in row.sentence.text


def test_what_no_picture_shows_is_asked_back_in_training_but_counts_as_wrong() -> None:
    scene = Scene((Sight(()),), (Truth("tv", LEFT),), "test")
    for row in ask(scene, "off", 10):
        assert (row.intent, row.learned) == ("HassTurnOff", "Clarify")
        assert row.pointer[-1] == 1


def test_counting_counts_what_is_there() -> None:
    scene = Scene((Sight((thing("cup", LEFT),)),), (Truth("cup", LEFT), Truth("cup", RIGHT)), "test")
    counted = [row.count for row in ask(scene, "count") if "cup" in row.sentence.text or "mug" in row.sentence.text]
    assert counted and set(counted) == {2}


def test_imagined_scenes_miss_things_as_often_as_the_detector() -> None:
    seen = [Scene((Sight((thing("tv", LEFT),)),), (Truth("tv", LEFT), Truth("cup", RIGHT)), "test")] * 20
    bank = learn_bank(seen)
    assert bank.missed == pytest.approx(0.5)
    random_ = random.Random(1)
    scenes = [imagine(bank, random_) for _ in range(300)]
    there = sum(len(scene.truth) for scene in scenes)
    found = sum(len(scene.sights[-1].objects) for scene in scenes)
    assert 0.4 < found / there < 0.6


def test_a_thing_missed_for_a_moment_is_remembered() -> None:
    tv, cup = thing("tv", LEFT), thing("cup", RIGHT)
    tracks = remember([Sight((tv, cup)), Sight((thing("tv", (0.06, 0.31, 0.31, 0.61)),)), Sight((cup,))])
    assert tracks.shape == (FRAMES, TRACKS, 85)
    assert tracks[:, 0, 84].tolist() == [1, 0, 1], "the cup is track 0, as in the newest picture"
    assert tracks[:, MOST_OBJECTS, 84].tolist() == [1, 1, 0], "the tv is remembered behind the newest picture's things"


def test_nothing_seen_is_all_zeros() -> None:
    assert not remember([]).any()
    assert not remember([Sight(())]).any()
