"""One of FAISS's indexes over the first slots of a table, whose results the table then measures exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from onevec.adapters.faiss.recipes import library, parts
from onevec.local.vectors import Matrix, Rows, Slots
from onevec.metrics import Metric


class FaissIndex:
    """An index of any kind. It is filled by one thread, and read by any number once it is filled.

    Attributes:
        links: How many links a vector has in the graph that is searched; 0 where there is none.
        lists: How many lists the inverted file has that is searched; 0 where there is none.

    Args:
        index: FAISS's own object.
        metric: How near two vectors are.
    """

    def __init__(self, index: Any, metric: Metric) -> None:  # Any: FAISS has no types
        faiss = library()
        self._owner = index  # frees FAISS's object when it goes, of which the next is another view
        self._index = faiss.downcast_index(index)
        self._unit = metric is Metric.COSINE
        searched = next(part for part in parts(index) if not isinstance(part, _around(faiss)))
        self.links = int(searched.hnsw.nb_neighbors(0)) if isinstance(searched, faiss.IndexHNSW) else 0
        self.lists = int(searched.nlist) if isinstance(searched, faiss.IndexIVF) else 0

    @property
    def size(self) -> int:
        """How many slots it covers."""
        return int(self._index.ntotal)

    @property
    def memory_bytes(self) -> int:
        """About how many bytes it takes."""
        faiss, size = library(), 0
        for part in parts(self._index):
            if hasattr(part, "hnsw"):
                size += part.hnsw.neighbors.size() * 4 + part.hnsw.offsets.size() * 8
            if hasattr(part, "code_size"):
                size += part.ntotal * (part.code_size + (8 if isinstance(part, faiss.IndexIVF) else 0))
        return size

    @property
    def is_trained(self) -> bool:
        """Whether it can take vectors in."""
        return bool(self._index.is_trained)

    def learn(self, vectors: Matrix) -> None:
        """Train it on these vectors."""
        self._index.train(self._prepared(vectors))

    def add(self, vectors: Matrix) -> None:
        """Take in the vectors of the slots that follow."""
        self._index.add(self._prepared(vectors))

    def nearest(self, query: Matrix, count: int, ef: int | None, nprobe: int | None) -> Slots:
        """Return up to `count` slots near the query; dead ones are among them.

        Args:
            query: float32 of shape (dimension,).
            count: How many.
            ef: How many candidates a graph keeps; None for FAISS's default.
            nprobe: How many lists of an inverted file are read; None for FAISS's default.
        """
        parameters = _parameters(self._index, ef, nprobe)
        _, slots = self._index.search(self._prepared(query[np.newaxis]), count, params=parameters)
        found: Slots = slots[0]
        return found[found >= 0]

    def copy(self) -> Self:
        """Return an index of its own that covers the same slots."""
        faiss = library()
        # Not by `clone_index`, which some kinds lack.
        index = faiss.deserialize_index(faiss.serialize_index(self._index))
        return type(self)(index, Metric.COSINE if self._unit else Metric.EUCLIDEAN)

    def dump(self, rows: Rows, write: Callable[[bytes], int]) -> None:
        """Write the index in FAISS's own format, as an `IndexIDMap` from the rows of its slots.

        Args:
            rows: The row of each slot it covers, of shape (size,).
            write: Takes some bytes; returns how many.
        """
        faiss = library()
        empty = faiss.IndexFlat(self._index.d, self._index.metric_type)
        mapped = faiss.IndexIDMap(empty)  # it takes none that has vectors, so it is given them afterwards
        mapped.index, mapped.ntotal, mapped.is_trained = self._index, self.size, True
        faiss.copy_array_to_vector(rows.astype(np.int64), mapped.id_map)
        faiss.write_index(mapped, faiss.PyCallbackIOWriter(write))

    @classmethod
    def load(cls, read: Callable[[int], bytes], metric: Metric) -> tuple[Self, Rows]:
        """Return the index that `dump` wrote, and the rows. FAISS trusts these bytes: verify them before.

        Args:
            read: Returns up to so many of the next bytes.
            metric: How near two vectors are.
        """
        faiss = library()
        mapped = faiss.read_index(faiss.PyCallbackIOReader(read))
        index = cls(mapped.index, metric)
        index._owner = mapped
        rows: Rows = faiss.vector_to_array(mapped.id_map)
        return index, rows

    def _prepared(self, vectors: Matrix) -> Matrix:
        if not self._unit:
            return np.ascontiguousarray(vectors)
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        unit: Matrix = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)[:, np.newaxis]
        return unit


def use_one_thread() -> None:
    """Let FAISS use no other thread than this one, for what this one calls."""
    library().omp_set_num_threads(1)


def _around(faiss: Any) -> tuple[Any, ...]:  # Any: FAISS has no types
    """What stands around the index that is searched."""
    return faiss.IndexPreTransform, faiss.VectorTransform, faiss.IndexRefine


def _parameters(index: Any, ef: int | None, nprobe: int | None) -> Any:  # Any: FAISS has no types
    """FAISS's search parameters for an index, None where it has none."""
    faiss = library()
    index = faiss.downcast_index(index)
    match index:
        case faiss.IndexPreTransform():
            inner = _parameters(index.index, ef, nprobe)
            return None if inner is None else faiss.SearchParametersPreTransform(index_params=inner)
        case faiss.IndexRefine():
            inner = _parameters(index.base_index, ef, nprobe)
            wider = {"k_factor": index.k_factor, "base_index_params": inner}
            return None if inner is None else faiss.IndexRefineSearchParameters(**wider)
        case faiss.IndexHNSW():
            return None if ef is None else faiss.SearchParametersHNSW(efSearch=ef)
        case faiss.IndexIVF() if nprobe is not None:
            coarse = faiss.downcast_index(index.quantizer)
            if ef is not None and isinstance(coarse, faiss.IndexHNSW):
                return faiss.SearchParametersIVF(
                    nprobe=nprobe, quantizer_params=faiss.SearchParametersHNSW(efSearch=ef)
                )
            return faiss.SearchParametersIVF(nprobe=nprobe)
        case _:
            return None
