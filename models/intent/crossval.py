"""SLURP by cross-validation: the text half is trained without one part of SLURP's devel sentences and tested on that part.

    python -m models.intent.crossval --minilm MINILM --data ../shared/data/text --out runs/crossval.json

Counted: home control (SLURP's scenarios iot and audio), where `SLURP_TO_HOME` says which of our intents are right; false
accepts on the scenarios that are not for us; and, once, CLINC150's validation part: in-scope accuracy and the area under the ROC
curve of in-scope against out-of-scope sentences by the largest class logit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assistant.bench_intent import share
from models.intent import sentences as text
from models.intent.calibrate import LEAST_CONFIDENCE
from models.intent.fit import Options
from models.intent.labels import INTENTS, NOT_FOR_ME
from models.intent.sentences import Sentence
from models.intent.text_net import TextNet
from models.intent.text_stage import TextSet, clinc_names, encoder, text_set, train_text, training_sentences

STRANGE = frozenset(["general", "qa", "email", "news", "social", "transport", "cooking", "takeaway", "recommendation"])
"""SLURP's scenarios that are not for us."""


def logits(net: TextNet, data: TextSet) -> dict[str, Tensor]:
    """intent, family and clinc logits of every sentence, (n, classes) each."""
    found: dict[str, list[Tensor]] = {"intent": [], "family": [], "clinc": []}
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(data.sentences)), 128):
            hidden, mask, _ = data.tokens.batch(rows)
            out = net(hidden, mask)
            for name, kept in found.items():
                kept.append(getattr(out, name))
    return {name: torch.cat(parts) for name, parts in found.items()}


def answers(intent_logits: Tensor) -> list[str]:
    """The intents that would be acted on: not sure enough is not for us, as at run time."""
    confidence, best = intent_logits.softmax(-1).max(-1)
    return [
        INTENTS[place] if sure >= LEAST_CONFIDENCE else NOT_FOR_ME
        for place, sure in zip(best.tolist(), confidence.tolist(), strict=True)
    ]


def home_hits(sentences: Sequence[Sentence], said: Sequence[str], scenario: str) -> list[bool]:
    """Whether each sentence of a SLURP scenario that has an intent of ours was understood."""
    pairs = zip(sentences, said, strict=True)
    return [
        name in text.SLURP_TO_HOME[one.group]
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
    inside, outside = (logits(net, data)["clinc"] for data in sets)
    right = (inside.argmax(-1) == sets[0].clinc).tolist()
    return {"clinc in scope": share(right), "clinc auroc": round(roc_area(inside.amax(-1), outside.amax(-1)), 4)}


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
    hits: dict[str, list[bool]] = {"iot": [], "audio": [], "accepted": []}
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
        said = answers(logits(net, text_set(tested, names, encode))["intent"])
        for scenario in ("iot", "audio"):
            hits[scenario] += home_hits(tested, said, scenario)
        hits["accepted"] += accepted(tested, said)
        clinc = arguments.data / "clinc150_train_val.json"
        sets = tuple(text_set(text.clinc_sentences(clinc, part), names, encode) for part in ("val", "oos_val"))
        results[f"fold {fold}"] = clinc_numbers(net, (sets[0], sets[1]))
        results |= {
            "slurp iot": share(hits["iot"]),
            "slurp audio": share(hits["audio"]),
            "false accepts": share(hits["accepted"]),
        }
        arguments.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        print(json.dumps(results), flush=True)


if __name__ == "__main__":
    main()
