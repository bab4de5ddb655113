"""Throws damaged and invented inputs at everything that reads what others wrote: `python -m tests.fuzz --inputs 100000`.

Targets: the control socket's parser and its server, the sound file reader, assistant.toml, home.toml and command files. An input
passes when the reader returns or raises an error of ours (AssistantError). It fails with any other exception, when it takes
longer than PATIENCE_SECONDS, needs more memory than there may be, opens a file for writing, runs a program or connects to
anything. Hypothesis makes the inputs and shrinks a failing one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from assistant import config
from assistant.audiofile import open_audio
from assistant.commands.reading import load_file
from assistant.control import ControlServer, Watchers
from assistant.control_request import Request, parse
from assistant.errors import AssistantError
from assistant.home import load_home
from tests.fuzz_inputs import ROOT, requests, sounds, texts

PATIENCE_SECONDS = 5
"""Of processor time; ten times as long by the clock, so that a busy machine is no hang and a reader that waits for ever is."""

MEMORY_BYTES = 4 << 30
SHARES = {"request": 0.35, "server": 0.05, "sound": 0.25, "settings": 0.15, "home": 0.1, "commands": 0.1}
WRITES = set("wxa+")
Target = Callable[[bytes], None]


class Forbidden(Exception):
    """The reader did what a reader must not do."""


class TooSlow(Exception):
    """The reader took longer than PATIENCE_SECONDS."""


class Guard:
    """Watches what the code under test does to the world. `allowed`: the folder the harness itself writes into."""

    def __init__(self, allowed: Path) -> None:
        self._allowed = str(allowed)
        self._watching = False
        self.broken: list[str] = []
        sys.addaudithook(self._see)
        signal.signal(signal.SIGALRM, self._ring)
        signal.signal(signal.SIGPROF, self._ring)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event == "open":
            path, mode = str(arguments[0]), arguments[1]
            if isinstance(mode, str) and WRITES & set(mode) and path != os.devnull:
                self.broken.append(f"wrote {path}")
        elif event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.chmod", "shutil.rmtree", "sqlite3.connect"):
            if not str(arguments[0]).startswith(self._allowed):
                self.broken.append(f"{event} {arguments[0]}")
        elif event in ("subprocess.Popen", "os.system", "os.exec", "socket.getaddrinfo"):
            self.broken.append(event)

    def _ring(self, *_: object) -> None:
        raise TooSlow

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch and time what happens in the context."""
        self._watching, self.broken = True, []
        signal.setitimer(signal.ITIMER_PROF, PATIENCE_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, 10 * PATIENCE_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._watching = False
        if self.broken:
            raise Forbidden("; ".join(self.broken))


def from_file(path: Path, read: Callable[[Path], object]) -> Target:
    """A target that reads its input from a file."""

    def target(data: bytes) -> None:
        read(path)

    target.path = path  # type: ignore[attr-defined]
    return target


def hear(path: Path) -> None:
    """Read a sound file to its end."""
    for chunk in open_audio(path):
        assert chunk.dtype == np.int16 and chunk.ndim == 1


async def talk(folder: Path, data: bytes) -> None:
    """Send bytes to a real control server; it must answer each line with JSON, and serve the next client."""

    async def handle(request: Request) -> dict[str, Any]:
        return {"did": request.do}

    path = folder / "s"
    server = ControlServer(path, handle, Watchers())
    async with anyio.create_task_group() as tasks:
        await tasks.start(server.serve)
        for sent in (data, b'{"do": "status"}\n'):
            async with await anyio.connect_unix(path) as client:
                await client.send(sent)
                await client.send_eof()
                answers = b"".join([piece async for piece in client])
            assert all(isinstance(json.loads(line)["ok"], bool) for line in answers.splitlines())
        assert b"status" in answers
        tasks.cancel_scope.cancel()


def targets(folder: Path) -> dict[str, tuple[st.SearchStrategy[bytes], Target]]:
    """Name -> what it is fed, what it does with that."""
    return {
        "request": (requests(), lambda data: void(parse(data))),
        "server": (
            requests().map(lambda line: line.replace(b"watch", b"wait") + b"\n"),
            lambda data: anyio.run(talk, folder, data),
        ),
        "sound": (sounds(), from_file(folder / "sound.wav", hear)),
        "settings": (texts("settings", None), from_file(folder / "assistant.toml", config.load)),
        "home": (texts("home", None), from_file(folder / "home.toml", load_home)),
        "commands": (texts("commands", ROOT / "docs/examples/coffee.yaml"), from_file(folder / "mine.yaml", load_file)),
    }


def void(_: object) -> None:
    """A result that nobody needs."""


def fuzz(name: str, inputs: int, folder: Path, guard: Guard, number: int) -> tuple[int, int]:
    """Feed a target. Returns how many inputs it got, and how many of them it refused. Raises on the first failure."""
    strategy, target = targets(folder)[name]
    counts = [0, 0]
    path: Path | None = getattr(target, "path", None)

    @seed(number)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(data: bytes) -> None:
        if path is not None:
            path.write_bytes(data)
        counts[0] += 1
        with guard.on():
            try:
                target(data)
            except AssistantError as error:
                counts[1] += 1
                assert str(error) and "\n" not in str(error).strip(), "an error is one line"

    run()
    return counts[0], counts[1]


def main() -> None:
    """Fuzz everything; exit code 1 and the smallest failing input at the first failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(SHARES), help="one target alone")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["EDGE_ASSISTANT_HOME"] = scratch
        set_hypothesis_home_dir(Path(scratch) / "hypothesis")
        guard = Guard(Path(scratch))
        total = 0
        for name in [arguments.only] if arguments.only else SHARES:
            share = 1.0 if arguments.only else SHARES[name]
            began = time.monotonic()
            done, refused = fuzz(name, round(arguments.inputs * share), Path(scratch), guard, arguments.seed)
            total += done
            print(f"{name:<9} {done:>7} inputs, {refused} refused, the rest read, {time.monotonic() - began:.0f} s", flush=True)
        left = {path.name for path in Path(scratch).iterdir()} - {
            "sound.wav",
            "assistant.toml",
            "home.toml",
            "mine.yaml",
            "hypothesis",
        }
        assert not left, f"files were left behind: {left}"
    print(f"{total} inputs: no crash, no hang, nothing written, run or connected to")


if __name__ == "__main__":
    main()
