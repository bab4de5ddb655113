"""One ONNX model opened for inference: named arrays in, named arrays out.

Every engine of this project opens its graphs here, so the choices below are made once. What runs the graph is a `Backend`: ONNX
Runtime on the processor unless a resolver (assistant.engines.session_packages) has something faster for that file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from assistant.errors import ModelError

Array = npt.NDArray[Any]

_LOG_ERRORS_ONLY = 3
"""onnxruntime's severity scale: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal."""

_DISABLED = ["GatherSliceToSplitFusion"]
"""An optimisation that copies the keys and values of all layers of Whisper's decoder at once, before each token; one layer at a
time, while it is used, they stay in the processor's cache."""

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}

CUDA_OPTIONS = {"cudnn_conv_algo_search": "HEURISTIC"}
"""ONNX Runtime's own choice tries every convolution algorithm whenever a new length of sound comes."""


_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}
"""onnxruntime's names of the types this project's graphs take."""


class Backend(Protocol):
    """Something that runs one graph."""

    provider: str
    """What really runs it: "cpu", "cuda", "tensorrt SM87", "triton HOST:PORT"."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    """Names, in the model's order."""

    input_shapes: dict[str, list[int | str | None]]
    """Shape of every input; a name or None stands for an axis of any length."""

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """One pass. feeds: every input by name; outputs: which results to compute (None = all). All new arrays."""
        ...


@dataclass(frozen=True, slots=True)
class Running:
    """How an engine wants its graph run.

    threads: threads inside one operator. One is the default because the assistant's models are small: a second thread
    gains little and takes a core from the stages that run at the same time. Waiting threads sleep instead of spinning.
    exact_int8: on x86-64 processors with AVX2 or AVX-512 but without VNNI, sums of products of int8 weights that use their whole
    range overflow unless they are computed another way: Whisper then mishears clean speech, and the intent model's scores are off
    by a tenth. Makes no difference elsewhere. ONNX Runtime cannot open a graph like that in which two nodes share weights, as
    hibari's.
    """

    threads: int = 1
    exact_int8: bool = False


PLAIN = Running()
"""Opens every graph."""


Resolver = Callable[[Path, Running], Backend | None]
"""(the ONNX file an engine asks for, how) -> what shall run it; None = this resolver has nothing for it."""

_resolvers: list[Resolver] = []


def install_resolver(resolver: Resolver) -> None:
    """Ask `resolver` first whenever a graph is opened from now on, in the whole process."""
    _resolvers.insert(0, resolver)


@contextmanager
def resolved_by(resolver: Resolver) -> Iterator[None]:
    """`install_resolver` for the length of a with block."""
    install_resolver(resolver)
    try:
        yield
    finally:
        _resolvers.remove(resolver)


class OnnxSession:
    """A loaded model.

    path: the .onnx file; weights stored beside it (ONNX external data) are found through it. threads, exact_int8: see Running.

    Raises ModelError when the file is missing or not a readable model.
    """

    def __init__(self, path: Path, threads: int = 1, *, exact_int8: bool = True) -> None:
        running = Running(threads, exact_int8)
        found = (resolver(path, running) for resolver in list(_resolvers))
        chosen = next((backend for backend in found if backend is not None), None)
        self._backend: Backend = chosen or OrtBackend(path, running)
        self.provider: str = self._backend.provider
        """What really runs it."""
        self.inputs: tuple[str, ...] = self._backend.inputs
        """Names of the inputs, in the model's order."""
        self.input_shapes: dict[str, list[int | str | None]] = self._backend.input_shapes
        """Shape of every input; a name or None stands for an axis of any length."""
        self.outputs: tuple[str, ...] = self._backend.outputs
        """Names of the outputs, in the model's order."""

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """One pass. feeds: every input by name; outputs: which results to compute (None = all). All new arrays."""
        return self._backend.run(feeds, outputs)


class OrtBackend:
    """A graph run by ONNX Runtime. device: "cpu", or "cuda" with the processor for what CUDA does not take.

    Raises ModelError when the file is missing or unreadable, or when "cuda" was asked for and is not what came: ONNX Runtime
    itself only warns and runs on the processor.
    """

    def __init__(self, path: Path, running: Running = PLAIN, device: str = "cpu") -> None:
        if not path.is_file():
            raise ModelError(f"the model file {path} is missing: run `assistant models pull` to get it")
        wanted = [PROVIDERS["cuda"], PROVIDERS["cpu"]] if device == "cuda" else [PROVIDERS["cpu"]]
        if device == "cuda":
            _find_cuda()
        if wanted[0] not in onnxruntime.get_available_providers():
            raise ModelError(f"this onnxruntime has no {wanted[0]}: install onnxruntime-gpu, or set runtime.backend to cpu")
        try:
            options = _options(running)
            providers = [(name, CUDA_OPTIONS) if name == PROVIDERS["cuda"] else name for name in wanted]
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers, disabled_optimizers=_DISABLED)
        except Exception as error:  # onnxruntime's own exception classes share no public base but Exception
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ModelError(
                f"the model file {path} cannot be read ({reason}): delete it and run `assistant models pull`"
            ) from error
        got: Sequence[str] = self._session.get_providers()
        if got[0] != wanted[0]:
            raise ModelError(f"{path.name} was to run on {wanted[0]} but got {', '.join(got)}: check the CUDA installation")
        self.provider = device
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        self.input_shapes: dict[str, list[int | str | None]] = {
            entry.name: list(entry.shape) for entry in self._session.get_inputs()
        }
        self.input_dtypes = {entry.name: np.dtype(_DTYPES[entry.type]) for entry in self._session.get_inputs()}
        self.outputs = tuple(entry.name for entry in self._session.get_outputs())

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run."""
        names = list(self.outputs) if outputs is None else outputs
        results = self._session.run(names, feeds)
        return dict(zip(names, results, strict=True))


@lru_cache(maxsize=1)
def _find_cuda() -> None:
    """Load CUDA's libraries where pip installs them (onnxruntime-gpu[cuda,cudnn]); the system's own are found without this."""
    preload = getattr(onnxruntime, "preload_dlls", None)  # since ONNX Runtime 1.21
    if preload is not None:
        with redirect_stdout(StringIO()):  # it prints what it does not find, even where nothing is amiss
            preload()
    onnxruntime.set_default_logger_severity(_LOG_ERRORS_ONLY)  # else every convolution without a quick plan is a warning


def _options(running: Running) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = running.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    options.enable_cpu_mem_arena = False  # measured on Whisper: 30 MB less memory, same speed
    options.enable_mem_pattern = False  # a plan of memory is kept for every length of sentence, and makes nothing faster
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1" if running.exact_int8 else "0")
    return options
