"""An approximate index over the slots of a table: FAISS's HNSW, whose results the table then measures exactly.

HNSW: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable
Small World graphs", IEEE TPAMI 42(4), 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from onevec.local.table import Matrix, Slots
from onevec.metrics import Metric

# Manhattan is not among them: its graphs can't hold quantized vectors.
METRICS = frozenset({Metric.COSINE, Metric.DOT, Metric.EUCLIDEAN})

Quantization = Literal["none", "float16", "int8"]


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """How a graph is built.

    Attributes:
        m: Links a vector has on each layer above the lowest, which has twice as many.
        ef_construction: How many candidates are kept while a vector is linked.
        quantization: What the graph keeps of each number; hits are measured with the float32 vectors in any case.
    """

    m: int = 16
    ef_construction: int = 100
    quantization: Quantization = "float16"


class Graph:
    """Links between the first slots of a table. It is built by one thread, and read by any number once it is built."""

    def __init__(self, dimension: int, metric: Metric, settings: GraphSettings) -> None:
        faiss = _faiss()
        self._metric = metric
        # Cosine is the inner product of vectors of length 1.
        measure = faiss.METRIC_L2 if metric is Metric.EUCLIDEAN else faiss.METRIC_INNER_PRODUCT
        kinds = {"float16": faiss.ScalarQuantizer.QT_fp16, "int8": faiss.ScalarQuantizer.QT_8bit}
        if settings.quantization == "none":
            self._index = faiss.IndexHNSWFlat(dimension, settings.m, measure)
        else:
            self._index = faiss.IndexHNSWSQ(dimension, kinds[settings.quantization], settings.m, measure)
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
        """Take from the vectors what quantization needs to know of them, such as the range of each dimension."""
        if not self._index.is_trained:
            self._index.train(self._prepared(vectors))

    def add(self, vectors: Matrix) -> None:
        """Link the vectors of the slots that follow."""
        self._index.add(self._prepared(vectors))

    def nearest(self, query: Matrix, ef: int) -> Slots:
        """Return `ef` slots near the query, in any order; dead ones are among them."""
        faiss = _faiss()
        _, slots = self._index.search(
            self._prepared(query[np.newaxis]), ef, params=faiss.SearchParametersHNSW(efSearch=ef)
        )
        found: Slots = slots[0]
        return found if found[-1] >= 0 else found[found >= 0]

    def copy(self) -> Self:
        """Return a graph of its own that covers the same slots."""
        faiss = _faiss()
        graph = object.__new__(type(self))
        graph._metric = self._metric
        graph._index = faiss.clone_index(self._index)
        return graph

    def dump(self) -> bytes:
        """Return the graph as bytes."""
        faiss = _faiss()
        dumped: bytes = faiss.serialize_index(self._index).tobytes()
        return dumped

    @classmethod
    def load(cls, dumped: bytes, metric: Metric) -> Self:
        """Return the graph that `dump` gave. FAISS trusts these bytes: verify a checksum before."""
        faiss = _faiss()
        graph = object.__new__(cls)
        graph._metric = metric
        graph._index = faiss.deserialize_index(np.frombuffer(dumped, np.uint8))
        return graph

    def _prepared(self, vectors: Matrix) -> Matrix:
        if self._metric is not Metric.COSINE:
            return vectors
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        unit: Matrix = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)[:, np.newaxis]
        return unit


def use_one_thread() -> None:
    """Let FAISS use no other thread than this one, for what this one calls."""
    _faiss().omp_set_num_threads(1)


def _faiss() -> Any:  # Any: its types don't name what its SWIG layer has
    """The library, loaded when a graph is first made."""
    import faiss

    return faiss
