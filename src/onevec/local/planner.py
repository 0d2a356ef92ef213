"""Exact or by graph: what each way costs here was measured when the graph was built, and each search takes the cheaper.

A graph's search finds the `ef` nearest slots, whatever matches; those that match are the nearest that do. If too few
do, the search is done again, exactly. So a filtered search is as complete as one without a filter, however rare the
matches are and wherever they lie.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from onevec.local.graph import Graph
from onevec.local.table import VectorTable
from onevec.local.vectors import Matrix

T = TypeVar("T")
Distances = npt.NDArray[np.float64]

# The recall that a graph must show on a sample, how wide its searches may get for it, and for how many hits that is
# measured: the more hits, or the rarer those that match, the wider.
RECALL = 0.995
_BEAMS = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
_DEPTHS = (10, 20, 40, 100, 300)
_SAMPLE = 64

# Slots of a search among some, when that is timed.
_SOME = 2_000


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph, and what was measured of it.

    Attributes:
        graph: The graph.
        beams: `(hits, beam)`, ascending: how wide a search must be to reach the recall for so many hits. With none,
            the graph is of no use.
        step_seconds: A graph search's time for each candidate of its beam.
        scan_seconds: An exact search's time for each slot, when it looks at all of them.
        pick_seconds: An exact search's time for each slot, when it looks at some.
    """

    graph: Graph
    beams: tuple[tuple[int, int], ...]
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
        # How many of the nearest hold `top_k` that match, but for chance.
        depth = top_k if share == 1 else (top_k + 3 * math.sqrt(top_k)) / share
        beam = self._reaching(depth) if ef_search is None else max(ef_search, math.ceil(depth))
        if beam is None:
            return None
        if ef_search is not None and share == 1:
            return min(beam, self.graph.size)
        by_graph = beam * self.step_seconds + (size - self.graph.size) * share * self.pick_seconds
        exact = min(size * self.scan_seconds, matching * self.pick_seconds)
        return min(beam, self.graph.size) if by_graph < exact else None

    def measured(self) -> dict[str, Any]:  # Any: JSON values
        """Everything but the graph, by name."""
        return {
            "beams": self.beams,
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


def plan(graph: Graph, table: VectorTable) -> Plan:
    """Measure a graph beside the table it was built over.

    The sample's queries are stored vectors and mixtures of two of them: on the data, and off it.
    """
    random = np.random.default_rng(0)
    live = table.live.nonzero()[0]
    pairs = random.choice(live, (_SAMPLE, 2))
    weights = random.uniform(0.75, 1.0, (_SAMPLE, 1)).astype(np.float32)
    queries: Matrix = table.vectors_at(pairs[:, 0]) * weights + table.vectors_at(pairs[:, 1]) * (1 - weights)
    queries = queries[queries.any(axis=1)]
    exact, scan_seconds = _timed(queries, lambda query: np.sort(table.search(query, _DEPTHS[-1])[1]))
    some = np.unique(random.choice(live, min(_SOME, max(1, table.size // 8))))
    _, pick_seconds = _timed(queries, lambda query: table.search(query, _DEPTHS[0], slots=some))
    costs = scan_seconds / table.size, pick_seconds / len(some)

    beams: list[tuple[int, int]] = []
    step_seconds = 0.0
    for beam in _BEAMS:
        found, seconds = _timed(queries, partial(graph.nearest, ef=beam))
        step_seconds = step_seconds if beams else seconds / beam
        distances = [
            np.sort(table.best_of(query, _DEPTHS[-1], slots[table.live[slots]])[1])
            for query, slots in zip(queries, found, strict=True)
        ]
        while len(beams) < len(_DEPTHS) and _recall(distances, exact, _DEPTHS[len(beams)]) >= RECALL:
            beams.append((_DEPTHS[len(beams)], beam))
    return Plan(graph, tuple(beams), step_seconds, *costs)


def _timed(queries: Matrix, search: Callable[[Matrix], T]) -> tuple[list[T], float]:
    """The results of each query, and the median of the seconds it took."""
    found: list[T] = []
    seconds: list[float] = []
    for query in queries:
        started = time.perf_counter()
        found.append(search(query))
        seconds.append(time.perf_counter() - started)
    return found, median(seconds)


def _recall(found: list[Distances], exact: list[Distances], depth: int) -> float:
    """The share of the exact nearest that are found; of those as near as the last of them, any will do."""
    nearest = [some[:depth] for some in exact]
    hits = sum(int(np.count_nonzero(some[:depth] <= best[-1])) for some, best in zip(found, nearest, strict=True))
    return hits / sum(map(len, nearest))
