"""Where the wake word ends, by the detector and in truth: the measurement behind `ear.run_on_ms` and `WORD_END_PROBABILITY`.

    python -m models.wake.word_end

Synthetic voices whose word end is known say the wake word alone, or followed by "stop" after a gap. Pico's voices come with the
runtime; flite and espeak-ng add theirs when they are installed. Prints the error of the detector's word end, how often the wake
word alone starts a request, and how often "stop" starts one.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from assistant.caller import SPELLINGS, trimmed
from assistant.config import EarConfig, folders
from assistant.ear import Ear, EarSettings
from assistant.engines import CAPTURE_RATE
from assistant.engines.tts_pico import PicoTts
from assistant.engines.vad_silero import SileroVad
from assistant.engines.wake_micro import MicroWake
from assistant.events import SpeechStarted, WakeDetected
from assistant.factory import make_registry

Floats = npt.NDArray[np.float32]
Voice = Callable[[str], Floats]

GAPS_SECONDS = (0.0, 0.05, 0.1, 0.3)
LEAD_SECONDS = 1.0


def voices() -> dict[str, Voice]:
    """All voices at hand, by name: text -> float32, (n,), 16 kHz."""
    found: dict[str, Voice] = {}
    for name in ("en-GB", "en-US"):
        for speed in (0.85, 1.0, 1.15):
            found[f"pico {name} x{speed}"] = _pico(PicoTts(name, speed))
    if shutil.which("flite"):
        for name in ("slt", "rms", "awb", "kal16"):
            found[f"flite {name}"] = _command(["flite", "-voice", name, "-o", "/dev/stdout", "-t"])
    if shutil.which("espeak-ng"):
        found |= {f"espeak-ng {name}": _command(["espeak-ng", "--stdout", "-v", name]) for name in ("en-us", "en-gb")}
    return found


def _pico(voice: PicoTts) -> Voice:
    return lambda text: np.asarray(np.concatenate(list(voice.synthesize(text))) / 32768, np.float32)


def _command(command: list[str]) -> Voice:
    def speak(text: str) -> Floats:
        done = subprocess.run([*command, text], capture_output=True, check=True)
        sound, rate = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
        return np.asarray(soxr.resample(sound, rate, CAPTURE_RATE), np.float32)

    return speak


def heard(parts: list[Floats]) -> tuple[float | None, bool]:
    """The detector's word end in seconds (None = not detected), and whether a request began."""
    sound = np.concatenate([np.zeros(int(LEAD_SECONDS * CAPTURE_RATE), np.float32), *parts, np.zeros(24000, np.float32)])
    sound = sound + np.random.default_rng(0).standard_normal(len(sound)).astype(np.float32) * 0.001
    samples = (sound * 32767).astype(np.int16)
    wakes = MicroWake().feed(samples)
    settings = EarSettings(**EarConfig().model_dump(exclude={"vad"}))
    ear = Ear(MicroWake(), SileroVad(make_registry(folders()).path("silero-vad")), settings)
    kinds = [type(item.event) for item in ear.feed(samples) if item.event is not None]
    assert (WakeDetected in kinds) == bool(wakes)
    return (wakes[0].word_end / CAPTURE_RATE if wakes else None), SpeechStarted in kinds


def main() -> None:
    """Measure and print."""
    errors: list[float] = []
    alone, stops, missed = [0, 0], [0, 0], 0
    for name, voice in voices().items():
        word, stop = trimmed(voice(SPELLINGS["okay nabu"])), trimmed(voice("stop"))
        end = LEAD_SECONDS + len(word) / CAPTURE_RATE
        for gap in (None, *GAPS_SECONDS):
            parts = [word] if gap is None else [word, np.zeros(int(gap * CAPTURE_RATE), np.float32), stop]
            at, began = heard(parts)
            if at is None:
                missed += 1
                continue
            errors.append(at - end)
            count = alone if gap is None else stops
            count[0] += began
            count[1] += 1
        print(f"{name:24s} done")
    low, middle, high = np.percentile(errors, [0, 50, 100])
    print(f"word end, detector minus truth: {low:+.2f} to {high:+.2f} s, median {middle:+.2f} s, n = {len(errors)}")
    print(f"not detected: {missed} of {missed + len(errors)}")
    print(f"the wake word alone began a request: {alone[0]} of {alone[1]}")
    print(f"'stop' after {', '.join(map(str, GAPS_SECONDS))} s began one: {stops[0]} of {stops[1]}")


if __name__ == "__main__":
    main()
