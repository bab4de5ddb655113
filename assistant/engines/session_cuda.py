"""The dozen CUDA runtime calls that running an engine takes, through ctypes: no Python package of NVIDIA's is needed."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_int, c_size_t, c_void_p
from typing import Protocol

from assistant.engines.session import Array
from assistant.errors import ModelError

LIBRARIES = ("libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so")
_TO_DEVICE, _TO_HOST = 1, 2
"""cudaMemcpyHostToDevice and cudaMemcpyDeviceToHost (driver_types.h)."""

_CAPTURE_THREAD = 1
"""cudaStreamCaptureModeThreadLocal: other threads may go on using CUDA meanwhile."""


class Memory(Protocol):
    """What `TensorRtBackend` needs of CUDA; a test puts the computer's own memory behind it."""

    stream: int

    def device(self, size: int) -> int:
        """Address of `size` bytes on the GPU."""
        ...

    def pinned(self, size: int) -> int:
        """Address of `size` bytes on the host that the GPU can copy from while the processor goes on."""
        ...

    def upload(self, target: int, source: int, size: int) -> None:
        """Host to GPU, in the stream."""
        ...

    def download(self, target: int, source: int, size: int) -> None:
        """GPU to host, in the stream."""
        ...

    def wait(self) -> None:
        """Until everything in the stream is done."""
        ...

    def begin_capture(self) -> None:
        """Record instead of run."""
        ...

    def end_capture(self) -> int:
        """What was recorded, ready to launch."""
        ...

    def launch(self, graph: int) -> None:
        """Run what was recorded."""
        ...


class Cuda:
    """The CUDA runtime with one stream. Memory lives as long as the process. Raises ModelError without CUDA or when a call
    fails."""

    def __init__(self) -> None:
        self._library = _load()
        self.stream = self._new("cudaStreamCreate")

    def device(self, size: int) -> int:
        """See Memory."""
        address = c_void_p()
        self._call("cudaMalloc", byref(address), c_size_t(size))
        return address.value or 0

    def pinned(self, size: int) -> int:
        """See Memory."""
        address = c_void_p()
        self._call("cudaHostAlloc", byref(address), c_size_t(size), c_int(0))
        return address.value or 0

    def upload(self, target: int, source: int, size: int) -> None:
        """See Memory."""
        self._copy(target, source, size, _TO_DEVICE)

    def download(self, target: int, source: int, size: int) -> None:
        """See Memory."""
        self._copy(target, source, size, _TO_HOST)

    def _copy(self, target: int, source: int, size: int, kind: int) -> None:
        self._call("cudaMemcpyAsync", c_void_p(target), c_void_p(source), c_size_t(size), c_int(kind), c_void_p(self.stream))

    def wait(self) -> None:
        """See Memory."""
        self._call("cudaStreamSynchronize", c_void_p(self.stream))

    def begin_capture(self) -> None:
        """See Memory."""
        self._call("cudaStreamBeginCapture", c_void_p(self.stream), c_int(_CAPTURE_THREAD))

    def end_capture(self) -> int:
        """See Memory."""
        graph, ready = c_void_p(), c_void_p()
        self._call("cudaStreamEndCapture", c_void_p(self.stream), byref(graph))
        self._call("cudaGraphInstantiateWithFlags", byref(ready), graph, ctypes.c_ulonglong(0))
        return ready.value or 0

    def launch(self, graph: int) -> None:
        """See Memory."""
        self._call("cudaGraphLaunch", c_void_p(graph), c_void_p(self.stream))

    def _new(self, name: str) -> int:
        handle = c_void_p()
        self._call(name, byref(handle))
        return handle.value or 0

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            raise ModelError(f"CUDA's {name} failed with error {code}: check `nvidia-smi` or the Jetson's memory")


def _load() -> ctypes.CDLL:
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise ModelError("no CUDA runtime here: on a Jetson it comes with JetPack, else set runtime.backend to cpu")


def write_to(address: int, array: Array) -> None:
    """Copy an array to a host address."""
    ctypes.memmove(address, array.ctypes.data, array.nbytes)


def read_from(address: int, array: Array) -> None:
    """Fill an array from a host address."""
    ctypes.memmove(array.ctypes.data, address, array.nbytes)
