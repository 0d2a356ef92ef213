"""The vectors of one namespace in memory, and exact search over them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from typing import Self, assert_never

import numpy as np
import numpy.typing as npt

from onevec.local.products import picked_products
from onevec.local.vectors import Matrix, Rows, Slots, Vectors, lengths
from onevec.metrics import Metric

Mask = npt.NDArray[np.bool_]

# Below this share of matching slots, reading them here and there costs less than a product over all of them (measured
# at 384 dimensions: 15,000 of 50,000 rows took 0.9 of the product over all 50,000).
_PICKED_SHARE = 4

# Float32 products of numbers beyond these overflow or vanish; such tables are searched in float64.
_LARGEST = 1e15
_SMALLEST = 1e-15

# float32 sums of products are off by a few units in the last place, relative to the product of the norms.
_ROUNDING = 4e-6

# More slots than this above the hits wanted are first compared in float32.
_FEW = 20

# Rows taken at once where a copy of them is made.
_BLOCK = 2048


class VectorTable:
    """Vectors in append-only slots, each with the ascending row number its engine knows it by.

    A slot of a removed row is dead until `compact()`; slots keep their order, so filter columns and indexes built over
    them stay valid while rows are added and removed.
    """

    def __init__(self, dimension: int, metric: Metric) -> None:
        self.metric = metric
        self.size = 0
        self.dead = 0
        self._rows: Rows = np.empty(0, np.int64)
        self._vectors = Vectors(dimension)
        self._norms: npt.NDArray[np.float64] = np.empty(0, np.float64)
        self._scale: Matrix = np.empty(0, np.float32)  # 1 / norm
        self._half_squares: Matrix = np.empty(0, np.float32)  # norm**2 / 2
        self._live: Mask = np.empty(0, np.bool_)
        self._longest = 0.0
        self.wide = False  # searched in float64

    def __len__(self) -> int:
        return self.size - self.dead

    @property
    def dimension(self) -> int:
        """How many numbers each vector has."""
        return self._vectors.dimension

    @property
    def live(self) -> Mask:
        """Which slots hold a row, of shape (size,)."""
        return self._live[: self.size]

    @property
    def rows(self) -> Rows:
        """The row number of each slot, ascending, of shape (size,)."""
        return self._rows[: self.size]

    @property
    def memory_bytes(self) -> int:
        """Bytes that the arrays take."""
        arrays = (self._rows, self._norms, self._scale, self._half_squares, self._live)
        return self._vectors.memory_bytes + sum(array.nbytes for array in arrays)

    def append(self, rows: Sequence[int] | Rows, vectors: Matrix) -> None:
        """Add rows, whose numbers are above all that were added before, with their vectors."""
        self.reserve(rows)
        self._put(slice(self.size - len(rows), self.size), vectors)

    def expect(self, slots: int) -> None:
        """Make room for so many slots in all at once, instead of time and again."""
        self._grow(slots)

    def restore(self, rows: Rows, vectors: Matrix) -> None:
        """Give the first rows their slots and vectors, which are taken as they are: they are dead until `revive`."""
        self._resize(len(rows))
        self.reserve(rows)
        self._vectors.give(vectors)
        self._note(slice(0, self.size), lengths(vectors))

    def reserve(self, rows: Sequence[int] | Rows) -> None:
        """Give rows their slots before their vectors are there: the slots are dead until `fill`."""
        start, stop = self.size, self.size + len(rows)
        self._grow(stop)
        self._rows[start:stop] = rows
        self._live[start:stop] = False
        self.size = stop
        self.dead += len(rows)

    def fill(self, rows: Sequence[int] | Rows, vectors: Matrix) -> None:
        """Bring reserved rows to life."""
        self._put(self.slots_of(rows), vectors)

    def remove(self, rows: Sequence[int] | Rows) -> None:
        """Remove those of the rows that are here."""
        slots = self.slots_of(rows)
        slots = slots[self._live[slots]]
        self._live[slots] = False
        self.dead += len(slots)

    def slots_of(self, rows: Sequence[int] | Rows) -> Slots:
        """Return the slots of those of the rows that were ever added and not compacted away."""
        wanted = np.asarray(rows, np.int64)
        slots = np.searchsorted(self.rows, wanted)
        slots[slots == self.size] = 0
        return slots[self._rows[slots] == wanted] if self.size else np.empty(0, np.intp)

    def vectors_of(self, rows: Sequence[int] | Rows) -> Matrix:
        """Return a copy of the vectors of rows that are here."""
        return self._vectors.take(self.slots_of(rows))

    def compact(self) -> None:
        """Drop the dead slots. Everything that was built over the slots must be built anew."""
        keep = self.live.nonzero()[0]
        self._rows = self._rows[keep]
        self._vectors.keep(keep)
        self._norms = self._norms[keep]
        self._scale = self._scale[keep]
        self._half_squares = self._half_squares[keep]
        self._live = np.ones(len(keep), np.bool_)
        self.size, self.dead = len(keep), 0

    def search(
        self, query: Matrix, top_k: int, mask: Mask | None = None, *, slots: Slots | None = None
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Return the row numbers and distances of the nearest rows, in any order.

        Args:
            query: float32 of shape (dimension,).
            top_k: How many. Rows as near as the last of them come with it, so that the caller can break the tie.
            mask: The slots to look at, of shape (size,); None for all. Dead slots are never looked at.
            slots: Or their numbers, without dead ones.

        Returns:
            Row numbers (int64) and distances by the metric's definition (float64), both of shape (found,). Distances
            are computed in float64 row by row, so equal vectors have equal distances.
        """
        if slots is None and (mask is not None or self.dead):
            mask = self.live if mask is None else mask & self.live if self.dead else mask
            if self.prefers_slots(int(np.count_nonzero(mask)), top_k):
                slots, mask = mask.nonzero()[0], None
        probe = query.astype(np.float64)
        length = math.sqrt(probe.dot(probe))
        return self._best(probe, length, top_k, self._nearest(query, length, top_k, slots, mask))

    def prefers_slots(self, matching: int, top_k: int) -> bool:
        """Whether `search` is quicker by the numbers of so many slots than by a mask."""
        return matching * _PICKED_SHARE < self.size or matching <= top_k

    def best_of(self, query: Matrix, top_k: int, slots: Slots) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Return what `search` would, if these slots were all."""
        probe = query.astype(np.float64)
        length = math.sqrt(probe.dot(probe))
        if len(slots) > _FEW + top_k and not self.absent:
            slots = self._nearest(query, length, top_k, slots, None)
        return self._best(probe, length, top_k, slots)

    def distances(self, query: Matrix, slots: Slots) -> npt.NDArray[np.float64]:
        """Return the distances of these slots."""
        probe = query.astype(np.float64)
        return self._distances(probe, math.sqrt(probe.dot(probe)), slots)

    def vectors_between(self, start: int, stop: int) -> Matrix:
        """Return the vectors of the slots from `start` up to `stop`, dead ones too; a view where they are in memory."""
        return self._vectors.between(start, min(stop, self.size))

    def vectors_at(self, slots: Slots) -> Matrix:
        """Return a copy of the vectors of these slots."""
        return self._vectors.take(slots)

    @property
    def absent(self) -> int:
        """How many slots, the first ones, don't have their vectors in memory."""
        return self._vectors.absent

    def release(self, slots: int, fetch: Callable[[Rows], Matrix]) -> None:
        """Let go of the vectors of the first so many slots; `fetch` gives those of some rows again."""
        rows = self._rows
        self._vectors.release(slots, lambda wanted: fetch(rows[wanted]))

    def revive(self, rows: Rows) -> None:
        """Bring rows to life that were restored, or whose vectors were released."""
        slots = self.slots_of(rows)
        self._live[slots] = True
        self.dead -= len(slots)

    def snapshot(self, fetch: Callable[[Rows], Matrix] | None = None) -> Self:
        """Return the table as it is, for another thread to search while rows are added to this one.

        Args:
            fetch: How the other thread gets vectors that were released.
        """
        twin = copy(self)
        twin._vectors = copy(self._vectors)  # noqa: SLF001 (its own class)
        if fetch is not None and self.absent:
            twin.release(self.absent, fetch)
        return twin

    def _best(
        self, probe: npt.NDArray[np.float64], length: float, top_k: int, slots: Slots
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        distances = self._distances(probe, length, slots)
        if len(distances) > top_k:
            among = distances <= np.partition(distances, top_k - 1)[top_k - 1]
            slots, distances = slots[among], distances[among]
        return self._rows.take(slots), distances

    def _nearest(self, query: Matrix, length: float, top_k: int, slots: Slots | None, mask: Mask | None) -> Slots:
        """The slots of the `top_k` nearest, and all that rounding could have kept from being among them."""
        wide = self.wide or self.absent or not _SMALLEST < length < _LARGEST
        if wide and mask is not None:  # a dead slot may have no vector, which has no direction and can't be fetched
            slots, mask = mask.nonzero()[0], None
        count = self.size if slots is None else len(slots)
        if count <= top_k:
            return np.arange(count) if slots is None else slots
        nearness = self._nearness_in_float64(query, slots) if wide else self._nearness(query, slots)
        if mask is not None:
            nearness[~mask] = -np.inf
        last = np.partition(nearness, count - top_k)[count - top_k]
        chosen: Slots = (nearness >= last - _ROUNDING * self._magnitude(length)).nonzero()[0]
        return chosen if slots is None else slots.take(chosen)

    def _nearness(self, query: Matrix, slots: Slots | None) -> Matrix:
        """A number per slot that falls as the distance grows, a product over the matrix where the metric is one."""
        vectors = self._vectors.matrix
        if self.metric is Metric.MANHATTAN:
            return -_manhattan(vectors[: self.size] if slots is None else vectors[slots], query)
        nearness = vectors[: self.size] @ query if slots is None else picked_products(vectors, slots, query)
        if self.metric is Metric.COSINE:
            nearness *= self._scale[: self.size] if slots is None else self._scale[slots]
        elif self.metric is Metric.EUCLIDEAN:
            nearness -= self._half_squares[: self.size] if slots is None else self._half_squares[slots]
        return nearness

    def _nearness_in_float64(self, query: Matrix, slots: Slots | None) -> npt.NDArray[np.float64]:
        """The same for numbers whose float32 products overflow or vanish, some thousand slots at a time."""
        if slots is None:
            slots = np.arange(self.size)
        probe = query.astype(np.float64)
        length = math.sqrt(probe.dot(probe))
        nearness = np.empty(len(slots), np.float64)
        for start in range(0, len(slots), _BLOCK):
            part = slots[start : start + _BLOCK]
            nearness[start : start + _BLOCK] = -self._distances(probe, length, part)
        return nearness

    def _magnitude(self, length: float) -> float:
        """How large the sums are that nearness is the rounded result of."""
        match self.metric:
            case Metric.COSINE:
                return length
            case Metric.DOT:
                return length * self._longest
            case Metric.EUCLIDEAN:
                return (length + self._longest) ** 2
            case Metric.MANHATTAN:
                return (length + self._longest) * math.sqrt(self.dimension)
            case _:
                assert_never(self.metric)

    def _distances(self, probe: npt.NDArray[np.float64], length: float, slots: Slots) -> npt.NDArray[np.float64]:
        """By the metric's definition, row by row."""
        vectors = self._vectors.take(slots).astype(np.float64)
        distances: npt.NDArray[np.float64]
        match self.metric:
            case Metric.COSINE:
                distances = np.vecdot(vectors, probe)
                distances /= self._lengths(vectors) if self.absent else self._norms.take(slots)
                distances /= -length
                distances += 1.0
                return distances.clip(0.0, 2.0, out=distances)
            case Metric.DOT:
                distances = -np.vecdot(vectors, probe)
            case Metric.EUCLIDEAN:
                vectors -= probe
                distances = np.sqrt(np.vecdot(vectors, vectors))
            case Metric.MANHATTAN:
                vectors -= probe
                distances = np.abs(vectors, out=vectors).sum(axis=1)
            case _:
                assert_never(self.metric)
        return distances

    def _lengths(self, vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The lengths of vectors that were released, and of dead ones, which may be zeros."""
        lengths: npt.NDArray[np.float64] = np.sqrt(np.vecdot(vectors, vectors))
        return np.maximum(lengths, np.finfo(np.float64).tiny, out=lengths)

    def _put(self, slots: slice | Slots, vectors: Matrix) -> None:
        if not len(vectors):
            return
        self._vectors.put(slots, vectors)
        self._note(slots, lengths(vectors))
        self._live[slots] = True
        self.dead -= len(vectors)

    def _note(self, slots: slice | Slots, norms: npt.NDArray[np.float64]) -> None:
        """Note of lengths what searches need of the vectors beside them."""
        self._norms[slots] = norms
        self._scale[slots] = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > _SMALLEST)
        with np.errstate(over="ignore"):  # then the table is wide, and this is not used
            self._half_squares[slots] = norms**2 / 2
        self._longest = max(self._longest, float(norms.max()))
        smallest = float(norms.min(initial=np.inf, where=norms > 0))
        self.wide = self.wide or self._longest > _LARGEST or smallest < _SMALLEST

    def _grow(self, size: int) -> None:
        if size <= len(self._rows):
            return
        self._resize(max(size, int(len(self._rows) * 1.5), 64))

    def _resize(self, capacity: int) -> None:
        self._vectors.grow(self.size, capacity)
        for name in ("_rows", "_norms", "_scale", "_half_squares", "_live"):
            old = getattr(self, name)
            new = np.zeros((capacity, *old.shape[1:]), old.dtype)
            new[: self.size] = old[: self.size]
            setattr(self, name, new)


def _manhattan(vectors: Matrix, query: Matrix) -> Matrix:
    """L1 distances, some thousand rows at a time: all differences at once would take the table's size again."""
    distances = np.empty(len(vectors), np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = vectors[start : start + _BLOCK] - query
        np.abs(part, out=part).sum(axis=1, out=distances[start : start + _BLOCK])
    return distances
