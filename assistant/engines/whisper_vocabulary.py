"""Whisper's tokens: byte-level pair encoding as GPT-2 has it, read from the tokenizer.json that comes with the weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tiktoken

from assistant.errors import ModelError

Floats = npt.NDArray[np.float32]

PIECES = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
"""How a text is cut before pairs are merged (openai/whisper tokenizer.py, from GPT-2)."""


class Vocabulary:
    """Whisper's tokens: texts, special ids, and which must not be chosen.

    forbidden: float32 (vocabulary,), 0 or -inf, added to the scores; forbidden_first also rules out an empty text's blank.

    Args:
        model_dir: folder with tokenizer.json and config.json.

    Raises:
        ModelError: a file is missing, damaged, or not one of Whisper's English models.
    """

    SIZE = 51864

    def __init__(self, model_dir: Path) -> None:
        try:
            config = json.loads((model_dir / "config.json").read_bytes())
            unwanted, unwanted_first = config["suppress_ids"], config["suppress_ids_begin"]
            self._special, self._encoding = _encoding(json.loads((model_dir / "tokenizer.json").read_bytes()))
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"tokenizer.json or config.json in {model_dir} is missing or damaged: run `assistant models pull`"
            ) from error
        self.start = self._id("<|startoftranscript|>")
        self.end = self._id("<|endoftext|>")
        self.no_timestamps = self._id("<|notimestamps|>")
        self.no_speech = self._id("<|nocaptions|>")
        self.forbidden = np.zeros(self.SIZE, np.float32)
        self.forbidden[unwanted] = -np.inf
        self.forbidden[self.end + 1 :] = -np.inf
        self.forbidden_first = self.forbidden.copy()
        self.forbidden_first[unwanted_first] = -np.inf

    def tokens(self, text: str) -> list[int]:
        """The ids of a text."""
        return list(self._encoding.encode_ordinary(text))

    def text(self, tokens: list[int]) -> str:
        """Words of a list of ids, without the special ones, stripped."""
        return str(self._encoding.decode([token for token in tokens if token < self.end])).strip()

    def piece(self, token: int) -> str:
        """One token's letters, the space in front of a word included; bytes that are no text become a replacement sign."""
        return str(self._encoding.decode_single_token_bytes(token), "utf-8", "replace")

    def no_speech_probability(self, first: Floats) -> float:
        """first: scores after the start token alone, where Whisper was trained to say "no speech" (its decoding.py)."""
        weights = np.exp(first - first.max())
        return float(weights[self.no_speech] / weights.sum())

    def _id(self, name: str) -> int:
        if name not in self._special:
            raise ModelError(f"the tokenizer has no {name}: it is not one of Whisper's English models")
        return self._special[name]


def _encoding(table: dict[str, Any]) -> tuple[dict[str, int], tiktoken.Encoding]:
    """The special tokens and the codec of a tokenizer.json. Raises KeyError or ValueError when it is not one."""
    special = {str(entry["content"]): int(entry["id"]) for entry in table["added_tokens"]}
    bytes_of = _byte_table()
    words = {word: rank for word, rank in table["model"]["vocab"].items() if word not in special}
    ranks = {bytes(bytes_of[sign] for sign in word): int(rank) for word, rank in words.items()}
    return special, tiktoken.Encoding("whisper", pat_str=PIECES, mergeable_ranks=ranks, special_tokens=special)


def _byte_table() -> dict[str, int]:
    """GPT-2's sign for every byte: printable Latin-1 stands for itself, the others follow from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + place): byte for place, byte in enumerate(others)}
