"""The shopping list and the list of what is to be done."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from assistant.errors import SkillError
from assistant.lists import LISTS_FILE, Lists
from assistant.skills import lists as skills
from tests.unit.talk import Talk


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


def test_a_shopping_list_from_the_first_thing_to_the_empty_list(talk: Talk) -> None:
    for said, answer in (
        ("what's on my shopping list", "The shopping list is empty."),
        ("add milk to my shopping list", "I put milk on the shopping list."),
        ("Could you put milk, eggs, and some bread on the list?", "I put eggs and bread on the shopping list."),
        ("add milk to the grocery list", "The shopping list has milk already."),
        ("we need to buy two bottles of wine", "I put 2 bottles of wine on the shopping list."),
        ("what do we need to buy", "On the shopping list: milk, eggs, bread and 2 bottles of wine."),
        ("Tell me what is on the list.", "On the shopping list: milk, eggs, bread and 2 bottles of wine."),
        ("is there any milk on the list", "Yes, the shopping list has milk."),
        ("are bananas on the shopping list", "No, the shopping list has no bananas."),
        ("take the egg off the shopping list", "I took eggs off the shopping list."),
        ("cross off the bananas from the list", "The shopping list has no bananas."),
        ("put it on the list", "Say what it is, and that it belongs on the shopping list."),
        ("buy me a cake", "I put cake on the shopping list."),
        ("take off the cake from the list", "I took cake off the shopping list."),
        ("clear the shopping list", "Do you want me to take all three things off the shopping list?"),
        ("no", "OK, I leave it."),
        ("empty my list", "Do you want me to take all three things off the shopping list?"),
        ("yes", "The shopping list is empty."),
        ("read me the shopping list", "The shopping list is empty."),
    ):
        assert talk.reply(said) == answer


def test_what_follows_something_about_a_list_is_about_it(talk: Talk) -> None:
    for said, answer in (
        ("put bread on the to-do list and take off milk", "I put bread on the to-do list. The to-do list has no milk."),
        ("put bread on the shopping list and then good night", "I put bread on the shopping list. Goodbye."),
        ("put salt on the shopping list, and pepper", "I put salt and pepper on the shopping list."),
        ("take salt off the list and pepper", "I took salt and pepper off the shopping list."),
        ("add milk", "I put milk on the shopping list."),
        ("and eggs", "I put eggs on the shopping list."),
        ("please add olives", "I put olives on the shopping list."),
        ("olive oil too", "I put olive oil on the shopping list."),
        ("take off eggs", "I took eggs off the shopping list."),
        ("cross bread off", "I took bread off the shopping list."),
        ("what's on the list", "On the shopping list: milk, olives and olive oil."),
        ("remove olive oil", "I took olive oil off the shopping list."),
        ("is there any milk on the list", "Yes, the shopping list has milk."),
        ("take it off", "I took milk off the shopping list."),
        ("add it", "I put milk on the shopping list."),
        ("and good night", "Goodbye."),
    ):
        assert talk.reply(said) == answer


@pytest.mark.parametrize("said", ["and you are great", "and what is the capital of france", "add milk"])
def test_nothing_is_put_on_a_list_that_was_not_talked_about(talk: Talk, said: str) -> None:
    if not said.startswith("add"):
        talk.say("put bread on the shopping list")
    assert "shopping list" not in talk.reply(said)


def test_what_is_to_be_done_is_another_list(talk: Talk) -> None:
    assert talk.reply("add call my mum and dad to my to-do list") == "I put call your mum and dad on the to-do list."
    assert talk.reply("what do I have to do") == "On the to-do list: call your mum and dad."
    assert talk.reply("what should we buy") == "The shopping list is empty."
    assert talk.reply("remove call my mum and dad from my to do list") == "I took call your mum and dad off the to-do list."


def test_which_lists_there_are(talk: Talk) -> None:
    answer = "There is the shopping list with nothing on it and the to-do list with nothing on it."
    assert talk.reply("what are my lists") == answer
    talk.say("buy milk and eggs")
    talk.say("add call mum to my to-do list")
    assert talk.reply("which lists do I have") == "There is the shopping list with two things and the to-do list with one thing."


@pytest.mark.parametrize("said", ["buy milk and turn on the kitchen light", "turn on the kitchen light and buy milk"])
def test_a_thing_to_buy_is_not_another_command(talk: Talk, said: str) -> None:
    talk.say(said)
    assert talk.reply("read the list") == "On the shopping list: milk."
    assert talk.states()["light.kitchen_light"] == "on"


def test_a_long_list_is_not_read_to_the_end(talk: Talk) -> None:
    talk.say("buy " + " and ".join(f"thing {number}" for number in range(skills.MOST_READ + 3)))
    assert talk.reply("read the list").endswith("thing 11 and three more.")


def test_a_list_is_there_after_a_start_and_gone_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "state" / LISTS_FILE
    lists = Lists(file)
    assert lists.add("shopping", ["milk", "Käse", "milk"]) == ("milk", "Käse")
    assert Lists(file).things("shopping") == ("milk", "Käse")
    file.unlink()  # `assistant forget`
    assert lists.things("shopping") == ()
    assert lists.add("shopping", ["tea"]) == ("tea",) == Lists(file).things("shopping")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"lists": 3}', '{"lists": {"shopping": 3}}', "\x80"])
def test_a_damaged_file_is_moved_aside(tmp_path: Path, damage: str) -> None:
    file = tmp_path / LISTS_FILE
    file.write_text(damage, encoding="latin-1")
    lists = Lists(file)
    assert lists.things("shopping") == ()
    lists.add("shopping", ["milk"])
    assert Lists(file).things("shopping") == ("milk",)
    assert (tmp_path / f"{LISTS_FILE}.damaged-1").read_text("latin-1") == damage


def test_what_cannot_be_kept_is_said_and_not_pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Lists(tmp_path / LISTS_FILE)
    lists.add("shopping", ["milk"])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("assistant.lists.write_once", full)
    with pytest.raises(SkillError, match="disk is full"):
        lists.remove("shopping", ["milk"])
    assert lists.things("shopping") == ("milk",)
