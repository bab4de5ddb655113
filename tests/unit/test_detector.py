"""The detector that ships: what its training asks of which cells, overlaps, and the file against the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.engines import cells as engine_cells
from assistant.engines.boxes import COCO, overlap
from assistant.engines.session import OnnxSession
from assistant.engines.vision_own import GRAPH, LABELS, OwnVision

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("cv2")

from models.detector import data, export, network, train  # noqa: E402

SIDE = engine_cells.SIDE


def test_engine_and_training_agree() -> None:
    assert SIDE == 416 and len(LABELS) == 82 and LABELS[80:] == data.OWN == ("lamp", "ceiling fan")
    places, strides = network.cells()
    assert np.allclose(engine_cells.PLACES, places.numpy()) and np.allclose(engine_cells.STRIDE, strides.numpy())
    raw = np.random.default_rng(0).normal(size=(len(places), 7)).astype(np.float32)
    corners = train.decode(torch.from_numpy(raw[:, :4]), places, strides).numpy()
    assert np.allclose(engine_cells.decoded(raw, 2.0).corners, corners / 2, rtol=1e-4, atol=1e-3)
    assert GRAPH.stat().st_size < 5e6


def test_it_begins_as_the_published_network(fetch: Any, registry: Any) -> None:
    fetch("yolox-nano")
    published = registry.path("yolox-nano") / "yolox_nano.onnx"
    begun = network.Detector(len(LABELS)).eval()
    begun.load_published(published)
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, SIDE, SIDE)).astype(np.float32)
    session = OnnxSession(published)
    expected = session.run({session.inputs[0]: np.ascontiguousarray(picture[:, ::-1])})[session.outputs[0]][0]
    with torch.no_grad():
        found = export.Seen(begun)(torch.from_numpy(picture))[0].numpy()
    assert np.abs(found[:, :85] - expected).max() < 1e-3
    assert found[:, 85:].max() < 0.05  # lamps and fans are rare at first


def test_a_cell_learns_the_box_it_is_in() -> None:
    places, strides = network.cells()
    boxes = torch.tensor([[40.0, 40, 90, 100], [20, 20, 300, 310]])
    who = train.assign(boxes, places, strides)
    assert set(who[strides[:, 0] == 8].tolist()) == {-1, 0} and 1 in who[strides[:, 0] == 32].tolist()
    near = (places + 0.5) * strides
    assert ((near[who == 0] > boxes[0, :2]) & (near[who == 0] < boxes[0, 2:])).all()
    assert (train.assign(torch.zeros(0, 4), places, strides) == -1).all()


def test_overlaps_of_pairs() -> None:
    one, other = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1]]), torch.tensor([[1.0, 0, 3, 2], [3, 0, 4, 1]])
    plain, generalised = train.overlaps(one, other)
    assert plain.tolist() == pytest.approx([1 / 3, 0]) and generalised.tolist() == pytest.approx([1 / 3, -0.5])
    assert overlap(one[0].numpy(), other.numpy())[0] == pytest.approx(1 / 3)


def test_a_perfect_answer_costs_nothing() -> None:
    places, strides = network.cells()
    boxes, kinds = torch.tensor([[30.0, 50, 130, 120]]), torch.tensor([LABELS.index("lamp")])
    who = train.assign(boxes, places, strides)
    seen = torch.full((1, len(places), len(LABELS) + 5), -12.0)  # the teacher sees nothing
    seen[..., :4] = 0
    raw = seen.clone()
    raw[0, who == 0, 4] = raw[0, who == 0, 5 + kinds[0]] = 12
    middle, size = (boxes[0, :2] + boxes[0, 2:]) / 2, boxes[0, 2:] - boxes[0, :2]
    raw[0, who == 0, :2], raw[0, who == 0, 2:4] = (middle / strides - places)[who == 0], (size / strides).log()[who == 0]
    wrong = raw.clone()
    wrong[0, who == 0, 5 + kinds[0]], wrong[0, who == 0, 5] = -12, 12
    target = [(boxes, kinds)]
    assert train.loss(raw, seen, target) < 0.1 < 1 < train.loss(wrong, seen, target)


def test_what_the_teacher_sees_is_kept() -> None:
    nothing = [(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))]
    seen = torch.full((1, len(network.cells()[0]), len(LABELS) + 5), -12.0)
    seen[0, 100, 4] = seen[0, 100, 5 + COCO.index("cup")] = 12
    moved = seen.clone()
    moved[0, 100, :4] += 1
    assert train.loss(seen, seen, nothing) < 0.5 < 1 < train.loss(moved, seen, nothing)


def test_composed_pictures_have_their_things_inside() -> None:
    pixels = np.full((90, 120, 3), 255, np.uint8)
    pixels[20:70, 30:90] = (200, 30, 30)
    photo = [
        data.Photo(name, pixels, np.asarray([[30, 20, 90, 70]], np.float32), np.asarray([2]), False) for name in ("coco/a", "b")
    ]
    random = np.random.default_rng(0)
    seen = 0
    for _ in range(40):
        picture, boxes, kinds = data.compose(random, photo)
        assert picture.shape == (SIDE, SIDE, 3) and len(boxes) == len(kinds)
        for x1, y1, x2, y2 in boxes.astype(int):
            assert 0 <= x1 < x2 <= SIDE and 0 <= y1 < y2 <= SIDE
            red = picture[y1:y2, x1:x2].astype(int)
            seen += (red[..., 0] - red[..., 1]).mean() > 60 or np.ptp(red.mean(axis=(0, 1))) < 3
    assert seen > 30


def test_the_file_computes_what_the_network_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = export.Seen(network.Detector(len(LABELS))).eval()
    path = tmp_path / "float.onnx"
    torch.onnx.export(
        small, (torch.zeros(1, 3, SIDE, SIDE),), str(path), input_names=["picture"], output_names=["cells"], dynamo=False
    )
    whole = path.stat().st_size
    (tmp_path / "int8.onnx").write_bytes(export.quantised(onnx.load(str(path))).SerializeToString())
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, SIDE, SIDE)).astype(np.float32)
    expected = small(torch.from_numpy(picture)).detach().numpy()
    found = OnnxSession(tmp_path / "int8.onnx").run({"picture": picture})["cells"]
    assert np.abs(found - expected).max() < 0.05 * max(1.0, float(np.abs(expected).max()))
    assert (tmp_path / "int8.onnx").stat().st_size < 0.35 * whole


def test_it_knows_a_lamp(shared_data: Path) -> None:
    from device.picture import read_picture

    folder = shared_data / "vision/objects/caltech101/lamp"
    photos = [path for path in sorted(folder.glob("*.jpg")) if data._photo(f"lamp/{path.stem}", *[None] * 3).test]  # type: ignore[arg-type]
    engine = OwnVision()
    best = [next(iter(engine.look(read_picture(path)).objects), None) for path in photos]
    assert len(photos) >= 5 and np.mean([thing is not None and thing.label == "lamp" for thing in best]) > 0.5
