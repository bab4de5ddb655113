"""Reads what a TensorFlow Lite file says about a quantised network: tensors, operators, and where their numbers lie in the file.

A FlatBuffers file is a tree of tables; a table begins with the (negated) distance to its list of field offsets. Field numbers are
those of TensorFlow's schema.fbs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

INT8, UINT8, INT32 = 9, 3, 2
"""TensorType of schema.fbs."""


class Table:
    """One FlatBuffers table."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position
        self._fields = position - struct.unpack_from("<i", data, position)[0]
        self._size: int = struct.unpack_from("<H", data, self._fields)[0]

    def place(self, field: int) -> int:
        """Where a field lies in the file; 0 = it has its default value."""
        slot = 4 + 2 * field
        offset = struct.unpack_from("<H", self._data, self._fields + slot)[0] if slot < self._size else 0
        return self._position + offset if offset else 0

    def number(self, field: int, kind: str = "i") -> int:
        """An integer field; 0 when it is not there. kind: as the module struct names it."""
        place = self.place(field)
        return int(struct.unpack_from("<" + kind, self._data, place)[0]) if place else 0

    def vector(self, field: int) -> tuple[int, int]:
        """(place of the first element, number of elements)."""
        place = self.place(field)
        if not place:
            return 0, 0
        start = place + struct.unpack_from("<I", self._data, place)[0]
        return start + 4, struct.unpack_from("<I", self._data, start)[0]

    def numbers(self, field: int, kind: str) -> list[float]:
        """A vector of numbers."""
        start, count = self.vector(field)
        return list(struct.unpack_from(f"<{count}{kind}", self._data, start))

    def table(self, field: int) -> Table | None:
        """A table below this one."""
        place = self.place(field)
        return Table(self._data, place + struct.unpack_from("<I", self._data, place)[0]) if place else None

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        start, count = self.vector(field)
        places = range(start, start + 4 * count, 4)
        return [Table(self._data, place + struct.unpack_from("<I", self._data, place)[0]) for place in places]


@dataclass(frozen=True, slots=True)
class Tensor:
    """shape; scale and zero of its quantisation; where all scales and the data lie in the file (0 = none); the data's length."""

    shape: tuple[int, ...]
    scale: float
    zero: int
    scales_place: int
    scales: int
    place: int
    length: int


@dataclass(frozen=True, slots=True)
class Operator:
    """code: BuiltinOperator of schema.fbs; inputs, outputs: tensor numbers; options: its table of options."""

    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Table | None


@dataclass(frozen=True, slots=True)
class Network:
    """The main graph of a file, and those that its start calls."""

    tensors: list[Tensor]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read(data: bytes) -> Network:
    """The first graph of a .tflite file."""
    model = Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [max(code.number(0, "b"), code.number(3)) for code in model.tables(1)]
    buffers = [buffer.vector(0) for buffer in model.tables(4)]
    graph = model.tables(2)[0]
    tensors = [_tensor(table, buffers) for table in graph.tables(0)]
    operators = [
        Operator(codes[table.number(0, "I")], _indices(table, 1), _indices(table, 2), table.table(4)) for table in graph.tables(3)
    ]
    return Network(tensors, operators, _indices(graph, 1), _indices(graph, 2))


def _indices(table: Table, field: int) -> tuple[int, ...]:
    return tuple(int(value) for value in table.numbers(field, "i"))


def _tensor(table: Table, buffers: list[tuple[int, int]]) -> Tensor:
    quantisation = table.table(4)
    scales = quantisation.numbers(2, "f") if quantisation else []
    zeros = quantisation.numbers(3, "q") if quantisation else []
    place, length = buffers[table.number(2, "I")]
    shape = tuple(int(side) for side in table.numbers(0, "i"))
    scales_place = quantisation.vector(2)[0] if quantisation and scales else 0
    return Tensor(shape, scales[0] if scales else 1.0, int(zeros[0]) if zeros else 0, scales_place, len(scales), place, length)
