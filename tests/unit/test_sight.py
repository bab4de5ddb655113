"""What is in view, in whole dialogues: scripted sights, real understanding and skills."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.brain import Brain, Outcome
from assistant.engines import IntentGuess, SeenObject, Sight
from assistant.engines.boxes import COCO
from assistant.events import Action
from assistant.home import Entity, MemoryHome, load_home
from assistant.ports import Image
from assistant.sight import Eyes, LearnedNames
from assistant.sight.appearance import describe, likeness
from assistant.sight.learned import ALIKE
from assistant.sight.pointing import pointed
from assistant.timers import Timers
from tests.unit.clocks import HandClock

PIXELS = np.random.default_rng(3).integers(0, 255, (96, 128, 3), np.uint8)
LEFT, MIDDLE, RIGHT = (0.02, 0.3, 0.3, 0.8), (0.35, 0.3, 0.65, 0.8), (0.7, 0.3, 0.98, 0.8)


def seen(label: str, box: tuple[float, float, float, float] = MIDDLE, score: float = 0.9) -> SeenObject:
    scores = np.zeros(80, np.float32)
    scores[COCO.index(label)] = score
    return SeenObject(label, score, box, scores, np.zeros(0, np.float32))


class FakeVision:
    """Sees what it is told to."""

    labels = COCO

    def __init__(self) -> None:
        self.objects: tuple[SeenObject, ...] = ()
        self.looks = 0

    def look(self, pixels: np.ndarray) -> Sight:
        self.looks += 1
        return Sight(self.objects)


Slots = tuple[tuple[str, str], ...]


class Watcher:
    """A brain with eyes; `see` says what is in front of them at the next sentence."""

    def __init__(self, folder: Path, home: MemoryHome | None = None, area: str = "", guesser: object = None) -> None:
        self.vision, self.home = FakeVision(), home or load_home()
        self.image: Image | None = Image(PIXELS, 128, 96)
        self.eyes = Eyes(lambda: self.vision, LearnedNames(folder / "learned_names.json"), area)
        clock = HandClock()
        self.brain = Brain(
            home=self.home, timers=Timers(folder / "t.sqlite", clock), clock=clock, eyes=self.eyes, guesser=guesser
        )  # type: ignore[arg-type]

    def see(self, *objects: SeenObject) -> None:
        self.vision.objects = objects

    def say(self, text: str) -> Outcome:
        self.intents = self.brain.understand(text, self.image)
        return anyio.run(self.brain.act, self.intents)

    def reply(self, text: str) -> str:
        return self.say(text).reply.text


@pytest.fixture
def watcher(tmp_path: Path) -> Watcher:
    return Watcher(tmp_path)


KITCHEN = [
    Entity("media_player.tv", "tv", "media_player", "room"),
    Entity("switch.oven", "oven", "switch", "room"),
    Entity("light.lamp", "reading lamp", "light", "room"),
    Entity("switch.laptop", "laptop charger", "switch", "room"),
]


@pytest.fixture
def kitchen(tmp_path: Path) -> Watcher:
    return Watcher(tmp_path, MemoryHome(KITCHEN, here="room"))


@pytest.mark.parametrize(
    "text", ["turn that off", "Turn this off, please.", "switch it off", "turn that thing off", "turn off that one"]
)
def test_that_is_what_is_in_view(watcher: Watcher, text: str) -> None:
    watcher.see(seen("tv"), seen("cup", LEFT))
    outcome = watcher.say(text)
    assert outcome.reply.text == "The TV is off."
    (intent,) = watcher.intents
    assert (intent.name, dict(intent.slots), intent.referent, intent.used_image) == ("HassTurnOff", {"name": "tv"}, "tv", True)


def test_an_explicit_command_does_not_look(watcher: Watcher) -> None:
    watcher.see(seen("tv"))
    assert watcher.reply("turn off the kitchen light") == "The kitchen light is off."
    assert watcher.vision.looks == 0 and not watcher.intents[0].used_image


def test_what_was_talked_about_is_meant_before_what_is_seen(watcher: Watcher) -> None:
    watcher.see(seen("tv"))
    watcher.say("turn on the kitchen light")
    assert watcher.reply("turn it off") == "The kitchen light is off."
    assert watcher.vision.looks == 0


def test_without_a_picture_it_asks_for_the_name(watcher: Watcher) -> None:
    watcher.image = None
    assert watcher.reply("turn that off") == "I am not sure which device you mean. Please say its name."


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("turn off the left one", "The oven is off."),
        ("Turn off the left 1.", "The oven is off."),
        ("turn off the one on the right", "The TV is off."),
        ("switch the right one on", "The TV is on."),
        ("turn off the nearer one", "The oven is off."),
        ("turn on the thing on the left", "The oven is on."),
    ],
)
def test_sides(kitchen: Watcher, text: str, reply: str) -> None:
    kitchen.see(seen("tv", (0.7, 0.4, 0.9, 0.6)), seen("oven", LEFT))
    assert kitchen.reply(text) == reply


def test_two_that_could_be_meant_are_a_question(kitchen: Watcher) -> None:
    kitchen.see(seen("tv", RIGHT), seen("oven", LEFT))
    outcome = kitchen.say("turn that off")
    assert outcome.reply.text == "Did you mean the oven or the tv?" and outcome.reply.expects_answer
    assert kitchen.reply("the right one") == "The TV is off."


def test_something_large_that_is_hardly_seen_is_not_meant(kitchen: Watcher) -> None:
    kitchen.see(seen("tv", RIGHT, 0.7), seen("oven", (0.0, 0.0, 1.0, 1.0), 0.18))
    assert kitchen.reply("turn that off") == "The TV is off."


def test_the_other_one(kitchen: Watcher) -> None:
    kitchen.see(seen("tv", RIGHT), seen("oven", LEFT))
    assert kitchen.reply("turn off the left one") == "The oven is off."
    assert kitchen.reply("turn off the other one") == "The TV is off."


def test_only_what_the_command_fits_is_meant(kitchen: Watcher) -> None:
    kitchen.see(seen("tv", RIGHT), seen("oven", LEFT))
    assert kitchen.reply("turn that up") == "The TV is at forty percent volume."


def test_a_device_mistaken_for_another_kind_is_found(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, MemoryHome([Entity("media_player.tv", "tv", "media_player", "room")], here="room"))
    mistaken = seen("laptop", MIDDLE, 0.6)
    mistaken.scores[COCO.index("tv")] = 0.3
    watcher.see(mistaken)
    assert watcher.reply("turn that off") == "The TV is off."
    mistaken.scores[COCO.index("tv")] = 0.05
    assert watcher.reply("turn that off").startswith("The TV is off."), "the dialogue is about the television now"
    watcher.brain.forget()
    assert watcher.reply("turn that off") == "I see a laptop, but nothing there that I can control."


def test_nothing_to_control_is_said(tmp_path: Path) -> None:
    watcher = Watcher(tmp_path, MemoryHome([Entity("media_player.tv", "tv", "media_player", "room")], here="room"))
    watcher.see(seen("cup"), seen("dog", LEFT))
    assert watcher.reply("turn that off") == "I see a cup and a dog, but nothing there that I can control."


def test_an_unseen_lamp_of_the_room_is_asked_for(watcher: Watcher) -> None:
    watcher.see(seen("cup"))
    assert watcher.reply("turn that off") == "Did you mean the living room lamp?"
    assert watcher.reply("yes") == "The living room lamp is off."


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("what is this", "That is a cup."),
        ("What's that?", "That is a cup."),
        ("what is the thing on the left", "That is a person."),
        ("what do you see", "I see a person, a cup and two tvs."),
        ("is anyone there", "Yes, I see one person."),
        ("is somebody at the door", "Yes, I see one person."),
        ("who is there", "I see one person, but I do not know faces."),
        ("how many people do you see", "I see one person."),
        ("how many tvs are there", "I see two tvs."),
        ("how many dogs do you see", "I do not see any dogs."),
        ("where is the cup", "The cup is in the middle, next to the tv."),
        ("where is my phone", "I do not see a cell phone."),
        ("is the cup on the left", "No, the cup is on the right."),
        ("is the person on the left or the right", "The person is on the left."),
        ("do you see a dog", "I do not see a dog."),
    ],
)
def test_questions_about_the_view(watcher: Watcher, text: str, reply: str) -> None:
    watcher.see(
        seen("person", LEFT), seen("cup", (0.36, 0.2, 0.68, 0.8)), seen("tv", (0.6, 0.3, 0.7, 0.5), 0.6), seen("tv", RIGHT, 0.4)
    )
    assert watcher.reply(text) == reply
    assert watcher.intents[0].used_image


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("what is on the table", "I see two cups on the dining table."),
        ("what's on my desk", "I do not see anything that I know."),
        ("what is on the chair", "I do not see anything on the chair that I know."),
        ("what do you see on the left", "I see a person on the left."),
        ("what is on the right", "I see two cups, a dining table and a chair on the right."),
        ("what am I holding", "That is a remote."),
        ("what is the man holding", "That is a remote."),
    ],
)
def test_questions_about_a_part_of_the_view(watcher: Watcher, text: str, reply: str) -> None:
    table, chair = (0.45, 0.5, 1.0, 0.8), (0.9, 0.6, 1.0, 1.0)
    cups = [seen("cup", (x, 0.45, x + 0.05, 0.55)) for x in (0.6, 0.8)]
    remote = seen("remote", (0.1, 0.5, 0.14, 0.56))
    watcher.see(*([] if "desk" in text else [*cups, seen("dining table", table), seen("chair", chair), seen("person", LEFT)]))
    if "holding" in text:
        watcher.see(*watcher.vision.objects, remote)
    assert watcher.reply(text) == reply


def test_a_hand_is_looked_for_where_nobody_is_seen(watcher: Watcher) -> None:
    watcher.see(seen("couch"), seen("book", RIGHT, 0.4))
    assert watcher.reply("what do I have in my hand") == "That looks like a book."
    watcher.see(seen("couch"))
    assert watcher.reply("what am I holding") == "I do not see anything in a hand that I know."


def test_an_empty_view(watcher: Watcher) -> None:
    assert watcher.reply("what do you see") == "I do not see anything that I know."
    assert watcher.reply("is anyone there") == "No, I do not see anyone."
    assert watcher.reply("what is this") == "I cannot tell what that is."


def test_it_is_unsure_of_what_it_hardly_sees(watcher: Watcher) -> None:
    watcher.see(seen("vase", MIDDLE, 0.4), seen("person", LEFT, 0.2))
    assert watcher.reply("what is this") == "That looks like a vase."
    assert watcher.reply("is anyone there") == "No, I do not see anyone."


@pytest.mark.parametrize(
    ("objects", "reply"),
    [
        ((seen("dining table", (0.0, 0.1, 1.0, 1.0), 0.6), seen("cake", (0.2, 0.2, 0.8, 0.7), 0.8)), "That is a cake."),
        ((seen("dining table", (0.0, 0.1, 1.0, 1.0), 0.6), seen("fork", (0.9, 0.9, 1.0, 1.0), 0.8)), "That is a dining table."),
        (
            (seen("laptop", (0.3, 0.3, 0.6, 0.6)), *(seen("donut", (x, 0.4, x + 0.2, 0.7)) for x in (0.1, 0.3, 0.5, 0.7))),
            "That is a donut.",
        ),
    ],
)
def test_what_lies_on_a_table_and_what_is_many_is_what_is_asked_about(
    watcher: Watcher, objects: tuple[SeenObject, ...], reply: str
) -> None:
    watcher.see(*objects)
    assert watcher.reply("what is this") == reply


def test_a_taught_name_reaches_its_device(kitchen: Watcher) -> None:
    kitchen.see(seen("vase"))
    assert kitchen.reply("this is the reading lamp") == "OK, I will know the reading lamp when I see it."
    kitchen.brain.forget()
    assert kitchen.reply("what is this") == "That is the reading lamp."
    assert kitchen.reply("turn that on") == "The reading lamp is on."
    assert kitchen.intents[0].referent == "reading lamp"
    kitchen.image = Image(np.full((96, 128, 3), 200, np.uint8), 128, 96)
    assert kitchen.reply("what is this") == "That is a vase."


def test_a_new_name_is_kept_found_and_forgotten(kitchen: Watcher, tmp_path: Path) -> None:
    kitchen.see(seen("cup", RIGHT))
    assert kitchen.reply("remember this as my favourite mug") == "OK, I will know the favourite mug when I see it."
    assert kitchen.reply("where is my favourite mug") == "The favourite mug is on the right."
    assert Watcher(tmp_path, kitchen.home).eyes.names.names == ("favourite mug",)
    assert kitchen.reply("what names have you learned") == "I know the favourite mug."
    assert kitchen.reply("forget my favourite mug") == "OK, I have forgotten what the favourite mug looks like."
    assert not (tmp_path / "learned_names.json").exists()


def test_no_pixel_is_kept(kitchen: Watcher, tmp_path: Path) -> None:
    kitchen.see(seen("cup"))
    kitchen.say("remember this as my mug")
    (thing,) = json.loads((tmp_path / "learned_names.json").read_text())["things"]
    assert set(thing) == {"name", "label", "looks"} and [len(look) for look in thing["looks"]] == [300]
    assert len(thing["looks"][0]) * 10 < PIXELS[29:77, 45:83].size, "far fewer numbers than the part had values"


def test_a_deleted_file_is_forgotten_at_once(kitchen: Watcher, tmp_path: Path) -> None:
    kitchen.see(seen("cup"))
    kitchen.say("remember this as my mug")
    (tmp_path / "learned_names.json").unlink()
    assert kitchen.reply("what names have you learned") == "You have not taught me any names yet."
    (tmp_path / "learned_names.json").write_text("{broken")
    assert LearnedNames(tmp_path / "learned_names.json").names == ()


def test_each_frame_is_looked_at_once(watcher: Watcher) -> None:
    watcher.see(seen("tv"))
    watcher.say("turn that off")
    watcher.say("what do you see")
    assert watcher.vision.looks == 2


def test_a_home_without_eyes_says_so(tmp_path: Path) -> None:
    clock = HandClock()
    brain = Brain(home=load_home(), timers=Timers(tmp_path / "t.sqlite", clock), clock=clock)
    assert brain.understand("what do you see", None)[0].name == "ListDevices", "the sentence means devices without a camera"
    assert anyio.run(brain.act, brain.understand("why is the sky blue")).reply.text.startswith("I cannot answer that offline.")


@pytest.mark.parametrize(
    ("text", "side", "noun"),
    [
        ("turn that off", "", ""),
        ("turn off the left one", "left", ""),
        ("turn off that lamp on the right", "right", "lamp"),
        ("turn off the other lamp", "other", "lamp"),
        ("make this one brighter", "", ""),
    ],
)
def test_pointing_words(text: str, side: str, noun: str) -> None:
    found = pointed(text)
    assert found is not None and (found.side, found.noun) == (side, noun)


@pytest.mark.parametrize("text", ["turn off the lamp", "turn off the kitchen light", "good morning"])
def test_a_name_does_not_point(text: str) -> None:
    assert pointed(text) is None


def test_looks_are_alike_after_a_small_change_only() -> None:
    y, x = np.mgrid[:120, :160]
    picture = np.stack([(x * 3) % 256, (y * 5) % 256, ((x // 20 + y // 15) % 2) * 200], axis=2).astype(np.uint8)
    moved = np.clip(np.roll(picture, 3, axis=1) * 1.08, 0, 255).astype(np.uint8)
    box = (0.2, 0.2, 0.8, 0.8)
    assert likeness(describe(picture, box), describe(moved, box)) > ALIKE
    assert likeness(describe(picture, box), describe(PIXELS, box)) < ALIKE / 2


class FakeIntents:
    """Guesses what it is told to."""

    def __init__(self, guess: IntentGuess) -> None:
        self.guess, self.shown = guess, -1

    def needs_image(self, text: str) -> float:
        return 0.9 if "thingy" in text else 0.1

    def parse(self, text: str, sights: tuple[Sight, ...]) -> IntentGuess:
        self.shown = len(sights)
        return self.guess


def test_the_model_is_asked_when_no_sentence_fits(tmp_path: Path) -> None:
    model = FakeIntents(IntentGuess("HassTurnOff", 0.9, referent=0))
    watcher = Watcher(tmp_path, guesser=model)
    watcher.see(seen("tv"))
    assert watcher.reply("make the thingy shut its face") == "The TV is off."
    assert watcher.intents[0].referent == "tv" and watcher.intents[0].used_image
    model.shown = -1
    watcher.say("turn off the kitchen light")
    assert model.shown == -1, "a sentence that is understood is not shown to the model"


@pytest.mark.parametrize("guess", [IntentGuess("NotForMe", 0.99), IntentGuess("HassTurnOff", 0.3, referent=0)])
def test_what_the_model_does_not_know_is_not_acted_on(tmp_path: Path, guess: IntentGuess) -> None:
    watcher = Watcher(tmp_path, guesser=FakeIntents(guess))
    watcher.see(seen("tv"))
    assert watcher.say("make the thingy shut its face").acted == () and watcher.intents == ()


@pytest.mark.parametrize(
    ("guess", "reply"),
    [
        (IntentGuess("WhereIs", 0.9, (("object", "the mug"),)), "The cup is in the middle, next to the tv."),
        (IntentGuess("Describe", 0.9), "I see a tv and a cup."),
        (IntentGuess("CountObjects", 0.9, (("object", "cups"),)), "I see one cup."),
        (IntentGuess("PresenceQuery", 0.9, (("object", "a dog"),)), "I do not see a dog."),
        (IntentGuess("Remember", 0.9, (("object", "my best mug"),)), "OK, I will know the best mug when I see it."),
        (IntentGuess("HassStartTimer", 0.9, (("minutes", "ten"),)), "I set a timer for ten minutes."),
        (IntentGuess("Clarify", 0.9), "I see a tv and a cup, but nothing there that I can control."),
        (IntentGuess("HassTurnOn", 0.9, referent=1), "I see a tv and a cup, but nothing there that I can control."),
        (IntentGuess("HassTurnOn", 0.9, (("area", "kitchen"),)), "The kitchen light is on."),
    ],
)
def test_guesses_become_our_intents(tmp_path: Path, guess: IntentGuess, reply: str) -> None:
    watcher = Watcher(tmp_path, guesser=FakeIntents(guess))
    watcher.see(seen("tv", (0.7, 0.3, 0.9, 0.6)), seen("cup", (0.4, 0.3, 0.75, 0.8)))
    assert watcher.reply("let me know whatever becomes of the thingy") == reply


@pytest.mark.parametrize("name", ["HassBroadcast", "HassVacuumStart", "HassLightSet", "HassStartTimer", "WhereIs"])
def test_guesses_without_a_skill_or_their_slot_are_not_understood(tmp_path: Path, name: str) -> None:
    watcher = Watcher(tmp_path, guesser=FakeIntents(IntentGuess(name, 0.9)))
    assert watcher.say("whatever becomes of the thingy").acted == ()


@pytest.mark.parametrize(
    ("guess", "text", "reply"),
    [
        ("HassLightSet", "would it hurt to have some more light in here", "The living room lamp is at sixty percent."),
        ("HassLightSet", "it really is too bright for my eyes", "The living room lamp is at twenty percent."),
        ("HassLightSet", "give us lamps of a purple kind", "The living room lamp is purple now."),
        (
            "HassLightSet",
            "down here the lamp could be different",
            "I understood which light, but not what to set. Say a color, or",
        ),
        ("HassFanSetSpeed", "a stronger breeze would be lovely", "The bedroom fan is at twenty-five percent."),
    ],
)
def test_a_guess_without_a_value_takes_it_from_the_words(tmp_path: Path, guess: str, text: str, reply: str) -> None:
    watcher = Watcher(tmp_path, guesser=FakeIntents(IntentGuess(guess, 0.9)))
    anyio.run(watcher.home.apply, Action("light.living_room_lamp", "brightness", 40))
    assert watcher.reply(text).startswith(reply)


@pytest.mark.parametrize(
    "text",
    [
        "no more brightness of the lamps except those upstairs",
        "the lamp stays lit unless somebody sleeps",
        "please don't have the lamp lit",
        "never lights of any kind",
        "all of the house dark but the lamp",
        "enough of the lamp after this film",
        "have the lamp dark in a bit",
        "dark lamp twenty minutes from now",
        "should i put the lamp out",
        "i was going to have the lamp dark",
        "nobody wants the lamp dark",
        "neither lamp nor fan lit",
        "have the lamp dark at ten or eleven",
        "have the lamp lit between ten and eleven",
        "lamp on fan off",
        "the lamp as dark as the fan",
        "the lamp is already off",
        "my lamp is broken",
    ],
)
def test_a_guess_takes_no_exceptions_and_no_bans(tmp_path: Path, text: str) -> None:
    watcher = Watcher(tmp_path, guesser=FakeIntents(IntentGuess("HassTurnOff", 0.95)))
    assert watcher.say(text).acted == ()


@pytest.mark.parametrize(
    ("guess", "text", "reply"),
    [
        (("HassTurnOn", (("area", "the sauna"),)), "sauna lights it is", "I do not know any such device in the sauna."),
        (("HassTurnOff", (("name", "the jacuzzi"),)), "enough of the jacuzzi", "I do not know any jacuzzi."),
        (("HassTurnOff", (("area", "the lounge"),)), "lounge lights no longer wanted", "The living room lamp is off."),
        (("HassTurnOff", ()), "Nighty night, dark lights all over!", "All the lights are off."),
        (("HassTurnOn", ()), "Lights, lights, lights!", "Sorry"),
        (("HassTurnOn", ()), "how many lights shine", "I cannot answer that offline."),
        (("HassLightSet", ()), "how bright would you call the lamp", "I cannot answer that offline."),
        (("HassGetCurrentDate", ()), "what day was it three days ago", "I cannot answer that offline."),
        (("HassStartTimer", (("minutes", "8"),)), "timer of twelve for pizza and a timer of eight", "Sorry"),
        (("HassTurnOn", (("name", "kitchen light"),)), "the kitchen light", "Sorry, I don't know how to help"),
        (("HassTurnOn", ()), "i could do with coffee", "The coffee machine is on."),
        (("HassTurnOn", ()), "red lamps for once", "The living room lamp is red now."),
        (("HassLightSet", ()), "i would love to get some light", "The living room lamp is on."),
        (("HassGetCurrentTime", ()), "which week might we have", "I cannot answer that offline."),
    ],
)
def test_a_guess_is_held_to_the_words(tmp_path: Path, guess: tuple[str, Slots], text: str, reply: str) -> None:
    watcher = Watcher(tmp_path, guesser=FakeIntents(IntentGuess(guess[0], 0.95, guess[1])))
    assert watcher.reply(text).startswith(reply)


@pytest.mark.parametrize(
    ("guess", "action"),
    [
        (IntentGuess("HassVacuumStart", 0.9), Action("vacuum.robot", "state", "cleaning")),
        (IntentGuess("HassVacuumStart", 0.9, (("area", "room"),)), Action("vacuum.robot", "state", "cleaning")),
        (IntentGuess("HassVacuumCleanArea", 0.9, (("area", "room"),)), Action("vacuum.robot", "area", "room")),
        (IntentGuess("HassVacuumReturnToBase", 0.9), Action("vacuum.robot", "state", "docked")),
    ],
)
def test_a_guess_about_cleaning_needs_a_cleaner(tmp_path: Path, guess: IntentGuess, action: Action) -> None:
    text = "crumbs all over the place would you believe it"
    assert Watcher(tmp_path / "none", MemoryHome(KITCHEN), guesser=FakeIntents(guess)).say(text).acted == ()
    home = MemoryHome([*KITCHEN, Entity("vacuum.robot", "robot", "vacuum")])
    assert Watcher(tmp_path / "one", home, guesser=FakeIntents(guess)).say(text).reply.actions == (action,)


def test_the_models_words_become_slots(tmp_path: Path) -> None:
    guess = IntentGuess("HassLightSet", 0.9, (("name", "the kitchen light"), ("brightness", "forty percent")))
    watcher = Watcher(tmp_path, guesser=FakeIntents(guess))
    assert watcher.reply("i fancy forty percent of kitchen light brightness or so") == "The kitchen light is at forty percent."
