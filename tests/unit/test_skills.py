"""The decorator, the registry, the user's own skills, and the example of the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from assistant.errors import SkillError
from assistant.home import load_home
from assistant.intents import Intent
from assistant.skills import MemoryVolume, NoSlots, Reply, Services, Skill, registry, skill
from assistant.skills.registry import Skills
from assistant.timers import Timers
from assistant.understanding import Understanding
from tests.unit.clocks import HandClock

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@dataclass
class NothingSaid:
    last_reply: str = ""


@pytest.fixture
def services(tmp_path: Path) -> Services:
    clock = HandClock()
    return Services(clock, Timers(tmp_path / "timers.sqlite", clock), load_home(), MemoryVolume(), NothingSaid())


@dataclass(frozen=True)
class Cup:
    size: str
    count: int = 1
    milk: float | None = None
    hot: bool = False


@skill("Coffee", sentences=["make [me] [a] {size} coffee"], lists={"size": ["small", "large"]})
async def coffee(slots: Cup, services: Services) -> Reply:
    return Reply(f"{slots!r}")


@skill("Broken")
async def broken(slots: NoSlots, services: Services) -> Reply:
    raise ZeroDivisionError


@skill("Refuses")
async def refuses(slots: NoSlots, services: Services) -> Reply:
    raise SkillError("The machine is empty.")


def run(skills: Skills, name: str, **slots: Any) -> str:
    return anyio.run(skills.run, Intent(name, slots)).text


def test_slots_are_converted(services: Services) -> None:
    skills = Skills(services, extra=[coffee])
    assert run(skills, "Coffee", size="large", count="2", milk=3, hot=1, unknown="x") == repr(Cup("large", 2, 3.0, True))
    assert run(skills, "Coffee", size=3) == repr(Cup("3"))


@pytest.mark.parametrize("slots", [{}, {"size": "large", "count": "two"}, {"size": "large", "count": 1.5}])
def test_slots_that_do_not_fit_are_a_polite_sentence(services: Services, slots: dict[str, Any]) -> None:
    with pytest.raises(SkillError, match=r"^I understood what to do, but not the (size|count)\.$"):
        run(Skills(services, extra=[coffee]), "Coffee", **slots)


def test_its_own_sentences_are_understood(services: Services) -> None:
    skills = Skills(services, extra=[coffee])
    understanding = Understanding(load_home(), skills.sentences)
    (intent,) = understanding.understand("Could you make me a large coffee, please?").intents
    assert (intent.name, dict(intent.slots)) == ("Coffee", {"size": "large"})


def test_what_a_skill_refuses_is_said(services: Services) -> None:
    with pytest.raises(SkillError, match="The machine is empty"):
        run(Skills(services, extra=[refuses]), "Refuses")


def test_a_broken_skill_is_an_apology(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SkillError, match="something went wrong"):
        run(Skills(services, extra=[broken]), "Broken")
    assert "ZeroDivisionError" in caplog.text
    assert "test_skills.py" in caplog.text


def test_an_unknown_intent_is_an_apology(services: Services) -> None:
    with pytest.raises(SkillError, match="cannot do that yet"):
        run(Skills(services), "DanceTango")


def test_the_decorator_refuses_what_is_no_skill() -> None:
    with pytest.raises(TypeError, match="async"):

        @skill("X")
        def plain(slots: NoSlots, services: Services) -> Reply:  # type: ignore[arg-type]
            return Reply("")

    with pytest.raises(TypeError, match="two arguments"):

        @skill("X")
        async def lonely(slots: NoSlots) -> Reply:  # type: ignore[arg-type]
            return Reply("")

    with pytest.raises(TypeError, match="dataclass"):

        @skill("X")
        async def loose(slots: dict, services: Services) -> Reply:  # type: ignore[type-arg]
            return Reply("")

    with pytest.raises(TypeError, match="needs the name"):
        skill()


BROKEN = {
    "syntax.py": ("def f(:\n    pass\n", "syntax.py:1: SyntaxError"),
    "name.py": ("import math\n\nx = maths.pi\n", "name.py:3: NameError"),
    "wrong.py": (
        "from assistant.skills import skill\n\ndef f(slots, services):\n    pass\n\nf = skill('X')(f)\n",
        "wrong.py:6: TypeError: a skill must be an async function",
    ),
    "empty.py": ("x = 1\n", "empty.py:1: no skill in this file"),
}


def test_errors_in_a_users_files_are_told_with_file_and_line(services: Services, tmp_path: Path) -> None:
    for name, (text, _) in BROKEN.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "good.py").write_text((EXAMPLES / "skill_dice.py").read_text())
    skills = Skills(services, folder=tmp_path)
    assert len(skills.problems) == len(BROKEN)
    for _, message in BROKEN.values():
        assert any(f"{tmp_path}/{message}" in problem for problem in skills.problems), skills.problems
    assert run(skills, "RollDice").startswith("You rolled")


def test_a_missing_folder_is_no_problem(services: Services, tmp_path: Path) -> None:
    assert Skills(services, folder=tmp_path / "none").problems == ()


def test_skills_of_other_packages(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        value = "package:coffee"

        def __init__(self, result: object) -> None:
            self.result = result

        def load(self) -> object:
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

    points = [Point(coffee), Point(ImportError("gone"))]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "assistant.skills" else [])
    skills = Skills(services)
    assert "Coffee" in skills.names
    assert skills.problems == ("package:coffee: ImportError: gone",)


def test_every_built_in_sentence_has_a_skill(services: Services) -> None:
    import yaml

    from assistant.understanding.grammar import HA_INTENTS, OWN_SENTENCES

    ours = set(yaml.safe_load(OWN_SENTENCES.read_text())["intents"])
    assert (ours | HA_INTENTS) - {"Again"} <= Skills(services).names


def test_the_example_of_the_documentation(services: Services) -> None:
    skills = Skills(services, folder=EXAMPLES)
    assert skills.problems == ()
    (intent,) = Understanding(load_home(), skills.sentences).understand("Please roll two dice.").intents
    assert (intent.name, dict(intent.slots)) == ("RollDice", {"count": 2})
    reply = anyio.run(skills.run, intent)
    assert reply.text.startswith("You rolled ")
    assert all(1 <= int(number) <= 6 for number in reply.text[len("You rolled ") : -1].split(" and "))


def test_the_example_is_short() -> None:
    assert len((EXAMPLES / "skill_dice.py").read_text().splitlines()) <= 20


def test_a_skill_can_be_called(services: Services) -> None:
    assert isinstance(coffee, Skill)
    assert anyio.run(coffee, Cup("small"), services).text == repr(Cup("small"))
