"""A few damaged inputs for every reader; `python -m tests.fuzz --inputs 100000` is the long run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed (extra: dev)")
ROOT = Path(__file__).parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300, cwd=ROOT)


def test_no_reader_crashes_hangs_or_writes() -> None:
    done = run("-m", "tests.fuzz", "--inputs", "600")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "600 inputs: no crash, no hang" in done.stdout


@pytest.mark.parametrize(
    ("reader", "failure"),
    [
        ("lambda data: 1 / 0", "ZeroDivisionError"),
        ("lambda data: open('elsewhere', 'a').close()", "wrote elsewhere"),
        ("lambda data: __import__('subprocess').run(['true'])", "subprocess.Popen"),
        ("lambda data: exec('while True: pass')", "TooSlow"),
    ],
    ids=["crash", "write", "run", "hang"],
)
def test_the_harness_sees_what_it_must_not_miss(reader: str, failure: str, tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from hypothesis import strategies as st; from tests import fuzz\n"
        f"fuzz.PATIENCE_SECONDS = 0.3; os.chdir({str(tmp_path)!r})\n"
        f"fuzz.targets = lambda folder: {{'x': (st.binary(), {reader})}}\n"
        f"fuzz.fuzz('x', 5, Path({str(tmp_path)!r}), fuzz.Guard(Path({str(tmp_path)!r})), 0)\n"
    )
    done = run("-c", code)
    assert done.returncode == 1 and failure in done.stderr, done.stderr[-2000:]
