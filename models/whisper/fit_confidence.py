"""The weights of `whisper_fit.Fit.confidence`: logistic regression over sentences that were said and sentences that were not.

    python -m models.whisper.fit_confidence                # about 10 minutes; prints WEIGHTS and BIAS, and what they do
    python -m models.whisper.fit_confidence --keep FILE    # the features too, as .npz

Said: the dev half of the home commands (bias_sentences.py) in the dev voices, clean and with kitchen noise at 6 dB, and every
second recorded coffee order, clean, at 15 and at 6 dB, and among twelve other talkers. Not said: other sentences and near misses
of the dev half; coffee orders heard with the home's grammar; orders of three drinks that their grammar lacks; home commands heard
with the coffee grammar; the recorded kitchen and synthetic sounds without speech.
The other halves, and the other voices, are for measuring (measure_bias.py, `assistant bench commands`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soundfile

from assistant import bench_orders
from assistant.bench_latency import read_noise
from assistant.bench_negatives import is_command, noises
from assistant.caller import Room, speak, trimmed
from assistant.commands import CommandFile, load_file
from assistant.commands.running import command_sentences
from assistant.config import Config, EarConfig, folders
from assistant.engines import CAPTURE_RATE
from assistant.engines.whisper_decoder import Floats, WhisperDecoder
from assistant.engines.whisper_fit import Fitting
from assistant.engines.whisper_mel import LogMel
from assistant.engines.whisper_search import GrammarSearch
from assistant.events import Samples
from assistant.factory import make_vad
from assistant.grammar import compile_grammar
from assistant.home import load_home
from assistant.registry import Registry
from assistant.understanding import Understanding
from models.whisper.bias_sentences import COMMANDS, NEAR_MISSES, other_speech
from models.whisper.measure_bias import OTHER_SENTENCES, SILENCE, voices

COFFEE = Path(__file__).resolve().parents[2] / "docs/examples/coffee.yaml"
WITHOUT = ("latte", "mocha", "iced mocha")
RIDGE = 1.0
SHARES = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95)
NOISE_MINUTES = 6.0
MOST_SOUND = 10 * CAPTURE_RATE


class Ears:
    """One grammar's search and fit. file: commands of the user; home: whether the home's sentences are expected too."""

    def __init__(self, decoder: WhisperDecoder, file: CommandFile | None, home: bool) -> None:
        self._decoder = decoder
        self._understanding = Understanding(load_home(), command_sentences([file] if file is not None else []))
        templates = self._understanding.templates
        grammar = compile_grammar(templates if home else templates[:1])
        self._search, self._fitting = GrammarSearch(decoder, grammar), Fitting(decoder, grammar)

    def features(self, sound: Samples) -> tuple[Floats, str] | None:
        """The best sentence's features and the sentence."""
        mel = LogMel(MOST_SOUND / CAPTURE_RATE)
        mel.feed(sound[:MOST_SOUND])
        heard = self._decoder.hear(mel)
        found = [candidate for candidate in self._search.search(heard) if candidate.whole]
        if not found:
            return None
        fit = self._fitting.fit(found[0])
        return fit.features_beside(self._decoder.freely(heard)), self._decoder.vocabulary.text(list(found[0].tokens))

    def meaning(self, text: str) -> list[tuple[str, dict[str, object]]]:
        """What a sentence means, comparable."""
        return [(intent.name, dict(intent.slots)) for intent in self._understanding.understand(text).intents]

    def obeys(self, text: str) -> bool:
        """Whether something would be done."""
        return is_command(self._understanding, text)


@dataclass(slots=True)
class Rows:
    """What was collected: for every utterance its set, whether the sentence was said, the features."""

    sets: list[str] = field(default_factory=list)
    said: list[bool] = field(default_factory=list)
    features: list[Floats] = field(default_factory=list)

    def add(self, name: str, ears: Ears, sound: Samples, meant: object) -> None:
        """One utterance. meant: the meaning that makes its sentence the right one; None = no sentence can be right."""
        found = ears.features(sound)
        if found is not None and (meant is None or ears.meaning(found[1]) == meant):  # a slot misheard teaches nothing here
            self.sets.append(name)
            self.said.append(meant is not None)
            self.features.append(found[0])


def orders(data: Path, remainder: int) -> Iterator[tuple[Floats, dict[str, str]]]:
    """Every second recorded order, cut to the speech, and its slots."""
    labels = json.loads((data / "audio/commands/labels.json").read_text("utf-8"))
    for name in sorted(labels)[remainder::2]:
        sound = trimmed(soundfile.read(data / "audio/commands" / name, dtype="float32")[0])
        yield sound, {slot: value.strip() for slot, value in labels[name]["slots"].items()}


def framed(speech: Floats) -> Floats:
    """Speech with the silence around it that the ear passes on."""
    before, after = (np.zeros(int(seconds * CAPTURE_RATE), np.float32) for seconds in SILENCE)
    return np.concatenate([before, speech, after])


def orders_in_babble(data: Path, registry: Registry) -> Iterator[tuple[Samples, dict[str, str]]]:
    """Every second recorded order among twelve other talkers at 6 dB, as the ear cuts it, and its slots."""
    vad, crowd = make_vad(Config(), registry), np.random.default_rng(7)
    talk = bench_orders.read_orders(data / "audio/commands")[::2]
    for place, one in enumerate(talk):
        mix = bench_orders.mixed(one.sound, bench_orders.babble(talk, place, crowd), 6.0, crowd)
        yield bench_orders.spoken_part(vad, EarConfig(), bench_orders.int16(mix)), dict(one.slots)


