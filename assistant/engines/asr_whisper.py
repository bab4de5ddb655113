"""Speech recognition with Whisper tiny.en: 8-bit ONNX graphs on one processor thread; heard freely or with a grammar.

One utterance is heard in windows of at most 10 s. A window is encoded with one second of silence behind it; the rest of
the 30 s that Whisper was trained on stands in the decoder as `FarSilence`, encoded once and kept. That gives the text of a
30 s encoding for a tenth of its work, and without the endless repetitions that a short context alone provokes.

Where many talk, a second encoder of ours is asked first (models/whisper/CARD.md).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.engines import CAPTURE_RATE, Ending, GrammarSource, Guess, Transcript, WordGrammar
from assistant.engines.spelling import readable, with_colons, words_of
from assistant.engines.whisper_decoder import NOTHING, PERHAPS_NO_SPEECH, Decoded, Heard, WhisperDecoder, spoken
from assistant.engines.whisper_fit import ACCEPTED, CERTAIN, LONG, Fitting, ends_in
from assistant.engines.whisper_mel import FRAMES_PER_SECOND, HOP, LogMel
from assistant.engines.whisper_search import GrammarSearch
from assistant.events import Samples

WINDOW_S = 10.0
"""Longest piece of sound decoded at once: keeps the work of one call near 100 ms. Spoken requests last 3 s (95 %: 4.9 s)."""

CUT_FROM_S = 7.0
"""A full window is cut at its quietest place after this many seconds."""

SURE_ENDING = 0.8
"""Confidence from which a command in a pause counts as whole."""

SURE_OVER = 0.86
"""Probability of the end after the last word from which nothing is expected to follow, although the grammar allows it. Chosen on
200 recorded orders; `assistant bench endpoint` measures what it costs and gains there."""

NEARLY = 4.0
"""Nats by which the beginning of another sentence may fit worse: "turn on the ..." also sounds like "turn on them"."""

DANGLING = frozenset(
    (
        "a",
        "an",
        "and",
        "are",
        "at",
        "by",
        "could",
        "for",
        "from",
        "i",
        "in",
        "is",
        "it's",
        "my",
        "of",
        "or",
        "set",
        "some",
        "than",
        "the",
        "this",
        "to",
        "turn",
        "with",
    )
)
"""Words that no request ends in."""

BABBLE_DB = 16.0
"""Range of the sound (`LogMel.range_db`) below which it is heard as where many talk."""

QUIET = 33
"""Sample values (of 32768) that stay below -60 dB of full scale are silence: no microphone delivers speech so quiet."""


class WhisperAsr:
    """English speech recognition; implements `assistant.engines.BiasableAsr`.

    model_dir: folder with model.bin, tokenizer.json and config.json of faster-whisper-tiny.en.
    cache_dir: where the prepared graphs are kept (56 MB); made on first use.
    partial_every_ms: a partial transcript is made after each such piece of sound; 0 = never.
    max_tokens: longest text of one window.
    accepted: probability from which a sentence of the grammar is taken instead of the free text; 0 = always.
    """

    def __init__(
        self,
        model_dir: Path,
        cache_dir: Path,
        threads: int = 1,
        partial_every_ms: int = 600,
        max_tokens: int = 100,
        accepted: float = ACCEPTED,
    ) -> None:
        self._accepted = accepted
        self._decoder = WhisperDecoder(model_dir, cache_dir, threads, max_tokens)
        self._mel = LogMel(WINDOW_S)
        self._sound = np.empty(int(WINDOW_S * CAPTURE_RATE), np.int16)
        self._partial_every = partial_every_ms * CAPTURE_RATE // 1000
        self._source: GrammarSource | None = None
        self._grammar: WordGrammar | None = None
        self._search: GrammarSearch | None = None
        self._fitting: Fitting | None = None
        self._pieces: list[Decoded] = []
        self._opening = NOTHING  # the first window as one sentence of the grammar, when more windows follow
        self._partial = ""
        self._heard = 0

    def set_grammar(self, source: GrammarSource | None) -> None:
        """Prefer the source's sentences where the sound allows it; prepared now, and again whenever the source has a new one."""
        self._source = source
        self._follow_grammar()

    def accept(self, samples: Samples) -> str | None:
        """More of the utterance. Returns a partial transcript when the sound passed a multiple of `partial_every_ms`."""
        before = self._heard
        self._heard += len(samples)
        every = self._partial_every
        if not every or self._heard // every == before // every:
            self._store(samples)
            return None
        until = self._heard // every * every - before
        self._store(samples[:until])
        text = self._join([*self._pieces, self._decode()]).text
        self._store(samples[until:])
        if not text or text == self._partial:
            return None
        self._partial = text
        return text

    def finish(self) -> Transcript:
        """The text of everything accepted since the last reset; then forgets it."""
        transcript = self._transcript(self._whole(self._decode(final=True)))
        self.reset()
        return transcript

    def guess(self) -> Guess:
        """See GuessingAsr.guess."""
        decoded = self._whole(self._decode(final=True))
        transcript = self._transcript(decoded)
        return Guess(transcript, self._ending(transcript, decoded))

    def _whole(self, last: Decoded) -> Decoded:
        """The utterance, whose last window this is. A command that others talk on behind is the first window's sentence."""
        if not self._pieces:
            return last
        joined = self._join([*self._pieces, last])
        return self._opening if self._opening.expected and not self._accepts(joined) else joined

    def _accepts(self, decoded: Decoded) -> bool:
        """Whether a text is a sentence of the grammar."""
        return self._search is not None and self._search.automaton.grammar.accepts(words_of(decoded.text))

    @staticmethod
    def _transcript(whole: Decoded) -> Transcript:
        confidence = math.exp(whole.logprob / whole.count) if whole.text else 0.0
        return Transcript(whole.text, confidence, whole.alternatives)

    def _ending(self, transcript: Transcript, decoded: Decoded) -> Ending:
        """Whether the text sounds like the end."""
        words = words_of(transcript.text)
        if self._search is None or not words:
            return Ending.POSSIBLE
        automaton = self._search.automaton
        if decoded.begun and len(words) > 1:  # "stop" is the beginning of many sentences
            return Ending.UNFINISHED
        if automaton.grammar.accepts(words):
            if not decoded.expected or transcript.confidence < SURE_ENDING:
                return Ending.POSSIBLE
            if automaton.closes(words):
                return Ending.COMPLETE
            return Ending.SURE if decoded.over >= SURE_OVER else Ending.WHOLE
        dangling = transcript.text.endswith(("...", "-", ",")) or words[-1] in DANGLING
        return Ending.UNFINISHED if dangling or automaton.begins(words) else Ending.POSSIBLE

    def reset(self) -> None:
        """Throws the utterance away. A new grammar is prepared already now, while the next one is being said."""
        self._follow_grammar()
        self._mel.reset()
        self._pieces, self._opening = [], NOTHING
        self._partial = ""
        self._heard = 0

    def _follow_grammar(self) -> None:
        grammar = self._source() if self._source is not None else None
        if grammar is not self._grammar:
            self._grammar = grammar
            self._search = GrammarSearch(self._decoder, grammar) if grammar is not None else None
            self._fitting = Fitting(self._decoder, grammar) if grammar is not None else None

    def _store(self, samples: Samples) -> None:
        """Adds sound to the window; a window that is full is decoded and its remainder after the cut starts the next."""
        while len(samples):
            start = self._mel.samples
            part, samples = samples[: len(self._sound) - start], samples[len(self._sound) - start :]
            self._sound[start : start + len(part)] = part
            self._mel.feed(part)
            if self._mel.samples == len(self._sound):
                self._close_window()

    def _close_window(self) -> None:
        window = self._sound.copy()
        cut = quietest_place(window, int(CUT_FROM_S * CAPTURE_RATE))
        if self._search is not None and not self._pieces:
            self._opening = self._decode(final=True)
        self._restart(window[:cut])
        self._pieces.append(self._decode())
        self._restart(window[cut:])

    def _restart(self, samples: Samples) -> None:
        self._mel.reset()
        self._mel.feed(samples)
        self._sound[: len(samples)] = samples

    def _decode(self, final: bool = False) -> Decoded:
        """The text of the window. final: it is the last; a sentence of the grammar fits into one window."""
        sound = self._sound[: self._mel.samples]
        if not len(sound) or max(int(sound.max()), -int(sound.min())) < QUIET:
            return NOTHING
        if not final or self._pieces:
            return self._decoder.decode(self._mel)
        self._follow_grammar()
        if self._search is not None and self._mel.range_db() < BABBLE_DB:
            return self._among_others()
        return self._expected(self._decoder.hear(self._mel))

    def _among_others(self) -> Decoded:
        """What is heard where many talk.

        A short sentence fits many a sound: it must be certain, or what the published encoder hears too. Its sentence must be
        certain, or our encoder's best. Where it hears nobody, nobody spoke, unless our encoder's sentence is long and
        certain, or what it hears freely too.
        """
        heard = self._decoder.hear(self._mel, babble=True)
        ours = self._expected(heard)
        long = len(self._decoder.vocabulary.tokens(f" {ours.text}")) >= LONG - 1  # the end is one more
        certain = self._is_certain(ours)
        if ours.expected and (not self._accepted or (long and certain)):
            return ours
        published = self._expected(self._decoder.hear(self._mel))
        if ours.expected and (long or certain) and (published.text or self._is_free_text(heard, ours)):
            return ours
        if published.expected and (words_of(published.text) == words_of(ours.nearest) or self._is_certain(published)):
            return published
        if not ours.expected and published.text:
            return ours
        return NOTHING if published.expected else published

    def _is_certain(self, decoded: Decoded) -> bool:
        return self._transcript(decoded).confidence >= CERTAIN

    def _is_free_text(self, heard: Heard, decoded: Decoded) -> bool:
        return words_of(spoken(heard, self._decoder.freely(heard)).text) == words_of(decoded.text)

    def _expected(self, heard: Heard) -> Decoded:
        """The expected sentence that was probably said, else the free text."""
        if self._search is None or self._fitting is None:
            return self._decoder.greedy(heard)
        candidates = self._search.search(heard)
        found = [candidate for candidate in candidates if candidate.whole]
        begun = bool(candidates) and not candidates[0].whole and self._fitting.fit(candidates[0]).confidence() >= ACCEPTED
        if not found:
            return replace(self._decoder.greedy(heard), begun=begun)
        fit = self._fitting.fit(found[0])
        sure = fit.confidence()
        doubted = sure < CERTAIN or fit.goes_on() or fit.begins_late() or heard.no_speech > PERHAPS_NO_SPEECH
        if self._accepted and doubted:
            free = self._decoder.freely(heard)
            said = spoken(heard, free)
            if self._accepts(said):
                return replace(said, text=with_colons(said.text), expected=True, nearest=said.text)
            sure = fit.confidence_beside(free)
            sentence = self._decoder.vocabulary.text(list(found[0].tokens))
            within = fit.goes_on() or ends_in(words_of(free.text), words_of(sentence))
            if within or sure < self._accepted or (not said.text and len(fit.costs) < LONG):
                return replace(said, begun=begun, nearest=sentence)
        texts = tuple(readable(self._decoder.vocabulary.text(list(candidate.tokens))) for candidate in found)
        begun = any(other.score > found[0].score - NEARLY for other in candidates if not other.whole)
        certainty = math.log(max(sure, 1e-6))
        return Decoded(
            texts[0], certainty, 1, expected=True, begun=begun, alternatives=texts[1:], nearest=texts[0], over=fit.over
        )

    @staticmethod
    def _join(pieces: list[Decoded]) -> Decoded:
        said = [piece for piece in pieces if piece.text]
        text = " ".join(piece.text for piece in said)
        return Decoded(text, sum(piece.logprob for piece in said), sum(piece.count for piece in said))


def quietest_place(sound: Samples, start: int) -> int:
    """Index after `start`, in the middle of the 0.2 s with the least energy, where cutting hurts least."""
    power = np.square(sound[start:].astype(np.float32)).reshape(-1, HOP).sum(axis=1)  # one value per 10 ms
    width = FRAMES_PER_SECOND // 5
    smooth = np.convolve(power, np.ones(width, np.float32), mode="valid")
    return start + (int(smooth.argmin()) + width // 2) * HOP
