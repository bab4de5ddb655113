"""What every vision engine must do, on every registered one, and what the readers of text must do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant import factory
from assistant.bench_eyes import average_precision, read_photos
from assistant.config import Config, VisionConfig
from assistant.engines import ENGINES, MOST_OBJECTS, SeenObject, VisionEngine, engine_class
from assistant.engines.boxes import Boxes, letterbox, overlap, resized, sight_of, thinned
from assistant.engines.vision_yolox import Yolox
from assistant.errors import ModelError
from assistant.registry import Registry

LEAST_MAP50 = {"yolox": 0.4, "own": 0.4}
"""On the photos of COCO at hand: with a wrong channel order, decoding or letterbox it is below .1."""


@pytest.fixture(scope="module", params=sorted(ENGINES["vision"]))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def engine(name: str, fetch: Any, registry: Any) -> VisionEngine:
    if name == "yolox":
        fetch("yolox-nano")
    return factory.make_vision(Config(vision=VisionConfig(engine=name, also="")), registry)


@pytest.fixture(scope="module")
def pixels(shared_data: Path) -> Any:
    from device.picture import read_picture

    pytest.importorskip("cv2")
    return read_picture(shared_data / "vision/coco128_train/images/000000000110.jpg")


def same(one: SeenObject, other: SeenObject) -> bool:
    return one.label == other.label and one.box == other.box and bool((one.scores == other.scores).all())


def test_what_it_says_has_the_agreed_form(engine: VisionEngine, pixels: Any) -> None:
    sight = engine.look(pixels)
    assert 0 < len(sight.objects) <= MOST_OBJECTS
    assert [thing.score for thing in sight.objects] == sorted((thing.score for thing in sight.objects), reverse=True)
    sizes = {len(thing.feature) for thing in sight.objects}
    for thing in sight.objects:
        x1, y1, x2, y2 = thing.box
        assert 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 and 0 < thing.score <= 1
        assert thing.label in engine.labels
        assert (
            thing.scores.shape == (80,)
            and thing.scores.dtype == np.float32
            and 0 <= thing.scores.min() <= thing.scores.max() <= 1
        )
        assert thing.feature.dtype == np.float32 and thing.feature.ndim == 1
    assert len(sizes) == 1
    if sight.grid is not None:
        assert sight.grid.shape == (7, 7, *sizes) and sight.grid.dtype == np.float32


def test_the_same_picture_gives_the_same_result(engine: VisionEngine, pixels: Any) -> None:
    first, _, again = engine.look(pixels), engine.look(np.zeros_like(pixels)), engine.look(pixels)
    assert len(first.objects) == len(again.objects) and all(map(same, first.objects, again.objects))


def test_it_sees_the_people_at_the_table(engine: VisionEngine, pixels: Any) -> None:
    assert [thing.label for thing in engine.look(pixels).objects if thing.score > 0.3].count("person") >= 2


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (900, 40), (1080, 1920)])
def test_any_size_of_picture(engine: VisionEngine, shape: tuple[int, int]) -> None:
    assert not [thing for thing in engine.look(np.full((*shape, 3), 114, np.uint8)).objects if thing.score > 0.5]


def test_a_mirrored_picture_has_mirrored_boxes(engine: VisionEngine, pixels: Any) -> None:
    best = engine.look(pixels).objects[0]
    mirrored = np.asarray([1 - best.box[2], best.box[1], 1 - best.box[0], best.box[3]], np.float32)
    boxes = np.asarray([thing.box for thing in engine.look(np.ascontiguousarray(pixels[:, ::-1])).objects], np.float32)
    assert overlap(mirrored, boxes).max() > 0.7


def test_it_finds_what_people_marked(name: str, engine: VisionEngine, shared_data: Path) -> None:
    pytest.importorskip("cv2")
    if name not in LEAST_MAP50:
        pytest.fail(f"no bound for the vision engine {name!r}: measure it and add it here")
    photos = read_photos(shared_data / "vision/coco128_train")[::4]
    assert isinstance(engine.candidates(photos[0].pixels), Boxes)  # type: ignore[attr-defined]
    assert average_precision(engine.candidates, photos, engine.labels)["map50"] > LEAST_MAP50[name]  # type: ignore[attr-defined]


def test_a_second_engine_adds_what_the_first_cannot_name(fetch: Any, registry: Any, shared_data: Path) -> None:
    from device.picture import read_picture

    fetch("yolox-nano")
    both = factory.make_vision(Config(), registry)
    assert len(both.labels) == 82 and {"lamp", "ceiling fan"} < set(both.labels)
    lamp = read_picture(shared_data / "vision/objects/caltech101/lamp/image_0005.jpg")
    sight = both.look(lamp)
    assert sight.objects[0].label == "lamp" and sight.objects[0].feature.shape == (86,)
    assert "lamp" not in [thing.label for thing in Yolox(registry.path("yolox-nano")).look(lamp).objects]


def test_without_the_download_the_built_in_detector_looks(tmp_path: Path) -> None:
    engine = factory.make_vision(Config(), Registry(tmp_path, mirror=""))
    assert type(engine).__name__ == "OwnVision"
    with pytest.raises(ModelError, match="assistant models pull"):
        factory.make_vision(Config(vision=VisionConfig(also="")), Registry(tmp_path, mirror=""))


def test_a_missing_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="assistant models pull"):
        Yolox(tmp_path)


def test_resizing_is_bilinear() -> None:
    cv2 = pytest.importorskip("cv2")
    picture = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    expected = cv2.resize(picture.astype(np.float32), (70, 40))
    assert np.abs(resized(picture, 40, 70) - expected).max() < 0.1
    assert np.abs(resized(np.full((500, 800, 3), 77, np.uint8), 50, 80) - 77).max() < 1e-3


def test_a_letterbox_keeps_the_shape() -> None:
    square, scale = letterbox(np.full((50, 100, 3), 200, np.uint8), 64)
    assert scale == 0.64 and (square[:32, :64] == 200).all() and (square[33:] == 114).all()


def test_overlapping_boxes_are_one_thing() -> None:
    corners = np.asarray([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 10]], np.float32)
    scores = np.zeros((4, 80), np.float32)
    scores[0, 0], scores[1, 0], scores[2, 0], scores[3, 62] = 0.9, 0.8, 0.7, 0.6
    kept = thinned(Boxes(corners, scores), 0.1)
    assert kept.corners.tolist() == [[0, 0, 10, 10], [20, 0, 30, 10]]


def test_a_crowd_does_not_hide_the_television() -> None:
    corners = np.asarray([[10 * place, 0, 10 * place + 9, 9] for place in range(12)], np.float32)
    scores = np.zeros((12, 80), np.float32)
    scores[:11, 0] = np.linspace(0.9, 0.5, 11)
    scores[11, 62] = 0.3
    labels = [thing.label for thing in sight_of(Boxes(corners, scores), (100, 200)).objects]
    assert labels == ["person"] * 7 + ["tv"]


@pytest.mark.parametrize("reader", sorted(ENGINES["reader"]))
def test_a_reader_reads_lines(reader: str) -> None:
    pytest.importorskip("rapidocr")
    draw, fonts, image = (pytest.importorskip(f"PIL.{part}") for part in ("ImageDraw", "ImageFont", "Image"))
    page = image.new("RGB", (640, 240), (250, 248, 240))
    for row, text in enumerate(("Bake at 180 degrees", "for 25 minutes")):
        draw.Draw(page).text((40, 40 + 90 * row), text, font=fonts.load_default(40), fill=(20, 20, 20))
    engine = engine_class("reader", reader)()
    assert engine.read(np.asarray(page)) == ["Bake at 180 degrees", "for 25 minutes"]
    assert engine.read(np.full((200, 200, 3), 120, np.uint8)) == []
