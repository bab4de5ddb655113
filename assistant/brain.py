"""From the text of a request to the sentence that answers it: the one class the pipeline talks to.

    brain = Brain(home=load_home(), timers=Timers(path, clock), clock=clock)
    intents = brain.understand("Turn on the kitchen light.")   # plain, blocking, a few milliseconds
    outcome = await brain.act(intents)                          # runs the skills, never blocks the event loop
    outcome.reply.text                                          # "The kitchen light is on."

The brain holds the dialogue: the last devices ("turn it off again"), the last command ("again"), the question it asked and is
waiting for, and the last thing it said ("what did you say?"). It is used by one turn at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant import spoken
from assistant.commands import NoPublisher, Publisher, load_folder
from assistant.commands.running import command_sentences, command_skills
from assistant.engines import IntentEngine
from assistant.errors import SkillError
from assistant.events import Action
from assistant.home import Home
from assistant.intents import Intent, Question
from assistant.lists import Lists
from assistant.ports import Image
from assistant.sight import Eyes
from assistant.sight.mind import SeeingMind
from assistant.skills import Chat, MemoryVolume, Reply, Services, Volume
from assistant.skills.questions import is_question
from assistant.skills.registry import Skills
from assistant.skills.undo import restoring
from assistant.timers import Clock, Timers
from assistant.understanding import Context, Understanding
from assistant.understanding.grammar import Loaded

NOT_HEARD = "I didn't catch that."
NOT_UNDERSTOOD = "Sorry, I don't know how to help with that. You can ask what I can do."

NOT_OFFLINE = "I cannot answer that offline. You can ask what I can do."
"""The reply to a question about the world when no language model is set up."""

NOT_REPEATED = frozenset(
    spoken.words(
        "Stop Yes No Declined Help RepeatReply Clarify MissingDevice Unsupported NoReferent NothingBefore NotLater NotOnEvent "
        "RestNotUnderstood Greeting Thanks Goodbye TimerAsk AlarmAsk NothingInView "
        "Later LaterAsk LaterList LaterCancel ReminderAsk ReminderList ReminderCancel Undo"
    )
)
"""Intents that "again" does not mean."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What one skill did. skill: the intent's name; ok: False when it could not; actions: what it changed, in order."""

    skill: str
    ok: bool
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a turn: one Acted for each intent, and the one sentence to speak (reply.text, reply.expects_answer)."""

    acted: tuple[Acted, ...]
    reply: Reply


@dataclass(slots=True)
class _Dialogue:
    """What was said and done so far."""

    devices: tuple[str, ...] = ()
    last: tuple[Intent, ...] = ()
    question: Question | None = None
    last_reply: str = ""
    restoring: tuple[Action, ...] = ()
    changed: bool = False
    heard: bool = True
    asked: bool = False


class Brain:
    """Understands a text and acts on it.

    skills_folder, commands_folder: the user's own Python skills and YAML commands; None or a missing folder = none.
    volume: the loudspeaker's; None = a number in memory. publisher: where `mqtt` commands go; None = nowhere. eyes: None = blind.
    guesser: understands what no sentence fits; None = nobody. chat: answers questions about the world; None = nobody.
    lists: what to buy and to do; None = in memory alone.
    """

    problems: tuple[str, ...]
    """What is wrong with the user's skills and commands, one line each with file, line and fix. The rest works regardless."""

    def __init__(
        self,
        *,
        home: Home,
        timers: Timers,
        clock: Clock,
        volume: Volume | None = None,
        publisher: Publisher | None = None,
        skills_folder: Path | None = None,
        commands_folder: Path | None = None,
        eyes: Eyes | None = None,
        guesser: IntentEngine | None = None,
        chat: Chat | None = None,
        lists: Lists | None = None,
    ) -> None:
        self.timers = timers
        self._home = home
        self._dialogue = _Dialogue()
        self._chat = chat
        services = Services(clock, timers, home, volume or MemoryVolume(), self._dialogue, eyes, chat, lists or Lists())
        files, problems = load_folder(commands_folder)
        self._skills = Skills(services, folder=skills_folder, extra=command_skills(files, publisher or NoPublisher()))
        self._understanding = Understanding(home, (*self._skills.sentences, *command_sentences(files)))
        self._mind = SeeingMind(home, self._understanding, eyes, guesser, (*self._skills.sentences, *command_sentences(files)))
        self.problems = (*self._skills.problems, *problems)

    def understand(self, text: str, image: Image | None = None) -> tuple[Intent, ...]:
        """What is wanted, in the order it was said; () = not understood. Blocking, a few milliseconds, one caller at a time.

        image: what the camera saw when it was said; looked at only when the words need it. Raises ModelError when the eyes' model
        is missing.
        """
        dialogue = self._dialogue
        understood = self._mind.understand(
            text, Context(dialogue.devices, dialogue.last, dialogue.question, dialogue.changed), image
        )
        dialogue.heard = understood.heard
        dialogue.asked = not understood.intents and is_question(text)
        if dialogue.asked and self._chat is not None:
            return (Intent("OpenQuestion", {"question": text}, text=text),)
        return understood.intents

    @property
    def templates(self) -> tuple[Loaded, ...]:
        """The sentences that are understood at present; the same object until the home changes."""
        return self._mind.templates

    async def act(self, intents: Sequence[Intent]) -> Outcome:
        """Do it and say so. With () it says that nothing was heard or understood. Never raises for a skill's failure."""
        if not intents:
            unknown = NOT_OFFLINE if self._dialogue.asked else NOT_UNDERSTOOD
            reply = Reply(unknown if self._dialogue.heard else NOT_HEARD, expects_answer=False)
            if self._dialogue.heard:
                self._dialogue.question = None
            self._dialogue.last_reply = reply.text
            return Outcome((), reply)
        self._dialogue.question = None
        if len(intents) > 1 and intents[0].name == "Undo":  # a correction: what comes back is not what it changes
            back, intents = await self.carry_out(intents[:1]), intents[1:]
        else:
            back = Outcome((), Reply(""))
        before = self._home.snapshot()
        done = await self.carry_out(intents)
        outcome = Outcome((*back.acted, *done.acted), combine([back.reply, done.reply]))
        changes = restoring(before, self._home.snapshot())
        self._dialogue.restoring, self._dialogue.changed = changes or self._dialogue.restoring, bool(changes)
        self._remember(tuple(intents), outcome.reply)
        return outcome

    async def carry_out(self, intents: Sequence[Intent]) -> Outcome:
        """Run the skills alone: the dialogue goes on as if nothing had happened, as with what was asked for earlier."""
        replies: list[Reply] = []
        acted: list[Acted] = []
        for intent in intents:
            reply, ok = await self._run(intent)
            replies.append(reply)
            acted.append(Acted(intent.name, ok, reply.actions))
        return Outcome(tuple(acted), combine(replies))

    def forget(self) -> None:
        """Drop the pending question and what was talked about, as when the conversation has ended."""
        self._dialogue.question = None
        self._dialogue.devices = ()
        self._dialogue.last = ()
        self._dialogue.restoring, self._dialogue.changed = (), False
        self._mind.forget()

    async def _run(self, intent: Intent) -> tuple[Reply, bool]:
        try:
            reply = await self._skills.run(intent)
        except SkillError as error:
            return Reply(spoken.sentence(str(error))), False
        if intent.question is not None and reply.question is None:
            reply = Reply(reply.text, True, reply.actions, intent.question, reply.fact, reply.devices)
        return reply, intent.name not in ("MissingDevice", "Unsupported", "NoReferent", "RestNotUnderstood")

    def _remember(self, intents: tuple[Intent, ...], reply: Reply) -> None:
        """Keep what the next sentence may refer to."""
        dialogue = self._dialogue
        dialogue.question = reply.question
        if reply.devices:
            names = {entity.id: entity.name for entity in self._home.entities}
            dialogue.devices = tuple(names[device] for device in reply.devices if device in names)
        commands = tuple(intent for intent in intents if intent.name not in NOT_REPEATED)
        if commands:
            dialogue.last = commands
        if reply.text:
            dialogue.last_reply = reply.text


