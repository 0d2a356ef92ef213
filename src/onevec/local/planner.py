"""Exact or by graph: what each way costs here was measured when the graph was built, and each search takes the cheaper.

A graph's search finds the `ef` nearest slots, whatever matches; those that match are the nearest that do. If too few
do, the search is done again, exactly. So a filtered search is as complete as one without a filter, however rare the
matches are and wherever they lie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from onevec.local.graph import Graph

# How much of an exact search's time a graph's may take among some, as it can be in vain.
_SURE = 0.6


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph, and what was measured of it.

    Attributes:
        graph: The graph.
        beams: `(depth, beam)`, ascending: how wide a search must be to reach the recall among so many of the nearest.
            With none, the graph is of no use.
        start_seconds: A graph search's time, whatever its beam.
        step_seconds: A graph search's time for each candidate of its beam.
        scan_seconds: An exact search's time for each slot, when it looks at all of them.
        pick_seconds: An exact search's time for each slot, when it looks at some.
    """

    graph: Graph
    beams: tuple[tuple[int, int], ...]
    start_seconds: float
    step_seconds: float
    scan_seconds: float
    pick_seconds: float

    def beam(self, top_k: int, matching: int, size: int, ef_search: int | None = None) -> int | None:
        """Return how wide a graph search must be, or None if an exact search costs less.

        Args:
            top_k: How many hits.
            matching: How many of the table's slots match.
            size: How many slots the table has.
            ef_search: What the caller wants it to be for hits that no filter makes rare.
        """
        if matching <= top_k:
            return None
        share = matching / size
        # How many of the nearest hold `top_k` that match, and, but for chance, as many are on the page.
        depth = top_k / share
        full = top_k if share == 1 else math.ceil((top_k + 3 * math.sqrt(top_k)) / share)
        beam = self._reaching(depth) if ef_search is None else ef_search
        if beam is None:
            return None
        beam = min(max(beam, full), self.graph.size)
        if ef_search is not None and share == 1:
            return beam
        by_graph = self._graph_seconds(beam, matching, size)
        exact = self._exact_seconds(matching, size)
        if share < 1:
            exact *= _SURE  # where those that match lie elsewhere, the page is short, and both are paid
        return beam if by_graph < exact else None

    def seconds(self, top_k: int, matching: int, size: int, ef_search: int | None = None, *, exact: bool) -> float:
        """Return how long a search will take at most: where the graph's page is short, the exact search follows."""
        alone = self._exact_seconds(matching, size)
        beam = None if exact else self.beam(top_k, matching, size, ef_search)
        if beam is None:
            return alone
        return self._graph_seconds(beam, matching, size) + (alone if matching < size else 0.0)

    def _graph_seconds(self, beam: int, matching: int, size: int) -> float:
        tail = (size - self.graph.size) * matching / size
        return self.start_seconds + beam * self.step_seconds + tail * self.pick_seconds

    def _exact_seconds(self, matching: int, size: int) -> float:
        return min(size * self.scan_seconds, matching * self.pick_seconds)

    def measured(self) -> dict[str, Any]:  # Any: JSON values
        """Everything but the graph, by name."""
        return {
            "beams": self.beams,
            "start_seconds": self.start_seconds,
            "step_seconds": self.step_seconds,
            "scan_seconds": self.scan_seconds,
            "pick_seconds": self.pick_seconds,
        }

    def _reaching(self, depth: float) -> int | None:
        """The beam for so many hits, between those that were measured."""
        below, narrow = 0, self.beams[0][1] if self.beams else 0
        for above, wide in self.beams:
            if depth <= above:
                return math.ceil(narrow + (wide - narrow) * (depth - below) / (above - below))
            below, narrow = above, wide
        return None


def worth_measuring(top_k: int) -> int:
    """Return how many of a graph's candidates are measured exactly, the nearest first by what the graph keeps of them.

    That its order is good enough for so few is part of what `tuning.plan` measures.
    """
    return 2 * top_k + 8
