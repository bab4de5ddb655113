"""Runs one TensorRT engine: `tensorrt` 10.3 to 11.4 or `tensorrt_rtx`, only by names that all of them have.

Buffers are made once and grow; host buffers are pinned; a graph whose shapes are all fixed is recorded as a CUDA graph at its
second call and replayed from then on. Whether an engine may be loaded at all is decided before, by its passport
(session_engines).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from assistant.engines.session import Array
from assistant.engines.session_cuda import Memory, read_from, write_to
from assistant.errors import ModelError

Shape = tuple[int, ...]
Profiles = Sequence[dict[str, list[list[int]]]]


@dataclass(slots=True)
class _Buffer:
    """A tensor's place on the host and on the GPU, in bytes."""

    size: int = 0
    host: int = 0
    device: int = 0


class TensorRtBackend:
    """One engine. trt: the TensorRT module; memory: CUDA; profiles: shape ranges the engine was built for, in its order.

    Raises ModelError when TensorRT does not take the engine.
    """

    def __init__(self, trt: Any, memory: Memory, plan: Path, profiles: Profiles) -> None:
        self._memory, self._profiles, self._lock = memory, profiles, Lock()
        self._logger = trt.Logger(trt.Logger.ERROR)
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan.read_bytes())
        if self._engine is None:
            raise ModelError(f"{trt.__name__} {trt.__version__} does not take {plan.name}: run `assistant export build`")
        engine = self._engine
        names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
        is_input = {name: engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names}
        self.provider = f"{trt.__name__} {trt.__version__}"
        self.inputs = tuple(name for name in names if is_input[name])
        self.outputs = tuple(name for name in names if not is_input[name])
        self.input_shapes: dict[str, list[int | str | None]] = {
            name: [side if side >= 0 else None for side in tuple(engine.get_tensor_shape(name))] for name in self.inputs
        }
        self._dtypes = {name: np.dtype(trt.nptype(engine.get_tensor_dtype(name))) for name in names}
        self._contexts = [self._context(number) for number in range(max(1, len(profiles)))]
        self._buffers = {name: _Buffer() for name in names}
        self._fixed = all(low == high for profile in profiles for low, _, high in profile.values()) and len(profiles) == 1
        self._calls, self._graph = 0, 0

    def _context(self, profile: int) -> Any:
        context = self._engine.create_execution_context()
        if context is None:
            raise ModelError("TensorRT has no memory for another execution context: stop other programs")
        context.set_optimization_profile_async(profile, self._memory.stream)
        return context

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run. Raises ValueError for shapes the engine was not built for."""
        with self._lock:
            arrays = {name: np.ascontiguousarray(feeds[name], self._dtypes[name]) for name in self.inputs}
            context = self._contexts[self._profile_for({name: array.shape for name, array in arrays.items()})]
            for name, array in arrays.items():
                if not self._fixed or not self._calls:
                    context.set_input_shape(name, array.shape)
            results = {name: np.empty(tuple(context.get_tensor_shape(name)), self._dtypes[name]) for name in self.outputs}
            self._place(context, {**arrays, **results})
            for name, array in arrays.items():
                write_to(self._buffers[name].host, array)
            self._execute(context, arrays, results)
            self._memory.wait()
            for name, array in results.items():
                read_from(self._buffers[name].host, array)
        return results if outputs is None else {name: results[name] for name in outputs}

    def _profile_for(self, shapes: dict[str, Shape]) -> int:
        for number, profile in enumerate(self._profiles):
            ranges = [(shapes[name], low, high) for name, (low, _, high) in profile.items()]
            if all(len(shape) == len(low) and _between(shape, low, high) for shape, low, high in ranges):
                return number
        if not self._profiles:
            return 0
        raise ValueError(f"the engine was not built for the shapes {shapes}")

    def _place(self, context: Any, arrays: dict[str, Array]) -> None:
        """Room for every tensor; addresses change only when a buffer grows."""
        for name, array in arrays.items():
            buffer, wanted = self._buffers[name], max(1, array.nbytes)
            if buffer.size < wanted:
                size = 1 << math.ceil(math.log2(wanted))
                self._buffers[name] = buffer = _Buffer(size, self._memory.pinned(size), self._memory.device(size))
            context.set_tensor_address(name, buffer.device)

    def _execute(self, context: Any, arrays: dict[str, Array], results: dict[str, Array]) -> None:
        self._calls += 1
        if self._graph:
            self._memory.launch(self._graph)
            return
        recording = self._fixed and self._calls == 2  # the first call lets TensorRT allocate, which a recording must not hold
        if recording:
            self._memory.begin_capture()
        for name, array in arrays.items():
            self._memory.upload(self._buffers[name].device, self._buffers[name].host, array.nbytes)
        if not context.execute_async_v3(self._memory.stream):
            raise ModelError("the TensorRT engine failed: run `assistant export build` to check it")
        for name, array in results.items():
            self._memory.download(self._buffers[name].host, self._buffers[name].device, array.nbytes)
        if recording:
            self._graph = self._memory.end_capture()
            self._memory.launch(self._graph)


def _between(shape: Shape, low: Sequence[int], high: Sequence[int]) -> bool:
    return all(least <= side <= most for least, side, most in zip(low, shape, high, strict=True))
