"""Does Whisper through ONNX fp32 hear what it hears through torch? Greedy and biased, on real recordings.

    python -m export.same_texts --count 100

Only the graphs differ; the assistant's own recogniser runs on both. Biased: with the grammar of the example home's commands.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import onnx

from assistant.app import example_home, make_brain
from assistant.config import Config, folders
from assistant.engines.asr_whisper import WhisperAsr
from assistant.engines.session import Array, Backend, OrtBackend, Running, resolved_by
from assistant.engines.session_parts import StaticMemory
from assistant.errors import ModelError
from assistant.grammar import ActiveGrammar
from assistant.home import load_home
from assistant.volume import SpeakingVolume
from export import data, paths, whisper
from export.oracle import whisper_part
from export.spec import Run


class Computed:
    """A backend over a function, with the names and shapes of a file."""

    def __init__(self, run: Run, like: OrtBackend) -> None:
        self._run = run
        self.provider, self.inputs, self.outputs, self.input_shapes = "torch", like.inputs, like.outputs, like.input_shapes

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run."""
        results = self._run(feeds)
        return {name: results[name] for name in outputs or self.outputs}


def texts(backend: Callable[[str], Backend], count: int, *, biased: bool) -> list[str]:
    """What is heard in each recording when `backend` makes the graphs by part name."""
    folder = paths.registry().path("whisper-tiny.en")
    parts = {part.replaces: part.name for part in whisper.PARTS if part.form == "same"}

    def resolve(path: Path, running: Running) -> Backend | None:
        part = parts.get(path.name)
        return backend(part) if part is not None else None

    with resolved_by(resolve), example_home(folders()) as scratch:
        engine = WhisperAsr(folder, paths.cache_folder(), partial_every_ms=0)
        if biased:
            brain = make_brain(Config(), load_home(None), scratch, SpeakingVolume())
            engine.set_grammar(ActiveGrammar(brain))
        found = []
        for _, sound in data.recordings("test", count):
            engine.accept(sound)
            found.append(engine.finish().text)
    return found


def main() -> None:
    """Command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="recordings, 100 at most")
    parser.add_argument("--static", action="store_true", help="with the decoder whose memory has a fixed size")
    arguments = parser.parse_args()
    folder = paths.registry().path("whisper-tiny.en")
    with tempfile.TemporaryDirectory() as scratch:
        files = {}
        for part in whisper.PARTS:
            files[part.name] = Path(scratch) / f"{part.name}.onnx"
            onnx.save(part.build(folder), files[part.name])

        def exported(part: str) -> Backend:
            static = arguments.static and part == "decoder"
            return StaticMemory(OrtBackend(files["decoder_static"])) if static else OrtBackend(files[part])

        def in_torch(part: str) -> Backend:
            run = whisper_part(part)(folder)
            if run is None:
                raise ModelError("this needs torch: pip install 'edge-assistant[train]'")
            return Computed(run, OrtBackend(files[part]))

        for biased in (False, True):
            heard = [texts(backend, arguments.count, biased=biased) for backend in (exported, in_torch)]
            pairs = list(zip(*heard, strict=True))
            same = sum(one == other for one, other in pairs)
            print(f"{'biased' if biased else 'greedy'}: {same} of {len(pairs)} texts equal", flush=True)


if __name__ == "__main__":
    main()