def _one_question(asking: Sequence[Reply]) -> tuple[Question | None, list[str]]:
    """Several questions as one when a single yes can answer them; else the first, and the others are dropped."""
    questions = [reply.question for reply in asking if reply.question is not None]
    if len(asking) > 1 and len(questions) == len(asking) and all(question.yes and not question.options for question in questions):
        return Question(yes=tuple(intent for question in questions for intent in question.yes)), [reply.text for reply in asking]
    return (asking[0].question, [asking[0].text]) if asking else (None, [])


def combine(replies: Sequence[Reply]) -> Reply:
    """Several replies as one: statements joined into a sentence, the rest one after the other, a question last."""
    asking = [reply for reply in replies if reply.question is not None or reply.expects_answer]
    telling = [reply for reply in replies if reply not in asking]
    parts: list[str] = []
    facts: list[spoken.Fact] = []
    for reply in telling:
        if reply.fact is not None:
            facts.append(reply.fact)
            continue
        if facts:
            parts.append(spoken.tell(facts))
            facts = []
        parts.append(reply.text)
    if facts:
        parts.append(spoken.tell(facts))
    question, asked = _one_question(asking)
    parts.extend(asked)
    return Reply(
        " ".join(dict.fromkeys(part for part in parts if part)),
        expects_answer=bool(asking),
        actions=tuple(action for reply in replies for action in reply.actions),
        question=question,
        devices=tuple(dict.fromkeys(device for reply in replies for device in reply.devices)),
    )
