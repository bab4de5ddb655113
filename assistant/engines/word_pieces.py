"""WordPiece: cuts a sentence into the pieces of BERT's English vocabulary (Devlin et al. 2018; Wu et al. 2016).

pieces = WordPieces(folder / "vocab.txt")
pieces.encode("turn that off")      # Encoded(ids=(101, 2735, 2008, 2125, 102), words=(-1, 0, 1, 2, -1))
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError

LONGEST_WORD = 100
"""Characters; a longer word is one unknown piece, as in BERT's own tokenizer."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """ids: positions in the vocabulary, from [CLS] to [SEP]; words: which word of the text each piece is of, -1 for those."""

    ids: tuple[int, ...]
    words: tuple[int, ...]


class WordPieces:
    """The uncased vocabulary. Accents are dropped, punctuation stands alone. Raises ModelError when the file is missing."""

    def __init__(self, vocabulary: Path) -> None:
        if not vocabulary.is_file():
            raise ModelError(f"the word list {vocabulary} is missing: run `assistant models pull minilm-l6` to get it")
        lines = vocabulary.read_text("utf-8").rstrip("\n").split("\n")
        self._ids = {piece: place for place, piece in enumerate(lines)}
        try:
            self._start, self._end, self._unknown = (self._ids[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
        except KeyError as error:
            raise ModelError(
                f"{vocabulary} is not BERT's word list: delete it and run `assistant models pull minilm-l6`"
            ) from error

    def encode(self, text: str, longest: int = 32) -> Encoded:
        """The pieces of a text, `longest` at most with the two marks. Words are what stands between spaces."""
        ids, words = [self._start], [-1]
        for index, word in enumerate(text.split()):
            for part in _parts(word):
                for piece in self._pieces(part):
                    if len(ids) < longest - 1:
                        ids.append(piece)
                        words.append(index)
        return Encoded((*ids, self._end), (*words, -1))

    def _pieces(self, word: str) -> list[int]:
        """The longest piece that fits, again and again; one unknown piece when something is left over."""
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._ids.get(("##" if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return [self._unknown]
            found.append(piece)
            start = end
        return found


def _parts(word: str) -> list[str]:
    """A word in lower case without accents, cut at punctuation and symbols: "what's" -> what ' s."""
    plain = "".join(c for c in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(c) not in ("Mn", "Cc", "Cf"))
    parts: list[str] = []
    glue = False
    for character in plain:
        if _stands_alone(character):
            parts.append(character)
            glue = False
        elif glue:
            parts[-1] += character
        else:
            parts.append(character)
            glue = True
    return parts


def _stands_alone(character: str) -> bool:
    """Punctuation, ASCII symbols and CJK ideographs, as in BERT's basic tokenizer."""
    code = ord(character)
    symbol = 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return symbol or unicodedata.category(character).startswith("P") or 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF
