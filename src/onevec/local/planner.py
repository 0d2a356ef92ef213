"""Exact or by index: what each way costs here was measured when the index was built, and each search takes the cheaper.

An index finds the slots nearest to a query, whatever matches; those that match are the nearest that do. If too few do,
the search is done again, exactly. So a filtered search is as complete as one without a filter, however rare the matches
are and wherever they lie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from onevec.local.index import Index, Way

# How much of an exact search's time the index's may take among some, as it can be in vain.
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """An index, and what was measured of it.

    Attributes:
        index: The index.
        widths: `(depth, width)`, ascending: how wide a search must be to reach the recall among so many of the nearest.
            With none, the index is of no use.
        start_seconds: An index search's time, whatever its width.
        step_seconds: An index search's time for each step of its width.
        scan_seconds: An exact search's time for each slot, when it looks at all of them.
        pick_seconds: An exact search's time for each slot, when it looks at some.
    """

    index: Index
    widths: tuple[tuple[int, int], ...]
    start_seconds: float
    step_seconds: float
    scan_seconds: float
    pick_seconds: float

    def way(self, top_k: int, matching: int, size: int, width: int | None = None) -> Way | None:
        """Return how to search the index, or None if an exact search costs less.

        Args:
            top_k: How many hits.
            matching: How many of the table's slots match.
            size: How many slots the table has.
            width: How wide the caller wants it to be for hits that no filter makes rare.
        """
        if matching <= top_k:
            return None
        share = matching / size
        # How many of the nearest hold `top_k` that match, and, but for chance, as many are on the page.
        depth = top_k / share
        page = top_k if share == 1 else math.ceil((top_k + 3 * math.sqrt(top_k)) / share)
        wide = self._reaching(depth) if width is None else width
        if wide is None:
            return None
        way = self.index.way(wide, depth, page)
        if width is not None and share == 1:
            return way
        by_index = self._index_seconds(way, matching, size)
        exact = self._exact_seconds(matching, size)
        if share < 1:
            exact *= _SURE  # where those that match lie elsewhere, the page is short, and both are paid
        return way if by_index < exact else None

    def seconds(self, top_k: int, matching: int, size: int, width: int | None = None, *, exact: bool) -> float:
        """Return how long a search will take at most: where the index's page is short, the exact search follows."""
        alone = self._exact_seconds(matching, size)
        way = None if exact else self.way(top_k, matching, size, width)
        if way is None:
            return alone
        return self._index_seconds(way, matching, size) + (alone if matching < size else 0.0)

    def _index_seconds(self, way: Way, matching: int, size: int) -> float:
        tail = (size - self.index.size) * matching / size
        return self.start_seconds + way.width * self.step_seconds + tail * self.pick_seconds

    def _exact_seconds(self, matching: int, size: int) -> float:
        return min(size * self.scan_seconds, matching * self.pick_seconds)

    def measured(self) -> dict[str, Any]:  # Any: JSON values
        """Everything but the index itself, by name."""
        return {
            "spare": self.index.spare,
            "widths": self.widths,
            "start_seconds": self.start_seconds,
            "step_seconds": self.step_seconds,
            "scan_seconds": self.scan_seconds,
            "pick_seconds": self.pick_seconds,
        }

    def _reaching(self, depth: float) -> int | None:
        """The width for so many hits, between those that were measured."""
        below, narrow = 0, self.widths[0][1] if self.widths else 0
        for above, wide in self.widths:
            if depth <= above:
                return math.ceil(narrow + (wide - narrow) * (depth - below) / (above - below))
            below, narrow = above, wide
        return None
