"""How the C library keeps memory, which decides how much of it an assistant takes from the system."""

from __future__ import annotations

import ctypes

from assistant.events import Event, TurnFinished

_ARENA_MAX = -8
"""Number of glibc's setting, M_ARENA_MAX in malloc.h."""

TURNS = 60
"""After so many turns what they left free is given back: every turn would make the next answer wait for new pages."""


def share_one_pool() -> None:
    """Let all threads take memory from one pool; call it before there are threads.

    glibc gives each thread its own and keeps what a thread freed for that thread; the stages of a turn run in different ones, so
    the same memory is then held several times. Does nothing with another C library, which has no such setting.
    """
    _glibc("mallopt", _ARENA_MAX, 1)


def give_back() -> None:
    """Return what is free to the system. Does nothing with another C library than glibc."""
    _glibc("malloc_trim", 0)


class Tidy:
    """An observer that gives memory back now and then.

    What lives on after a turn, such as an expectation that is remembered, lies scattered among what the turn freed. The pool
    finds room between, but its size follows the greediest hour and never shrinks by itself.
    """

    def __init__(self) -> None:
        self._turns = 0

    def __call__(self, event: Event) -> None:
        """Count a turn."""
        if isinstance(event, TurnFinished):
            self._turns += 1
            if self._turns % TURNS == 0:
                give_back()


def _glibc(function: str, *arguments: int) -> None:
    try:
        getattr(ctypes.CDLL(None), function)(*arguments)
    except (OSError, AttributeError):
        return
