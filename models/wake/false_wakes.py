"""How often speech that is no wake word wakes the assistant.

    python -m models.wake.false_wakes FOLDER [FOLDER ...]

Counts the detections of "okay nabu" over all recordings (WAV, FLAC, OGG) below the folders, at several thresholds, and prints the
hours heard and the 95 % interval of the rate (exact Poisson). No rate is better known than 3 / hours.
"""

from __future__ import annotations

import sys
from pathlib import Path

from assistant.audiofile import open_audio
from assistant.engines import CAPTURE_RATE
from assistant.engines.wake_micro import MicroWake

THRESHOLDS = (0.5, 0.7, 0.85)
POISSON_95 = ((0.0, 3.0), (0.03, 5.57), (0.24, 7.22), (0.62, 8.77), (1.09, 10.24), (1.62, 11.67), (2.20, 13.06))
"""95 % interval of a Poisson mean for 0, 1, 2, ... events (Garwood 1936; 0: one-sided)."""


def main() -> None:
    """Count and print."""
    files = sorted(
        path for folder in sys.argv[1:] for path in Path(folder).rglob("*") if path.suffix in {".wav", ".flac", ".ogg"}
    )
    if not files:
        sys.exit(__doc__)
    engines = {threshold: MicroWake(threshold=threshold) for threshold in THRESHOLDS}
    counts = dict.fromkeys(THRESHOLDS, 0)
    samples = 0
    for number, file in enumerate(files, 1):
        print(f"\r{number}/{len(files)} {file.name[:50]:50s}", end="", file=sys.stderr, flush=True)
        for piece in open_audio(file):
            samples += len(piece)
            for threshold, engine in engines.items():
                counts[threshold] += len(engine.feed(piece))
    hours = samples / CAPTURE_RATE / 3600
    print(f"\n{len(files)} recordings, {hours:.2f} h")
    for threshold, count in counts.items():
        low, high = POISSON_95[count] if count < len(POISSON_95) else (0.0, float("nan"))
        rate = f"{count / hours:.2f} per hour (95 %: {low / hours:.2f} to {high / hours:.2f})"
        print(f"threshold {threshold}: {count} false wakes, {rate}")


if __name__ == "__main__":
    main()
