"""A graph as an index: FAISS's HNSW.

HNSW: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
Small World graphs", IEEE TPAMI 42(4), 2020.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np

from onevec.documents import IndexSettings, Quantization
from onevec.local.index import TINY, Index, Way, among, library
from onevec.local.table import Mask
from onevec.local.vectors import Matrix, Slots
from onevec.metrics import Metric

# Vectors that quantization learns the range of the numbers from.
_SAMPLE = 20_000

_WIDTHS = (32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024)

# Candidates for each hit, when they are chosen by quantized vectors alone.
_SPARE = 4

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

    def make(self, dimension: int, metric: Metric, size: int) -> Graph:  # noqa: ARG002 (a graph is as large as it gets)
        """Return a graph of nothing."""
        return Graph(dimension, metric, self)

    @classmethod
    def of(cls, index: IndexSettings) -> Self:
        """Return what `create_index` was given, with what it was not."""
        given = {field.name: getattr(index, field.name) for field in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value is not None})


class Graph(Index):
    """Links between the slots, of vectors that are quantized as the settings say."""

    def __init__(self, dimension: int, metric: Metric, settings: GraphSettings) -> None:
        faiss = library()
        self._bytes: _Bytes | None = None
        self._learns = settings.quantization == "int8" and metric is not Metric.DOT
        measure = faiss.METRIC_L2 if self._learns or metric is Metric.EUCLIDEAN else faiss.METRIC_INNER_PRODUCT
        if settings.quantization == "none":
            index = faiss.IndexHNSWFlat(dimension, settings.m, measure)
        else:
            quantizer = faiss.ScalarQuantizer
            kind = {"float16": quantizer.QT_fp16, "int8": quantizer.QT_8bit}[settings.quantization]
            kind = quantizer.QT_8bit_direct if self._learns else kind
            index = faiss.IndexHNSWSQ(dimension, kind, settings.m, measure)
        index.hnsw.efConstruction = settings.ef_construction
        super().__init__(metric, settings, index)

    @property
    def widths(self) -> Sequence[int]:
        return _WIDTHS

    @property
    def memory_bytes(self) -> int:
        links = self._index.hnsw.neighbors.size() * 4 + self._index.hnsw.offsets.size() * 8
        return int(links + self._index.ntotal * self._index.storage.sa_code_size())

    @property
    def wanted(self) -> int:
        return _SAMPLE

    def learn(self, vectors: Matrix) -> None:
        sample = super()._prepared(vectors)
        if self._learns:
            self._bytes = _Bytes.of(sample)
        if not self._index.is_trained:
            self._index.train(sample)

    def is_outgrown(self, size: int) -> bool:  # noqa: ARG002 (as above)
        return False

    def way(self, width: int, depth: float, page: int = 0) -> Way:  # noqa: ARG002 (the width says it all)
        candidates = min(max(width, page), self.size)
        return Way(candidates, candidates, candidates)

    def worth_measuring(self, top_k: int) -> int:
        return 2 * top_k + 8

    def nearest_among(self, query: Matrix, mask: Mask, top_k: int) -> Slots:
        only = library().SearchParameters(sel=among(mask))
        _, slots = self._index.storage.search(self._asked(query), _SPARE * top_k, params=only)
        found: Slots = slots[0]
        return found[found >= 0]

    def write(self, write: Callable[[bytes], object]) -> None:
        if self._bytes is not None:
            write(self._bytes.dump())
        super().write(write)

    def read(self, read: Callable[[int], bytes]) -> Self:
        learned = _Bytes.load(read(_Bytes.size(self._index.d))) if self._learns else None
        graph = super().read(read)
        graph._bytes = learned  # noqa: SLF001 (its own class)
        return graph

    def _parameters(self, width: int) -> Any:
        return library().SearchParametersHNSW(efSearch=width)

    def _asked(self, query: Matrix) -> Matrix:
        if self._bytes is None:
            return super()._asked(query)
        length = math.sqrt(query.dot(query)) if self._unit else 1.0
        return self._bytes.of_one(query, max(length, TINY))[np.newaxis]

    def _prepared(self, vectors: Matrix) -> Matrix:
        scaled = super()._prepared(vectors)
        return scaled if self._bytes is None else self._bytes.of_each(scaled)


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
