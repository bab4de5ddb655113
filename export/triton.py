"""A model repository for NVIDIA's Triton inference server: one computer serves many rooms.

The voice activity detector is served statefully: Triton's sequence batcher sends a room's frames, named by its correlation id,
to one instance in order and tells it where a sequence starts; frames of several rooms are computed in one batch. The
repository uses the Python backend with onnxruntime, so that it also runs where NVIDIA's container with its onnxruntime and
tensorrt backends is not.

    assistant export --triton repository
    tritonserver --model-repository=repository
"""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

from export import paths

MOST_ROOMS = 128
"""Sequences that may be open at once; more wait."""

BATCHES = (8, 16, 32)
"""Batch sizes that Triton waits for, at most DELAY_US."""

DELAY_US = 2000
IDLE_US = 10_000_000
"""A room silent for 10 s gives up its place; its next frame must start a new sequence."""

VAD = "silero_vad"

CONFIG = f'''name: "{VAD}"
backend: "python"
max_batch_size: {max(BATCHES)}
input [{{ name: "input" data_type: TYPE_FP32 dims: [ 576 ] }}]
output [{{ name: "speech_probs" data_type: TYPE_FP32 dims: [ 1 ] }}]
sequence_batching {{
  max_sequence_idle_microseconds: {IDLE_US}
  control_input [
    {{ name: "START" control [{{ kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] }}] }},
    {{ name: "END" control [{{ kind: CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] }}] }},
    {{ name: "CORRID" control [{{ kind: CONTROL_SEQUENCE_CORRID data_type: TYPE_UINT64 }}] }} ]
  oldest {{
    max_candidate_sequences: {MOST_ROOMS}
    preferred_batch_size: [ {", ".join(map(str, BATCHES))} ]
    max_queue_delay_microseconds: {DELAY_US}
  }}
}}
instance_group [{{ kind: KIND_CPU count: 1 }}]
'''


def write_repository(out: Path) -> list[str]:
    """Writes or replaces the repository. Returns the names of its models. Raises ModelError: the detector is not installed."""
    source = paths.registry().path("silero-vad") / "silero_vad_16k_sequence.onnx"
    model, new = out / VAD, out / f".new-{VAD}"
    shutil.rmtree(new, ignore_errors=True)
    (new / "1").mkdir(parents=True)
    (new / "config.pbtxt").write_text(CONFIG, "utf-8")
    (new / "1" / "model.py").write_text(files("export").joinpath("triton_vad.py").read_text("utf-8"), "utf-8")
    shutil.copyfile(source, new / "1" / "vad.onnx")
    shutil.rmtree(model, ignore_errors=True)
    new.rename(model)
    return [VAD]
