"""Enrolment: from a phrase and a few recordings to a word that the engine `own` hears. Nothing leaves the device."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from assistant.caller import Floats
from assistant.engines.embedding_head import WINDOW
from assistant.engines.speech_embedding import HOP, SpeechEmbedding
from assistant.wake import lesson as lessons
from assistant.wake.bank import Bank, load_whole_bank
from assistant.wake.examples import BAG, LATE_HOPS, Tick
from assistant.wake.lesson import Lesson, Scale, Teacher
from assistant.wake.network import Network, score
from assistant.wake.rates import Point
from assistant.wake.training import STEPS
from assistant.wake.voices import SHARES, installed_voices
from assistant.wake.word import Card, read_card, save_word

SCALE = Scale(shares=SHARES, talk=0.3, recorded=0.2)
"""What a device makes of a word. Recordings are of one voice at one microphone: looked at more often, these become the word."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to learn. phrase: what a person says; said_as: how voices spell it; recordings: float32 (n,), 16 kHz, trimmed."""

    phrase: str
    said_as: str
    recordings: list[Floats] = field(default_factory=list)
    seed: int = 0

    def work(self) -> int:
        """About how many ticks learning takes, for a progress bar."""
        return SCALE.work(len(self.recordings))


def learn_word(order: Order, folder: Path, features: Path, cache: Path, tick: Tick) -> Card:
    """Learn a word and write it to `folder`. features: the registry's openwakeword-features. Raises ModelError."""
    teacher = Teacher(installed_voices(), SpeechEmbedding(features, cache), np.random.default_rng(order.seed), tick, SCALE)
    lesson = teacher.prepare(order.said_as, order.recordings)
    card = finish(teacher, lesson, order.phrase, len(order.recordings), folder)
    lesson.save(folder)
    return card


def work_again(mistakes: int) -> int:
    """About how many ticks `learn_again` takes."""
    return STEPS + mistakes * lessons.COPIES_OF_MISTAKE


def learn_again(folder: Path, mistakes: list[Floats], features: Path, cache: Path, tick: Tick) -> Card:
    """Learn an enrolled word once more with recordings that must not wake. mistakes: float32 (n,), 16 kHz. Raises ModelError."""
    lesson, card = Lesson.load(folder), read_card(folder)
    teacher = Teacher({}, SpeechEmbedding(features, cache), np.random.default_rng(len(lesson.mistakes)), tick, SCALE)
    for sound in mistakes:
        lesson = teacher.with_mistake(lesson, sound)
    again = finish(teacher, lesson, card.phrase, int(str(card.point["recordings"])), folder)
    lesson.save(folder)
    return again


def finish(teacher: Teacher, lesson: Lesson, phrase: str, recordings: int, folder: Path, bank: Bank | None = None) -> Card:
    """Learn from a lesson and write the word with its card. recordings: how many the lesson holds; bank: None = the package's."""
    bank = bank or load_whole_bank()
    network, point = teacher.learn(lesson, bank)
    card = Card(phrase, point.threshold, delay(network, lesson.held_out, point.threshold), _described(point, bank, recordings))
    save_word(folder, network.folded(), card)
    return card


def delay(network: Network, scenes: Floats, threshold: float) -> int:
    """Samples from the end of the word to the first window above the threshold, median over the scenes that are heard."""
    found = []
    for scene in scenes:
        above = np.flatnonzero(score(network, scene) > threshold)
        if len(above):
            found.append(int(above[0]) + WINDOW - (BAG - LATE_HOPS))  # windows end BAG - LATE_HOPS hops in at the end of the word
    return int(np.median(found)) * HOP if found else 0


def _described(point: Point, bank: Bank, recordings: int) -> dict[str, object]:
    """The operating point as word.json keeps it."""
    return {
        "text": f"{point.text()} ({bank.about})",
        "missed": point.misses,
        "said": point.said,
        "said_what": "synthetic voices in noise, kept apart from learning",
        "false_accepts": point.accepts,
        "hours": round(point.hours, 3),
        "most_per_hour_95": round(3 / point.hours, 2) if not point.accepts and not math.isclose(point.hours, 0) else None,
        "other_sound": bank.about,
        "recordings": recordings,
    }
