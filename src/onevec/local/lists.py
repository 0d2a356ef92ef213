"""Inverted lists as an index: FAISS's IVF with product quantization, four bits a piece, compared many at once.

A vector is in the list of the centre that is nearest to it, as half a byte for each few of its numbers. A search looks
through the lists nearest to the query. Beside a graph they take a fraction of the time to make and of the memory, and
are searched in the order in which they lie there.

Jégou, Douze and Schmid, "Product quantization for nearest neighbor search", IEEE TPAMI 33(1), 2011; André, Kermarrec
and Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product quantization fast
scan", PVLDB 9(4), 2015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from onevec.documents import IndexSettings
from onevec.local.index import Index, Way, among, library, use_one_thread
from onevec.local.table import Mask
from onevec.local.vectors import Matrix, Slots
from onevec.metrics import Metric

# Vectors that the centre of each list is learned from, at most, and each of the values that a piece can have.
_FOR_A_LIST = 64
_FOR_A_VALUE = 256
_VALUES = 16

_ROUNDS = 5

# Vectors compared at once; with 32, FAISS searches as for many queries, which takes half as long again for one.
_BLOCK = 64

# Numbers in a piece, for vectors of at least so many: the fewer there are, the closer each must be kept.
_PIECES = ((256, 4), (64, 2), (1, 1))

# How many lists are searched: those of these numbers that are fewer than all, or all.
_WIDTHS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024, 2048)


@dataclass(frozen=True, slots=True)
class ListSettings:
    """How inverted lists are built.

    Attributes:
        lists: How many; None for about the square root of the number of vectors, as a power of two.
        subvectors: Pieces that a vector is cut into, a divisor of its dimension; None for pieces of four numbers,
            smaller ones where the vectors are short.
    """

    lists: int | None = None
    subvectors: int | None = None

    def make(self, dimension: int, metric: Metric, size: int) -> Lists:
        """Return lists of nothing, as many as suit so many vectors."""
        return Lists(dimension, metric, size, self)

    @classmethod
    def of(cls, index: IndexSettings) -> Self:
        """Return what `create_index` was given."""
        return cls(index.lists, index.subvectors)


class Lists(Index):
    """Inverted lists of quantized vectors."""

    spares = (1, 2, 4)

    def __init__(self, dimension: int, metric: Metric, size: int, settings: ListSettings) -> None:
        faiss = library()
        self._is_sized = settings.lists is None
        piece = next(numbers for least, numbers in _PIECES if dimension >= least)
        if settings.subvectors is not None:
            piece = dimension // settings.subvectors
        self._missing = -dimension % piece
        whole = dimension + self._missing
        measure = faiss.METRIC_INNER_PRODUCT if metric is Metric.DOT else faiss.METRIC_L2
        lists = self._lists = max(1, min(settings.lists or _lists(size), size))
        centres = faiss.IndexFlat(whole, measure)
        index = faiss.IndexIVFPQFastScan(centres, whole, lists, whole // piece, 4, measure, _BLOCK)
        index.by_residual = False  # else each list has a table of its own to be compared by
        for learning, most in ((index.cp, _FOR_A_LIST), (index.pq.cp, _FOR_A_VALUE)):
            learning.niter, learning.min_points_per_centroid, learning.max_points_per_centroid = _ROUNDS, 1, most
        super().__init__(metric, settings, index)

    @property
    def widths(self) -> Sequence[int]:
        return *(width for width in _WIDTHS if width < self._lists), self._lists

    @property
    def memory_bytes(self) -> int:
        return int(self._index.ntotal * (self._index.code_size + 8) + self._lists * self._index.d * 4)

    @property
    def wanted(self) -> int:
        return max(_VALUES * _FOR_A_VALUE, _FOR_A_LIST * self._lists)

    def learn(self, vectors: Matrix) -> None:
        if len(vectors) < _VALUES:
            vectors = np.resize(vectors, (_VALUES, vectors.shape[1]))
        faiss = library()
        threads = faiss.omp_get_max_threads()
        use_one_thread()  # they would wait for each other after every few vectors
        self._index.train(self._prepared(vectors))
        faiss.omp_set_num_threads(threads)

    def is_outgrown(self, size: int) -> bool:
        return self._is_sized and _lists(size) > 2 * self._lists

    def way(self, width: int, depth: float, page: int = 0) -> Way:
        return Way(min(width, self._lists), min(max(self._candidates(depth), page), self.size), page)

    def worth_measuring(self, top_k: int) -> int:
        return self._candidates(top_k)

    def nearest_among(self, query: Matrix, mask: Mask, top_k: int) -> Slots:
        only = library().SearchParametersIVF(nprobe=self._lists, sel=among(mask))
        _, slots = self._index.search(self._asked(query), self._candidates(top_k), params=only)
        found: Slots = slots[0]
        return found[found >= 0]

    def _candidates(self, depth: float) -> int:
        """How many of the nearest by the pieces have so many of the nearest among them."""
        return math.ceil((6 * depth + 40) * self.spare)

    def _with(self, index: Any) -> Self:
        other = super()._with(index)
        other._lists = int(index.nlist)  # noqa: SLF001 (its own class)
        return other

    def _parameters(self, width: int) -> Any:
        return library().SearchParametersIVF(nprobe=width)

    def _asked(self, query: Matrix) -> Matrix:
        return self._padded(super()._asked(query))

    def _prepared(self, vectors: Matrix) -> Matrix:
        return self._padded(super()._prepared(vectors))

    def _padded(self, vectors: Matrix) -> Matrix:
        """Zeros behind the numbers, for all pieces to have as many."""
        return np.pad(vectors, ((0, 0), (0, self._missing))) if self._missing else vectors


def _lists(size: int) -> int:
    """How many lists suit so many vectors: about the square root, as a power of two."""
    return 1 << round(math.log2(size) / 2) if size else 1
