"""How one sentence is read: the order in which explanations are tried. One `Reader` for each sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from assistant.home import Entity, Home, select
from assistant.intents import Intent, Question, packed
from assistant.spoken import words
from assistant.understanding.conditions import bound
from assistant.understanding.context import Context
from assistant.understanding.follow_on import Sequel, gathered, joined, on_the_list
from assistant.understanding.grammar import CustomGrammar, Grammar, Loaded, Match, spoken_form
from assistant.understanding.later import Later, taken_apart, told, undone
from assistant.understanding.misheard import PRONOUN, Misheard, Names, about_pronoun, sounds_like_device
from assistant.understanding.negation import unasked
from assistant.understanding.quantities import measures
from assistant.understanding.split import VERBS, Splitter, each_timer, segments
from assistant.understanding.targets import COMMANDS, NOT_DONE, devices_of, domain_of, group_of, settle
from assistant.understanding.text import without_article, without_commas, without_fillers

AGAIN = re.compile(r" (?:(?:again|once more|one more time)(?= |$)|back(?= (?:on|off|up|down|open)\b|$))")

MOST_MATCHES = 14
"""Texts matched for one sentence before it counts as not understood; bounds the time that rambling can take."""

MOST_DEVICES = 6
"""Devices that "them" may mean."""

LONGEST_LOST = 6
"""Words of a sentence that may make no sense while the rest is done."""

ABOUT_A_GROUP = frozenset(
    words("light lights lamp lamps heat heating temperature room brightness cold freezing hot warm here dark bright")
)
"""Words with which "brighter" and "warmer" are about the room and not about the device last talked about."""

ABOUT_LIGHT = frozenset(words("dim brighten bright brighter dimmer darker"))
"""Words that only a light can be meant with."""

EXCEPT = re.compile(r"(?P<all>.+?) (?:except|apart from|other than|but|and(?= not ))(?P<not> not)?(?: for)? (?P<rest>.+)")
"""A command about a group, and what of it is left alone."""

KEPT = (COMMANDS - {"HassToggle"}) | {"HassVacuumCleanArea"}
"""What can be done at another time."""

TURNED_DOWN = frozenset({"Stop", "No", "HassGetCurrentTime"})
"""What is never the answer to "for how long?" or "for what time?"."""


@dataclass(frozen=True, slots=True)
class Built:
    """Everything that depends on the home's devices."""

    entities: tuple[Entity, ...]
    grammar: Grammar
    custom: CustomGrammar
    templates: tuple[Loaded, ...]
    splitter: Splitter
    names: Names


