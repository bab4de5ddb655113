"""The grammar that recognisers are given: complete, small, quickly made, and nothing in it that is not understood."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.brain import Brain
from assistant.commands import load_file
from assistant.commands.running import command_sentences
from assistant.engines import WordGrammar
from assistant.engines.spelling import in_words, readable, spellings, words_of
from assistant.engines.token_automaton import TokenAutomaton
from assistant.grammar import ActiveGrammar, compile_grammar
from assistant.grammar.graph import Graph
from assistant.home import Entity, MemoryHome, load_home
from assistant.timers import SystemClock, Timers
from assistant.understanding import Sentences, Understanding
from assistant.understanding.grammar import Loaded


@pytest.fixture(scope="module")
def understanding() -> Understanding:
    return Understanding(load_home())


@pytest.fixture(scope="module")
def grammar(understanding: Understanding) -> WordGrammar:
    return compile_grammar(understanding.templates)


def after(grammar: WordGrammar, text: str) -> int | None:
    return grammar.after(text.split())


def accepts(grammar: WordGrammar, text: str) -> bool:
    return grammar.accepts(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "turn on the kitchen light",
        "could you please turn off the bedroom fan now",
        "set the living room lamp to fifty percent",
        "switch on the bedroom fan and open the blinds",
        "set a timer for an hour and a half and close the blinds",
        "wake me up at seven thirty tomorrow",
        "set the heater to twenty one degrees",
        "okay nabu what time is it",
        "unlock the front door please",
        "stop",
        "yes",
    ],
)
def test_accepts(grammar: WordGrammar, text: str) -> None:
    assert accepts(grammar, text)


@pytest.mark.parametrize("text", ["", "turn on the garden light", "turn the", "tell me a joke", "and", "lock the kitchen light"])
def test_rejects(grammar: WordGrammar, text: str) -> None:
    assert not accepts(grammar, text)


def sample(grammar: WordGrammar, choose: random.Random) -> str:
    """One command of the grammar."""
    state, words = 0, list[str]()
    while not grammar.final[state]:
        word = choose.choice(list(grammar.arcs[state]))
        words.append(word)
        state = grammar.arcs[state][word]
    return " ".join(words)


def test_what_it_says_is_understood(grammar: WordGrammar, understanding: Understanding) -> None:
    """Nearly: templates overlap, and "a 25 hour alarm" is in them too."""
    choose = random.Random(3)
    said = [readable(sample(grammar, choose)) for _ in range(300)]
    lost = [text for text in said if not understanding.understand(text).intents]
    assert len(lost) <= 9, lost


def test_it_is_small_and_quickly_made(understanding: Understanding) -> None:
    began = time.process_time()
    made = compile_grammar(understanding.templates)
    assert time.process_time() - began < 3  # 0.7 s on an idle core
    assert sum(map(len, made.arcs)) < 56_000


def test_the_same_every_time(understanding: Understanding, grammar: WordGrammar) -> None:
    again = compile_grammar(understanding.templates)
    assert again.arcs == grammar.arcs and again.final == grammar.final


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("set the lamp to twenty percent", True),
        ("pause the tv please", True),
        ("turn on the light", False),
        ("turn on the", False),
    ],
)
def test_it_knows_what_is_not_gone_on_with(grammar: WordGrammar, text: str, closed: bool) -> None:
    assert (after(grammar, text) in grammar.closed) == closed


def test_it_knows_where_only_another_sentence_follows(grammar: WordGrammar) -> None:
    assert after(grammar, "turn on the kitchen light") in grammar.joining
    assert after(grammar, "set a timer for two minutes") not in grammar.joining  # "and ten seconds"


def test_numbers_are_words(tmp_path: Path) -> None:
    file = tmp_path / "drinks.yaml"
    text = 'commands:\n  Drink:\n    sentences: ["a {size} tea"]\n    reply: Yes\nlists:\n  size: [twenty ounce]\n'
    file.write_text(text, "utf-8")
    made = compile_grammar(Understanding(load_home(), command_sentences([load_file(file)])).templates[:1])
    assert accepts(made, "a twenty ounce tea") and not accepts(made, "a 20 ounce tea")


def test_a_command_file_alone_expects_its_own_sentences_only(tmp_path: Path) -> None:
    file = tmp_path / "tea.yaml"
    file.write_text('commands:\n  Tea:\n    sentences: ["a cup of tea"]\n    reply: Yes\n', "utf-8")
    alone, home = Understanding(load_home(), command_sentences([load_file(file)])).templates
    assert not accepts(compile_grammar((alone,)), "turn it off")
    assert accepts(compile_grammar((alone, home)), "turn it off") and accepts(compile_grammar((alone, home)), "a cup of tea")


def test_it_follows_the_home() -> None:
    home = load_home()
    source = ActiveGrammar(Understanding(home))
    before = source()
    assert source() is before and not accepts(before, "turn on the garden light")
    home.add(Entity("light.garden", "garden light", "light", "garden"))
    after = source()
    assert after is not before and accepts(after, "turn on the garden light")


def test_a_command_file_works_at_once(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "party.yaml").write_text(
        "commands:\n  Disco:\n    sentences: ['start the {kind} disco']\n    reply: Disco!\nlists:\n  kind: [loud, quiet]\n"
    )
    brain = Brain(
        home=load_home(), timers=Timers(tmp_path / "t.sqlite", SystemClock()), clock=SystemClock(), commands_folder=commands
    )
    assert not brain.problems
    assert accepts(ActiveGrammar(brain)(), "start the quiet disco")


def only(templates: tuple[str, ...], **lists: object) -> WordGrammar:
    """The grammar of one skill's sentences in an empty home."""
    own = Understanding(MemoryHome([]), [Sentences("Own", templates, lists)]).templates[0]  # type: ignore[arg-type]
    return compile_grammar((Loaded(own.intents, own.lists),))


