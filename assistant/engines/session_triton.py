"""Graphs served by an NVIDIA Triton server on this or another machine, over its HTTP interface (KServe v2, binary tensors).

Only the standard library is used. What holds state between calls (the voice activity detector) goes to the server's sequence
batcher, which keeps one state per conversation: see `export.triton`.
"""

from __future__ import annotations

import http.client
import json
from threading import Lock
from typing import Any

import numpy as np

from assistant.engines.session import Array, Backend, Running
from assistant.engines.session_packages import Open, PackagePart
from assistant.errors import ModelError

DTYPES = {"FP32": np.float32, "FP16": np.float16, "INT64": np.int64, "INT32": np.int32, "BOOL": np.bool_, "UINT64": np.uint64}
NAMES = {np.dtype(kind): name for name, kind in DTYPES.items()}
TIMEOUT = 10.0
"""Seconds until a silent server counts as gone."""


class TritonBackend:
    """One model of a server. server: "host:port" of its HTTP interface. Raises ModelError when it has no such model."""

    def __init__(self, server: str, model: str) -> None:
        self._server, self._model, self._lock = server, model, Lock()
        self._connection = http.client.HTTPConnection(server, timeout=TIMEOUT)  # kept open: a request a frame
        found = self._ask("GET", f"/v2/models/{model}", b"", {})
        data = json.loads(found)
        self.provider = f"triton {server}"
        self.inputs = tuple(entry["name"] for entry in data["inputs"])
        self.outputs = tuple(entry["name"] for entry in data["outputs"])
        self.input_shapes: dict[str, list[int | str | None]] = {
            entry["name"]: [None if int(side) < 0 else int(side) for side in entry["shape"]] for entry in data["inputs"]
        }

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """See Backend.run. Raises ModelError when the server refuses or is gone."""
        return self.infer(feeds, {}, list(self.outputs) if outputs is None else outputs)

    def infer(self, feeds: dict[str, Array], parameters: dict[str, Any], outputs: list[str]) -> dict[str, Array]:
        """One request. parameters: such as sequence_id, sequence_start, sequence_end."""
        arrays = {name: np.ascontiguousarray(feeds[name]) for name in self.inputs}
        head = {
            "parameters": parameters,
            "inputs": [
                {
                    "name": name,
                    "shape": list(array.shape),
                    "datatype": NAMES[array.dtype],
                    "parameters": {"binary_data_size": array.nbytes},
                }
                for name, array in arrays.items()
            ],
            "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in outputs],
        }
        start = json.dumps(head).encode()
        body = start + b"".join(array.tobytes() for array in arrays.values())
        headers = {"Inference-Header-Content-Length": str(len(start)), "Content-Type": "application/octet-stream"}
        answer = self._ask("POST", f"/v2/models/{self._model}/infer", body, headers)
        return _arrays(answer)

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        with self._lock:
            try:
                self._connection.request(method, path, body, headers)
                answer = self._connection.getresponse()
                data = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()  # the next request opens a new one
                raise ModelError(
                    f"no Triton server at {self._server} ({error}): start it, or set runtime.backend to cpu"
                ) from error
        if answer.status != http.client.OK:
            raise ModelError(f"the Triton server at {self._server} refused {self._model}: {data[:200].decode(errors='replace')}")
        length = answer.getheader("Inference-Header-Content-Length")
        return (length or "").encode() + b"\n" + data if method == "POST" else data


def _arrays(answer: bytes) -> dict[str, Array]:
    """The tensors of an answer: a JSON head of the stated length, then their bytes one after the other."""
    length, _, data = answer.partition(b"\n")
    head = json.loads(data[: int(length)] if length else data)
    at = int(length or 0)
    found: dict[str, Array] = {}
    for entry in head["outputs"]:
        kind = DTYPES[entry["datatype"]]
        if "data" in entry:
            found[entry["name"]] = np.array(entry["data"], kind).reshape(entry["shape"])
            continue
        size = int(entry["parameters"]["binary_data_size"])
        found[entry["name"]] = np.frombuffer(data[at : at + size], kind).reshape(entry["shape"]).copy()
        at += size
    return found


def open_with_triton(server: str) -> Open:
    """Parts from the server, where they are called MODEL.PART with - and . as _."""

    def open_part(part: PackagePart, running: Running) -> Backend:
        return TritonBackend(server, served_name(part.path.parent.name, part.name))

    return open_part


def served_name(model: str, part: str) -> str:
    """What a part is called on a server."""
    return f"{model}_{part}".replace("-", "_").replace(".", "_")
