"""One namespace as it is searched: its vectors, and the filter columns over the same slots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from onevec.documents import Metadata
from onevec.filters import Filter
from onevec.local.builder import Build
from onevec.local.columns import FilterColumns
from onevec.local.planner import Plan
from onevec.local.table import Mask, VectorTable
from onevec.local.upkeep import INDEX_FROM, IndexPolicy, OnBuilt, Upkeep
from onevec.local.vectors import Elsewhere, Matrix, Rows, Slots
from onevec.metrics import Metric

# Dead slots are dropped when they are this many and half of all.
_COMPACT_FROM = 1024

# Seconds that a search may take and still be done at once, where another thread would cost as much.
_BRIEF = 0.001

# Hits whose documents are made in a fraction of that.
_PAGE = 50

# Filters whose matches are kept until a row is added or removed.
_KNOWN = 16


class Matches:
    """The live slots that match a filter.

    Attributes:
        mask: Which slots they are, of shape (size,).
        count: How many they are.
    """

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.count = int(np.count_nonzero(mask))

    @cached_property
    def slots(self) -> Slots:
        """Their numbers, ascending."""
        return self.mask.nonzero()[0]


class SearchSpace:
    """Finds the rows of one namespace, by nearness and by metadata.

    Args:
        dimension: How many numbers each vector has.
        metric: How near two vectors are.
        read: Gives `(row, metadata)` of those of some ascending row numbers that still exist.
        policy: When an index is built; None for never.
        on_built: Called in the background with an index, as to save it.
        elsewhere: Where the vectors are of rows whose vectors leave the memory; None if they are nowhere else.
    """

    def __init__(
        self,
        dimension: int,
        metric: Metric,
        read: Callable[[Rows], Iterable[tuple[int, Metadata]]],
        policy: IndexPolicy | None = None,
        *,
        on_built: OnBuilt | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.table = VectorTable(dimension, metric)
        self._read = read
        self._columns = FilterColumns(self._slots_with_metadata)
        self._upkeep = Upkeep(self.table, on_built, elsewhere)
        self._known: dict[Filter | None, Matches] = {}
        self.follow(policy)

    @property
    def memory_bytes(self) -> int:
        """Bytes that the vectors, the columns and the index take."""
        return self.table.memory_bytes + self._columns.memory_bytes + self._upkeep.memory_bytes

    def append(self, rows: Sequence[int] | Rows, vectors: Matrix) -> None:
        """Add rows, whose numbers are above all that were added before."""
        self._known.clear()
        self.table.append(rows, vectors)

    @property
    def has_indexes(self) -> bool:
        """Whether an index can be built, or restored."""
        return self._upkeep.policy is not None

    def follow(self, policy: IndexPolicy | None) -> None:
        """Build indexes this way from now on, and let go of one that was built another way."""
        self._upkeep.follow(policy)

    def read(self, rows: Sequence[int] | Rows, vectors: Matrix) -> None:
        """Add ascending rows, of which the first may have their slots already."""
        self._known.clear()
        known = int(np.searchsorted(rows, self.table.rows[-1], side="right")) if self.table.size else 0
        self.table.fill(rows[:known], vectors[:known])
        self.table.append(rows[known:], vectors[known:])

    def remove(self, rows: Sequence[int] | Rows) -> None:
        """Remove those of the rows that are here."""
        self._known.clear()
        self.table.remove(rows)
        if self.table.dead >= _COMPACT_FROM and self.table.dead * 2 > self.table.size:
            self._upkeep.drop()
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
        self,
        query: Matrix,
        top_k: int,
        filter: Filter | None,
        rows: Sequence[int] | Rows | None,
        *,
        exact: bool,
        width: int | None = None,
    ) -> tuple[Rows, npt.NDArray[np.float64]]:
        """Return the rows and distances of the nearest, as `VectorTable.search` does; by the index where that pays."""
        matches = self._matches(filter, rows)
        self._upkeep.adopt()
        table, plan = self.table, self._upkeep.plan
        if plan is not None and not exact and not table.wide:
            slots = self._near(plan, query, top_k, matches, width)
            if slots is None and table.absent:
                slots = self._near_by_scan(plan, query, top_k, matches)
            if slots is not None:
                return table.best_of(query, top_k, slots)
        if matches is None:
            return table.search(query, top_k)
        if table.prefers_slots(matches.count, top_k):
            return table.search(query, top_k, slots=matches.slots)
        return table.search(query, top_k, matches.mask)

    def is_brief(self, top_k: int, filter: Filter | None, *, exact: bool, width: int | None = None) -> bool:
        """Whether `search` is sure to take less than a millisecond: its matches are known, and nothing else is due."""
        table, plan = self.table, self._upkeep.plan
        if top_k > _PAGE or self._upkeep.is_pending or table.wide or table.absent:
            return False
        matching = table.size
        if filter is not None or table.dead:
            known = self._known.get(filter)
            if known is None:
                return False
            matching = known.count
        if plan is not None:
            return plan.seconds(top_k, matching, table.size, None if exact else width, exact=exact) < _BRIEF
        return matching * table.dimension <= INDEX_FROM

    def restore(self, plan: Plan, rows: Rows, vectors: Matrix | None) -> None:
        """Take an index that was saved, with the rows of its slots; `revive` then brings those to life that exist.

        Args:
            plan: The index.
            rows: The rows, ascending.
            vectors: Theirs; None where they are to stay out of memory.
        """
        self._known.clear()
        if vectors is None:
            self.table.reserve(rows)
        else:
            self.table.restore(rows, vectors)
        self._upkeep.take(plan)

    def revive(self, rows: Rows) -> None:
        """Bring rows to life that were restored."""
        self._known.clear()
        self.table.revive(rows)

    def build(self) -> Build | None:
        """Start to bring the index up to date, or go on; return what to wait for, None if there is nothing to do."""
        return self._upkeep.build()

    def close(self) -> None:
        """Stop what goes on in the background."""
        self._upkeep.close()

    def _near(self, plan: Plan, query: Matrix, top_k: int, matches: Matches | None, width: int | None) -> Slots | None:
        """The slots that may be the nearest that match; None if an exact search is cheaper, or is needed."""
        table = self.table
        matching = table.size if matches is None else matches.count
        way = plan.way(top_k, matching, table.size, width)
        if way is None:
            return None
        slots = plan.index.nearest(query, way)
        if matches is not None:
            match = matches.mask[slots]
            if np.count_nonzero(match[: way.page]) < top_k:
                return None
            slots = slots[match]
        slots = slots[: plan.index.worth_measuring(top_k)]
        if plan.index.size < table.size:
            tail = np.arange(plan.index.size, table.size)
            slots = np.concatenate((slots, tail if matches is None else tail[matches.mask[tail]]))
        return slots if len(slots) >= top_k else None

    def _near_by_scan(self, plan: Plan, query: Matrix, top_k: int, matches: Matches | None) -> Slots | None:
        """The same by what the index keeps of every vector that matches, where the vectors are not in memory."""
        table, covered = self.table, plan.index.size
        mask = np.ones(table.size, np.bool_) if matches is None else matches.mask
        slots = plan.index.nearest_among(query, mask[:covered], top_k)
        tail = mask[covered:].nonzero()[0] + covered
        return np.concatenate((slots, tail)) if len(tail) else slots

    def _matches(self, filter: Filter | None, rows: Sequence[int] | Rows | None) -> Matches | None:
        """The live slots that match the filter and are among the rows; None for all."""
        if filter is None and rows is None and not self.table.dead:
            return None
        known = None if rows is not None else self._known.pop(filter, None)
        if known is None:
            mask = self.mask(filter, rows)
            if mask is None:
                mask = self.table.live.copy()
            elif self.table.dead:
                mask &= self.table.live
            known = Matches(mask)
        if rows is not None:
            return known
        self._known[filter] = known
        if len(self._known) > _KNOWN:
            del self._known[next(iter(self._known))]  # the one that was not asked for longest
        return known

    def keeper(self, filter: Filter | None, rows: Sequence[int] | Rows | None) -> Callable[[Rows], Mask]:
        """Return the function that says of some rows which are here, match the filter and are among `rows`."""
        mask = self.mask(filter, rows)
        mask = self.table.live if mask is None else mask & self.table.live
        here = self.table.rows  # without those that are added while the function is in use

        def keep(found: Rows) -> Mask:
            if not len(here):
                return np.zeros(len(found), np.bool_)
            slots = np.searchsorted(here, found)
            slots[slots == len(here)] = 0
            kept: Mask = mask[slots] & (here[slots] == found)
            return kept

        return keep

    def _slots_with_metadata(self, start: int, stop: int) -> Iterable[tuple[int, Metadata]]:
        rows = self.table.rows[start:stop]
        live = rows[self.table.live[start:stop]]
        slots = self.table.live[start:stop].nonzero()[0] + start
        slot_of = dict(zip(live.tolist(), slots.tolist(), strict=True))
        return ((slot_of[row], metadata) for row, metadata in self._read(live))
