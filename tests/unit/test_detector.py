"""The small detector's training and export: what cells learn, overlaps, and the file against the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.engines.boxes import overlap
from assistant.engines.session import OnnxSession
from assistant.engines.vision_own import GRAPH, LABELS, SIDE, OwnVision, _cells

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("cv2")

from models.detector import data, export, network, train  # noqa: E402


def test_engine_and_training_agree() -> None:
    assert LABELS == data.LABELS and SIDE == network.SIDE
    centres, strides = _cells()
    expected = network.cells()
    assert np.allclose(centres, expected[0].numpy()) and np.allclose(strides, expected[1].numpy())
    assert GRAPH.stat().st_size < 5e6


def test_a_cell_learns_the_box_it_is_in() -> None:
    centres, strides = network.cells()
    boxes = torch.tensor([[40.0, 40, 90, 100], [20, 20, 300, 310]])
    who = train.assign(boxes, centres, strides)
    fine, coarse = who[:400], who[400:]
    assert set(fine.tolist()) == {-1, 0} and 1 in coarse.tolist()
    near = centres[:400][fine == 0]
    assert ((near > boxes[0, :2]) & (near < boxes[0, 2:])).all()
    assert (train.assign(torch.zeros(0, 4), centres, strides) == -1).all()


def test_overlaps_of_pairs() -> None:
    one, other = torch.tensor([[0.0, 0, 2, 2], [0, 0, 1, 1]]), torch.tensor([[1.0, 0, 3, 2], [3, 0, 4, 1]])
    plain, generalised = train.overlaps(one, other)
    assert plain.tolist() == pytest.approx([1 / 3, 0]) and generalised.tolist() == pytest.approx([1 / 3, -0.5])
    assert overlap(one[0].numpy(), other.numpy())[0] == pytest.approx(1 / 3)


def test_a_perfect_answer_costs_nothing() -> None:
    centres, strides = network.cells()
    boxes, kinds = torch.tensor([[30.0, 50, 130, 120]]), torch.tensor([3])
    who = train.assign(boxes, centres, strides)
    raw = torch.full((1, 500, len(LABELS) + 4), -12.0)
    raw[0, who == 0, 3] = 12
    distances = torch.cat([centres - boxes[0, :2], boxes[0, 2:] - centres], dim=1) / strides
    raw[0, :, -4:] = distances.clamp(min=1e-3).log()
    wrong = raw.clone()
    wrong[0, who == 0, 3], wrong[0, who == 0, 4] = -12, 12
    assert train.loss(raw, [(boxes, kinds)]) < 1e-3 < 1 < train.loss(wrong, [(boxes, kinds)])


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
    small = network.Detector(len(LABELS)).eval()
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
