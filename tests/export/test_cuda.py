"""Our CUDA calls, and the TensorRT backend's way of data through them, on a real GPU; skipped where there is none.

The engine is a stand-in that copies its input to its output on the GPU, so TensorRT itself is not needed: what is tested are
pinned memory, transfers, buffers that grow, and the recording of a CUDA graph and its replay.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from assistant.engines.session_cuda import Cuda, read_from, write_to
from assistant.engines.session_passport import gpu_sm
from assistant.engines.session_tensorrt import TensorRtBackend
from assistant.errors import ModelError

_ON_DEVICE = 3
"""cudaMemcpyDeviceToDevice (driver_types.h)."""


@pytest.fixture
def cuda() -> Cuda:
    if gpu_sm() is None:
        pytest.skip("no GPU")
    try:
        return Cuda()
    except ModelError as error:
        pytest.skip(str(error))


class Copying:
    """An execution context whose network copies x to y."""

    def __init__(self, memory: Cuda) -> None:
        self._memory, self._shape = memory, (1,)
        self._addresses: dict[str, int] = {}
        self.executed = 0

    def set_optimization_profile_async(self, profile: int, stream: int) -> None:
        """There is only one."""

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> None:
        self._shape = shape

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._shape

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def execute_async_v3(self, stream: int) -> bool:
        self.executed += 1
        self._memory._copy(self._addresses["y"], self._addresses["x"], 4 * int(np.prod(self._shape)), _ON_DEVICE)
        return True


def backend(memory: Cuda, plan: Path, ranges: list[list[int]]) -> tuple[TensorRtBackend, Copying]:
    """The backend over a stand-in for TensorRT, real memory and a real stream. ranges: smallest, usual and largest shape."""
    context = Copying(memory)
    modes = SimpleNamespace(INPUT="in", OUTPUT="out")
    engine = SimpleNamespace(
        num_io_tensors=2,
        get_tensor_name=lambda place: "xy"[place],
        get_tensor_mode=lambda name: modes.INPUT if name == "x" else modes.OUTPUT,
        get_tensor_shape=lambda name: (-1,),
        get_tensor_dtype=lambda name: np.float32,
        create_execution_context=lambda: context,
    )
    trt: Any = SimpleNamespace(
        __name__="copying",
        __version__="1",
        Logger=type("Logger", (), {"ERROR": 0, "__init__": lambda self, level: None}),
        Runtime=lambda logger: SimpleNamespace(deserialize_cuda_engine=lambda data: engine),
        TensorIOMode=modes,
        nptype=lambda dtype: dtype,
    )
    plan.write_bytes(b"engine")
    return TensorRtBackend(trt, memory, plan, [{"x": ranges}]), context


def test_what_goes_to_the_gpu_comes_back(cuda: Cuda) -> None:
    sent = np.arange(1000, dtype=np.float32)
    host, far, back = cuda.pinned(sent.nbytes), cuda.device(sent.nbytes), cuda.pinned(sent.nbytes)
    write_to(host, sent)
    cuda.upload(far, host, sent.nbytes)
    cuda.download(back, far, sent.nbytes)
    cuda.wait()
    got = np.empty_like(sent)
    read_from(back, got)
    assert np.array_equal(got, sent)


def test_a_fixed_network_is_recorded_and_replayed_with_new_input(cuda: Cuda, tmp_path: Path) -> None:
    network, context = backend(cuda, tmp_path / "x.plan", [[64], [64], [64]])
    for call in range(5):
        x = np.full(64, call, np.float32)
        assert np.array_equal(network.run({"x": x})["y"], x)
    assert context.executed == 2  # once plainly, once to be recorded; then the recording is launched


def test_buffers_grow_with_the_input(cuda: Cuda, tmp_path: Path) -> None:
    network, context = backend(cuda, tmp_path / "x.plan", [[1], [8], [1 << 20]])
    for size in (3, 1000, 7, 1 << 20):
        x = np.random.default_rng(size).normal(size=size).astype(np.float32)
        assert np.array_equal(network.run({"x": x})["y"], x)
    assert context.executed == 4


def test_a_failing_call_names_itself(cuda: Cuda) -> None:
    with pytest.raises(ModelError, match="cudaMalloc"):
        cuda.device(1 << 60)
