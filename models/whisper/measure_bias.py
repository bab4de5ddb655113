"""Does expecting the home's sentences help, and does it do harm? Synthetic voices, the example home, Whisper tiny.en.

    python -m models.whisper.measure_bias --half test                 # about 5 minutes
    python -m models.whisper.measure_bias --half dev --details

A command is right when understanding makes the same intents and slots of what was heard as of what was said. Other speech,
near misses and sentences that only contain a command are right when what was heard is no command. The halves share no sentence
and no voice; thresholds come from "dev".
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from assistant.bench_negatives import NOT_COMMANDS
from assistant.caller import Floats, Room, speak
from assistant.config import folders
from assistant.engines import CAPTURE_RATE, TtsEngine
from assistant.engines.asr_whisper import WhisperAsr
from assistant.engines.tts_pico import PicoTts
from assistant.engines.tts_piper import PiperTts
from assistant.events import Samples
from assistant.grammar import ActiveGrammar, compile_grammar
from assistant.home import load_home
from assistant.registry import Registry
from assistant.understanding import Understanding
from models.whisper.bias_sentences import COMMANDS, LONGER, NEAR_MISSES, other_speech

SNR_DB = 15.0
OTHER_SENTENCES = 160
SILENCE = (0.3, 0.4)
"""Seconds before and after what is said, as the ear passes them on (its preroll and its silence)."""

Intents = list[tuple[str, tuple[tuple[str, str], ...]]]


class FileVoice:
    """A voice of a program that writes a wave file. command: its words; "{file}" and "{text}" are filled in."""

    rate = CAPTURE_RATE

    def __init__(self, *command: str) -> None:
        self._command = command

    def synthesize(self, text: str) -> Iterator[Samples]:
        """The whole text at once."""
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            subprocess.run([word.format(file=file.name, text=text) for word in self._command], check=True)
            sound, self.rate = soundfile.read(file.name, dtype="int16")
        yield sound


def voices(half: str, registry: Registry) -> dict[str, TtsEngine]:
    """The speakers of a half."""
    if half == "dev":
        flite = {name: FileVoice("flite", "-voice", name, "-t", "{text}", "-o", "{file}") for name in ("slt", "awb")}
        return {"pico GB .85": PicoTts("en-GB", 0.85), "pico GB": PicoTts("en-GB"), **flite}
    return {
        "pico US .85": PicoTts("en-US", 0.85),
        "pico US": PicoTts("en-US"),
        "piper joe": PiperTts(next(registry.path("piper-joe").glob("*.onnx"))),
        "rms": FileVoice("flite", "-voice", "rms", "-t", "{text}", "-o", "{file}"),
        "espeak": FileVoice("espeak-ng", "-v", "en-us", "-w", "{file}", "{text}"),
    }


@dataclass(slots=True)
class Tally:
    """One row of the result. Counts of utterances; times in ms."""

    n: int = 0
    free: int = 0
    biased: int = 0
    spoilt: int = 0
    free_ms: list[float] = field(default_factory=list)
    biased_ms: list[float] = field(default_factory=list)


class Measurement:
    """Hears everything twice: freely and with the grammar."""

    def __init__(self, details: bool) -> None:
        self.registry = Registry(folders().data / "models", None)
        model, cache = self.registry.path("whisper-tiny.en"), folders().cache
        self._free, self._biased = (WhisperAsr(model, cache, partial_every_ms=0) for _ in range(2))
        self._understanding = Understanding(load_home())
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._biased.set_grammar(ActiveGrammar(self._understanding))
        seconds, grown = time.perf_counter() - began, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        grammar = compile_grammar(self._understanding.templates)
        arcs = sum(map(len, grammar.arcs))
        print(f"grammar: {len(grammar.arcs)} states, {arcs} arcs, ready after {seconds:.2f} s, peak memory +{grown:.0f} MB")
        self._details = details

    def intents(self, text: str) -> Intents:
        """What a text means, comparable."""
        found = self._understanding.understand(text).intents
        return [(intent.name, tuple(sorted((key, str(value)) for key, value in intent.slots.items()))) for intent in found]

    @staticmethod
    def hear(asr: WhisperAsr, sound: Samples) -> tuple[str, float]:
        """The text, and how long it took in ms from the end of the sound."""
        asr.accept(sound)
        began = time.perf_counter()
        text = asr.finish().text
        return text, (time.perf_counter() - began) * 1000

    def say(self, tally: Tally, text: str, speech: Floats, room: Room, right: Callable[[Intents, Intents], bool]) -> None:
        """One utterance more."""
        before, after = (np.zeros(int(seconds * CAPTURE_RATE), np.float32) for seconds in SILENCE)
        sound = room.hear(np.concatenate([before, speech, after]))
        (free, free_ms), (biased, biased_ms) = self.hear(self._free, sound), self.hear(self._biased, sound)
        meant = self.intents(text)
        free_right, biased_right = right(meant, self.intents(free)), right(meant, self.intents(biased))
        tally.n += 1
        tally.free += free_right
        tally.biased += biased_right
        tally.spoilt += free_right and not biased_right
        tally.free_ms.append(free_ms)
        tally.biased_ms.append(biased_ms)
        if self._details and not biased_right:
            print(f"    {text!r}: free {free!r}, biased {biased!r}")


def is_command(intents: Intents) -> bool:
    """Whether something would be done."""
    return any(name not in NOT_COMMANDS for name, _ in intents)


def measure(half: str, data: Path, details: bool) -> dict[str, Tally]:
    """All rows of the table."""
    measurement = Measurement(details)
    noise = soundfile.read(data / "audio/noise/kitchen_first_half.flac", dtype="float32")[0]
    part = slice(0, None, 2) if half == "dev" else slice(1, None, 2)
    speech = other_speech(data / "text", OTHER_SENTENCES)
    others, near, longer = (
        [text for text in texts[part] if not is_command(measurement.intents(text))] for texts in (speech, NEAR_MISSES, LONGER)
    )
    tallies: dict[str, Tally] = {}
    for name, voice in voices(half, measurement.registry).items():
        print(f"  {name}", flush=True)
        rooms = {"clean": Room(), f"kitchen {SNR_DB:.0f} dB": Room(noise, SNR_DB, seed=3)}
        for text in COMMANDS[part]:
            for condition, room in rooms.items():
                tally = tallies.setdefault(f"commands, {condition}", Tally())
                measurement.say(tally, text, speak(voice, text), room, lambda meant, heard: meant == heard)
        for row, texts in (("near misses", near), ("commands within others", longer), ("other speech", others)):
            for text in texts:
                tally = tallies.setdefault(f"{row}, clean", Tally())
                measurement.say(tally, text, speak(voice, text), rooms["clean"], lambda _, heard: not is_command(heard))
    return tallies


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["dev", "test"], default="test")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[3] / "shared" / "data")
    parser.add_argument("--details", action="store_true", help="print what is still wrong")
    arguments = parser.parse_args()
    for row, tally in measure(arguments.half, arguments.data, arguments.details).items():
        times = [np.percentile(values, share) for values in (tally.free_ms, tally.biased_ms) for share in (50, 95)]
        print(
            f"{row:24s} n {tally.n:4d}  right: free {tally.free / tally.n:6.1%}  biased {tally.biased / tally.n:6.1%}  "
            f"spoilt {tally.spoilt}  ms p50/p95: free {times[0]:.0f}/{times[1]:.0f}  biased {times[2]:.0f}/{times[3]:.0f}"
        )


if __name__ == "__main__":
    main()
