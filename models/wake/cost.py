"""What idle listening costs: processor time and memory of a wake word engine and the voice activity detector together.

    python -m models.wake.cost micro:okay_nabu
    python -m models.wake.cost own:hey_mira

Feeds two minutes of light noise in pieces of 32 ms, as the ear does, and prints the share of one core (processor time, so that a
busy machine changes it little) and the resident memory added to a process that has loaded numpy and onnxruntime.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime

from assistant import factory
from assistant.bench_latency import memory_mb
from assistant.config import Config, WakeConfig, folders
from assistant.engines import CAPTURE_RATE, VAD_FRAME

SECONDS = 120


def main() -> None:
    """Measure and print."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    engine, _, model = sys.argv[1].partition(":")
    config = Config(wake=WakeConfig(engine=engine, model=model))
    registry = factory.make_registry(folders())
    before, _peak = memory_mb()
    wake, vad = factory.make_wake(config, registry, folders()), factory.make_vad(config, registry)
    noise = (np.random.default_rng(0).standard_normal(SECONDS * CAPTURE_RATE) * 30).astype(np.int16)
    shares = []
    for part in (wake, vad):
        part.feed(noise[: 5 * CAPTURE_RATE])
        began = time.process_time()
        for start in range(0, len(noise), VAD_FRAME):
            part.feed(noise[start : start + VAD_FRAME])
        shares.append((time.process_time() - began) / SECONDS)
    print(f"onnxruntime {onnxruntime.__version__}; {engine} {100 * shares[0]:.2f} % and VAD {100 * shares[1]:.2f} % of a core")
    print(f"together {100 * sum(shares):.2f} % of a core; memory added {memory_mb()[0] - before:.1f} MB")


if __name__ == "__main__":
    main()
