"""A lesson: everything a word was learned from, as embeddings and never as sound, so that it can be learned again with more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from assistant.caller import Floats
from assistant.engines import CAPTURE_RATE
from assistant.engines.embedding_head import WINDOW
from assistant.engines.speech_embedding import EMBEDDING, SpeechEmbedding
from assistant.errors import ModelError
from assistant.wake.bank import Bank
from assistant.wake.examples import BAG, Examples, Tick, bags, disturbed, plain
from assistant.wake.near import near_phrases
from assistant.wake.network import Network, score
from assistant.wake.rates import HOP_HOURS, Point, at_threshold, events, point_at
from assistant.wake.sound import Surroundings, jumbled, paced, some_noise
from assistant.wake.training import STEPS, train
from assistant.wake.voices import Voice

SCENES_OF_RECORDING = 60
HELD_OUT = 5
"""Every fifth synthetic recording is kept for checking the word."""

NEAR_PHRASES, VOICES_PER_PHRASE = 80, 3
COPIES_OF_MISTAKE = 20
JUMBLED_OF_RECORDING = 20
"""Sounds of each of the user's recordings that are not the word: else every sentence at that microphone would be."""

NOISES, NOISE_SECONDS = 60, 4
NOISE_LEVEL = (0.0, 3.7)
"""Powers of ten of the noise's deviation in 16-bit steps: silence to very loud."""

SHARE_OF_RECORDINGS = 0.5
"""How much of the time a scene of recordings is looked at, when they are of many people."""

RATE = 0.5
"""False accepts per hour that the default threshold may show on the check part of the bank."""

LEAST_LOGIT = 0.0
"""The default threshold is never lower, however calm the bank is: at 0 the network itself is undecided."""

FILE = "lesson.npz"
SHORTEST = CAPTURE_RATE // 10
"""Samples; a voice that said less said nothing."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of it. spoken: times the voices say the word, together; scenes: of each of these; steps: of training.

    shares: how often a voice speaks compared with others, 1 for those not named; near: phrases that sound like the word;
    replies, talk: see Surroundings; recorded: how much of the time a scene of the user's own recordings is looked at, 0..1.
    """

    spoken: int = 180
    scenes: int = 4
    steps: int = STEPS
    shares: Mapping[str, float] = field(default_factory=dict)
    near: int = NEAR_PHRASES
    replies: float = 0.25
    talk: float = 0.0
    recorded: float = SHARE_OF_RECORDINGS

    def work(self, recordings: int) -> int:
        """About how many ticks learning takes, for a progress bar."""
        scenes = self.spoken * (self.scenes * (HELD_OUT - 1) + 2) // HELD_OUT
        scenes += recordings * (SCENES_OF_RECORDING + 2 * JUMBLED_OF_RECORDING)
        return self.steps + self.spoken + scenes + self.near * (1 + VOICES_PER_PHRASE)


@dataclass(frozen=True, slots=True)
class Lesson:
    """spoken, recorded: scenes to learn from, (n, BAG, 96); held_out: scenes kept apart; near: hard other sound, (k, 96)."""

    spoken: Floats
    recorded: Floats
    held_out: Floats
    near: Floats
    mistakes: Floats

    def save(self, folder: Path) -> None:
        """Write it beside the word, in half precision."""
        parts = {name: np.asarray(getattr(self, name), np.float16) for name in self.__slots__}
        with (folder / FILE).open("wb") as sink:
            np.savez_compressed(sink, allow_pickle=False, **parts)

    @staticmethod
    def load(folder: Path) -> Lesson:
        """Raises ModelError when the word was not learned on this device."""
        try:
            with np.load(folder / FILE) as stored:
                return Lesson(**{name: np.asarray(stored[name], np.float32) for name in Lesson.__slots__})
        except (OSError, KeyError, ValueError) as error:
            raise ModelError(
                f"{folder.name} was not enrolled on this device: `assistant wake enroll` makes a word of your own"
            ) from error


