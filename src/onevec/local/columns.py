"""Filters over metadata in memory, on arrays and not on rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import assert_never

import numpy as np

from onevec.documents import Metadata
from onevec.filters import And, Condition, Filter, Not, Or, conditions
from onevec.local.column import Column
from onevec.local.table import Mask
from onevec.matching import lookup

# Documents whose metadata is held at once while columns are built.
_BLOCK = 1024


class FilterColumns:
    """Answers filters for documents in append-only slots, with the exact meaning of `onevec.matching.matches`.

    The column of a field is built when the field is first filtered on, and covers new slots when it is next used. It
    expects one call at a time.

    Args:
        read: Gives `(slot, metadata)` of the documents in the slots from `start` up to `stop`; called as
            `read(start, stop)`. The dead slots it leaves out get some answer or other.
    """

    def __init__(self, read: Callable[[int, int], Iterable[tuple[int, Metadata]]]) -> None:
        self._read = read
        self._columns: dict[str, Column] = {}

    @property
    def memory_bytes(self) -> int:
        """About how many bytes the columns take."""
        return sum(column.memory_bytes for column in self._columns.values())

    def clear(self) -> None:
        """Forget all columns, as slots have new documents."""
        self._columns = {}

    def mask(self, filter: Filter, n: int) -> Mask:
        """Return which of the first `n` slots match, of shape (n,), in an array of the caller's own."""
        self._cover({condition.field: condition.path for condition in conditions(filter)}, n)
        return self._mask(filter, n)

    def _mask(self, filter: Filter, n: int) -> Mask:
        match filter:
            case Condition():
                return self._columns[filter.field].mask(filter)[:n]
            case And():
                return self._joined(np.logical_and, filter.filters, n)
            case Or():
                return self._joined(np.logical_or, filter.filters, n)
            case Not():
                mask = self._mask(filter.filter, n)
                return np.logical_not(mask, out=mask)
            case _:
                assert_never(filter)

    def _joined(self, join: np.ufunc, filters: tuple[Filter, ...], n: int) -> Mask:
        if not filters:
            return np.full(n, join.identity, np.bool_)
        mask = self._mask(filters[0], n)
        for filter in filters[1:]:
            join(mask, self._mask(filter, n), out=mask)
        return mask

    def _cover(self, paths: dict[str, tuple[str, ...]], n: int) -> None:
        """Bring the columns of these fields up to `n` slots, reading a slot once for all that lack it."""
        behind: dict[int, list[tuple[Column, tuple[str, ...]]]] = {}
        for field, path in paths.items():
            column = self._columns.get(field) or self._columns.setdefault(field, Column())
            if column.size < n:
                behind.setdefault(column.size, []).append((column, path))
        for size, columns in behind.items():
            for start in range(size, n, _BLOCK):
                stop = min(start + _BLOCK, n)
                documents = list(self._read(start, stop))
                for column, path in columns:
                    column.extend(stop, ((slot, lookup(metadata, path)) for slot, metadata in documents))
