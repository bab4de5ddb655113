"""Our change to Whisper's weights: adding it, a damaged file, writing it, and that it can be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.bench_echo import own_speech
from assistant.engines.tts_hibari import HibariTts
from assistant.engines.whisper_change import changed
from assistant.engines.whisper_weights import GRAPHS, Recipe
from assistant.errors import ModelError
from assistant.registry import Registry

CHANGE = GRAPHS / "whisper-tiny.en.babble.change.npz"


@pytest.fixture
def change(tmp_path: Path) -> Path:
    """Adds 0.5 x [[1], [2], [3]] @ [[10, 20]] to "a" and 0.25 x [[8, -4]] to "b"."""
    path = tmp_path / "change.npz"
    low = {"a:up": np.array([[1], [2], [3]], np.int16), "a:down": np.array([[10, 20]], np.int8), "a:step": np.float64(0.5)}
    np.savez(path, allow_pickle=False, **low, **{"b:whole": np.array([[8, -4]], np.int16), "b:step": np.float64(0.25)})
    return path


def variables() -> dict[str, np.ndarray]:
    return {"a": np.ones((3, 2), np.float16), "b": np.zeros((1, 2), np.float32), "c": np.arange(3, dtype=np.float16)}


def test_what_is_in_the_file_is_added_and_nothing_else(change: Path) -> None:
    published = variables()
    result = changed(published, change)
    np.testing.assert_array_equal(result["a"], [[6, 11], [11, 21], [16, 31]])
    np.testing.assert_array_equal(result["b"], [[2, -1]])
    assert result["c"] is published["c"] and result["a"].dtype == result["b"].dtype == np.float32
    np.testing.assert_array_equal(published["a"], 1)


def test_a_damaged_or_foreign_file_is_a_model_error(change: Path) -> None:
    with pytest.raises(ModelError, match="install the assistant again"):
        changed({"a": np.ones((3, 2), np.float16)}, change)
    with pytest.raises(ModelError, match="install the assistant again"):
        changed(variables() | {"a": np.ones((3, 3), np.float16)}, change)
    whole = change.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"garbage " * 40):
        change.write_bytes(damaged)
        with pytest.raises(ModelError, match="install the assistant again"):
            changed(variables(), change)
    change.unlink()
    with pytest.raises(ModelError, match="install the assistant again"):
        changed(variables(), change)


def test_the_sums_of_the_change_that_ships_are_exact() -> None:
    """Whole numbers below 2^53, so no order of adding them differs; and it changes the encoder alone."""
    with np.load(CHANGE, allow_pickle=False) as stored:
        parts = {key: stored[key] for key in stored.files}
    names = {key.rpartition(":")[0] for key in parts}
    assert len(names) == 21
    assert all(name.startswith("encoder/") or name.endswith("/attention/linear_1/weight") for name in names)
    for name in names - {"encoder/conv1/weight"}:
        up, down = (np.abs(parts[f"{name}:{kind}"].astype(np.float64)) for kind in ("up", "down"))
        assert (up @ down).max() < 2**53
        assert parts[f"{name}:up"].dtype == np.int16 and parts[f"{name}:down"].dtype == np.int8


def test_a_new_change_is_prepared_anew(tmp_path: Path) -> None:
    """The cache's key knows the change, so an update of the assistant does not go on with the old weights."""
    recipe = GRAPHS / "whisper-tiny.en.babble.weights.json"
    for name in (recipe.name, CHANGE.name, *Recipe.load(recipe).graphs):
        (tmp_path / name).write_bytes((GRAPHS / name).read_bytes())
    key = Recipe.load(tmp_path / recipe.name).key
    assert key == Recipe.load(recipe).key
    (tmp_path / CHANGE.name).write_bytes(CHANGE.read_bytes() + b"\0")
    assert Recipe.load(tmp_path / recipe.name).key != key


def test_it_is_written_as_it_was_learned(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs torch: pip install 'edge-assistant[train]'")
    from models.whisper.save_change import learned, whole_numbers

    random = np.random.default_rng(4)
    up, down, whole = (random.standard_normal(shape) for shape in ((30, 4), (4, 20), (6, 5, 3)))
    path = tmp_path / "change.npz"
    np.savez(path, allow_pickle=False, **whole_numbers({"a:down": down, "a:up": up, "b:whole": whole}, 0.6))
    result = changed({"a": np.zeros((30, 20)), "b": np.ones((6, 5, 3))}, path)
    wanted = 0.6 * up @ down
    assert np.linalg.norm(result["a"] - wanted) < 0.01 * np.linalg.norm(wanted)
    np.testing.assert_allclose(result["b"], 1 + 0.6 * whole, atol=1e-4)
    again = learned(path, 0.6)
    product = again["a:up"].double().numpy() @ again["a:down"].double().numpy()
    np.testing.assert_allclose(0.6 * product, result["a"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(again["b:whole"], whole, atol=1e-4)


def test_it_learns(tmp_path: Path, registry: Registry) -> None:
    """Some steps on one lesson: the loss falls, and what was learned is what the runtime then adds."""
    torch = pytest.importorskip("torch", reason="training needs torch: pip install 'edge-assistant[train]'")
    from models.whisper.lessons import Lessons, Listener, Teacher, surroundings
    from models.whisper.save_change import whole_numbers
    from models.whisper.sounds import CROWDS, SHORT, Voices
    from models.whisper.torch_model import TorchWhisper
    from models.whisper.train_encoder import ChangedWhisper, Stage, features, loss_of, train

    torch.manual_seed(0)
    speech = [own_speech(HibariTts(), 12.0)]
    voices = Voices(speech, speech, speech)
    teacher = Teacher(registry.path("whisper-tiny.en"))
    texts = teacher.texts(voices, SHORT, 2, seed=0)
    whisper = ChangedWhisper(teacher.published, rank=4)
    lessons = Lessons(texts, surroundings(voices, CROWDS, 2, seed=0), (3.0, 10.0), seed=0)
    lesson = lessons.draw(2)
    before = float(loss_of(lesson, Listener(whisper)))
    output = tmp_path / "change.pt"
    train(whisper, [lessons], Stage(CROWDS, (3.0, 10.0), 12, 1e-3), output, batch=2)
    assert float(loss_of(lesson, Listener(whisper))) < before
    state = {name: value.double().numpy() for name, value in torch.load(output, weights_only=True).items()}
    np.savez(tmp_path / "change.npz", allow_pickle=False, **whole_numbers(state, 1.0))
    shipped = TorchWhisper(changed(teacher.published, tmp_path / "change.npz"), torch.float32)
    with torch.no_grad():
        wanted, found = (model.listen(features(lesson.logs)) for model in (whisper, shipped))
    assert float((found - wanted).norm() / wanted.norm()) < 0.01
