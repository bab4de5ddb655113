"""SLURP by cross-validation: the text half is trained without one part of SLURP's devel sentences and tested on that part.

    python -m models.intent.crossval --minilm MINILM --data ../shared/data/text --out runs/crossval.json

Counted: home control (SLURP's scenarios iot and audio), where `SLURP_TO_HOME` says which of our intents are right, as the model
names it and as the assistant does it; false accepts on the scenarios that are not for us, of the model (any intent) and of the
assistant (it has a skill for it, and the sentence holds what the skill needs: `assistant.sight.guess.Guesser.wanted`); and, once,
CLINC150's validation part: in-scope accuracy and the area under the ROC curve of in-scope against out-of-scope sentences by the
largest class logit.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assistant.bench_intent import share
from assistant.engines import IntentGuess, Sight
from assistant.engines.intent_fusion import slots_of
from assistant.home import Entity, Home, load_home
from assistant.sight.guess import Guesser
from assistant.understanding.text import clean
from models.intent import sentences as text
from models.intent.calibrate import LEAST_CONFIDENCE
from models.intent.fit import Options
from models.intent.labels import INTENTS, NOT_FOR_ME, TAGS
from models.intent.sentences import Sentence
from models.intent.text_net import TextNet
from models.intent.text_stage import TextSet, clinc_names, encoder, text_set, train_text, training_sentences

STRANGE = frozenset(["general", "qa", "email", "news", "social", "transport", "cooking", "takeaway", "recommendation"])
"""SLURP's scenarios that are not for us."""


def guesses(net: TextNet, data: TextSet) -> list[IntentGuess]:
    """The text half's best intent, its probability and slots, of every sentence."""
    found = []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(data.sentences)), 128):
            hidden, mask, words = data.tokens.batch(rows)
            out = net(hidden, mask)
            confidences, best = out.intent.softmax(-1).max(-1)
            for row, place in enumerate(rows.tolist()):
                tags = [TAGS[tag] for tag in out.tags[row].argmax(-1).tolist()]
                slots = slots_of(data.sentences[place].text, words[row].tolist(), tags)
                found.append(IntentGuess(INTENTS[int(best[row])], float(confidences[row]), slots))
    return found


def class_logits(net: TextNet, data: TextSet) -> Tensor:
    """CLINC150's logits of every sentence, (n, classes)."""
    parts = []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(data.sentences)), 128):
            hidden, mask, _ = data.tokens.batch(rows)
            parts.append(net(hidden, mask).clinc)
    return torch.cat(parts)


def named(guess: IntentGuess) -> str:
    """The model's answer: not sure enough is not for us."""
    return guess.intent if guess.confidence >= LEAST_CONFIDENCE else NOT_FOR_ME


class Assistant:
    """What the assistant would do with a guess. `home`: a device of every kind that it knows, in rooms of the usual names."""

    def __init__(self, home: Home) -> None:
        self._guesser = Guesser(_Nobody(), None, home)

    def does(self, sentence: Sentence, guess: IntentGuess) -> str:
        """The intent that its skills would be given, NOT_FOR_ME when nothing would be done."""
        wanted = self._guesser.wanted(guess, clean(sentence.text))
        return wanted[0] if wanted is not None else NOT_FOR_ME


class _Nobody:
    """An IntentEngine that is not asked."""

    def needs_image(self, text: str) -> float:
        return 0.0

    def parse(self, text: str, sights: Sequence[Sight]) -> IntentGuess:
        return IntentGuess(NOT_FOR_ME, 1.0)


def home_hits(sentences: Sequence[Sentence], said: Sequence[str], scenario: str) -> list[bool]:
    """Whether each sentence of a SLURP scenario that has an intent of ours was understood."""
    pairs = zip(sentences, said, strict=True)
    return [
        name in text.SLURP_TO_HOME[one.group] or (name == "Adjust" and "HassLightSet" in text.SLURP_TO_HOME[one.group])
        for one, name in pairs
        if one.group.startswith(scenario) and one.group in text.SLURP_TO_HOME
    ]


def accepted(sentences: Sequence[Sentence], said: Sequence[str]) -> list[bool]:
    """Whether each sentence that is not for us was acted on."""
    return [name != NOT_FOR_ME for one, name in zip(sentences, said, strict=True) if one.group.split("_")[0] in STRANGE]


def roc_area(inside: Tensor, outside: Tensor) -> float:
    """Probability that a random in-scope score is above a random out-of-scope one (Mann-Whitney)."""
    above = (inside[:, None] > outside[None]).float() + 0.5 * (inside[:, None] == outside[None]).float()
    return float(above.mean())


def clinc_numbers(net: TextNet, sets: tuple[TextSet, TextSet]) -> dict[str, Any]:
    """In-scope accuracy and out-of-scope AUROC. sets: validation sentences, in scope and out of it."""
    inside, outside = (class_logits(net, data) for data in sets)
    right = (inside.argmax(-1) == sets[0].clinc).tolist()
    return {"clinc in scope": share(right), "clinc auroc": round(roc_area(inside.amax(-1), outside.amax(-1)), 4)}


def every_device() -> Home:
    """The example home and a vacuum cleaner."""
    home = load_home()
    home.add(Entity("vacuum.cleaner", "vacuum cleaner", "vacuum", aliases=("roomba", "vacuum")))
    return home


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minilm", type=Path, required=True, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("--data", type=Path, required=True, help="folder with slurp_devel.jsonl and clinc150_train_val.json")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--folds", type=int, nargs="*", default=list(range(text.FOLDS)), help="which parts to test on")
    parser.add_argument(
        "--trained", type=Path, nargs="*", help="text halves trained with train.py --fold, in the order of --folds"
    )
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--half", action="store_true", help="bfloat16 matrix products")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Command line; see the top of this file."""
    arguments = read_arguments()
    torch.set_num_threads(1)
    names = clinc_names(arguments.data)
    assistant = Assistant(every_device())
    hits: dict[str, list[bool]] = defaultdict(list)
    results: dict[str, Any] = {}
    for place, fold in enumerate(arguments.folds):
        encode, upper, _, _ = encoder(arguments.minilm)
        net = TextNet(upper)
        if arguments.trained:
            net.load_state_dict(torch.load(arguments.trained[place]))
            net.eval()
        else:
            data = text_set(training_sentences(arguments.data, fold, arguments.seed), names, encode)
            train_text(net, data, Options(epochs=arguments.epochs, half=arguments.half, seed=arguments.seed))
        tested = [one for part, one in text.slurp_sentences(arguments.data / "slurp_devel.jsonl") if part == fold]
        found = guesses(net, text_set(tested, names, encode))
        said = [named(guess) for guess in found]
        done = [assistant.does(one, guess) for one, guess in zip(tested, found, strict=True)]
        for scenario in ("iot", "audio"):
            hits[f"slurp {scenario}"] += home_hits(tested, said, scenario)
        hits["slurp iot, done"] += home_hits(tested, done, "iot")
        hits["false accepts of the model"] += accepted(tested, said)
        hits["false accepts"] += accepted(tested, done)
        clinc = arguments.data / "clinc150_train_val.json"
        sets = tuple(text_set(text.clinc_sentences(clinc, part), names, encode) for part in ("val", "oos_val"))
        results[f"fold {fold}"] = clinc_numbers(net, (sets[0], sets[1]))
        results |= {name: share(right) for name, right in hits.items()}
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
