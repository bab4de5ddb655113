"""The lessons of our change to Whisper: somebody speaks, something else is heard, and what Whisper makes of the speaker alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional

from assistant.caller import Floats, peak_energy
from assistant.engines.whisper_decoder import PADDING_S, FarSilence
from assistant.engines.whisper_mel import BANDS, FLOOR, FRAMES_PER_SECOND, HOP, MELS, RANGE, WINDOW
from assistant.engines.whisper_vocabulary import Vocabulary
from assistant.engines.whisper_weights import read_ct2
from models.whisper.sounds import Voices, equalized, noise, others, somebody
from models.whisper.torch_model import Pairs, Sound, TorchWhisper

SNR_DB, QUIET_DB, QUIET = (2.0, 14.0), (14.0, 40.0), 0.2
"""Loudest frame of the speaker over that of the rest (assistant/caller.py); that in a quiet place, and the share of those."""

PEAK = 0.5
TOKENS = (2, 30)
"""Of a text that is learned from."""

NOBODY = 0.1
"""Share of the texts in which nobody speaks, and nothing is beside it: what Whisper then makes of noise shall stay as it is."""

AGAIN = 0.4
"""Share of the lessons in which the speaker's microphone is another than the one that the text was heard with."""


class Pool:
    """Things made at random and kept, of which one is made anew for every draw: most of the variety for little of the work."""

    def __init__(self, make: Callable[[], Floats], size: int) -> None:
        self._make = make
        self._kept = [self._stored() for _ in range(size)]

    def drawn(self, random: np.random.Generator) -> Floats:
        """One of them, begun anywhere."""
        sound = self._kept[random.integers(len(self._kept))].astype(np.float32)
        return np.roll(sound, random.integers(len(sound)))

    def refresh(self, random: np.random.Generator) -> None:
        """Make one anew."""
        self._kept[random.integers(len(self._kept))] = self._stored()

    def _stored(self) -> np.ndarray:
        sound = self._make()
        return np.asarray(sound / (np.abs(sound).max() + 1e-9), np.float16)


@dataclass(frozen=True, slots=True)
class Text:
    """sound: float32, (samples,); tokens: what Whisper hears in it; hidden: what then predicts each of them and the end, (n + 1,
    width); heard: the encoder's output, (positions, width), float16; speech: whether anybody speaks."""

    sound: Floats
    tokens: list[int]
    hidden: Tensor
    heard: Tensor
    speech: bool = True


@dataclass(frozen=True, slots=True)
class Lesson:
    """logs: log10 of the bands' power of some mixtures, (batch, MELS, time); texts: what is said in them."""

    logs: Tensor
    texts: list[Text]


class Lessons:
    """Draws them."""

    def __init__(self, texts: list[Text], voices: Voices, pool: int, random: np.random.Generator) -> None:
        self._texts, self._random = texts, random
        self._rest = Pool(lambda: others(voices, random), pool)

    def draw(self, batch: int) -> Lesson:
        """Some of the texts beside anything."""
        random = self._random
        self._rest.refresh(random)
        chosen = [self._texts[random.integers(len(self._texts))] for _ in range(batch)]
        return Lesson(torch.log10(band_power(np.stack([self._heard(text) for text in chosen]))), chosen)

    def _heard(self, text: Text) -> Floats:
        random = self._random
        if not text.speech:
            return text.sound
        sound = equalized(text.sound, random) if random.random() < AGAIN else text.sound
        return mixed(sound, self._rest.drawn(random), random)


def mixed(speaker: Floats, rest: Floats, random: np.random.Generator) -> Floats:
    """A speaker beside the rest, at a drawn level."""
    snr_db = random.uniform(*(QUIET_DB if random.random() < QUIET else SNR_DB))
    level = np.sqrt(peak_energy(speaker) / ((peak_energy(rest) + 1e-9) * 10 ** (snr_db / 10)))
    sound = speaker + rest * np.float32(level)
    return np.asarray(sound * np.float32(PEAK / np.abs(sound).max()), np.float32)


def band_power(sounds: Floats) -> Tensor:
    """(batch, samples) -> (batch, MELS, time), as assistant.engines.whisper_mel computes it."""
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(torch.from_numpy(sounds), WINDOW, HOP, window=window, center=True, return_complex=True)
    power = spectrum[..., :-1].abs() ** 2  # (batch, 201, time)
    return (power.transpose(1, 2) @ torch.from_numpy(BANDS)).transpose(1, 2).clamp(min=FLOOR)


