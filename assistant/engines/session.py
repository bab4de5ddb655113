"""One ONNX model opened for inference: named arrays in, named arrays out.

Every engine of this project that runs an ONNX graph on the processor opens it here, so the choices below are made once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt
import onnxruntime

from assistant.errors import ModelError

Array = npt.NDArray[Any]

_LOG_ERRORS_ONLY = 3
"""onnxruntime's severity scale: 0 verbose, 1 info, 2 warning, 3 error, 4 fatal."""


class OnnxSession:
    """A loaded model on the processor.

    path: the .onnx file; weights stored beside it (ONNX external data) are found through it.
    threads: threads inside one operator. One is the default because the assistant's models are small: a second thread
    gains little and takes a core from the stages that run at the same time. Waiting threads sleep instead of spinning.

    Raises ModelError when the file is missing or not a readable model.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_ERRORS_ONLY
        options.enable_cpu_mem_arena = False  # measured on Whisper: 30 MB less memory, same speed
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not path.is_file():
            raise ModelError(f"the model file {path} is missing: run `assistant models pull` to get it")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exception classes share no public base but Exception
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ModelError(
                f"the model file {path} cannot be read ({reason}): delete it and run `assistant models pull`"
            ) from error
        self.inputs: tuple[str, ...] = tuple(entry.name for entry in self._session.get_inputs())
        """Names of the inputs, in the model's order."""
        self.input_shapes: dict[str, list[int | str | None]] = {
            entry.name: list(entry.shape) for entry in self._session.get_inputs()
        }
        """Shape of every input; a name or None stands for an axis of any length."""
        self.outputs: tuple[str, ...] = tuple(entry.name for entry in self._session.get_outputs())
        """Names of the outputs, in the model's order."""

    def run(self, feeds: dict[str, Array], outputs: list[str] | None = None) -> dict[str, Array]:
        """One pass. feeds: every input by name; outputs: which results to compute (None = all). All new arrays."""
        names = list(self.outputs) if outputs is None else outputs
        results = self._session.run(names, feeds)
        return dict(zip(names, results, strict=True))
