"""Whole dialogues: text in, sentence out, with what was changed."""
# ruff: noqa: E501  a table of sentences is read by columns

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from assistant import spoken
from assistant.events import Action
from tests.unit.talk import Talk


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(tmp_path)


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("Turn on the kitchen light.", "The kitchen light is on."),
        ("open the blinds", "The blinds are open."),
        ("turn off everything", "Everything is off."),
        ("turn on all the lights", "All the lights are on."),
        ("turn on the bedroom lights", "All the lights in the bedroom are on."),
        ("set the bedroom lamp to 40%", "The bedroom lamp is at forty percent."),
        ("make the desk lamp blue", "The desk lamp is blue now."),
        ("set the heater to 21.5 degrees", "The heater is set to twenty-one point five degrees."),
        ("set the blinds to half", "The blinds are fifty percent open."),
        ("turn on the kitchen light and the fan", "The kitchen light and the bedroom fan are on."),
        ("turn off the fan and close the blinds", "The bedroom fan is off and the blinds are closed."),
        ("is the front door locked", "Yes, the front door is locked."),
        ("is the garage door open", "No, the garage door is closed."),
        ("which lights are on", "No light is on."),
        ("are all the lights off", "Yes, the living room lamp, the kitchen light, the bedroom lamp, the desk lamp and the hallway light are off."),
        ("how warm is it in the bedroom", "It is eighteen point five degrees in the bedroom."),
        ("turn on the dishwasher", "I do not know any dishwasher. You can ask what devices I can control."),
        ("open the kitchen light", "I cannot do that with the kitchen light."),
        ("set the heater to 50 degrees", "The heater takes a temperature from five to thirty-five."),
        ("turn it off", "I am not sure which device you mean. Please say its name."),
        ("set two timers for five and ten minutes", "I set a timer for five minutes. I set a timer for ten minutes."),
        ("set a five and a ten minute timer", "I set a timer for five minutes. I set a timer for ten minutes."),
        (
            "set timers for one hour, ten and fifteen minutes and turn on the fan",
            "I set a timer for one hour. I set a timer for ten minutes. I set a timer for fifteen minutes. The bedroom fan is on.",
        ),
        (
            "set alarms for six and seven thirty in the morning",
            "I set an alarm for six AM tomorrow. I set an alarm for seven thirty AM tomorrow.",
        ),
        (
            "add milk to my to-do list and delete carrots from it",
            "I put milk on the to-do list. The to-do list has no carrots.",
        ),
        ("buy milk and delete eggs", "I put milk on the shopping list. The shopping list has no eggs."),
        ("set a timer for ten minutes and another for twenty minutes", "I set a timer for ten minutes. I set a timer for twenty minutes."),
        ("set the bedroom to 20 degrees", "I do not know any device for that in the bedroom. You can ask what devices I can control."),
        ("set the volume to 300", "Sorry, I don't know how to help with that. You can ask what I can do."),
        ("don't turn on the tv", "OK, I leave it."),
        ("turn on the tv and don't unlock the front door", "The TV is on. OK, I leave it."),
        ("again", "There is nothing to repeat yet."),
        ("Set a timer for 5 minutes.", "I set a timer for five minutes."),
        ("set a pasta timer for an hour and a half", "I set a pasta timer for one hour and thirty minutes."),
        ("how much time is left", "No timer is running."),
        ("wake me at 7:30 tomorrow", "I set an alarm for seven thirty AM tomorrow."),
        ("set an alarm for 7:30", "I set an alarm for seven thirty PM today."),
        ("wake me at 7:30", "I set an alarm for seven thirty AM tomorrow."),
        ("wake me up at quarter to seven on friday", "I set an alarm for six forty-five AM on Friday."),
        ("set an alarm for 10 tonight", "I set an alarm for ten PM today."),
        ("wake me in twenty minutes", "I set an alarm for ten twenty AM today."),
        ("what time is it", "It's ten AM."),
        ("what's the date", "Today is Monday, the twenty-third of November."),
        ("set the volume to 30 percent", "The volume is at thirty percent."),
        ("louder", "The volume is at sixty-five percent."),
        ("blah blah blah", "Sorry, I don't know how to help with that. You can ask what I can do."),
        ("", "I didn't catch that."),
        ("...", "I didn't catch that."),
    ],
)  # fmt: skip
def test_replies(talk: Talk, text: str, reply: str) -> None:
    assert talk.reply(text) == reply


