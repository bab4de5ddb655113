"""Inputs to try a package's graph with, and how far two results of it lie apart.

Half precision is not exact where a network is not: in cells of a detector that see nothing, a box may move by its own width while
every box that counts stays. So results are compared by their root mean square, on numbers of the size that the graph is fed in
use; garbage differs by about 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from assistant.engines.session import Array
from assistant.engines.session_packages import PackagePart

UNKNOWN = (0.0, 0.5)
"""Mean and deviation of inputs whose manifest names none."""


def samples(part: PackagePart, shapes: Mapping[str, list[int]], dtypes: Mapping[str, np.dtype[np.generic]]) -> dict[str, Array]:
    """Inputs of these shapes, the same at every call. Whole numbers are 0 and 1, which are valid indices everywhere."""
    random = np.random.default_rng(0)
    found: dict[str, Array] = {}
    for name, shape in shapes.items():
        middle, size = part.inputs.get(name, UNKNOWN)
        whole = np.issubdtype(dtypes[name], np.integer)
        values = random.integers(0, 2, shape) if whole else middle + size * random.standard_normal(shape)
        found[name] = np.asarray(values, dtypes[name])
    return found


def root_mean_square(values: Array) -> float:
    """One number for the size of an array."""
    return float(np.sqrt(np.mean(np.square(values))))


def difference(wanted: Mapping[str, Array], got: Mapping[str, Array], size: Callable[[Array], float] = root_mean_square) -> float:
    """The largest difference of any output, relative to the output's own size; infinite for another shape or a value that is
    none."""
    worst = 0.0
    for name, array in wanted.items():
        other = got[name]
        if array.shape != other.shape or not np.isfinite(other).all():
            return math.inf
        if array.size:
            exact = array.astype(np.float64)
            worst = max(worst, size(exact - other.astype(np.float64)) / max(1e-9, size(exact)))
    return worst
