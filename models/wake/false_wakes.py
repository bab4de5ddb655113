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
from assistant.intervals import poisson

THRESHOLDS = (0.5, 0.7, 0.85)


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
        low, high = poisson(count, hours)
        rate = f"{count / hours:.2f} per hour (95 %: {low:.2f} to {high:.2f})"
        print(f"threshold {threshold}: {count} false wakes, {rate}")


if __name__ == "__main__":
    main()