def test_actions_are_reported_and_done(talk: Talk) -> None:
    outcome = talk.say("set the desk lamp and the bedroom lamp to 40 percent")
    assert [acted.actions for acted in outcome.acted] == [
        (Action("light.desk_lamp", "brightness", 40),),
        (Action("light.bedroom_lamp", "brightness", 40),),
    ]
    assert all(acted.ok for acted in outcome.acted)
    assert talk.home.state("light.desk_lamp")["brightness"] == 40


def test_a_failure_is_reported_and_the_rest_is_done(talk: Talk) -> None:
    outcome = talk.say("turn on the dishwasher and the fan")
    assert [acted.ok for acted in outcome.acted] == [False, True]
    assert talk.home.state("fan.bedroom_fan")["state"] == "on"


def test_it_is_the_last_device(talk: Talk) -> None:
    talk.say("turn on the kitchen light")
    assert talk.reply("turn it off again") == "The kitchen light is off."
    assert talk.reply("turn it back on") == "The kitchen light is on."
    assert talk.reply("make it red") == "The kitchen light is red now."
    both = talk.say("make it blue at 40 percent")
    assert both.reply.text == "The kitchen light is blue at forty percent now."
    assert [(action.attribute, action.value) for action in both.acted[0].actions] == [("color", "blue"), ("brightness", 40)]
    assert talk.reply("is it on") == "Yes, the kitchen light is on."


def test_them_are_the_last_devices(talk: Talk) -> None:
    talk.say("turn on the desk lamp and the bedroom lamp")
    assert talk.reply("turn them off") == "The desk lamp and the bedroom lamp are off."


def test_a_part_that_makes_no_sense_is_told(talk: Talk) -> None:
    outcome = talk.say("turn on the kitchen light and order a pizza")
    assert outcome.reply.text == "The kitchen light is on. I did not understand the rest."
    assert [acted.ok for acted in outcome.acted] == [True, False]


def test_it_within_one_sentence(talk: Talk) -> None:
    assert (
        talk.reply("turn on the desk lamp and set it to 20 percent")
        == "The desk lamp is on and the desk lamp is at twenty percent."
    )


def test_again_repeats_the_command(talk: Talk) -> None:
    talk.say("set the volume to 40")
    talk.say("louder")
    talk.say("thank you")
    assert talk.reply("again") == "The volume is at seventy percent."


def test_repeat_says_it_again(talk: Talk) -> None:
    assert talk.reply("what did you say") == "I have not said anything yet."
    talk.say("turn on the tv")
    assert talk.reply("say that again") == "The TV is on."


@pytest.mark.parametrize(
    ("command", "question", "done", "entity", "state"),
    [
        ("unlock the front door", "Do you want me to unlock the front door?", "The front door is unlocked.", "lock.front_door", "unlocked"),
        ("open the garage", "Do you want me to open the garage door?", "The garage door is open.", "cover.garage_door", "open"),
    ],
)  # fmt: skip
def test_doors_are_opened_after_a_yes_only(talk: Talk, command: str, question: str, done: str, entity: str, state: str) -> None:
    before = talk.home.state(entity)["state"]
    asked = talk.say(command)
    assert (asked.reply.text, asked.reply.expects_answer, asked.acted[0].actions) == (question, True, ())
    assert talk.reply("No, thanks.") == "OK, I leave it."
    talk.say("yes")
    for other in ("what time is it", "thank you", "please", "hello", "yes and no", "", "blah blah blah"):
        talk.say(command)
        talk.say(other)
        talk.say("yes" if other else "never mind")
    assert talk.home.state(entity)["state"] == before
    talk.say(command)
    assert talk.reply("Yes, please.") == done
    assert talk.home.state(entity)["state"] == state


