"""Our own change to published weights: what lets Whisper hear one speaker beside others (card: models/whisper/CARD.md).

The file, .npz, holds for each changed variable NAME either `NAME:down`, int8 (rank, in), and `NAME:up`, int16 (out, rank), whose
product is added (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"), or `NAME:whole`, int16, of its shape; and
`NAME:step`, float64 (): what one unit of these whole numbers is worth.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelError

Array = npt.NDArray[Any]

DOWN, UP, WHOLE, STEP = "down", "up", "whole", "step"


def changed(variables: Mapping[str, Array], path: Path) -> dict[str, Array]:
    """The variables with the change of a file added; those in it become float32. The same on every machine: sums of whole numbers
    below 2^53 are exact in float64 in any order. Raises ModelError when the file is damaged or is of another model."""
    result = dict(variables)
    try:
        with np.load(path, allow_pickle=False) as stored:
            parts = {key: stored[key] for key in stored.files}
        for name in {key.rpartition(":")[0] for key in parts}:
            result[name] = (variables[name].astype(np.float64) + _added(parts, name)).astype(np.float32)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"the change to the speech model in {path} is damaged ({error}): install the assistant again") from error
    return result


def _added(parts: Mapping[str, Array], name: str) -> Array:
    whole = parts.get(f"{name}:{WHOLE}")
    if whole is None:
        whole = parts[f"{name}:{UP}"].astype(np.float64) @ parts[f"{name}:{DOWN}"].astype(np.float64)
    return np.asarray(whole.astype(np.float64) * parts[f"{name}:{STEP}"])