@dataclass(frozen=True, slots=True)
class Teacher:
    """Makes lessons. voices: who says the word; embed: sound -> embeddings; random; tick: after a piece of work.

    others: what is said beside the word, besides what sounds like it: float32 (n,), 16 kHz.
    """

    voices: dict[str, Voice]
    embed: SpeechEmbedding
    random: np.random.Generator
    tick: Tick
    scale: Scale = Scale()
    others: Sequence[Floats] = ()

    def prepare(self, phrase: str, recordings: list[Floats]) -> Lesson:
        """Say the word and what sounds like it, and set it all in many scenes.

        phrase: as voices spell it; several spellings stand between slashes. recordings: float32 (n,), 16 kHz, trimmed.
        """
        spellings = [spelling.strip() for spelling in phrase.split("/")]
        spoken = self._say(spellings)
        near = self._say_near(near_phrases(spellings[0], self.random, self.scale.near))
        around = Surroundings([*near, *self.others], [], self.scale.replies, self.scale.talk)
        kept, learned = spoken[::HELD_OUT], [word for index, word in enumerate(spoken) if index % HELD_OUT]
        own = [jumbled(paced(sound, self.random), self.random) for sound in recordings * JUMBLED_OF_RECORDING]
        hard = [
            plain(near + own, self.embed),
            disturbed(near + own * 2, around, self.embed, self.random, self.tick),
            *self._noises(around),
        ]
        return Lesson(
            spoken=self._scenes(learned * self.scale.scenes, around),
            recorded=self._scenes(recordings * SCENES_OF_RECORDING, around),
            held_out=self._scenes(kept * 2, around),
            near=np.concatenate(hard),
            mistakes=np.zeros((0, EMBEDDING), np.float32),
        )

    def with_mistake(self, lesson: Lesson, sound: Floats) -> Lesson:
        """The lesson with one more recording that must not wake. sound: float32 (n,), 16 kHz."""
        long = np.concatenate([sound, np.zeros(max(0, 3 * CAPTURE_RATE - len(sound)), np.float32)])
        copies = [
            plain([long], self.embed),
            disturbed([long] * COPIES_OF_MISTAKE, Surroundings([], []), self.embed, self.random, self.tick),
        ]
        return replace(lesson, mistakes=np.concatenate([lesson.mistakes, *copies]))

    def learn(self, lesson: Lesson, bank: Bank) -> tuple[Network, Point]:
        """The network, and what it does at the threshold it should have."""
        scenes, share = scenes_and_shares(lesson, self.scale.recorded)
        streams = (bank.learn, lesson.near, lesson.mistakes)
        network = train(Examples(scenes, share, streams), self.random, self.tick, self.scale.steps)
        return network, check(network, lesson.held_out, bank, lesson.mistakes)

    def _say(self, spellings: list[str]) -> list[Floats]:
        """One of the spellings by all voices, each as often as its share says, in random order."""
        shares = np.array([self.scale.shares.get(name, 1.0) for name in self.voices])
        counts = np.rint(shares / shares.sum() * self.scale.spoken).astype(int)
        names = [name for name, count in zip(self.voices, counts, strict=True) for _ in range(max(1, count))]
        said = []
        for index in self.random.permutation(len(names)):
            said.append(self.voices[names[index]](str(self.random.choice(spellings)), self.random))
            self.tick()
        return [sound for sound in said if len(sound) >= SHORTEST]

    def _say_near(self, phrases: list[str]) -> list[Floats]:
        """Every phrase by VOICES_PER_PHRASE voices; slow ones (share below 1) are left out."""
        names = [name for name in self.voices if self.scale.shares.get(name, 1.0) >= 1]
        said = []
        for phrase in phrases:
            for index in self.random.permutation(len(names))[:VOICES_PER_PHRASE]:
                said.append(self.voices[names[index]](phrase, self.random))
            self.tick()
        return [sound for sound in said if len(sound) >= SHORTEST]

    def _noises(self, around: Surroundings) -> list[Floats]:
        """Noise and silence without any word, each heard from the start."""
        found = []
        for _ in range(NOISES):
            level = 10 ** self.random.uniform(*NOISE_LEVEL)
            sound = some_noise(around, NOISE_SECONDS * CAPTURE_RATE, self.random)
            self.embed.reset()
            found.append(self.embed.feed(np.asarray(np.clip(sound / (sound.std() + 1e-6) * level, -32768, 32767), np.int16)))
        return found

    def _scenes(self, words: list[Floats], around: Surroundings) -> Floats:
        if not words:
            return np.zeros((0, BAG, EMBEDDING), np.float32)
        return bags(words, around, self.embed, self.random, self.tick)


def scenes_and_shares(lesson: Lesson, recorded: float = SHARE_OF_RECORDINGS) -> tuple[Floats, Floats]:
    """All scenes with the word, (n, BAG, 96), and how often each is looked at, (n,). recorded: as in Scale."""
    scenes = np.concatenate([lesson.spoken, lesson.recorded])
    share = np.full(len(scenes), 1 / max(1, len(lesson.spoken)), np.float32)
    if len(lesson.recorded):
        share[len(lesson.spoken) :] = recorded / (1 - recorded) / len(lesson.recorded)
    return scenes, share


def check(network: Network, scenes: Floats, bank: Bank, mistakes: Floats) -> Point:
    """Misses on scenes with the word against false accepts on the check part of the bank, at the threshold for RATE."""
    said = [float(score(network, scene).max()) for scene in scenes]
    heard = events(score(network, bank.check))
    if len(mistakes) >= WINDOW:
        heard = sorted([*heard, *events(score(network, mistakes))[:1]], reverse=True)
    hours = len(bank.check) * HOP_HOURS
    threshold = max(LEAST_LOGIT, point_at(RATE, said, heard, hours).threshold)
    return at_threshold(threshold, said, heard, hours)