@pytest.mark.parametrize(
    "text", ["turn on all doors", "toggle the front door", "set the garage door to 50 percent", "raise the garage door",
             "turn up the garage door", "open all the doors", "open the door", "unlock everything", "unlock the doors"]
)  # fmt: skip
def test_no_sentence_opens_a_door_at_once(talk: Talk, text: str) -> None:
    talk.say(text)
    assert talk.home.state("lock.front_door")["state"] == "locked"
    assert talk.home.state("cover.garage_door")["state"] == "closed"


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("the front door", "Do you want me to unlock the front door?"),
        ("the garage", "Do you want me to open the garage door?"),
        ("The second one.", "Do you want me to open the garage door?"),
        ("neither", "OK, I leave it."),
        ("what time is it", "It's ten AM."),
    ],
)
def test_a_choice_is_answered(talk: Talk, answer: str, reply: str) -> None:
    asked = talk.say("open the door")
    assert asked.reply.text == "Did you mean the front door or the garage door?"
    assert asked.reply.expects_answer
    assert talk.reply(answer) == reply


def test_a_likely_name_is_asked_for(talk: Talk) -> None:
    assert talk.reply("turn on the bathroom fan") == "There is no bathroom fan here. Did you mean the bedroom fan?"
    assert talk.reply("yes") == "The bedroom fan is on."


def test_a_timer_without_a_length_is_asked_for(talk: Talk) -> None:
    assert talk.say("set a timer").reply.expects_answer
    assert talk.reply("ten minutes") == "I set a timer for ten minutes."
    talk.say("set an alarm")
    assert talk.reply("quarter past eleven") == "I set an alarm for eleven fifteen AM today."


def test_a_timer_waits_and_goes_on(talk: Talk) -> None:
    assert talk.reply("pause the timer") == "No timer is running."
    talk.say("set a timer for five minutes")
    talk.clock.move(60)
    assert talk.reply("pause the timer") == "The five minute timer is paused with four minutes left."
    talk.clock.move(3600)
    assert talk.reply("how much time is left") == "The five minute timer is paused with four minutes left."
    talk.say("set a pasta timer for ten minutes")
    told = "Two timers are set: the pasta timer has ten minutes and the five minute timer has four minutes and is paused."
    assert talk.reply("how much time is left") == told
    assert talk.reply("resume the timer") == "The five minute timer goes on with four minutes left."
    assert talk.say("pause the timer").reply.expects_answer
    assert talk.reply("the pasta timer") == "The pasta timer is paused with ten minutes left."
    assert talk.reply("cancel all timers") == "Both timers are cancelled."
    assert talk.reply("resume the timer") == "No timer is paused."


def test_several_timers(talk: Talk) -> None:
    talk.say("set a timer for five minutes")
    talk.say("set a pasta timer for ten minutes")
    talk.clock.move(60)
    assert talk.reply("how long is left on the pasta timer") == "The pasta timer has nine minutes left."
    assert talk.reply("how much time is left") == (
        "Two timers are running: the five minute timer has four minutes and the pasta timer has nine minutes left."
    )
    assert talk.reply("cancel the timer") == "Which one: the five minute timer or the pasta timer?"
    assert talk.reply("the five minute timer") == "The five minute timer is cancelled."
    assert talk.reply("cancel the egg timer") == "There is no timer of that name."
    assert talk.reply("cancel all timers") == "The pasta timer is cancelled."


def test_alarms(talk: Talk) -> None:
    talk.say("wake me at 7 am tomorrow")
    talk.say("set an alarm for 6 pm")
    assert talk.reply("what alarms do i have") == "Two alarms are set: for six PM today and seven AM tomorrow."
    assert talk.reply("cancel the 7 am alarm") == "The seven AM alarm is cancelled."
    assert talk.reply("when is my alarm") == "Your alarm is set for six PM today."


def test_an_alarm_is_moved_on_its_day_and_in_its_half_of_the_day(talk: Talk) -> None:
    assert talk.reply("change the alarm to eight") == "No alarm is set."
    talk.say("wake me at 7 am tomorrow")
    assert talk.reply("move my alarm to half past six") == "I moved the alarm to six thirty AM tomorrow."
    assert talk.reply("change the alarm to nine pm") == "I moved the alarm to nine PM tomorrow."
    assert talk.reply("set the alarm to ten am").startswith("I set an alarm for ten AM")


def test_several_alarms_are_told_apart_before_one_is_moved(talk: Talk) -> None:
    talk.say("wake me at 7 am tomorrow")
    talk.say("set an alarm for 6 pm")
    assert talk.reply("move the alarm to ten") == "Which one: the six PM alarm or the seven AM alarm?"
    assert talk.reply("the second one") == "I moved the alarm to ten AM tomorrow."
    assert talk.reply("what alarms do i have") == "Two alarms are set: for six PM today and ten AM tomorrow."


