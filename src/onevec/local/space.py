"""One namespace as it is searched: its vectors, and the filter columns over the same slots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from onevec.documents import Metadata
from onevec.filters import Filter
from onevec.local.columns import FilterColumns
from onevec.local.table import Mask, Matrix, Rows, VectorTable
from onevec.metrics import Metric

# Dead slots are dropped when they are this many and half of all.
_COMPACT_FROM = 1024


class SearchSpace:
    """Finds the rows of one namespace, by nearness and by metadata.

    Args:
        dimension: How many numbers each vector has.
        metric: How near two vectors are.
        read: Gives `(row, metadata)` of those of some ascending row numbers that still exist.
    """

    def __init__(self, dimension: int, metric: Metric, read: Callable[[Rows], Iterable[tuple[int, Metadata]]]) -> None:
        self.table = VectorTable(dimension, metric)
        self._read = read
        self._columns = FilterColumns(self._slots_with_metadata)

    @property
    def memory_bytes(self) -> int:
        """Bytes that the vectors and the columns take."""
        return self.table.memory_bytes + self._columns.memory_bytes

    def append(self, rows: Sequence[int] | Rows, vectors: Matrix) -> None:
        """Add rows, whose numbers are above all that were added before."""
        self.table.append(rows, vectors)

    def remove(self, rows: Sequence[int] | Rows) -> None:
        """Remove those of the rows that are here."""
        self.table.remove(rows)
        if self.table.dead >= _COMPACT_FROM and self.table.dead * 2 > self.table.size:
            self.table.compact()
            self._columns.clear()

    def mask(self, filter: Filter | None, rows: Sequence[int] | Rows | None = None) -> Mask | None:
        """Return which slots match the filter and are among the rows; None for all. Dead slots can be among them."""
        mask = None if filter is None else self._columns.mask(filter, self.table.size)
        if rows is not None:
            among = np.zeros(self.table.size, np.bool_)
            among[self.table.slots_of(rows)] = True
            return among if mask is None else mask & among
        return mask

    def matching(self, filter: Filter | None) -> Rows:
        """Return the rows that match, ascending."""
        mask = self.mask(filter)
        return self.table.rows[self.table.live if mask is None else mask & self.table.live]

    def search(
        self, query: Matrix, top_k: int, filter: Filter | None, rows: Sequence[int] | Rows | None
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Return the rows and distances of the nearest, as `VectorTable.search` does."""
        return self.table.search(query, top_k, self.mask(filter, rows))

    def keeper(self, filter: Filter | None, rows: Sequence[int] | Rows | None) -> Callable[[Rows], Mask]:
        """Return the function that says of some rows which are here, match the filter and are among `rows`."""
        mask = self.mask(filter, rows)
        mask = self.table.live if mask is None else mask & self.table.live

        def keep(found: Rows) -> Mask:
            slots = np.searchsorted(self.table.rows, found)
            slots[slots == self.table.size] = 0
            if not self.table.size:
                return np.zeros(len(found), np.bool_)
            return mask[slots] & (self.table.rows[slots] == found)

        return keep

    def _slots_with_metadata(self, start: int, stop: int) -> Iterable[tuple[int, Metadata]]:
        rows = self.table.rows[start:stop]
        live = rows[self.table.live[start:stop]]
        slots = self.table.live[start:stop].nonzero()[0] + start
        slot_of = dict(zip(live.tolist(), slots.tolist(), strict=True))
        return ((slot_of[row], metadata) for row, metadata in self._read(live))
