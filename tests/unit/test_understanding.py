"""What sentences mean, over the default home."""

from __future__ import annotations

import time

import pytest

from assistant.home import Entity, MemoryHome, load_home
from assistant.intents import Intent, Question
from assistant.understanding import Context, Sentences, Understanding
from tests.unit.sentences_heldout import HELD_OUT, HELD_OUT_2
from tests.unit.sentences_tuned import TUNED, Expected

HELD_OUT_MINIMUM = 142


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return Understanding(load_home())


def fits(intents: tuple[Intent, ...], expected: Expected) -> bool:
    """Right intents in the right order, and every expected slot right; further slots do not matter."""
    return [intent.name for intent in intents] == [name for name, _ in expected] and all(
        intent.slots.get(key) == value
        for intent, (_, slots) in zip(intents, expected, strict=True)
        for key, value in slots.items()
    )


@pytest.mark.parametrize(("text", "expected"), TUNED, ids=[text for text, _ in TUNED])
def test_tuned(understanding: Understanding, text: str, expected: Expected) -> None:
    intents = understanding.understand(text).intents
    assert fits(intents, expected), [(intent.name, dict(intent.slots)) for intent in intents]


def test_held_out(understanding: Understanding) -> None:
    rows = [*HELD_OUT, *HELD_OUT_2]
    wrong = [text for text, expected in rows if not fits(understanding.understand(text).intents, expected)]
    assert len(rows) - len(wrong) >= HELD_OUT_MINIMUM, wrong


def names(understanding: Understanding, text: str, context: Context | None = None) -> list[tuple[str, object]]:
    return [(intent.name, intent.slots.get("name")) for intent in understanding.understand(text, context).intents]


@pytest.fixture(scope="module")
def crowded() -> Understanding:
    """Names that contain "and", names that sound alike, and no room to stand in."""
    lights = ("salt and pepper lamp", "desk lamp", "desk lamb", "fan light", "Light two")
    return Understanding(MemoryHome([Entity(f"light.{name}", name, "light", "office") for name in lights]))


def test_names_with_and_are_not_split(crowded: Understanding) -> None:
    assert names(crowded, "turn on the salt and pepper lamp") == [("HassTurnOn", "salt and pepper lamp")]
    assert names(crowded, "turn on the fan light and the salt and pepper lamp") == [
        ("HassTurnOn", "fan light"),
        ("HassTurnOn", "salt and pepper lamp"),
    ]
    assert names(crowded, "turn off the salt and pepper lamp then set the fan light to 20 percent") == [
        ("HassTurnOff", "salt and pepper lamp"),
        ("HassLightSet", "fan light"),
    ]


def test_numbers_in_names(crowded: Understanding) -> None:
    assert names(crowded, "turn on light two") == [("HassTurnOn", "Light two")]
    assert names(crowded, "turn on light 2") == [("HassTurnOn", "Light two")]


def test_ambiguous_names_are_asked_for_and_never_guessed(crowded: Understanding) -> None:
    (intent,) = crowded.understand("turn on the desk lamm").intents
    assert intent.name == "Clarify"
    assert intent.question is not None
    assert set(intent.question.options) == {"desk lamp", "desk lamb"}
    assert names(crowded, "turn on the desk lamp") == [("HassTurnOn", "desk lamp")]


def test_misspelt_names_are_less_sure(understanding: Understanding) -> None:
    assert understanding.understand("turn on the kitchen light").intents[0].confidence == 1.0
    assert understanding.understand("turn on the kitchen lite").intents[0].confidence == 0.8


def test_what_sounds_like_a_device_is_asked_for(understanding: Understanding) -> None:
    (intent,) = understanding.understand("turn off my phone").intents
    assert (intent.name, intent.slots["unknown"], intent.slots["choices"]) == ("Clarify", "phone", "the bedroom fan")


def test_nothing_heard(understanding: Understanding) -> None:
    assert understanding.understand(" ... ").heard is False
    assert understanding.understand("blah").heard is True


