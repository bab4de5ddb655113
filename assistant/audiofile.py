"""Sound files: read as 16 kHz mono int16 in chunks of any length of file, and written so that a reader never sees half a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from assistant.engines import CAPTURE_RATE
from assistant.errors import AudioFileError
from assistant.events import Samples

Floats = npt.NDArray[np.float32]

BLOCK_SECONDS = 1.0
"""Sound read from the file at once; a 10-hour file never holds more than this in memory."""

BEYOND = 16.0
"""Float samples are taken to be within this multiple of full scale; a damaged file holds any number up to 1e38."""

RATES = (1000, 768_000)
"""Hz; a header outside this is damaged, not sound."""

UNKNOWN_LENGTHS = (0x7FFFF000, 0xFFFFF000)
"""A data length from one of these up to 4 KiB more is what a program writes that streams a WAV and cannot know its length."""


class AudioFile:
    """An open sound file, to be iterated once.

    Yields int16 chunks, shape (n,), n >= 1, mono, 16 kHz. Channels are averaged; float samples beyond full scale are clipped.

    warning: "" or one line: the file is shorter than its header says, or holds nothing. Complete only after the last chunk.
    seconds: length according to the header, at the file's own rate.

    Raises:
        AudioFileError: on opening, or while iterating when the contents turn out to be damaged; one line that names the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warning = ""
        self._file = _open(path)
        self.seconds: float = self._file.frames / self._file.samplerate
        self._promised = _promised_frames(path, self._file)

    def __iter__(self) -> Iterator[Samples]:
        frames = 0
        rate = self._file.samplerate
        resample = None if rate == CAPTURE_RATE else soxr.ResampleStream(rate, CAPTURE_RATE, 1, dtype="float32")
        with self._file:
            for block in self._blocks(int(BLOCK_SECONDS * rate)):
                frames += len(block)
                chunk = block if resample is None else resample.resample_chunk(block)
                if len(chunk):
                    yield _to_int16(chunk)
            if resample is not None and frames and len(rest := resample.resample_chunk(np.zeros(0, np.float32), last=True)):
                yield _to_int16(rest)
        self._judge(frames)

    def _blocks(self, frames: int) -> Iterator[Floats]:
        while True:
            try:
                block = self._file.read(frames, dtype="float32", always_2d=True)  # (frames, channels)
            except (soundfile.SoundFileError, RuntimeError) as error:
                raise AudioFileError(f"{self.path} is damaged: {_reason(error)}") from error
            if not len(block):
                return
            block = np.clip(np.nan_to_num(block), -BEYOND, BEYOND)
            mono: Floats = block.mean(axis=1, dtype=np.float32)
            yield mono

    def _judge(self, frames: int) -> None:
        rate = self._file.samplerate
        if not frames:
            self.warning = f"{self.path} holds no sound"
        elif self._promised > frames:
            self.warning = f"{self.path} ends early: {frames / rate:.2f} s of {self._promised / rate:.2f} s are there"


def open_audio(path: Path) -> AudioFile:
    """Open a sound file (WAV, FLAC, Ogg, MP3 ...) to be read chunk by chunk. Raises AudioFileError."""
    return AudioFile(path)


def read_audio(path: Path) -> Samples:
    """A whole sound file: int16, (n,), 16 kHz mono. `open_audio` also tells whether it ends early. Raises AudioFileError."""
    parts = list(open_audio(path))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Write mono 16-bit sound. The file appears complete or not at all. samples: int16, (n,); rate: Hz. Raises AudioFileError."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as sink:
            soundfile.write(sink, samples, rate, subtype="PCM_16", format="WAV")
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(part, path)
    except (OSError, soundfile.SoundFileError) as error:
        raise AudioFileError(f"cannot write {path}: {_reason(error)}") from error
    finally:
        part.unlink(missing_ok=True)


def _open(path: Path) -> soundfile.SoundFile:
    if path.is_dir():
        raise AudioFileError(f"{path} is a folder, not a sound file")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise AudioFileError(f"cannot read {path}: {_reason(error)}") from error
    if empty:
        raise AudioFileError(f"{path} is empty")
    try:
        file = soundfile.SoundFile(str(path))
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:  # TypeError: a headerless .raw file
        raise AudioFileError(f"{path} is not a sound file this program can read: {_reason(error)}") from error
    if not RATES[0] <= file.samplerate <= RATES[1]:
        file.close()
        raise AudioFileError(f"{path} is damaged: its header says {file.samplerate} Hz")
    return file


def _promised_frames(path: Path, file: soundfile.SoundFile) -> int:
    """How many frames the header promises. libsndfile cuts a WAV's number to what is there, so the data chunk is read again."""
    if file.format not in ("WAV", "WAVEX"):
        return int(file.frames)
    with path.open("rb") as raw:
        head = raw.read(1 << 16)
    place = head.find(b"data", 12)
    block = int.from_bytes(head[32:34], "little") if head[12:16] == b"fmt " else 0  # bytes per frame
    if place < 0 or not block:
        return int(file.frames)
    length = int.from_bytes(head[place + 4 : place + 8], "little")
    streamed = any(low <= length <= low + 0xFFF for low in UNKNOWN_LENGTHS) or length == 0
    return int(file.frames) if streamed else length // block


def _to_int16(sound: Floats) -> Samples:
    """float32 in -1..1 -> int16; 16-bit files come out exactly as they were."""
    samples: Samples = np.clip(np.rint(sound * np.float32(32768)), -32768, 32767).astype(np.int16)
    return samples


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).partition(": ")[2] if str(error).startswith("Error opening") else str(error)
    return " ".join((text or type(error).__name__).split()).rstrip(".")
