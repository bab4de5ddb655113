"""How a reply is cut into pieces, and how a voice's tables are packed."""

from __future__ import annotations

import pytest

from assistant.engines.packed_table import PackedTable
from assistant.engines.speech_text import FIRST_PIECE, LONGEST_PIECE, pieces, sentences


def test_sentences_end_where_a_reader_would_stop():
    assert sentences("Hello there. It is 7.30 p.m. now!  Done?\nNext line") == [
        "Hello there.",
        "It is 7.30 p.m. now!",
        "Done?",
        "Next line",
    ]
    assert sentences("Dr. Smith met J. K. Rowling. They spoke.") == ["Dr. Smith met J. K. Rowling.", "They spoke."]
    assert sentences("  ") == []


def test_a_short_reply_stays_whole():
    assert list(pieces("The light is on, and the door is shut.")) == [("The light is on, and the door is shut.", True)]


def test_a_long_first_sentence_is_cut_at_a_clause():
    clause = "with the weather of today and of tomorrow morning"
    found = list(pieces(f"Here is what I found for you, {clause}, {clause}, {clause}. The end."))
    assert len(found[0][0]) <= FIRST_PIECE and found[0][0].endswith(",") and not found[0][1]
    assert [ends for _, ends in found] == [False, True, True]


def test_nothing_is_lost_and_no_piece_is_too_long():
    text = "one two three " * 100 + ", " + "x" * 1000 + ". Short. " + "a, " * 300
    found = [piece for piece, _ in pieces(text)]
    assert "".join("".join(found).split()) == "".join(text.split())
    assert max(map(len, found)) <= LONGEST_PIECE


def test_pieces_without_words_are_left_out():
    assert list(pieces("... !? 😀 -")) == []
    assert list(pieces("Yes. ... ")) == [("Yes.", True)]


def test_endless_numbers_are_read_digit_by_digit():
    assert list(pieces("1" * 20)) == [(" ".join("1" * 20), True)]


def test_a_packed_table_answers_as_the_dict_did():
    items = {f"word {i}": {"NN": float(i), "é": -0.5} if i % 3 else f"ˈsound{i}" for i in range(5000)} | {"": ""}
    packed = PackedTable(items)
    assert len(packed) == len(items)
    assert all(packed.get(key) == value and packed[key] == value and key in packed for key, value in items.items())
    assert packed.get("nothing") is None and "nothing" not in packed
    with pytest.raises(KeyError):
        packed["nothing"]
    assert PackedTable({}).get("x", 7) == 7
