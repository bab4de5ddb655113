"""The lessons of our change to Whisper: somebody speaks, something else is heard, and what Whisper makes of the speaker alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assistant.caller import SNR_FRAME
from assistant.engines.whisper_decoder import PADDING_S, FarSilence
from assistant.engines.whisper_mel import BANDS, FLOOR, FRAMES_PER_SECOND, HOP, MELS, RANGE, WINDOW
from assistant.engines.whisper_vocabulary import Vocabulary
from assistant.engines.whisper_weights import read_ct2
from models.whisper.sounds import ANYTHING, LONG, Make, Scenes, Voices, many, noise, others, response, somebody
from models.whisper.torch_model import Pairs, Sound, TorchWhisper

QUIET_DB, QUIET = (14.0, 40.0), 0.2
"""Loudest frame of the speaker over that of the rest (assistant/caller.py) in a quiet place, and the share of those."""

PEAK = 0.5
TOKENS = (2, 40)
"""Of a text that is learned from."""

NOBODY = 0.1
"""Share of the texts in which nobody speaks, and nothing is beside it: what Whisper then makes of noise shall stay as it is."""

AGAIN, MICROPHONES = 0.4, 512
"""Share of the lessons in which the speaker's microphone is another than the one that the text was heard with; their number."""

AT_ONCE = 256
"""Texts that are heard at once."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What people say, and what Whisper hears in it.

    sounds: float16, (texts, samples), peak 1; tokens: int64, (texts, 2 + TOKENS[1]), the two that begin a text first; lengths:
    how many follow those, (texts,); hidden: what predicts each of those and the end, float32, (texts, TOKENS[1] + 1, width);
    heard: the encoder's output, float16, (texts, positions, width); speech: whether anybody speaks, (texts,).
    """

    sounds: Tensor
    tokens: Tensor
    lengths: Tensor
    hidden: Tensor
    heard: Tensor
    speech: Tensor

    def __getitem__(self, chosen: Tensor) -> Texts:
        return Texts(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def said(self) -> Tensor:
        """Where `hidden` holds anything: (texts, TOKENS[1] + 1)."""
        return torch.arange(self.hidden.shape[1], device=self.lengths.device) <= self.lengths[:, None]

    @staticmethod
    def joined(parts: list[Texts]) -> Texts:
        """All of them."""
        return Texts(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Texts)))


@dataclass(frozen=True, slots=True)
class Lesson:
    """logs: log10 of the bands' power of some mixtures, (batch, MELS, time); texts: what is said in them."""

    logs: Tensor
    texts: Texts


class Lessons:
    """Draws them where the texts are: on a processor or a GPU.

    rest: what is heard besides, float16, (pieces, LONG), each begun anywhere whenever it is drawn; snr_db: loudest frame of the
    speaker over that of the rest, from and to.
    """

    def __init__(self, texts: Texts, rest: Tensor, snr_db: tuple[float, float], seed: int) -> None:
        device = texts.sounds.device
        self._texts, self._rest, self._snr_db = texts, rest.to(device), snr_db
        self._random = torch.Generator(device).manual_seed(seed)
        random, bins = np.random.default_rng(seed), texts.sounds.shape[1] // 2 + 1
        self._microphones = torch.from_numpy(np.stack([response(bins, random) for _ in range(MICROPHONES)])).to(device)

    def draw(self, batch: int) -> Lesson:
        """Some of the texts beside anything."""
        texts = self._texts[self._below(len(self._texts), batch)]
        alone = texts.sounds.float()
        again = self._uniform(batch) < AGAIN
        near = torch.where((again & texts.speech)[:, None], self._through_another(alone), alone)
        sounds = torch.where(texts.speech[:, None], self._mixed(near, self._beside(batch)), PEAK * alone)
        return Lesson(torch.log10(band_power(sounds)), texts)

    def _below(self, end: int, count: int) -> Tensor:
        return torch.randint(end, (count,), generator=self._random, device=self._random.device)

    def _uniform(self, count: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=self._random, device=self._random.device)

    def _through_another(self, sounds: Tensor) -> Tensor:
        gains = self._microphones[self._below(MICROPHONES, len(sounds))]
        return torch.fft.irfft(torch.fft.rfft(sounds) * gains, sounds.shape[1])

    def _beside(self, count: int) -> Tensor:
        """Some of the rest, each begun anywhere."""
        starts = self._below(LONG, count)[:, None]
        places = (starts + torch.arange(self._texts.sounds.shape[1], device=starts.device)) % LONG
        return self._rest[self._below(len(self._rest), count)].gather(1, places).float()

    def _mixed(self, speakers: Tensor, rest: Tensor) -> Tensor:
        """Speakers beside the rest, at drawn levels."""
        count = len(speakers)
        quiet = self._uniform(count) < QUIET
        snr_db = torch.where(quiet, self._uniform(count, *QUIET_DB), self._uniform(count, *self._snr_db))
        levels = (peak_energy(speakers) / ((peak_energy(rest) + 1e-9) * 10 ** (snr_db / 10))).sqrt()
        sounds = speakers + rest * levels[:, None]
        return PEAK * sounds / sounds.abs().amax(1, keepdim=True)


