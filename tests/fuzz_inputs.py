"""The inputs of tests/fuzz.py: valid ones with damage, and inventions in each format's own words."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import soundfile
from hypothesis import strategies as st

from assistant import config
from assistant.control_request import FIELDS, MAX_LINE

ROOT = Path(__file__).parents[1]


def damaged(seeds: list[bytes], words: list[bytes]) -> st.SearchStrategy[bytes]:
    """Valid inputs with up to six cuts, exchanges and insertions, and inputs made of the format's own words."""
    piece = st.one_of(
        st.sampled_from(words),
        st.binary(max_size=8),
        st.sampled_from([b"\0" * 64, b"\xff" * 8, b"[" * 3000, b"{a: " * 900, b"9" * 400]),
    )
    edit = st.tuples(st.sampled_from(["cut", "put", "set"]), st.integers(0, 1 << 16), st.integers(0, 40), piece)

    def apply(base: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
        data = bytearray(base)
        for kind, place, length, new in edits:
            start = place % (len(data) + 1)
            data[start : start + (0 if kind == "put" else length if kind == "cut" else len(new))] = b"" if kind == "cut" else new
        return bytes(data)

    edited = st.builds(apply, st.sampled_from(seeds), st.lists(edit, max_size=6))
    lightly = st.builds(apply, st.sampled_from(seeds), st.lists(edit, max_size=1))
    return st.one_of(edited, lightly, st.lists(piece, max_size=30).map(b"".join), st.binary(max_size=200))


def requests() -> st.SearchStrategy[bytes]:
    """Lines for the control socket."""
    seeds = [json.dumps({"do": do, **dict.fromkeys(fields, "text")}).encode() for do, fields in FIELDS.items()]
    seeds += [b'{"do": "privacy", "sense": "camera", "on": false}', b'{"do": "say", "text": "' + b"x" * MAX_LINE + b'"}']
    words = [b"{", b"}", b'"do"', b'"text"', b":", b",", b'"say"', b"null", b"1e999", b"\\ud800", b"\xc3\xa4", b"\\u0000", b"NaN"]
    values = st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from(sorted(FIELDS)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["do", "text", "sense", "on", "x"]), inner, max_size=4)
        ),
        max_leaves=6,
    )
    return st.one_of(damaged(seeds, words), values.map(lambda value: json.dumps(value).encode()))


def sounds() -> st.SearchStrategy[bytes]:
    """Sound files: WAV of several kinds, FLAC, Ogg, with damage; headers that lie about lengths and rates."""
    seeds = []
    for kind, subtype in (
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("WAV", "PCM_24"),
        ("WAVEX", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
    ):
        file = io.BytesIO()
        soundfile.write(file, np.sin(np.arange(800) / 9)[:, None].repeat(2, 1) * 0.5, 22050, format=kind, subtype=subtype)
        seeds.append(file.getvalue())
    header = b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    seeds.append(header + b"data" + struct.pack("<I", 0x7FFFFFFF) + bytes(200))
    words = [
        b"RIFF",
        b"WAVE",
        b"fmt ",
        b"data",
        b"LIST",
        b"fLaC",
        b"OggS",
        *(struct.pack("<I", n) for n in (0, 1, 2**31, 2**32 - 1)),
    ]
    return damaged(seeds, words)


SIGNS = [b"\n", b"[", b"]", b"=", b'"', b"'", b"- ", b": ", b"{", b"}", b"#", b"|", b"(", b"&a", b"*a", b"<<", b"\xef\xbb\xbf"]
KEYS = b"sentences commands lists shell mqtt http entity name wake model 1e400 !!python/name:os.system".split()
"""What settings, homes and command files are made of."""


def texts(name: str, example: Path | None) -> st.SearchStrategy[bytes]:
    """Settings, homes and command files."""
    seeds = {
        "settings": [config.as_toml(config.Config()).encode(), b"[wake]\nthreshold = 0.5\n", b'[camera]\nsource = "0"\n'],
        "home": [(ROOT / "assistant/home.toml").read_bytes()[:3000], b'[[entity]]\nname = "lamp"\ndomain = "light"\n'],
        "commands": [b"commands:\n  - sentences: ['make (coffee|tea)']\n    shell: {command: [echo, hi]}\n"],
    }[name]
    if example is not None:
        seeds.append(example.read_bytes())
    return damaged(seeds, [*SIGNS, *KEYS])
