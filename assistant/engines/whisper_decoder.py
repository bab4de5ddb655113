"""From the features of one window of sound to its text: Whisper's three ONNX graphs and greedy search.

Also here: what the decoder sees beyond the encoded sound (`FarSilence`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.engines import CAPTURE_RATE
from assistant.engines.prepared import write_once
from assistant.engines.session import OnnxSession
from assistant.engines.whisper_mel import FRAMES_PER_SECOND, MELS, LogMel
from assistant.engines.whisper_vocabulary import Vocabulary
from assistant.engines.whisper_weights import GRAPHS, Recipe, prepare

MODEL = "whisper-tiny.en"
BABBLE = "whisper-tiny.en.babble"
"""The second encoder, for where many talk."""

PADDING_S = 1.0
"""Silence encoded behind the sound; 0.2, 0.5, 1 and 2 s gave the same word error rate within noise (320 clips)."""

ROUND_S = 0.5
"""The encoder's input is rounded up to this, so that it sees few different sizes."""

NO_SPEECH = 0.6
"""Probability of Whisper's "no speech" token above which a window may be discarded (openai/whisper transcribe.py)."""

LOW_LOGPROB = -0.7
"""Mean log-probability of a token below which it then is. Measured: 106 windows of kitchen noise, white and brown noise, hum
and clicks, all heard as "you", lie in -1.9..-0.8 with "no speech" above 0.6; of 380 spoken clips, 60 of them at 6 dB in
kitchen noise, none is above 0.6. Whisper's own -1.0 lets hum pass."""