def peak_energy(sounds: Tensor) -> Tensor:
    """Of each of some sounds, (sounds, samples), the energy of its loudest frame; see assistant.caller."""
    return sounds[:, : sounds.shape[1] // SNR_FRAME * SNR_FRAME].square().unflatten(1, (-1, SNR_FRAME)).sum(2).amax(1)


def band_power(sounds: Tensor) -> Tensor:
    """(batch, samples) -> (batch, MELS, time), as assistant.engines.whisper_mel computes it."""
    window = torch.hann_window(WINDOW, device=sounds.device)
    spectrum = torch.stft(sounds, WINDOW, HOP, window=window, center=True, return_complex=True)
    power = spectrum[..., :-1].abs() ** 2  # (batch, 201, time)
    bands = torch.from_numpy(BANDS).to(sounds.device)
    return (power.transpose(1, 2) @ bands).transpose(1, 2).clamp(min=FLOOR)


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
            quiet = torch.full((1, MELS, 2 * FarSilence.POSITIONS), FarSilence.LEVEL, device=whisper.device)
            pairs = whisper.pairs(whisper.listen(quiet))
        self._silence: Pairs = [(k[0, :, self._places], v[0, :, self._places]) for k, v in pairs]

    def sound(self, heard: Tensor) -> Sound:
        """The encoder's output, (batch, positions, width) -> what the decoder looks at."""
        pairs = self.whisper.pairs(heard)
        far = self._places >= heard.shape[1]
        whole: Pairs = []
        for spoken, silent in zip(pairs, self._silence, strict=True):
            behind = [part[:, far].expand(len(heard), -1, -1, -1) for part in silent]
            keys, values = (torch.cat([part, quiet], 2) for part, quiet in zip(spoken, behind, strict=True))
            whole.append((keys, values))
        return Sound(whole, torch.from_numpy(FarSilence.bias(heard.shape[1], int(far.sum()))).to(heard.device))

    def hidden(self, heard: Tensor, tokens: Tensor) -> Tensor:
        """What predicts each token behind the first two, and the end: (texts, tokens - 1, width)."""
        return self.whisper.decode(tokens, self.sound(heard))[0][:, 1:]


class Teacher:
    """The published Whisper, which hears each speaker alone. model: its folder; device: PyTorch's name of what computes."""

    def __init__(self, model: Path, device: str = "cpu") -> None:
        self.published = read_ct2(model / "model.bin")
        self.listener = Listener(TorchWhisper(self.published, torch.float32, device))
        self._words = Vocabulary(model)
        self._first = [self._words.start, self._words.no_timestamps]
        self._forbidden = [torch.from_numpy(part).to(device) for part in (self._words.forbidden_first, self._words.forbidden)]

    def texts(self, voices: Voices, samples: int, count: int, seed: int) -> Texts:
        """What people say, and what is heard of it: `count` pieces of so many samples, those with speech having neither too
        little nor too much."""
        silent, seeds = round(NOBODY * count), (seed, samples)
        parts = self._heard(partial(noise, ANYTHING, samples), silent, seeds, "hearing nobody", speech=False)
        parts += self._heard(partial(somebody, voices, samples), count - silent, seeds, "hearing somebody", speech=True)
        return Texts.joined(parts)

    def _heard(self, make: Make, count: int, seeds: tuple[int, ...], what: str, *, speech: bool) -> list[Texts]:
        least, most = TOKENS if speech else (0, TOKENS[1] + 1)
        parts, missing, turn = list[Texts](), count, 0
        while missing:
            sounds = many(make, missing, (*seeds, turn), what)
            while some := list(islice(sounds, AT_ONCE)):
                with torch.no_grad():
                    texts = self._text(torch.from_numpy(np.stack(some)), speech)
                kept = texts[((texts.lengths >= least) & (texts.lengths <= most)).nonzero()[:, 0]]
                parts.append(kept)
                missing -= len(kept)
            turn += 1
        return parts

    def _text(self, sounds: Tensor, speech: bool) -> Texts:
        """sounds: see `Texts`."""
        sounds = sounds.to(self.listener.whisper.device)
        heard = self.listener.whisper.listen(features(torch.log10(band_power(PEAK * sounds.float()))))
        tokens, lengths = self._greedy(self.listener.sound(heard))
        hidden = self.listener.hidden(heard, tokens)
        return Texts(sounds, tokens, lengths, hidden, heard.half(), torch.full_like(lengths, speech, dtype=torch.bool))

    def _greedy(self, sound: Sound) -> tuple[Tensor, Tensor]:
        """Of each sound the most likely next token again and again, one more than are learned from, which is then left out:
        `Texts.tokens` and `Texts.lengths`."""
        whisper, end = self.listener.whisper, self._words.end
        batch = len(sound.pairs[0][0])
        begun = torch.tensor(self._first, device=whisper.device).expand(batch, -1)
        found, memory = whisper.decode(begun, sound)
        forbidden, following = self._forbidden
        tokens = list[Tensor]()
        for _ in range(TOKENS[1] + 1):
            tokens.append((whisper.logits(found[:, -1:]) + forbidden).argmax(-1))
            found, memory = whisper.decode(tokens[-1], sound, memory)
            forbidden = following
        said = torch.cat(tokens, 1)
        lengths = (said != end).cumprod(1).sum(1)
        return torch.cat([begun, said[:, : TOKENS[1]]], 1), lengths


def surroundings(voices: Voices, scenes: Scenes, count: int, seed: int) -> Tensor:
    """What is heard besides: float16, (count, LONG)."""
    return torch.from_numpy(np.stack(list(many(partial(others, voices, scenes), count, (seed,), "making what else is heard"))))
