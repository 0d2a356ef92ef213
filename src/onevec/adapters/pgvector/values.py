"""Columns of a batch in PostgreSQL's binary form, so that nothing is written or parsed as text."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_TEXT, _BIGINT, _BOOLEAN, _DOUBLE, _JSONB = 25, 20, 16, 701, 3802
_TEXTS, _BIGINTS, _BOOLEANS, _DOUBLES, _JSONBS = 1009, 1016, 1000, 1022, 3807
_size = struct.Struct(">i").pack
_NULL = _size(-1)


class Value(NamedTuple):
    """A parameter as PostgreSQL's type `oid` is sent."""

    oid: int
    data: bytes


class VectorTypes(NamedTuple):
    """The type numbers of `vector` and `vector[]` in one database."""

    one: int
    many: int

    def vector(self, vector: Matrix) -> Value:
        """Return a float32 vector of shape (dimension,)."""
        return Value(self.one, struct.pack(">hh", len(vector), 0) + vector.astype(">f4").tobytes())

    def vectors(self, matrix: Matrix) -> Value:
        """Return the rows of a float32 matrix of shape (count, dimension)."""
        return _array(self.many, self.one, len(matrix), vector_fields(matrix))


def read_vector(data: bytes) -> Matrix:
    """Return the float32 vector of shape (dimension,) that PostgreSQL sent."""
    return np.frombuffer(data, ">f4", offset=4).astype(np.float32)


def texts(items: Sequence[str | None]) -> Value:
    """Return a `text[]`."""
    return _array(_TEXTS, _TEXT, len(items), b"".join(map(text_field, items)))


def jsonbs(items: Sequence[str | None]) -> Value:
    """Return a `jsonb[]` of JSON texts."""
    return _array(_JSONBS, _JSONB, len(items), b"".join(map(jsonb_field, items)))


def vector_fields(matrix: Matrix) -> bytes:
    """Return the rows of a float32 matrix as `vector`s with their sizes, as in an array or rows of COPY."""
    count, dimension = matrix.shape
    packed = np.empty(
        count, [("size", ">i4"), ("dimension", ">i2"), ("unused", ">i2"), ("numbers", ">f4", (dimension,))]
    )
    packed["size"], packed["dimension"], packed["unused"], packed["numbers"] = 4 + 4 * dimension, dimension, 0, matrix
    return packed.tobytes()


def text_field(item: str | None) -> bytes:
    """Return a `text` with its size, likewise."""
    if item is None:
        return _NULL
    data = item.encode()
    return _size(len(data)) + data


def jsonb_field(item: str | None) -> bytes:
    """Return a `jsonb` with its size, likewise."""
    if item is None:
        return _NULL
    data = item.encode()
    return _size(len(data) + 1) + b"\x01" + data


def bigints(items: Sequence[int]) -> Value:
    """Return a `bigint[]`."""
    return _numbers(_BIGINTS, _BIGINT, np.asarray(items, ">i8"))


def booleans(items: npt.NDArray[np.bool_]) -> Value:
    """Return a `boolean[]`."""
    return _numbers(_BOOLEANS, _BOOLEAN, items)


def doubles(items: npt.NDArray[np.float64]) -> Value:
    """Return a `double precision[]`."""
    return _numbers(_DOUBLES, _DOUBLE, items.astype(">f8"))


def _numbers(array: int, element: int, items: npt.NDArray[np.generic]) -> Value:
    packed = np.empty(len(items), [("size", ">i4"), ("number", items.dtype)])
    packed["size"], packed["number"] = items.dtype.itemsize, items
    return _array(array, element, len(items), packed.tobytes())


def _array(array: int, element: int, count: int, data: bytes) -> Value:
    """One dimension, from 1, whose elements may be NULL."""
    return Value(array, struct.pack(">iiiii", 1, 1, element, count, 1) + data)
