"""Writes assistant/wake/negatives.npz: embeddings of ordinary sound that every enrolled word is learned and checked against.

    python -m models.wake.build_bank SPEECH_FOLDER SENTENCES.jsonl FEATURES_FOLDER

SPEECH_FOLDER: recordings whose licence allows it (here 1.8 h of German read speech, CC0: the first six for learning, the others
for checking). SENTENCES.jsonl: one object with "sentence" a line (here SLURP's development sentences, CC BY 4.0), spoken by
synthetic voices. What is learned from is heard once as it is and once in simulated rooms with noise.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from rich.progress import track

from assistant.audiofile import read_audio
from assistant.caller import Floats
from assistant.config import folders
from assistant.engines import CAPTURE_RATE
from assistant.engines.speech_embedding import SpeechEmbedding
from assistant.wake.bank import FILE, Bank, save_bank
from assistant.wake.examples import disturbed, plain
from assistant.wake.sound import Surroundings
from models.wake.voices import all_voices

LEARNED_FILES = 6
PIECE_SECONDS = 6
SENTENCES = 500
HOPS = {"de": 10_000, "de disturbed": 6_000, "spoken": 8_000, "spoken disturbed": 8_000, "check": 24_000}
"""Embeddings kept of each part, spread evenly in stretches of STRETCH: the file stays below 5 MB."""

STRETCH = 250


def pieces(files: list[Path]) -> list[Floats]:
    """Recordings in pieces of PIECE_SECONDS: float32 (n,), full scale 1."""
    length = PIECE_SECONDS * CAPTURE_RATE
    found = []
    for file in files:
        sound = read_audio(file) / np.float32(32768)
        found += [sound[start : start + length] for start in range(0, len(sound) - length, length)]
    return found


def thinned(stream: Floats, hops: int) -> Floats:
    """Stretches of STRETCH hops, evenly spaced, `hops` in all or everything: (k, 96)."""
    count = len(stream) // STRETCH
    wanted = min(count, hops // STRETCH)
    chosen = np.linspace(0, count - 1, wanted).astype(int)
    return np.concatenate([stream[index * STRETCH : (index + 1) * STRETCH] for index in chosen])


def sentences(file: Path, random: np.random.Generator) -> list[Floats]:
    """SENTENCES of the file, each in a voice drawn by chance. Not Kokoro (slow), joe (licence) or Pico (tests use it)."""
    texts = [json.loads(line)["sentence"] for line in file.read_text("utf-8").splitlines()]
    voices = list(all_voices(without=("kokoro", "pico", "joe")).values())
    chosen = random.permutation(len(texts))[:SENTENCES]
    return [voices[random.integers(len(voices))](texts[index], random) for index in track(chosen, "speaking")]


def main() -> None:
    """Write the bank."""
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    random = np.random.default_rng(0)
    embed = SpeechEmbedding(Path(sys.argv[3]), folders().cache)
    files = sorted(path for path in Path(sys.argv[1]).iterdir() if path.suffix in {".ogg", ".flac", ".wav"})
    learned, checked = pieces(files[:LEARNED_FILES]), pieces(files[LEARNED_FILES:])
    spoken = sentences(Path(sys.argv[2]), random)
    around = Surroundings([*learned, *spoken], [])
    streams = {"de": plain(learned, embed), "spoken": plain(spoken, embed), "check": plain(checked, embed)}
    for name, sounds in (("de", learned), ("spoken", spoken)):
        streams[f"{name} disturbed"] = disturbed(sounds, around, embed, random, lambda: None)
    kept = {name: thinned(stream, HOPS[name]) for name, stream in streams.items()}
    about = f"{len(kept['check']) * 0.08 / 3600:.2f} h of German read speech, CC0"
    learn = np.concatenate([kept[name] for name in HOPS if name != "check"])
    save_bank(FILE, Bank(learn, kept["check"], about))
    print(f"{FILE}: {len(learn)} embeddings to learn from, {about} to check with, {FILE.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
