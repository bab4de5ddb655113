"""Runs our two users of TensorRT against NVIDIA's own Python bindings of one version, on a machine without TensorRT.

    python bindings_child.py UNPACKED_WHEEL [FILE OLD NEW]

The bindings need three NVIDIA libraries, but of those only a handful of symbols: a stub made with gcc lets the real module
load, and then its classes, enums and names are the real ones. Objects that would need the libraries are stand-ins that have
exactly the attributes of the real class: whatever that version lacks raises AttributeError. FILE OLD NEW plants a change into
one of our files.
"""

from __future__ import annotations

import ctypes
import importlib
import re
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np

OWN = re.compile(
    r"(create\w+_INTERNAL|get(Builder|Safe)?PluginRegistry|getNvOnnxParserVersion|initLibNvInferPlugins|getInferLib\w+|_ZN?.*(nvinfer1|nvonnxparser).*)"
)


def real_bindings(wheel: Path) -> Any:
    """The module in an unpacked wheel, over stub libraries."""
    library = next(wheel.glob("*bindings/tensorrt*.so"))
    needed = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"NEEDED.*\[(libnv[^\]]+)\]", needed)
    symbols = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True).stdout
    mine = [line.split()[-1] for line in symbols.splitlines() if OWN.fullmatch(line.split()[-1])]
    scratch = Path(tempfile.mkdtemp(prefix="trt-stub-"))
    (scratch / "stub.c").write_text("".join(f"void *{symbol}(void){{return 0;}}\n" for symbol in mine))
    for name in names:
        command = ["gcc", "-shared", "-fPIC", "-o", scratch / name, scratch / "stub.c", f"-Wl,-soname,{name}"]
        subprocess.run(command, check=True)
        ctypes.CDLL(str(scratch / name), mode=ctypes.RTLD_GLOBAL)
    sys.path.insert(0, str(wheel))
    return importlib.import_module(library.parent.name)


class Strict:
    """Has the attributes of a real class, and no other. Methods return what `returns` says, by name."""

    def __init__(self, real: type, **returns: Any) -> None:
        object.__setattr__(self, "_real", real)
        object.__setattr__(self, "_returns", returns)

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._real, name):
            raise AttributeError(f"{self._real.__name__}.{name} is not in this TensorRT")
        return self._returns.get(name, lambda *arguments: None)

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self._real, name):
            raise AttributeError(f"{self._real.__name__}.{name} is not in this TensorRT")
        self._returns[name] = value


class Module:
    """The bindings, with stand-ins for what would need the libraries; everything else, enums above all, is real."""

    def __init__(self, real: Any, **stand_ins: Any) -> None:
        self._real, self._stand_ins = real, stand_ins
        self.__name__, self.__version__ = "tensorrt", real.__version__

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)  # raises for a name this version lacks
        return self._stand_ins.get(name, found)


def building(real: Any) -> Module:
    """What export.engine.build sees."""
    tensor = Strict(real.ITensor, name="x", is_shape_tensor=False)
    cache = Strict(real.ITimingCache, serialize=lambda: b"timings")
    config = Strict(
        real.IBuilderConfig,
        create_timing_cache=lambda data: cache,
        set_timing_cache=lambda *_: True,
        get_timing_cache=lambda: cache,
    )
    network = Strict(real.INetworkDefinition, num_inputs=1, get_input=lambda place: tensor)
    builder = Strict(
        real.Builder,
        create_network=lambda flags: network,
        create_builder_config=lambda: config,
        create_optimization_profile=lambda: Strict(real.IOptimizationProfile),
        build_serialized_network=lambda *_: b"engine",
    )
    parser = Strict(real.OnnxParser, parse_from_file=lambda path: True, num_errors=0)
    return Module(real, Logger=logger(real), Builder=lambda log: builder, OnnxParser=lambda net, log: parser)


def logger(real: Any) -> Any:
    class Logger:
        ERROR = real.Logger.ERROR

        def __new__(cls, level: Any) -> Any:
            return Strict(real.Logger)

    return Logger