def test_context(understanding: Understanding) -> None:
    context = Context(devices=("desk lamp", "bedroom fan"))
    assert names(understanding, "turn them off", context) == [("HassTurnOff", "desk lamp"), ("HassTurnOff", "bedroom fan")]
    assert names(understanding, "turn off the tv and turn it back on", context) == [("HassTurnOff", "tv"), ("HassTurnOn", "tv")]
    assert names(understanding, "open it", Context(devices=("desk lamp",))) == [("Unsupported", "desk lamp")]
    last = (Intent("TimerSet", {"seconds": 60}),)
    assert understanding.understand("do that again", Context(last=last)).intents == last


@pytest.mark.parametrize("text", ["Yes.", "yeah", "Yes, please.", "sure, go ahead", "OK", "yes do it"])
def test_yes(understanding: Understanding, text: str) -> None:
    wanted = (Intent("HassTurnOff", {"name": "front door", "confirmed": 1}),)
    assert understanding.understand(text, Context(question=Question(yes=wanted))).intents == wanted


@pytest.mark.parametrize("text", ["No.", "nope", "No, thanks.", "don't", "never mind", "Stop."])
def test_no(understanding: Understanding, text: str) -> None:
    wanted = (Intent("HassTurnOff", {"name": "front door", "confirmed": 1}),)
    (intent,) = understanding.understand(text, Context(question=Question(yes=wanted))).intents
    assert intent.name == "Declined"


@pytest.mark.parametrize("text", ["Thank you.", "please", "what", "yes no", "turn on the tv", "it is", "maybe"])
def test_neither_yes_nor_no(understanding: Understanding, text: str) -> None:
    wanted = (Intent("HassTurnOff", {"name": "front door", "confirmed": 1}),)
    assert understanding.understand(text, Context(question=Question(yes=wanted))).intents != wanted


def test_a_users_sentence_wins_over_a_built_in_one() -> None:
    custom = [
        Sentences("Party", ("turn on the tv",)),
        Sentences("Tell", ("tell {who} the {what}",), {"who": "text", "what": "text"}),
    ]
    understanding = Understanding(load_home(), custom)
    assert names(understanding, "Turn on the TV!") == [("Party", None)]
    assert names(understanding, "tell me the time") == [("HassGetCurrentTime", None)]
    assert understanding.understand("tell bob the news").intents[0].slots == {"who": "bob", "what": "news"}


def test_a_rambling_sentence_takes_bounded_time(understanding: Understanding) -> None:
    text = "and then the cat sat on it and he said that they would turn up in a minute or two and then it was off again " * 4
    understanding.understand(text)
    started = time.perf_counter()
    understanding.understand(text)
    assert time.perf_counter() - started < 0.5


def test_it_is_fast(understanding: Understanding) -> None:
    times = []
    for text, _ in [*TUNED, *HELD_OUT]:
        started = time.perf_counter()
        understanding.understand(text)
        times.append(time.perf_counter() - started)
    assert sorted(times)[len(times) // 2] < 0.015  # 2 to 3 ms on a quiet machine


@pytest.mark.parametrize(
    ("text", "talked_about", "meant"),
    [
        ("make it less bright", "kitchen light", "kitchen light"),
        ("make it less bright", "heater", "living room lamp"),
        ("make it warmer", "kitchen light", "heater"),
        ("make it brighter", "kitchen light", "kitchen light"),
        ("speed up the fan", "kitchen light", "bedroom fan"),
        ("dim it", "kitchen light", "kitchen light"),
    ],
)
def test_it_is_a_device_that_the_words_fit(understanding: Understanding, text: str, talked_about: str, meant: str) -> None:
    assert names(understanding, text, Context((talked_about,))) == [("Adjust", meant)]


def test_only_a_light_is_dimmed(understanding: Understanding) -> None:
    assert names(understanding, "dim it", Context(("bedroom fan",))) == [("NoReferent", None)]


def test_the_answer_to_a_question_may_begin_with_for(understanding: Understanding) -> None:
    question = Question(completes="set an alarm for")
    intents = understanding.understand("for seven", Context(question=question)).intents
    assert [(intent.name, intent.slots.get("time")) for intent in intents] == [("AlarmSet", "07:00")]