def test_the_parts_of_templates() -> None:
    grammar = only(("light[s] (up;down) {count} [very] slowly",), count=range(3, 5))
    for text in ("lights up down three slowly", "light down up four very slowly", "light up down three slowly please"):
        assert accepts(grammar, text), text
    for text in ("lights up three slowly", "light s up down three slowly", "lights up down five slowly"):
        assert not accepts(grammar, text), text


def test_free_text_is_left_out() -> None:
    grammar = only(("note {what}", "note [{what}] down", "forget it"), what="text")
    assert accepts(grammar, "forget it") and accepts(grammar, "note down")
    assert not accepts(grammar, "note milk") and not accepts(grammar, "note")


def test_an_empty_grammar_accepts_nothing() -> None:
    grammar = only(("{what} please",), what="text")
    assert not any(grammar.final) and not accepts(grammar, "")


def test_equal_states_exist_once() -> None:
    graph = Graph()
    assert graph.text("a b", graph.end) == graph.text("a b", graph.end)
    both = graph.union(graph.text("a", graph.end), graph.text("b", graph.end))
    assert both == graph.union(graph.text("b", graph.end), graph.text("a", graph.end))


@dataclass
class Letters:
    """A tokeniser of pairs of letters: words share beginnings, and some begin with another word."""

    def __call__(self, word: str) -> list[int]:
        return [int.from_bytes(word[at : at + 2].encode(), "big") for at in range(0, len(word), 2)]


def test_tokens_spell_the_words() -> None:
    grammar = only(("turn (the|theme|them) on", "turn thematic [on]"))
    tokens = Letters()
    automaton = TokenAutomaton(grammar, tokens)
    found, todo = set(), [(TokenAutomaton.START, b"")]
    while todo:
        state, text = todo.pop()
        if len(text) > 30:
            continue
        arcs = automaton.arcs(state)
        if arcs.final:
            found.add(text.decode().strip())
        assert len(set(arcs.tokens)) == len(arcs.tokens)
        todo += [
            (target, text + token.to_bytes((token.bit_length() + 7) // 8, "big"))
            for token, target in zip(arcs.tokens, arcs.targets, strict=True)
        ]
    assert {"turn the on", "turn theme on", "turn them on", "turn thematic", "turn thematic on"} <= found
    assert all(accepts(grammar, text) for text in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Set the TV to 50%.", "set the tv to fifty percent"),
        ("Wake me up at 7:30 a.m.", "wake me up at seven thirty am"),
        ("What's the time?", "what's the time"),
        ("Set it to 7.05, please!", "set it to seven oh five please"),
    ],
)
def test_transcripts_as_words(text: str, words: str) -> None:
    assert " ".join(words_of(text)) == words


def test_words_as_text() -> None:
    assert readable("set the tv to twenty one degrees") == "Set the TV to 21 degrees"
    assert readable("wake me up at seven oh five am") == "Wake me up at 7:05 AM"
    assert {"Set it to 50%", "Set it to 50 percent", "Set it to fifty percent"} <= set(spellings("set it to fifty percent"))
    assert in_words(115) == "one hundred fifteen"


def test_it_expects_sentences_about_what_was_talked_of(grammar: WordGrammar) -> None:
    for sentence in ("turn it off", "switch off that", "make them brighter please", "turn it off again"):
        assert accepts(grammar, sentence), sentence