class HostMemory:
    """CUDA's memory on the host: addresses of numpy buffers that live as long as this object."""

    stream = 7

    def __init__(self) -> None:
        self._kept: list[Any] = []
        self.recorded: list[Any] | None = None
        self.launches = 0
        self.work: Any = None

    def device(self, size: int) -> int:
        self._kept.append(np.zeros(size, np.uint8))
        return int(self._kept[-1].ctypes.data)

    pinned = device

    def upload(self, target: int, source: int, size: int) -> None:
        self._do(lambda: ctypes.memmove(target, source, size))

    download = upload

    def _do(self, work: Any) -> None:
        if self.recorded is None:
            work()
        else:
            self.recorded.append(work)

    def wait(self) -> None:
        pass

    def begin_capture(self) -> None:
        self.recorded = []

    def end_capture(self) -> int:
        self.work, self.recorded = self.recorded, None
        return 1

    def launch(self, graph: int) -> None:
        self.launches += 1
        for work in self.work:
            work()


def running(real: Any, memory: HostMemory, fixed: bool) -> Module:
    """What TensorRtBackend sees: an engine that doubles x, (1, n) float32."""
    addresses: dict[str, int] = {}
    shape: dict[str, tuple[int, ...]] = {"x": (1, 4) if fixed else (1, -1), "y": (1, 4)}

    def execute(stream: int) -> bool:
        count = shape["x"][1]

        def double() -> None:
            source = (ctypes.c_float * count).from_address(addresses["x"])
            target = (ctypes.c_float * count).from_address(addresses["y"])
            target[:] = [2 * value for value in source]

        memory._do(double)
        return stream == memory.stream

    context = Strict(
        real.IExecutionContext,
        set_input_shape=lambda name, sides: shape.update(x=tuple(sides), y=tuple(sides)),
        get_tensor_shape=lambda name: shape[name],
        set_tensor_address=lambda name, address: addresses.__setitem__(name, address),
        execute_async_v3=execute,
        set_optimization_profile_async=lambda number, stream: True,
    )
    mode = real.TensorIOMode
    engine = Strict(
        real.ICudaEngine,
        num_io_tensors=2,
        get_tensor_name=lambda place: ("x", "y")[place],
        get_tensor_mode=lambda name: mode.INPUT if name == "x" else mode.OUTPUT,
        get_tensor_shape=lambda name: shape[name],
        get_tensor_dtype=lambda name: real.DataType.FLOAT,
        create_execution_context=lambda: context,
    )
    runtime = Strict(real.Runtime, deserialize_cuda_engine=lambda data: engine if data == b"engine" else None)
    return Module(real, Logger=logger(real), Runtime=lambda log: runtime)


def ours(name: str, planted: list[str]) -> Any:
    """One of our modules, with a change planted if it is that one's file."""
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    text = Path(spec.origin).read_text("utf-8")
    if planted and spec.origin.endswith(planted[0]):
        assert planted[1] in text, f"{planted[1]!r} is not in {planted[0]}"
        text = text.replace(planted[1], planted[2])
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(text, spec.origin, "exec"), module.__dict__)
    return module


def main(wheel: Path, planted: list[str]) -> None:
    real = real_bindings(wheel)
    engine = ours("export.engine", planted)
    with tempfile.TemporaryDirectory() as scratch:
        cache = Path(scratch) / "timing.cache"
        job = engine.Job("x.onnx", "x.plan", [{"x": [[1, 1], [1, 4], [1, 8]]}], "tensorrt", "", str(cache))
        assert engine.build(building(real), job, print) == b"engine"
        assert cache.read_bytes() == b"timings"
        plan = Path(scratch) / "x.plan"
        plan.write_bytes(b"engine")
        runs(real, ours("assistant.engines.session_tensorrt", planted), plan)
    print("ok", real.__version__)


def runs(real: Any, module: Any, plan: Path) -> None:
    x = np.arange(3, dtype=np.float32)[None]
    memory = HostMemory()
    backend = module.TensorRtBackend(running(real, memory, fixed=False), memory, plan, [{"x": [[1, 1], [1, 4], [1, 8]]}])
    for wide in (x, np.ones((1, 8), np.float32), x):
        assert (backend.run({"x": wide})["y"] == 2 * wide).all()
    assert memory.launches == 0
    memory = HostMemory()
    backend = module.TensorRtBackend(running(real, memory, fixed=True), memory, plan, [{"x": [[1, 4], [1, 4], [1, 4]]}])
    for value in range(5):
        assert (backend.run({"x": np.full((1, 4), value, np.float32)})["y"] == 2 * value).all()
    assert memory.launches == 4, "a graph of fixed shapes is recorded at the second call and replayed from then on"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