def collect(data: Path) -> Rows:
    """All rows, minutes of work."""
    registry = Registry(folders().data / "models", None)
    decoder = WhisperDecoder(registry.path("whisper-tiny.en"), folders().cache, 1, 100)
    file = load_file(COFFEE)
    order = file.commands[0]
    drinks = [str(drink) for drink in order.lists["coffeeDrink"] if drink not in WITHOUT]
    fewer = replace(file, commands=(replace(order, lists={**order.lists, "coffeeDrink": drinks}),))
    home, coffee, both, lacking = (
        Ears(decoder, *arguments) for arguments in ((None, True), (file, False), (file, True), (fewer, False))
    )
    noise = soundfile.read(data / "audio/noise/kitchen_first_half.flac", dtype="float32")[0]
    quiet, six, fifteen = Room(), Room(noise, 6.0, seed=5), Room(noise, 15.0, seed=6)
    rows = Rows()
    for sound, meant in orders_in_babble(data, registry):
        rows.add("orders in babble, 6 dB", coffee, sound, [(order.name, meant)])
    for kind, piece in noises([data / "audio/noise/kitchen_first_half.flac"], NOISE_MINUTES, read_noise):
        for grammar, ears in (("coffee", coffee), ("home", home)):
            rows.add(f"{kind}, {grammar}", ears, piece, None)
    for speech, slots in orders(data, 0):
        right = [(order.name, slots)]
        for condition, room in (("clean", quiet), ("15 dB", fifteen), ("6 dB", six)):
            rows.add(f"orders, {condition}", coffee, room.hear(framed(speech)), right)
        rows.add("orders beside the home, 6 dB", both, six.hear(framed(speech)), right)
        rows.add("orders to the home", home, quiet.hear(framed(speech)), None)
        if slots["coffeeDrink"] in WITHOUT:
            rows.add("orders of what there is not", lacking, quiet.hear(framed(speech)), None)
    _add_voices(rows, data, registry, (home, coffee, both), (quiet, six))
    return rows


def _add_voices(rows: Rows, data: Path, registry: Registry, ears: tuple[Ears, Ears, Ears], rooms: tuple[Room, Room]) -> None:
    """What synthetic voices say. ears: expecting the home's sentences, the coffee machine's, both; rooms: quiet, 6 dB."""
    (home, coffee, both), (quiet, six) = ears, rooms
    half = slice(0, None, 2)
    other, near = (
        [text for text in texts if not both.obeys(text)]
        for texts in (other_speech(data / "text", OTHER_SENTENCES)[half], NEAR_MISSES[half])
    )
    for number, voice in enumerate(voices("dev", registry).values()):
        for text in COMMANDS[half]:
            for condition, room in (("clean", quiet), ("6 dB", six)):
                rows.add(f"commands, {condition}", home, room.hear(framed(speak(voice, text))), home.meaning(text))
        for text in near:
            rows.add("near misses", home, quiet.hear(framed(speak(voice, text))), None)
        for text in other[number::2]:
            rows.add("other speech", both, quiet.hear(framed(speak(voice, text))), None)
        for text in COMMANDS[number:64:8]:
            rows.add("commands to the coffee machine", coffee, quiet.hear(framed(speak(voice, text))), None)


def logistic(features: Floats, said: Floats) -> Floats:
    """Weights, the bias last: Newton's method, classes weighted alike."""
    inputs = np.hstack([features, np.ones((len(features), 1))])
    balance = np.where(said == 1, 0.5 / said.mean(), 0.5 / (1 - said.mean()))
    weights = np.zeros(inputs.shape[1])
    ridge = RIDGE * np.diag([1.0] * features.shape[1] + [0.0])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (balance * (said - chance)) - ridge @ weights
        weights += np.linalg.solve(inputs.T @ (inputs * (balance * chance * (1 - chance))[:, None]) + ridge, slope)
    return np.asarray(weights)


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[3] / "shared" / "data")
    parser.add_argument("--keep", type=Path, help="where to write the features")
    arguments = parser.parse_args()
    rows = collect(arguments.data)
    sets, said, features = np.array(rows.sets), np.array(rows.said, float), np.array(rows.features)
    if arguments.keep:
        np.savez(arguments.keep, sets=sets, said=said, features=features)
    for name, columns in (("SURE", slice(0, 7)), ("ASIDE", slice(None))):
        report(name, sets, said, features[:, columns])


def report(name: str, sets: Floats, said: Floats, features: Floats) -> None:
    """Weights, and for each set how many are accepted at one half; half of the sentences at a time, tested on the other half."""
    weights = logistic(features, said)
    print(name, np.round(weights[:-1], 3).tolist(), "BIAS", round(float(weights[-1]), 3))
    odds = np.zeros(len(said))
    for part in (0, 1):
        here = np.arange(len(said)) % 2 == part
        crossed = logistic(features[~here], said[~here])
        odds[here] = features[here] @ crossed[:-1] + crossed[-1]
    for name in dict.fromkeys(sets):
        here = sets == name
        shares = "  ".join(f"p > {share}: {(odds[here] > np.log(share / (1 - share))).mean():6.1%}" for share in SHARES)
        print(f"  {name:32s} {'said' if said[here][0] else 'not said'} {here.sum():4d}  {shares}")


if __name__ == "__main__":
    main()
