"""Questions about the world: answered by a language model on the local network when one is set up, else declined."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anyio import to_thread

from assistant.errors import SkillError
from assistant.skills import Reply, Services, skill

QUESTION = re.compile(
    r"^(?:(?:please|hey|ok|okay|so|and|can you|could you|would you|do you know|i wonder|i want to know) )*"
    r"(?:what|what's|who|who's|whose|whom|why|how|how's|when|where|which|explain|tell me (?:about|a|why|how|what|who)|describe|"
    r"is it true|did|does|do|are there|is there|define|translate|summarize|write)\b"
)
"""How a question about the world begins."""

FEWEST_WORDS = 3
"""A shorter text is too little to be a question to a language model."""

ABOUT_THE_PICTURE = re.compile(r"\b(?:this|that|these|those|see|here|picture|wearing|holding|look|looks)\b")
"""Words with which a question may be about what is in view."""


@dataclass(frozen=True, slots=True)
class Asked:
    """question: as it was said."""

    question: str


def is_question(text: str) -> bool:
    """Whether a transcript that nobody understood is a question about the world."""
    said = " ".join(re.sub(r"[^a-z' ]", " ", text.lower().replace("’", "'")).split())
    return QUESTION.match(said) is not None and len(said.split()) >= FEWEST_WORDS


@skill("OpenQuestion")
async def open_question(slots: Asked, services: Services) -> Reply:
    """Ask the language model."""
    if services.chat is None:
        raise SkillError("I cannot answer that offline.")
    shown = services.chat.sends_pictures and services.eyes is not None and services.eyes.open
    pixels = services.eyes.pixels if shown and services.eyes and ABOUT_THE_PICTURE.search(slots.question.lower()) else None
    answer = await to_thread.run_sync(services.chat.answer, slots.question, pixels)
    return Reply(answer)
