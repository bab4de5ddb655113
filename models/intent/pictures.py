"""Pictures for the model card: the confusions, and a few right and wrong cases as the model saw them (boxes, not photos).

python -m models.intent.pictures --minilm MINILM --out docs/images
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from assistant.bench_intent import Row, TestSet, read_tests
from assistant.engines import IntentGuess, Sight
from assistant.engines.intent_fusion import FusionIntent

SIDE, TEXT = 220, 64
CASES = 4
"""Of each kind, right and wrong."""


def cases(tests: TestSet, guesses: Sequence[IntentGuess]) -> list[tuple[Row, Sight, IntentGuess, bool]]:
    """The first few right and wrong commands that need a picture with something in it, each of another family."""
    found: list[tuple[Row, Sight, IntentGuess, bool]] = []
    for wanted in (True, False):
        families: Counter[str] = Counter()
        for row, guess in zip(tests.rows, guesses, strict=True):
            sight = tests.scenes[row["scene"]][-1]
            right = guess.intent == row["intent"] and (not row["meant"] or guess.referent in row["referents"])
            fits = right == wanted and row["family"] not in ("none", "read", "describe") and len(sight.objects) > 1
            if fits and not families[row["family"]] and sum(families.values()) < CASES:
                families[row["family"]] += 1
                found.append((row, sight, guess, right))
    return found


def draw_cases(found: Sequence[tuple[Row, Sight, IntentGuess, bool]]) -> str:
    """An SVG with one panel for each case: the boxes, the sentence, the answer and, when it was wrong, what is right."""
    columns = CASES
    rows = -(-len(found) // columns)
    parts = []
    for number, (row, sight, guess, right) in enumerate(found):
        x, y = number % columns * (SIDE + 12) + 6, number // columns * (SIDE + TEXT + 12) + 6
        parts.append(f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" fill="#f4f4f4" stroke="#999"/>')
        for place, thing in enumerate(sight.objects):
            meant = place == guess.referent
            colour, width = ("#c33" if not right else "#283", 3) if meant else ("#68a", 1)
            x1, y1, x2, y2 = (value * SIDE for value in thing.box)
            size = f'x="{x + x1:.0f}" y="{y + y1:.0f}" width="{x2 - x1:.0f}" height="{y2 - y1:.0f}"'
            parts.append(f'<rect {size} fill="none" stroke="{colour}" stroke-width="{width}"/>')
            parts.append(f'<text x="{x + x1 + 3:.0f}" y="{y + y1 + 12:.0f}" fill="{colour}">{escape(thing.label)}</text>')
        lines = [f"“{row['text']}”", f"{guess.intent} {guess.confidence:.2f}", "right" if right else f"wrong: {row['intent']}"]
        for line, words in enumerate(lines):
            parts.append(f'<text x="{x}" y="{y + SIDE + 16 * (line + 1)}">{escape(words)}</text>')
    return _svg(columns * (SIDE + 12), rows * (SIDE + TEXT + 12), parts)


def draw_confusion(tests: TestSet, guesses: Sequence[IntentGuess]) -> str:
    """An SVG table of what was right (rows) against what was said (columns), for intents that occur."""
    pairs = Counter((row["intent"], guess.intent) for row, guess in zip(tests.rows, guesses, strict=True))
    totals = Counter(row["intent"] for row in tests.rows)
    names = [name for name, count in totals.most_common(18)]
    cell, left, top = 30, 190, 190
    parts = []
    for row, right in enumerate(names):
        parts.append(f'<text x="{left - 6}" y="{top + row * cell + 19}" text-anchor="end">{escape(right)}</text>')
        turn = f"translate({left + row * cell + 19},{top - 6}) rotate(-60)"
        parts.append(f'<text transform="{turn}">{escape(right)}</text>')
        for column, said in enumerate(names):
            count = pairs[right, said]
            shade = 255 - round(200 * count / max(totals[right], 1))
            fill = f"rgb({shade},{255 if row == column else shade},{shade if row == column else 255})" if count else "#fff"
            x, y = left + column * cell, top + row * cell
            parts.append(f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{fill}" stroke="#ddd"/>')
            if count:
                parts.append(f'<text x="{x + cell / 2}" y="{y + 19}" text-anchor="middle">{count}</text>')
    size = len(names) * cell
    return _svg(left + size + 110, top + size + 10, parts)


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minilm", type=Path, required=True, help="folder with model.safetensors and vocab.txt")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    arguments = parser.parse_args()
    tests = read_tests()
    with tempfile.TemporaryDirectory() as cache:
        engine = FusionIntent(arguments.minilm, Path(cache))
        guesses = [engine.parse(row["text"], tests.scenes[row["scene"]]) for row in tests.rows]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "intent-cases.svg").write_text(draw_cases(cases(tests, guesses)), "utf-8")
    (arguments.out / "intent-confusion.svg").write_text(draw_confusion(tests, guesses), "utf-8")


if __name__ == "__main__":
    main()
