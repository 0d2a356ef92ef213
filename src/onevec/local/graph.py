"""An approximate index over the slots of a table: FAISS's HNSW, whose results the table then measures exactly.

HNSW: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
Small World graphs", IEEE TPAMI 42(4), 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np

from onevec.documents import IndexSettings, Quantization
from onevec.local.table import Mask
from onevec.local.vectors import Matrix, Slots
from onevec.metrics import Metric

# Manhattan is not among them: its graphs can't hold quantized vectors.
METRICS = frozenset({Metric.COSINE, Metric.DOT, Metric.EUCLIDEAN})

# Bytes of a saved graph that are in memory at once.
_PIECE = 2**20

_TINY = float(np.finfo(np.float32).tiny)

# Bytes cover at least this share of the largest number, and this.
_FINEST = 1e-4
_SMALLEST = 1e-15


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """How a graph is built.

    Attributes:
        m: Links a vector has on each layer above the lowest, which has twice as many.
        ef_construction: How many candidates are kept while a vector is linked.
        quantization: What the graph keeps of each number; hits are measured with the float32 vectors in any case.
            Bytes take a quarter of the memory and, compared as integers, half the time of float16.
    """

    m: int = 16
    ef_construction: int = 100
    quantization: Quantization = "int8"

    @classmethod
    def of(cls, index: IndexSettings) -> Self:
        """Return what `create_index` was given, with what it was not."""
        given = {field.name: getattr(index, field.name) for field in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value is not None})


class Graph:
    """Links between the first slots of a table. It is built by one thread, and read by any number once it is built."""

    def __init__(self, dimension: int, metric: Metric, settings: GraphSettings) -> None:
        faiss = _faiss()
        self.settings = settings
        # Cosine is the inner product of vectors of length 1, and the nearest by it are the nearest by L2.
        self._unit = metric is Metric.COSINE
        self._bytes: _Bytes | None = None
        self._parameters: dict[int, Any] = {}  # FAISS's, by how wide a search is; Any: they have no types
        self._learns = settings.quantization == "int8" and metric is not Metric.DOT
        measure = faiss.METRIC_L2 if self._learns or metric is Metric.EUCLIDEAN else faiss.METRIC_INNER_PRODUCT
        if settings.quantization == "none":
            self._index = faiss.IndexHNSWFlat(dimension, settings.m, measure)
        else:
            quantizer = faiss.ScalarQuantizer
            kind = {"float16": quantizer.QT_fp16, "int8": quantizer.QT_8bit}[settings.quantization]
            kind = quantizer.QT_8bit_direct if self._learns else kind
            self._index = faiss.IndexHNSWSQ(dimension, kind, settings.m, measure)
        self._index.hnsw.efConstruction = settings.ef_construction

    @property
    def size(self) -> int:
        """How many slots it covers."""
        return int(self._index.ntotal)

    @property
    def memory_bytes(self) -> int:
        """About how many bytes it takes."""
        links = self._index.hnsw.neighbors.size() * 4 + self._index.hnsw.offsets.size() * 8
        return int(links + self._index.ntotal * self._index.storage.sa_code_size())

    def learn(self, vectors: Matrix) -> None:
        """Take from some vectors what quantization needs to know of them, such as the range of each dimension."""
        sample = self._scaled(vectors)
        if self._learns:
            self._bytes = _Bytes.of(sample)
        if not self._index.is_trained:
            self._index.train(sample)

    def add(self, vectors: Matrix) -> None:
        """Link the vectors of the slots that follow."""
        self._index.add(self._prepared(vectors))

    def nearest(self, query: Matrix, ef: int) -> Slots:
        """Return `ef` slots near the query, the nearest first; dead ones are among them."""
        parameters = self._parameters.get(ef)
        if parameters is None:
            parameters = self._parameters[ef] = _faiss().SearchParametersHNSW(efSearch=ef)
        _, slots = self._index.search(self._asked(query), ef, params=parameters)
        found: Slots = slots[0]
        return found if found[-1] >= 0 else found[found >= 0]

    def nearest_among(self, query: Matrix, mask: Mask, count: int) -> Slots:
        """Return up to `count` slots near the query, of those in the mask of shape (size,): by what is kept of each."""
        faiss = _faiss()
        among = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")))
        _, slots = self._index.storage.search(self._asked(query), count, params=among)
        found: Slots = slots[0]
        return found[found >= 0]

    def twin(self) -> Self:
        """Return a graph of its own that covers the same slots."""
        return self._with(_faiss().clone_index(self._index))

    def write(self, write: Callable[[bytes], object]) -> None:
        """Hand the graph over in bytes, a piece at a time: whole, it would take its memory again."""
        if self._bytes is not None:
            write(self._bytes.dump())
        faiss = _faiss()
        faiss.write_index(self._index, faiss.PyCallbackIOWriter(write, _PIECE))

    @classmethod
    def read(cls, read: Callable[[int], bytes], dimension: int, metric: Metric, settings: GraphSettings) -> Self:
        """Return the graph that `write` handed over. FAISS trusts these bytes: verify a checksum before.

        Args:
            read: Gives as many of the bytes that follow as it is asked for, or fewer.
            dimension: As for a new graph.
            metric: The same.
            settings: The same.
        """
        faiss = _faiss()
        graph = cls(dimension, metric, settings)
        if graph._learns:
            graph._bytes = _Bytes.load(read(_Bytes.size(dimension)))
        return graph._with(faiss.read_index(faiss.PyCallbackIOReader(read, _PIECE)))

    def _with(self, index: Any) -> Self:  # Any: FAISS has no types
        graph = copy(self)
        graph._index = index  # noqa: SLF001 (its own class)
        return graph

    def _asked(self, query: Matrix) -> Matrix:
        """A query as the index takes it, of shape (1, dimension)."""
        if self._bytes is None:
            return self._scaled(query[np.newaxis])
        length = math.sqrt(query.dot(query)) if self._unit else 1.0
        return self._bytes.of_one(query, max(length, _TINY))[np.newaxis]

    def _prepared(self, vectors: Matrix) -> Matrix:
        scaled = self._scaled(vectors)
        return scaled if self._bytes is None else self._bytes.of_each(scaled)

    def _scaled(self, vectors: Matrix) -> Matrix:
        if not self._unit:
            return vectors
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        unit: Matrix = vectors / np.maximum(lengths, np.float32(_TINY))[:, np.newaxis]
        return unit


@dataclass(frozen=True)
class _Bytes:
    """Vectors as bytes, one scale for all dimensions: what is near by L2 stays near by L2 of the bytes.

    Attributes:
        centre: The mean of the vectors, of shape (dimension,); taken away, so that the bytes are used for what differs.
        scale: Steps of a byte in 1.
    """

    centre: Matrix
    scale: np.float32

    @cached_property
    def offset(self) -> Matrix:
        """What is added to the numbers, once they are steps: the byte of the mean is 128, and FAISS rounds down."""
        return np.float32(128.5) - self.centre * self.scale

    @classmethod
    def of(cls, sample: Matrix) -> Self:
        """Learn from vectors; one number in ten thousand may lie outside the range, and is cut to its end.

        Where they differ by less than float32 can show in steps of a byte, as equal ones do, the steps stay that large.
        """
        centre = sample.mean(axis=0)
        furthest = float(np.quantile(np.abs(sample - centre), 0.9999))
        return cls(centre, np.float32(127 / max(furthest, _FINEST * float(np.abs(sample).max()), _SMALLEST)))

    def of_each(self, vectors: Matrix) -> Matrix:
        """Return the bytes, as the float32 numbers that FAISS wants to be given."""
        steps: Matrix = vectors * self.scale
        steps += self.offset
        return _cut(steps)

    def of_one(self, vector: Matrix, length: float) -> Matrix:
        """Return the bytes of a vector that is first divided by its length."""
        steps: Matrix = vector * np.float32(self.scale / length)
        steps += self.offset
        return _cut(steps)

    def dump(self) -> bytes:
        return np.append(self.centre, self.scale).astype("<f4").tobytes()

    @classmethod
    def load(cls, dumped: bytes) -> Self:
        """Return what `dump` gave."""
        numbers = np.frombuffer(dumped, "<f4").astype(np.float32)
        return cls(numbers[:-1], numbers[-1])

    @staticmethod
    def size(dimension: int) -> int:
        """How many bytes `dump` gives."""
        return 4 * (dimension + 1)


def _cut(steps: Matrix) -> Matrix:
    """Set what lies outside the range of a byte to its end."""
    np.maximum(steps, np.float32(0), out=steps)
    return np.minimum(steps, np.float32(255), out=steps)


def use_one_thread() -> None:
    """Let FAISS use no other thread than this one, for what this one calls."""
    _faiss().omp_set_num_threads(1)


def _faiss() -> Any:  # Any: its types don't name what its SWIG layer has
    """The library, loaded when a graph is first made."""
    import faiss

    return faiss
