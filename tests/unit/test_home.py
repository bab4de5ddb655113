"""The home in memory and the file that declares it."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from assistant.errors import ConfigError, SkillError
from assistant.events import Action
from assistant.home import Entity, MemoryHome, load_home, select


def test_the_default_home_is_sound() -> None:
    home = load_home()
    assert len(home.entities) == 13
    assert home.areas == ("living room", "kitchen", "bedroom", "hallway")
    assert home.here == "living room"
    assert {entity.domain for entity in home.entities} == {
        "light", "fan", "media_player", "cover", "climate", "switch", "lock", "sensor"
    }  # fmt: skip
    assert home.state("cover.blinds") == {"state": "open", "position": 100}
    assert home.state("lock.front_door") == {"state": "locked"}


def test_apply_changes_and_snapshot_copies() -> None:
    home = load_home()
    before = home.snapshot()
    anyio.run(home.apply, Action("light.kitchen_light", "brightness", 40))
    assert before["light.kitchen_light"]["state"] == "off"
    assert home.snapshot()["light.kitchen_light"] == {**before["light.kitchen_light"], "state": "on", "brightness": 40}


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (Action("light.desk_lamp", "color", "blue"), {"state": "on", "color": "blue"}),
        (Action("light.desk_lamp", "brightness", 0), {"state": "off"}),
        (Action("fan.bedroom_fan", "speed", 50), {"state": "on", "speed": 50}),
        (Action("cover.blinds", "position", 50), {"state": "open", "position": 50}),
        (Action("cover.blinds", "state", "closed"), {"state": "closed", "position": 0}),
        (Action("climate.heater", "temperature", 21.5), {"state": "on", "temperature": 21.5}),
        (Action("lock.front_door", "state", "unlocked"), {"state": "unlocked"}),
    ],
)
def test_attributes_follow_each_other(action: Action, state: dict[str, object]) -> None:
    home = load_home()
    anyio.run(home.apply, action)
    assert state.items() <= home.state(action.target).items()


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        (Action("light.nowhere", "state", "on"), "not in this home"),
        (Action("light.desk_lamp", "speed", 5), "cannot do that with the desk lamp"),
        (Action("light.desk_lamp", "state", "open"), "cannot do that"),
        (Action("climate.heater", "temperature", 50), "takes a temperature from five to thirty-five"),
        (Action("sensor.bedroom_thermometer", "state", 5), "cannot do that"),
    ],
)
def test_what_cannot_be_done_is_said(action: Action, sentence: str) -> None:
    with pytest.raises(SkillError, match=sentence):
        anyio.run(load_home().apply, action)


def test_select() -> None:
    entities = load_home().entities
    assert [entity.name for entity in select(entities, name="Television")] == ["tv"]
    assert [entity.name for entity in select(entities, area="bedroom", domain="light")] == ["bedroom lamp", "desk lamp"]
    assert [entity.name for entity in select(entities, kind="garage")] == ["garage door"]


def test_a_new_device_is_a_new_tuple() -> None:
    home = MemoryHome([])
    before = home.entities
    home.add(Entity("light.new", "new lamp", "light"))
    assert home.entities is not before
    assert home.state("light.new")["state"] == "off"


GOOD = '[[entity]]\nname = "lamp"\ndomain = "light"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("here = ", "not valid TOML"),
        ('[[entity]]\ndomain = "light"\n', 'entity 1 .*key "name" is missing'),
        ('[[entity]]\nname = "lamp"\n', 'key "domain" is missing'),
        ('[[entity]]\nname = "lamp"\ndomain = "ligth"\n', 'did you mean "light"'),
        (GOOD + 'aera = "kitchen"\n', 'key "aera" is unknown; did you mean "area"'),
        (GOOD + 'aliases = "lamp two"\n', "aliases must be a list"),
        (GOOD + GOOD, "the name 'lamp' belongs to both light.lamp and light.lamp"),
        (GOOD + '[[entity]]\nname = "fan"\ndomain = "fan"\naliases = ["Lamp"]\n', "the name 'Lamp' belongs to both"),
        (GOOD + 'state = { state = "open" }\n', "must be one of on, off"),
        (GOOD + "state = { brightness = 140 }\n", "must be from 0 to 100"),
        (GOOD + "state = { speed = 1 }\n", "a light has no 'speed'"),
        ('here = "atic"\n' + GOOD + 'area = "attic"\n', 'did you mean "attic"'),
        ("[entity]\n", "two brackets"),
        (
            '[[entity]]\nname = "a b"\ndomain = "light"\n[[entity]]\nname = "c"\ndomain = "light"\nid = "light.a_b"\n',
            "used twice",
        ),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "home.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_home(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_home(tmp_path / "none.toml")