PERHAPS_NO_SPEECH = 0.4
LOWER_LOGPROB = -1.0
"""The same for windows less surely without speech, with Whisper's own bound: 2 of 45 pieces of a recorded kitchen, of 360
pieces without speech in all, gave a text above the rule above (`assistant bench no-speech`)."""

Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One window's text. logprob: sum over `count` tokens, end of text included, in nats.

    expected: it is a sentence of the grammar (then logprob is that of its confidence and count 1, unless it was heard freely);
    begun: the beginning of one fits; alternatives: other sentences of the grammar, best first; nearest: the best, even if it was
    not taken; over: the probability that nothing follows it, 0 where that was not asked.
    """

    text: str
    logprob: float
    count: int
    expected: bool = False
    begun: bool = False
    alternatives: tuple[str, ...] = ()
    nearest: str = ""
    over: float = 0.0


NOTHING = Decoded("", 0.0, 0)


@dataclass(frozen=True, slots=True)
class Heard:
    """One window, encoded, and the decoder before its first word.

    sound: xk, xv, bias for the decoder; hidden: float32 (1, 384); state: new_k, new_v of the two tokens that begin every text.
    """

    sound: Arrays
    hidden: Floats
    state: Arrays
    seconds: float
    no_speech: float


class WhisperDecoder:
    """Features of one window -> text."""

    def __init__(self, model_dir: Path, cache_dir: Path, threads: int, max_tokens: int) -> None:
        recipe, babble = (Recipe.load(GRAPHS / f"{name}.weights.json") for name in (MODEL, BABBLE))
        folder, other = (prepare(model_dir / "model.bin", wanted, cache_dir) for wanted in (recipe, babble))
        encoder, self._decoder, self._head = (OnnxSession(folder / name, threads) for name in recipe.graphs)
        self.vocabulary = Vocabulary(model_dir)
        self._recipe, self._weights = recipe, folder / recipe.weights
        self._ear = Ear(encoder, folder)
        self._ear_in_babble = Ear(OnnxSession(other / babble.graphs[0], threads), other)
        self._max_tokens = max_tokens

    def decode(self, mel: LogMel) -> Decoded:
        """The text of what was heard, freely decoded."""
        return self.greedy(self.hear(mel))

    def hear(self, mel: LogMel, babble: bool = False) -> Heard:
        """Encodes one window and makes the decoder ready for the first word. babble: as one hears it where many talk."""
        ear = self._ear_in_babble if babble else self._ear
        seconds = mel.samples / CAPTURE_RATE
        frames = math.ceil((seconds + PADDING_S) / ROUND_S) * int(ROUND_S * FRAMES_PER_SECOND)
        sound = ear.hear(mel.features(frames))
        first, state = self.step([self.vocabulary.start], sound, None)
        hidden, state = self.step([self.vocabulary.no_timestamps], sound, state)
        return Heard(sound, hidden, state, seconds, self.vocabulary.no_speech_probability(self.logits(first)[0]))

    def greedy(self, heard: Heard) -> Decoded:
        """The free text, or NOTHING where probably nobody spoke."""
        return spoken(heard, self.freely(heard))

    def freely(self, heard: Heard) -> Decoded:
        """The most likely next token again and again, until the end of text, a limit or a repetition."""
        words = self.vocabulary
        logits = self.logits(heard.hidden)[0] + words.forbidden_first
        state = heard.state
        tokens: list[int] = []
        logprob, count = 0.0, 0
        while True:
            token = int(logits.argmax())
            logprob -= float(np.log(np.exp(logits - logits[token]).sum()))
            count += 1
            if token == words.end or count > token_limit(heard.seconds, self._max_tokens):
                break
            tokens.append(token)
            repeated = repetition(tokens)
            if repeated:
                del tokens[-repeated:]
                break
            hidden, state = self.step([token], heard.sound, state)
            logits = self.logits(hidden)[0] + words.forbidden
        return Decoded(words.text(tokens), logprob, count)

    def step(self, tokens: list[int], sound: Arrays, state: Arrays | None) -> tuple[Floats, Arrays]:
        """One token of each of B texts in: what predicts the next, float32 (B, 384), and the memory of what was said.

        Also at the beginning one by one: activations share one 8-bit scale per call, and those of the start token are so
        large that they would blur its neighbour's (texts equal to the 32-bit graph's: 301 of 320 instead of 294).
        """
        if state is None:
            layers, heads, _, size = sound["xk"].shape
            empty = np.empty((layers, len(tokens), heads, 0, size), np.float32)
            state = {"new_k": empty, "new_v": empty}
        feeds = {"tokens": np.array(tokens, np.int32)[:, None], "past_k": state["new_k"], "past_v": state["new_v"]}
        state = self._decoder.run({**feeds, **sound})
        return state.pop("hidden"), state

    def follow(self, tokens: Sequence[int], heard: Heard) -> Floats:
        """What predicts the next token after a text that begins in `heard`, told all at once: float32 (1, 384)."""
        feeds = {"tokens": np.array([tokens], np.int32), "past_k": heard.state["new_k"], "past_v": heard.state["new_v"]}
        hidden: Floats = self._decoder.run({**feeds, **heard.sound})["hidden"]
        return hidden

    def logits(self, hidden: Floats) -> Floats:
        """The scores of all tokens: float32 (B, 384) -> (B, vocabulary)."""
        return self._head.run({"hidden": hidden})["logits"]

    def silence(self) -> Heard:
        """What is heard when nothing is said."""
        quiet = LogMel(PADDING_S)
        quiet.feed(np.zeros(int(PADDING_S * CAPTURE_RATE), np.int16))
        return self.hear(quiet)

    def rows(self, tokens: list[int]) -> Floats:
        """The part of the head's matrix for a few tokens: float32 (len(tokens), 384). Mapped only now: it is 20 MB."""
        found = {tensor.transform: tensor for tensor in self._recipe.tensors if tensor.source == "decoder/embeddings/weight"}
        columns, scales = (
            np.memmap(self._weights, tensor.dtype, "r", tensor.offset, tensor.shape)
            for tensor in (found["int8_columns"], found["int8_scales"])
        )
        rows: Floats = columns[:, tokens].T.astype(np.float32, order="C") * scales[tokens][:, None]
        return rows


