"""Triton's Python backend for the voice activity detector: one state per room. Copied into the repository as 1/model.py.

A request holds one frame, float32 (1, 576); the sequence batcher adds START, END and CORRID. Rooms are computed one after the
other, as the published graph takes one sequence: the results are bit for bit those of a detector of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as triton  # type: ignore[import-not-found]


class TritonPythonModel:
    """The three calls that Triton makes."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the graph that lies beside this file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        path = Path(args["model_repository"]) / args["model_version"] / "vad.onnx"
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._states: dict[int, tuple[Any, Any]] = {}

    def execute(self, requests: list[Any]) -> list[Any]:
        """One batch: at most one frame of each room."""
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        def value(name: str) -> Any:
            return triton.get_input_tensor_by_name(request, name).as_numpy()

        room = int(value("CORRID").ravel()[0])
        if value("START").ravel()[0] == 1 or room not in self._states:
            zeros = np.zeros((1, 1, 128), np.float32)
            self._states[room] = (zeros, zeros)
        h, c = self._states[room]
        found, h, c = self._session.run(["speech_probs", "hn", "cn"], {"input": value("input").reshape(1, 576), "h": h, "c": c})
        self._states[room] = (h, c)
        if value("END").ravel()[0] == 1:
            del self._states[room]
        return triton.InferenceResponse([triton.Tensor("speech_probs", found.reshape(1, 1))])

    def finalize(self) -> None:
        """Forget all rooms."""
        self._states.clear()
