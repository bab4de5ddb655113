"""Sound files as people have them: every rate and format comes out as 16 kHz mono int16, every broken one as one clear line."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.audiofile import open_audio, read_audio, write_wav
from assistant.errors import AudioFileError


def tone(rate: int, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def read(path: Path) -> tuple[np.ndarray, str]:
    file = open_audio(path)
    parts = list(file)
    return read_audio(path) if parts else np.zeros(0, np.int16), file.warning


def assert_tone(samples: np.ndarray, level: float = 0.5) -> None:
    """1 s of 440 Hz at 16 kHz."""
    assert samples.dtype == np.int16 and samples.shape == (16000,)
    expected = tone(16000, level=level)
    inner = slice(800, -800)  # the ends carry the filter's edge
    assert np.abs(samples[inner] / 32768 - expected[inner]).max() < 0.01


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("form", ["PCM_16", "PCM_24", "FLOAT", "PCM_U8", "flac", "ogg"])
def test_every_rate_and_format(tmp_path: Path, rate: int, form: str):
    path = tmp_path / f"tone.{form if form in ('flac', 'ogg') else 'wav'}"
    subtype = None if form in ("flac", "ogg") else form
    soundfile.write(path, tone(rate), rate, subtype=subtype)
    samples, warning = read(path)
    assert warning == ""
    if form == "ogg":
        assert abs(len(samples) - 16000) < 100 and 0.3 < np.abs(samples).max() / 32768 < 0.7
    else:
        assert_tone(samples)


def test_channels_are_averaged(tmp_path: Path):
    stereo = np.stack([tone(48000), np.zeros(48000, np.float32)], axis=1)
    soundfile.write(tmp_path / "s.wav", stereo, 48000)
    assert_tone(read_audio(tmp_path / "s.wav"), level=0.25)


def test_16_bit_sound_at_16_khz_is_not_changed(tmp_path: Path):
    samples = np.random.default_rng(0).integers(-32768, 32768, 40000).astype(np.int16)
    write_wav(tmp_path / "x.wav", samples, 16000)
    copy, warning = read(tmp_path / "x.wav")
    assert np.array_equal(copy, samples) and warning == ""
    assert soundfile.info(tmp_path / "x.wav").samplerate == 16000
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


def test_float_sound_beyond_full_scale_is_clipped_not_wrapped(tmp_path: Path):
    soundfile.write(tmp_path / "loud.wav", np.array([0, 1.5, -1.5, np.nan, 1.0], np.float32), 16000, subtype="FLOAT")
    assert read_audio(tmp_path / "loud.wav").tolist() == [0, 32767, -32768, 0, 32767]


@pytest.mark.parametrize("kept", [0.5, 0.01])
def test_a_truncated_wav_is_read_as_far_as_it_goes(tmp_path: Path, kept: float):
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(16000), 16000)
    path.write_bytes(path.read_bytes()[: 44 + int(32000 * kept)])
    samples, warning = read(path)
    assert len(samples) == int(16000 * kept)
    assert warning == f"{path} ends early: {kept:.2f} s of 1.00 s are there"


def test_a_streamed_wav_of_unknown_length_is_no_truncated_one(tmp_path: Path):
    path = tmp_path / "streamed.wav"
    soundfile.write(path, tone(16000), 16000)
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    samples, warning = read(path)
    assert len(samples) == 16000 and warning == ""


def test_a_header_without_sound_is_a_warning(tmp_path: Path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0, np.float32), 44100)
    samples, warning = read(tmp_path / "none.wav")
    assert len(samples) == 0 and samples.dtype == np.int16 and "holds no sound" in warning


def test_a_truncated_flac_does_not_crash(tmp_path: Path):
    path = tmp_path / "cut.flac"
    soundfile.write(path, tone(16000, 5), 16000)
    path.write_bytes(path.read_bytes()[:-2000])
    try:
        samples, warning = read(path)
        assert 0 < len(samples) < 80000 and "ends early" in warning
    except AudioFileError as error:
        assert "damaged" in str(error)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"RIFF"), "not a sound file"),
        (lambda path: path.write_text("hello " * 100), "not a sound file"),
        (lambda path: path.write_bytes(bytes(1000)), "not a sound file"),
    ],
    ids=["missing", "folder", "empty", "four bytes", "text", "zeros"],
)
def test_what_is_no_sound_file_is_one_clear_line(tmp_path: Path, make, words: str):
    for name in ("x.wav", "x.raw"):
        path = tmp_path / name
        make(path)
        with pytest.raises(AudioFileError, match=words) as caught:
            read_audio(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_long_file_is_read_in_little_memory(tmp_path: Path):
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 44100, 2, "PCM_16") as file:
        for _ in range(120):
            file.write(np.zeros((44100, 2), np.int16))
    tracemalloc.start()
    total = sum(map(len, open_audio(path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 120 * 16000
    assert peak < 4_000_000


def test_writing_where_it_cannot_be_written(tmp_path: Path):
    with pytest.raises(AudioFileError, match="cannot write"):
        write_wav(tmp_path / "none" / "x.wav", np.zeros(10, np.int16), 16000)
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(AudioFileError, match="cannot write"):
        write_wav(tmp_path / "folder.wav", np.zeros(10, np.int16), 16000)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.wav"]
