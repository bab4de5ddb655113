"""A learned word on disk: a folder with the network as ONNX, its weights, and a card that says how good it is.

<data folder>/wake/hey_mira/    head.onnx   head.bin   word.json
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from assistant.engines.embedding_head import CARD_FILE, HEAD_BLOB, HEAD_FILE, HEAD_GRAPH, head_shapes
from assistant.engines.speech_embedding import GRAPHS
from assistant.errors import ConfigError, ModelError
from assistant.wake.network import Weights

PHRASE_LETTERS = (4, 40)


@dataclass(frozen=True, slots=True)
class Card:
    """What word.json says.

    phrase: what a person says. threshold: logit at which the word counts; a score of 0.5 is this. delay: samples from the
    end of the word to the first logit above it, median over held-out scenes. point: the operating point as measured, for people.
    """

    phrase: str
    threshold: float
    delay: int
    point: dict[str, object] = field(default_factory=dict)


def word_name(phrase: str) -> str:
    """ "Hey Mira!" -> "hey_mira". Raises ConfigError when it cannot be a wake word."""
    plain = re.sub(r"[^a-z' ]", " ", phrase.lower()).split()
    low, high = PHRASE_LETTERS
    if not low <= len("".join(plain)) <= high:
        raise ConfigError(f"{phrase!r} cannot be a wake word: use {low} to {high} letters of the English alphabet")
    return "_".join(plain).replace("'", "")


def save_word(folder: Path, weights: Weights, card: Card) -> None:
    """Write a word's folder; an older one is replaced only when the new one is complete."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    shutil.copyfile(GRAPHS / HEAD_GRAPH, part / HEAD_FILE)
    blob = [np.ascontiguousarray(weights[name], "<f4").tobytes() for name in head_shapes()]
    (part / HEAD_BLOB).write_bytes(b"".join(blob))
    for kept in folder.glob("*.npz"):  # the lesson of a word that is learned again
        shutil.copyfile(kept, part / kept.name)
    (part / CARD_FILE).write_text(json.dumps(asdict(card), indent=1) + "\n", "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


SHIPPED = Path(__file__).parent / "words"
"""Words of ours that come with the package."""


def user_words(data: Path) -> Path:
    """The folder of the words learned on this device. data: the user's data folder."""
    return data / "wake"


def find_word(name: str, data: Path) -> Path:
    """The folder of a word: a path, a word learned here, or one that is shipped. Raises ModelError that names the choices."""
    for folder in (Path(name).expanduser(), user_words(data) / name, SHIPPED / name):
        if (folder / CARD_FILE).is_file():
            return folder
    known = ", ".join(sorted(words(data))) or "none yet"
    raise ModelError(f'no wake word {name!r} here ({known}): make it with `assistant wake enroll`, or use wake.engine = "micro"')


def words(data: Path) -> dict[str, Path]:
    """All words that are here, by name: shipped ones, and those of the user, which win."""
    folders = [*SHIPPED.glob(f"*/{CARD_FILE}"), *user_words(data).glob(f"*/{CARD_FILE}")]
    return {card.parent.name: card.parent for card in folders if not card.parent.name.startswith(".")}


def read_card(folder: Path) -> Card:
    """word.json of a word. Raises ModelError."""
    try:
        return Card(**json.loads((folder / CARD_FILE).read_text("utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / CARD_FILE} is damaged: enrol the word again") from error
