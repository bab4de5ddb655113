"""The real Triton server, on the processor, with the repository that the exporter writes: many rooms, each with its own state.

The server comes in NVIDIA's wheel nvidia-pytriton; its Python backend wants Debian's own Python, so it gets an environment of
its own (EDGE_ASSISTANT_TRITON names one; docs/export.md says how to make it).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from assistant.engines.session import OnnxSession
from assistant.engines.session_triton import TritonBackend
from assistant.errors import ModelError
from export.triton import write_repository

ROOMS, FRAMES = 16, 30


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(binary: Path, site: Path, folder: Path, http: int, out: IO[bytes]) -> subprocess.Popen[bytes]:
    """The server of nvidia-pytriton in `site`, with our models; out: takes what it says."""
    repository, backends = folder / "models", folder / "backends"
    repository.mkdir()
    write_repository(repository)
    shutil.copytree(site / "pytriton/tritonserver/backends", backends)
    python = site.parent.name.removeprefix("python")
    shutil.copy(site / f"pytriton/tritonserver/python_backend_stubs/{python}/triton_python_backend_stub", backends / "python")
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": f"{site}/nvidia_pytriton.libs",
        "PYTHONPATH": str(site),
        "VIRTUAL_ENV": str(site.parents[2]),
        "PATH": f"{site.parents[2]}/bin:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    command = [str(binary), f"--model-repository={repository}", f"--backend-directory={backends}"]
    command += ["--http-address=127.0.0.1", f"--http-port={http}", "--exit-timeout-secs=1"]
    command += ["--allow-grpc=false", "--allow-metrics=false"]
    return subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def server(registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, float]]:
    """(host:port, seconds until it was ready)."""
    home = Path(os.environ.get("EDGE_ASSISTANT_TRITON", "/nonexistent"))
    site = next(home.glob("lib/python3*/site-packages"), home)
    binary = site / "pytriton/tritonserver/bin/tritonserver"
    if not binary.is_file():
        pytest.skip("no Triton server: EDGE_ASSISTANT_TRITON names no environment with nvidia-pytriton")
    folder = tmp_path_factory.mktemp("triton")
    http, log = free_port(), folder / "triton.log"
    began = time.monotonic()
    with log.open("wb") as out:
        process = start(binary, site, folder, http, out)
    try:
        while True:
            try:
                TritonBackend(f"127.0.0.1:{http}", "silero_vad")
                break
            except ModelError as error:
                assert process.poll() is None, log.read_text(errors="replace")[-1500:]
                assert time.monotonic() - began < 90, f"not ready: {error}; {log.read_text(errors='replace')[-1500:]}"
                time.sleep(0.1)
        yield f"127.0.0.1:{http}", time.monotonic() - began
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def sounds() -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal((ROOMS, FRAMES, 1, 576))).astype(np.float32)


def test_rooms_keep_their_own_state_to_the_last_bit(server: tuple[str, float], registry) -> None:
    address, ready = server
    sound = sounds()
    heard: dict[int, list[float]] = {}

    def room(number: int) -> None:
        backend, found = TritonBackend(address, "silero_vad"), []
        for place in range(FRAMES):
            marks = {"sequence_id": number + 1, "sequence_start": place == 0, "sequence_end": place == FRAMES - 1}
            found.append(float(backend.infer({"input": sound[number, place]}, marks, ["speech_probs"])["speech_probs"][0, 0]))
        heard[number] = found

    threads = [threading.Thread(target=room, args=(number,)) for number in range(ROOMS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = ROOMS * FRAMES / (time.monotonic() - began)
    session = OnnxSession(registry.path("silero-vad") / "silero_vad_16k_sequence.onnx")
    worst = 0.0
    for number in range(ROOMS):
        h = c = np.zeros((1, 1, 128), np.float32)
        for place in range(FRAMES):
            results = session.run({"input": sound[number, place], "h": h, "c": c})
            h, c = results["hn"], results["cn"]
            worst = max(worst, abs(float(results["speech_probs"][0]) - heard[number][place]))
    rooms = rate / 31.25  # frames of 32 ms
    print(
        f"ready after {ready:.1f} s; {ROOMS} rooms: {rate:.0f} frames a second = {rooms:.0f} rooms; load {os.getloadavg()[0]:.1f}"
    )
    assert worst == 0.0


def test_a_model_that_is_not_served_is_one_clear_line(server: tuple[str, float]) -> None:
    with pytest.raises(ModelError, match="nothing") as caught:
        TritonBackend(server[0], "nothing")
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(ModelError, match="start it"):
        TritonBackend(f"127.0.0.1:{free_port()}", "silero_vad")