def test_yesterday_and_tomorrow(talk: Talk) -> None:
    today = talk.clock.now()
    for text, day in (("what day was yesterday", -1), ("what day is it", 0), ("what's tomorrow's date", 1)):
        assert spoken.date(today + timedelta(days=day)) in talk.reply(text)


def test_forget(talk: Talk) -> None:
    talk.say("unlock the front door")
    talk.brain.forget()
    talk.say("yes")
    assert talk.home.state("lock.front_door")["state"] == "locked"


def test_nothing_said_is_logged(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        for text in (
            "turn on the xylophone",
            "xylophone xylophone",
            "set a xylophone timer for 5 minutes",
            "unlock the front door",
        ):
            talk.say(text)
    assert "xylophone" not in caplog.text


def test_a_device_added_later_is_understood(talk: Talk) -> None:
    from assistant.home import Entity

    assert "do not know" in talk.reply("turn on the aquarium")
    talk.home.add(Entity("switch.aquarium", "aquarium", "switch"))
    assert talk.reply("turn on the aquarium") == "The aquarium is on."


@pytest.mark.parametrize("text", ["make the kitchen a bit cooler", "make the bedroom warmer", "it's too cold in the bedroom"])
def test_a_room_is_not_a_device_whose_name_was_misheard(talk: Talk, text: str) -> None:
    """No lamp is switched off because its room has no heating."""
    outcome = talk.say(text)
    assert outcome.reply.text.startswith("I do not know any heating in the ")
    assert not [action for acted in outcome.acted for action in acted.actions]


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("are the lights on", "Yes, the kitchen light is on."),
        ("are the lights on in the kitchen", "Yes, the kitchen light is on."),
        ("are the lights still on in the hallway", "No, no light is on in the hallway."),
        ("is the light on in the kitchen", "Yes, the kitchen light is on."),
        ("are the lights off in the kitchen", "No, the kitchen light is on at one hundred percent."),
        ("is anything on in the kitchen", "The kitchen light is on."),
    ],
)
def test_lights_of_a_room_are_asked_about(talk: Talk, text: str, reply: str) -> None:
    talk.say("turn on the kitchen light")
    assert talk.reply(text) == reply


def test_a_timer_is_lengthened_and_shortened(talk: Talk) -> None:
    assert talk.reply("add five minutes to the timer") == "No timer is running."
    talk.say("set a timer for ten minutes")
    talk.clock.move(60)
    assert talk.reply("add five minutes to my timer") == "The ten minute timer has fourteen minutes left now."
    assert talk.reply("add another minute") == "The fifteen minute timer has fifteen minutes left now."
    assert talk.reply("take two minutes off the timer") == "The sixteen minute timer has thirteen minutes left now."
    assert talk.reply("shorten the timer by an hour") == "The fourteen minute timer has only thirteen minutes left."
    assert [timer.name for timer in talk.timers.active()] == [""], 'none is called "to the"'


def test_which_timer_is_changed(talk: Talk) -> None:
    talk.say("set a timer for ten minutes")
    talk.say("set a pasta timer for eight minutes")
    assert talk.reply("add two more minutes to the pasta timer") == "The pasta timer has ten minutes left now."
    assert talk.reply("extend the timer by thirty seconds") == "Which one: the ten minute timer or the pasta timer?"
    assert talk.reply("the ten minute timer") == "The ten minute timer has ten minutes and thirty seconds left now."
    assert talk.reply("add a minute to the egg timer") == "There is no timer of that name."


def test_of_two_timers_that_are_called_the_same_the_next_one_is_meant(talk: Talk) -> None:
    talk.say("set a timer for five minutes")
    talk.clock.move(60)
    talk.say("set a timer for five minutes")
    assert talk.reply("cancel the timer") == "The five minute timer is cancelled."
    assert talk.reply("how much time is left") == "The five minute timer has five minutes left."


def test_a_name_with_a_vowel_has_its_article(talk: Talk) -> None:
    assert talk.reply("set a ten minute timer for the eggs") == "I set an eggs timer for ten minutes."
