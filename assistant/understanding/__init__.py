"""What a sentence wants: from a transcript to intents, in a few milliseconds, without a language model.

The way of a sentence: clean it (text.py) -> is it an answer to a question? (context.py) -> the user's own sentences, then the
built-in ones (grammar.py) -> several commands in one (split.py) -> "it", "again" -> names that were not quite heard (names.py) ->
which devices are meant (targets.py). Each step is tried only when those before did not explain the sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.home import Home
from assistant.intents import Intent
from assistant.understanding import reading
from assistant.understanding.context import Context, answer
from assistant.understanding.grammar import CustomGrammar, Grammar, Loaded, Sentences, spoken_form
from assistant.understanding.misheard import names_of
from assistant.understanding.quantities import digits
from assistant.understanding.split import Splitter
from assistant.understanding.text import clean, without_commas, without_fillers

__all__ = ["Context", "Sentences", "Understanding", "Understood"]


@dataclass(frozen=True, slots=True)
class Understood:
    """intents: in the order they were said, () = not understood. heard: whether there were any words at all."""

    intents: tuple[Intent, ...]
    heard: bool = True


class Understanding:
    """Understands English about one home. custom: the user's sentences, of command files and skills; they win over ours.

    When the home's devices change, the next sentence is understood with the new ones. Not safe for several threads at once.
    """

    def __init__(self, home: Home, custom: Sequence[Sentences] = ()) -> None:
        self._home = home
        self._custom = tuple(custom)
        self._built = self._build()

    def understand(self, text: str, context: Context | None = None) -> Understood:
        """What a transcript wants. context: the dialogue so far. Blocking, a few milliseconds."""
        if self._built.entities is not self._home.entities:
            self._built = self._build()
        context = context or Context()
        cleaned = clean(text)
        if not cleaned:
            return Understood((), heard=False)
        if context.question is not None:
            answered = answer(digits(without_commas(cleaned)), context.question)
            if answered is not None:
                return Understood(answered)
        reader = reading.Reader(self._built, self._home, context)
        if context.question is not None and context.question.completes:
            completed = _completed(reader, context.question.completes, cleaned)
            if completed:
                return Understood(completed)
        intents = reader.custom(digits(without_commas(cleaned))) or reader.following(cleaned)
        intents = intents or reader.sentence(digits(without_fillers(cleaned)))
        if not intents or intents[0].name == "NoReferent":
            intents = reader.listed(digits(cleaned)) or intents
        return Understood(intents)

    def renew(self, custom: Sequence[Sentences]) -> None:
        """Other sentences of the user's from the next text on."""
        self._custom = tuple(custom)
        self._built = self._build()

    def matches(self, text: str) -> str:
        """The name of the built-in intent that a sentence would be, "" for none: for checking a user's templates."""
        reader = reading.Reader(self._built, self._home, Context())
        return reader.built_in(digits(without_fillers(without_commas(clean(text)))))

    @property
    def templates(self) -> tuple[Loaded, ...]:
        """What is understood at present, the user's sentences first; the same object until the home changes."""
        if self._built.entities is not self._home.entities:
            self._built = self._build()
        return self._built.templates

    def _build(self) -> reading.Built:
        entities, areas = self._home.entities, self._home.areas
        names = names_of(self._home)
        templates = (template for entry in self._custom for template in entry.templates if template.split())
        verbs = (template.lower().split()[0].strip("[](){}<>") for template in templates)
        grammar, custom = Grammar(entities, areas), CustomGrammar(self._custom, entities, areas)
        return reading.Built(
            entities=entities,
            grammar=grammar,
            custom=custom,
            templates=(custom.loaded, grammar.loaded),
            splitter=Splitter((spoken for spoken, _ in names.spoken), (spoken_form(area) for area in areas), verbs),
            names=names,
        )


def _completed(reader: reading.Reader, begun: str, cleaned: str) -> tuple[Intent, ...]:
    """What a text makes of the command that a question left open; () when it is something else."""
    if begun.endswith((" for", " at")):
        forms = [f"{begun} {re.sub(r'^(?:for|at) (?=[^ ])', '', cleaned)}"]
    else:
        forms = [f"{begun} {cleaned}", f"{begun} at {cleaned}"]
    for form in forms:
        intents = reader.sentence(digits(without_fillers(clean(form))))
        if intents and not intents[0].name.endswith("Ask"):  # not the same question again
            other = reader.built_in(digits(without_fillers(cleaned))) in reading.TURNED_DOWN
            return () if other else intents
    return ()
