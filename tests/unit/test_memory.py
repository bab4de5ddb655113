"""Memory from the C library: one pool for all threads, and nothing breaks where there is no such setting."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from assistant.engines import memory
from assistant.events import TurnFinished, WakeDetected

POOLS = """
import ctypes, os, sys, tempfile, threading
from assistant.engines.memory import share_one_pool
if sys.argv[1] == "one":
    share_one_pool()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)
def work():
    together.wait()
    kept = [libc.malloc(5000) for _ in range(1000)]
    together.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(open(file.name).read().count("<heap nr="))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has a pool for each thread")
def test_all_threads_share_one_pool() -> None:
    def pools(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", POOLS, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert pools("each") > 1
    assert pools("one") == 1


def test_what_turns_left_free_is_given_back_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(turn))
    tidy = memory.Tidy()
    for turn in range(1, 2 * memory.TURNS + 1):
        tidy(WakeDetected(turn=turn, at=float(turn), word="okay_nabu", score=1.0))
        tidy(TurnFinished(turn=turn, at=float(turn)))
    assert given == [memory.TURNS, 2 * memory.TURNS]


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    memory.share_one_pool()
    memory.give_back()
