"""Shared fixtures: the real default models, the shared recordings, and a private home so that no test touches the user's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.config import folders
from assistant.errors import ModelError
from assistant.factory import make_registry
from assistant.registry import Registry

SHARED_DATA = Path(os.environ.get("EDGE_ASSISTANT_DATA") or Path(__file__).parents[2] / "shared" / "data")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden event lists anew")


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The user's model registry with the default models in it; fetched now if they are not there yet."""
    found = make_registry(folders())
    for name in found.defaults():
        found.pull(name)
    return found


@pytest.fixture(scope="session")
def fetch(registry: Registry):
    """A model that is not a default: its folder, or a skip with the reason."""

    def pull(name: str) -> Path:
        try:
            return registry.pull(name)
        except ModelError as error:
            pytest.skip(f"{name}: {error}")

    return pull


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings and pictures; the tests that need them are skipped where they are missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no shared recordings at {SHARED_DATA}: set EDGE_ASSISTANT_DATA")
    return SHARED_DATA


@pytest.fixture
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Empty configuration, state and cache folders; the models of the real one."""
    models = folders().data
    monkeypatch.setenv("EDGE_ASSISTANT_HOME", str(tmp_path))
    (tmp_path / "data").symlink_to(models)
    yield tmp_path
