"""The bench of a long day, for its first four minutes: one scene of each kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import app, bench_soak
from assistant.config import Config, folders


@pytest.fixture
def engines(tmp_path: Path) -> app.Engines:
    return app.load_engines(Config(), folders().model_copy(update={"state": tmp_path, "config": tmp_path}))


def test_every_request_of_four_minutes_is_noticed_and_understood(engines: app.Engines) -> None:
    result = bench_soak.soak(Config(), engines, 4 / 60, None)
    assert result["noticed_by_scene"] == dict.fromkeys(bench_soak.SCENES, "1/1")
    assert result["transcribed"] == result["requests"] == 4
    assert result["self_triggers"] == result["failures"] == result["dropped_seconds"] == 0
    assert result["memory_growth"] is None  # too short to say


def test_growth_is_between_the_medians_of_the_first_and_last_part() -> None:
    looks = [100.0] * 10 + [105.0, 300.0, 101.0] * 20 + [110.0] * 10
    medians = bench_soak._medians(looks)
    assert (medians[0], medians[-1], len(medians)) == (100, 110, bench_soak.MEMORY_PARTS)