class Ear:
    """An encoder and the silence behind what it encodes. folder: where that is kept."""

    def __init__(self, encoder: OnnxSession, folder: Path) -> None:
        self._encoder, self._silence = encoder, FarSilence(encoder, folder)

    def hear(self, features: Floats) -> Arrays:
        """float32 (MELS, frames) -> see `FarSilence.extend`."""
        return self._silence.extend(self._encoder.run({"mel": features[None]}))


class FarSilence:
    """What the decoder sees after the encoded window: silence up to 30 s, as Whisper was trained.

    Every 16th position of 30 s of encoded silence is kept, each standing for the positions it replaces: the logarithm of
    their number is added to its attention score (`bias`). Word errors of 60 synthesised commands: 18 with 30 s encoded
    (173 ms), 16 with this (12 ms), and 23 of 60 endless repetitions with a bare 5 s context.
    """

    STRIDE = 16
    POSITIONS = 1500
    LEVEL = -0.8
    """Feature value of silence beside ordinary speech; -0.5 and -1.2 gave the same word error rate within noise."""

    def __init__(self, encoder: OnnxSession, folder: Path) -> None:
        self._places = self.places()
        path = folder / f"silence-{self.STRIDE}.npy"
        try:
            self._k, self._v = np.load(path)
        except (OSError, ValueError, EOFError):  # not there yet, or damaged: as good as new
            encoded = encoder.run({"mel": np.full((1, MELS, 2 * self.POSITIONS), self.LEVEL, np.float32)})
            kept = np.stack([encoded[name][:, :, self._places] for name in ("xk", "xv")])
            with suppress(OSError):  # it is made again at the next start
                write_once(path, lambda file: np.save(file, kept))
            self._k, self._v = kept

    @classmethod
    def places(cls) -> npt.NDArray[np.int64]:
        """The positions of 30 s of silence that are kept."""
        return np.arange(cls.STRIDE // 2, cls.POSITIONS, cls.STRIDE)

    @classmethod
    def bias(cls, positions: int, silent: int) -> Floats:
        """What is added to the attention scores of encoded positions and of the silent ones behind: float32, (both,)."""
        bias: Floats = np.zeros(positions + silent, np.float32)
        bias[positions:] = math.log(max(1.0, (cls.POSITIONS - positions) / max(1, silent)))
        return bias

    def extend(self, heard: Arrays) -> Arrays:
        """heard: xk, xv float32 (layers, heads, n, 64) -> the same with silence behind, and bias float32 (n + silence,)."""
        positions = heard["xk"].shape[2]
        far = self._places >= positions
        return {
            "xk": np.concatenate([heard["xk"], self._k[:, :, far]], axis=2),
            "xv": np.concatenate([heard["xv"], self._v[:, :, far]], axis=2),
            "bias": self.bias(positions, int(far.sum())),
        }


def spoken(heard: Heard, free: Decoded) -> Decoded:
    """The free text, or NOTHING where Whisper thinks that nobody spoke and is not sure of the text either."""
    mean = free.logprob / max(1, free.count)
    rules = ((NO_SPEECH, LOW_LOGPROB), (PERHAPS_NO_SPEECH, LOWER_LOGPROB))
    unlikely = any(heard.no_speech > silent and mean < low for silent, low in rules)
    return NOTHING if unlikely else free


def token_limit(seconds: float, most: int) -> int:
    """Nobody says more than 8 tokens (about 6 words) a second."""
    return min(most, 10 + int(8 * seconds))


def repetition(tokens: list[int]) -> int:
    """How many tokens at the end repeat what stands before them; 0 unless a phrase came 3 times and makes 8 tokens."""
    for size in range(1, len(tokens) // 3 + 1):
        times = max(3, math.ceil(8 / size))
        if len(tokens) >= size * times and tokens[-size * times :] == tokens[-size:] * times:
            return size * (times - 1)
    return 0


def log_softmax(scores: Floats) -> Floats:
    """Log-probabilities of scores, row by row."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