def features(logs: Tensor) -> Tensor:
    """log10 of the bands' power, (batch, MELS, time) -> Whisper's features with the assistant's silence behind; see `LogMel`."""
    padded = functional.pad(logs, (0, int(PADDING_S * FRAMES_PER_SECOND)), value=math.log10(FLOOR))
    return (torch.maximum(padded, logs.amax((1, 2), keepdim=True) - RANGE) + 4) / 4


class Listener:
    """Whisper as the assistant uses it, but through which one can learn. whisper: the published one, or one that learns."""

    def __init__(self, whisper: TorchWhisper) -> None:
        self.whisper = whisper
        self._places = torch.from_numpy(FarSilence.places())
        with torch.no_grad():
            quiet = whisper.pairs(whisper.listen(torch.full((1, MELS, 2 * FarSilence.POSITIONS), FarSilence.LEVEL)))
        self._silence: Pairs = [(k[0, :, self._places], v[0, :, self._places]) for k, v in quiet]

    def sound(self, heard: Tensor) -> Sound:
        """The encoder's output, (batch, positions, width) -> what the decoder looks at."""
        pairs = self.whisper.pairs(heard)
        far = self._places >= heard.shape[1]
        whole: Pairs = []
        for spoken, silent in zip(pairs, self._silence, strict=True):
            behind = [part[:, far].expand(len(heard), -1, -1, -1) for part in silent]
            keys, values = (torch.cat([part, quiet], 2) for part, quiet in zip(spoken, behind, strict=True))
            whole.append((keys, values))
        return Sound(whole, torch.from_numpy(FarSilence.bias(heard.shape[1], int(far.sum()))))

    def hidden(self, heard: Tensor, texts: list[list[int]], first: list[int]) -> Tensor:
        """What predicts each token of each text and its end, one after another: (tokens + texts, width).

        first: the two tokens that begin a text.
        """
        longest = max(map(len, texts))
        tokens = torch.full((len(texts), longest + 2), first[0])
        for row, text in enumerate(texts):
            tokens[row, : len(text) + 2] = torch.tensor([*first, *text])
        found, _ = self.whisper.decode(tokens, self.sound(heard))
        return torch.cat([found[row, 1 : len(text) + 2] for row, text in enumerate(texts)])


class Teacher:
    """The published Whisper, which hears each speaker alone. model: its folder."""

    def __init__(self, model: Path) -> None:
        self.published = read_ct2(model / "model.bin")
        self.listener = Listener(TorchWhisper(self.published, torch.float32))
        self._words = Vocabulary(model)
        self.first = [self._words.start, self._words.no_timestamps]

    def texts(self, voices: Voices, count: int, random: np.random.Generator) -> list[Text]:
        """What people say, and what is heard of it: `count` pieces, those with speech having neither too little nor too much."""
        found: list[Text] = []
        with Progress(console=Console(stderr=True)) as bar, torch.no_grad():
            task = bar.add_task("hearing", total=count)
            while len(found) < count:
                speech = len(found) >= NOBODY * count
                text = self._text(somebody(voices, random) if speech else noise(random), speech)
                if not speech or TOKENS[0] <= len(text.tokens) <= TOKENS[1]:
                    found.append(text)
                    bar.update(task, completed=len(found))
        return found

    def _text(self, sound: Floats, speech: bool) -> Text:
        sound = sound * np.float32(PEAK / np.abs(sound).max())
        heard = self.listener.whisper.listen(features(torch.log10(band_power(sound[None]))))
        tokens = self._greedy(self.listener.sound(heard))[: TOKENS[1]]
        return Text(sound, tokens, self.listener.hidden(heard, [tokens], self.first), heard[0].half(), speech)

    def _greedy(self, sound: Sound) -> list[int]:
        """The most likely next token again and again, until the end of text or one more than are learned from."""
        whisper, words = self.listener.whisper, self._words
        found, memory = whisper.decode(torch.tensor([self.first]), sound)
        forbidden, tokens = words.forbidden_first, list[int]()
        while len(tokens) <= TOKENS[1]:
            token = int((whisper.logits(found[0, -1]) + torch.from_numpy(forbidden)).argmax())
            if token == words.end:
                break
            tokens.append(token)
            found, memory = whisper.decode(torch.tensor([[token]]), sound, memory)
            forbidden = words.forbidden
        return tokens