class Reader:
    """Reads one sentence. `context` is the dialogue before it; devices named on the way become what "it" means."""

    def __init__(self, built: Built, home: Home, context: Context) -> None:
        self._built = built
        self._home = home
        self._context = context
        self._devices = context.devices
        self._matches: dict[str, Match | None] = {}
        self._misheard = Misheard(built.names, home, self._match)

    def custom(self, text: str) -> tuple[Intent, ...]:
        """The user's own sentence, when it is one: with its fillers or without."""
        for form in dict.fromkeys((text, without_fillers(text))):
            match = self._built.custom.match(form)
            if match is not None and (not match.free or self._match(form) is None):
                return (Intent(match.intent, match.slots, 0.9 if match.free else 1.0, form),)
        return ()

    def built_in(self, text: str) -> str:
        """The name of the built-in intent of a text, "" for none."""
        match = self._match(measures(text))
        return match.intent if match is not None else ""

    def following(self, text: str) -> tuple[Intent, ...]:
        """What a cleaned text such as "and the fan" or "no, ten minutes" wants after the last command; () when it is no such."""

        def explain(form: str) -> tuple[Intent, ...]:
            return self._exact(form) or self._referring(form) or self._misheard.read(form)

        return self._remember(Sequel(self._built.splitter, explain).read(text, self._context))

    def listed(self, text: str) -> tuple[Intent, ...]:
        """What a cleaned text such as "add milk" or "and milk" wants after something about a list."""
        last = self._context.last
        return self._exact(on_the_list(text, last)) or self._exact(on_the_list(without_fillers(text), last))

    def sentence(self, text: str) -> tuple[Intent, ...]:
        """All that a cleaned text (numbers are digits, commas are words) wants; () when nothing in it made sense."""
        text = gathered(measures(each_timer(text)))
        whole = self._exact(without_commas(text))
        if whole and not _swallowed(whole):
            return whole
        if self._waits(text):
            return self._clause(text)
        clauses = self._built.splitter.clauses(text)
        if len(clauses) > 1:
            self._devices = self._context.devices
            read: list[tuple[Intent, ...]] = []
            for clause in clauses:
                read.append(self._clause(clause) or self._exact(on_the_list(clause, read[-1] if read else ())))
            if all(read) or _mostly(clauses, read):
                rest = () if all(read) else (Intent("RestNotUnderstood", text=text),)
                return (*(intent for intents in read for intent in intents), *rest)
            self._devices = self._context.devices
        return whole or self._clause(text)

    def _clause(self, text: str) -> tuple[Intent, ...]:
        """One command, perhaps about several devices."""
        plain = without_commas(without_fillers(text))
        if self._is_command(without_fillers(unasked(plain))):
            return (Intent("Declined", text=text),)
        if self._waits(text):
            return self._later(text) or (Intent("NotOnEvent", text=text),)
        intents = self._exact(plain) or self._custom_clause(plain) or self._except(plain)
        intents = intents or self._coordinated(text) or self._referring(plain) or self._later(text)
        return intents or self._remember(self._misheard.read(plain)) or self._inherited(text)

    def _match(self, text: str) -> Match | None:
        if text not in self._matches:
            if len(self._matches) >= MOST_MATCHES:
                return None
            self._matches[text] = self._built.grammar.match(text)
        return self._matches[text]

    def _exact(self, text: str) -> tuple[Intent, ...]:
        """The text as it stands."""
        match = self._match(text)
        if match is None or (match.intent == "VolumeChange" and "it" in text.split() and self._adjustable(text)):
            return ()
        if match.intent == "Again":
            return self._context.last or (Intent("NothingBefore", text=text),)
        if _about_it(match, text) and (meant := self._talked_about(str(match.slots.get("domain", "")))):
            slots = {key: value for key, value in match.slots.items() if key != "domain"}
            return tuple(Intent(match.intent, {**slots, "name": name}, 0.9, text) for name in meant)
        intent = settle(match, text, self._home)
        if intent.name == "MissingDevice" and (other := self._misheard.renamed(text)) != text:
            match = self._match(other) or match
            intent = settle(match, text, self._home)
        if intent.name == "MissingDevice":
            kind = domain_of(match) if "area" in match.slots else ""  # a room is not a device whose name was misheard
            closest = self._misheard.closest(text, kind)
            return (intent,) if kind and _is_missing(closest) else self._remember(closest) or (intent,)
        return self._remember((intent,))

    def _talked_about(self, domain: str) -> tuple[str, ...]:
        """The devices last talked about, those of a domain if one is given."""
        return tuple(name for name in self._devices if not domain or select(self._home.entities, name=name, domain=domain))

    def _adjustable(self, text: str) -> bool:
        """Whether "it" in "turn it up" or "make it louder" is a device that was talked about, and not our own voice."""
        domains = {entity.domain for name in self._devices for entity in select(self._home.entities, name=name)}
        about_sound = bool({"louder", "quieter", "softer"} & set(text.split()))
        return bool(domains & ({"media_player"} if about_sound else {"media_player", "light", "fan", "climate"}))

    def _is_command(self, text: str) -> bool:
        """Whether a text would change the home."""
        intents = (self._exact(text) or self._referring(text) or self._misheard.read(text)) if text else ()
        return any(intent.name in KEPT or intent.question is not None for intent in intents)

    def _waits(self, text: str) -> bool:
        """Whether a command is bound to something that happens, and no time says when."""
        return any(self._is_command(without_commas(without_fillers(command))) for command in bound(text))

    def _custom_clause(self, text: str) -> tuple[Intent, ...]:
        match = self._built.custom.match(text)
        return (Intent(match.intent, match.slots, 0.9, text),) if match is not None else ()

    def _later(self, text: str) -> tuple[Intent, ...]:
        """ "turn off the tv in 600 durationseconds": kept until then; "for 600 durationseconds": done, and undone then."""
        for later in taken_apart(text):
            plain = without_commas(later.command)
            own = self._custom_clause(plain)
            intents = own or self._exact(plain) or self._coordinated(later.command) or self._referring(plain)
            intents = intents or self._misheard.read(plain)
            if not intents:
                continue
            if not later.when:
                return (Intent("LaterAsk", {"command": without_commas(text)}),) if self._is_command(plain) else ()
            asked = intents[0].question
            if len(intents) > 1 or asked is None:
                return self._kept(intents, later, KEPT | {intent.name for intent in own})
            options = {name: self._kept(chosen, later, KEPT) for name, chosen in asked.options.items()}
            question = Question(self._kept(asked.yes, later, KEPT) if asked.yes else (), options)
            return (replace(intents[0], question=question),)
        return ()

    def _kept(self, intents: tuple[Intent, ...], later: Later, allowed: frozenset[str]) -> tuple[Intent, ...]:
        """What keeps commands for later, or says why not. allowed: the intents that can be kept."""
        if any(intent.name in NOT_DONE for intent in intents):
            return intents
        then = undone(intents, self._home) if later.lasting else intents
        if not then or any(intent.name not in allowed for intent in intents):
            return (Intent("NotLater"),) if allowed >= {intent.name for intent in intents} else ()
        command = told(then, "" if later.lasting else without_commas(later.command), self._home)
        kept = Intent("Later", {"command": command, "then": packed(then), **later.when})
        return (*intents, kept) if later.lasting else (kept,)

    def _except(self, text: str) -> tuple[Intent, ...]:
        """ "turn off all the lights except the kitchen": the command for each of the others."""
        found = EXCEPT.fullmatch(text)
        match = self._match(found["all"]) if found is not None else None
        if found is None or match is None or match.intent not in COMMANDS:
            return ()
        if "name" in match.slots:  # "turn off the tv but not the lamp"
            return self._exact(found["all"]) if found["not"] and self._built.splitter.named(found["rest"]) else ()
        group = group_of(match, self._home)
        left_out = self._misheard.meant(found["rest"], group)
        if not left_out:
            return ()
        slots = {key: value for key, value in match.slots.items() if key not in ("area", "domain")}
        others = [entity for entity in group if entity not in left_out]
        return self._remember(tuple(Intent(match.intent, {**slots, "name": entity.name}, 1.0, text) for entity in others))

    def _coordinated(self, text: str) -> tuple[Intent, ...]:
        """ "the kitchen light and the fan": the command once for each."""
        each = [self._exact(without_commas(clause)) for clause in self._built.splitter.coordinated(text)]
        if not each or not all(each):
            return ()
        return self._remember(tuple(intent for intents in each for intent in intents))

    def _referring(self, text: str) -> tuple[Intent, ...]:
        """ "turn it off again", "make them brighter": pronouns replaced by the devices last talked about."""
        plain = AGAIN.sub("", text)
        if PRONOUN.search(plain) is None:
            return self._exact(plain) if plain != text else ()
        domain = "light" if ABOUT_LIGHT & set(plain.split()) else ""
        devices = self._talked_about(domain)
        named = (PRONOUN.sub(spoken_form(name), plain, count=1) for name in devices[:MOST_DEVICES])
        found = [settle(match, text, self._home) for form in named if (match := self._match(form)) is not None]
        if found:
            return self._remember(tuple(found))
        if not about_pronoun(plain):
            return ()
        if devices:
            return (Intent("Unsupported", {"name": devices[0]}, 1.0, text),)
        return self._exact(plain) or (Intent("NoReferent", text=text),)

    def _inherited(self, text: str) -> tuple[Intent, ...]:
        """ "set a timer for 300 durationseconds and an alarm for ...": the verb is said once."""
        pieces = segments(text)
        intents = list(self._clause(pieces[0]) if len(pieces) > 1 else ())
        verb = pieces[0].split() if pieces else []
        for piece in pieces[1:] if intents else []:
            heads = (" ".join(verb[:count]) for count in (2, 1, 3))
            others = joined(piece, pieces[0], self._built.splitter)
            tries = (*others, piece, *(f"{head} {without_article(piece)}" for head in heads), f"{verb[0]} {piece}")
            reads = (self._exact(attempt) or self._referring(attempt) or self._later(attempt) for attempt in tries)
            more = next(filter(None, reads), ())
            if not more and sounds_like_device(piece):
                more = self._misheard.read(f"{' '.join(verb[:2])} {piece}")
            if not more:
                return ()
            intents.extend(more)
        return self._remember(tuple(intents))

    def _remember(self, intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
        """Note the devices of intents, for an "it" later in the sentence."""
        names = [name for intent in intents for name in devices_of(intent, self._home)]
        if names:
            self._devices = tuple(dict.fromkeys(names))
        return intents


def _about_it(match: Match, text: str) -> bool:
    """Whether a sentence such as "make it brighter" or "warmer" is about the device that was talked about."""
    unnamed = "name" not in match.slots and "area" not in match.slots
    return match.intent == "Adjust" and unnamed and ("make it" in text or not ABOUT_A_GROUP & set(text.split()))


def _mostly(clauses: list[str], read: list[tuple[Intent, ...]]) -> bool:
    """Whether enough of a sentence made sense to do that part: at least half of its clauses, and the rest is short."""
    lost = [clause for clause, intents in zip(clauses, read, strict=True) if not intents]
    short = sum(len(clause.split()) for clause in lost) <= LONGEST_LOST
    negated = any(clause.startswith(("don't", "do not", "never", "not ")) for clause in clauses)
    return 2 * len(lost) <= len(clauses) and short and not negated


def _swallowed(intents: tuple[Intent, ...]) -> bool:
    """Whether a wildcard took what looks like another command: "a timer called pasta and turn on the light"."""
    free = str(intents[0].slots.get("name", intents[0].slots.get("item", ""))).split()
    return intents[0].confidence < 1 and "and" in free and bool(VERBS & set(free[free.index("and") :]))


def _is_missing(intents: tuple[Intent, ...]) -> bool:
    return any(intent.name == "MissingDevice" for intent in intents)
