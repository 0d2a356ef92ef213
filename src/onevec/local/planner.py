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
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from onevec.local.graph import Graph
from onevec.local.table import VectorTable
from onevec.local.vectors import Matrix

T = TypeVar("T")
Distances = npt.NDArray[np.float64]

# The recall@10 that a graph must show on a sample, and how wide its searches may get for it. That is measured among all
# slots and among ever smaller shares of them, so that ten of the nearest 10, 20, 40, ... are to be found: the more hits
# a search wants, or the rarer those that match, the wider it must be.
RECALL = 0.99
_HITS = 10
_BEAMS = (32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024)
_DEPTHS = (10, 20, 40, 100, 300)
_SAMPLE = 128

# How much of an exact search's time a graph's may take among some, as it can be in vain.
_SURE = 0.6

# Slots of a search among some, when that is timed.
_SOME = 2_000


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

    That its order is good enough for so few is part of what `plan` measures.
    """
    return 2 * top_k + 8


def plan(graph: Graph, table: VectorTable) -> Plan:
    """Measure a graph beside the table it was built over.

    The sample's queries are mixtures of two stored vectors: near the data, and hardly ever on it.
    """
    random = np.random.default_rng(0)
    live = table.live.nonzero()[0]
    pairs = random.choice(live, (_SAMPLE, 2))
    weights = random.uniform(0.5, 1.0, (_SAMPLE, 1)).astype(np.float32)
    queries: Matrix = table.vectors_at(pairs[:, 0]) * weights + table.vectors_at(pairs[:, 1]) * (1 - weights)
    queries = queries[queries.any(axis=1)]
    exact, scan_seconds = _timed(queries, lambda query: table.search(query, 2 * _DEPTHS[-1]))
    some = np.unique(random.choice(live, min(_SOME, max(1, table.size // 8))))
    _, pick_seconds = _timed(queries, lambda query: table.search(query, _HITS, slots=some))
    costs = scan_seconds / table.size, pick_seconds / len(some)

    luck = random.random(table.size)
    nearest = [_Nearest(luck[table.slots_of(rows)], distances) for rows, distances in exact]
    beams: list[tuple[int, int]] = []
    times: list[tuple[int, float]] = []
    for beam in _BEAMS:
        slots, seconds = _timed(queries, partial(graph.nearest, ef=beam))
        times.append((beam, seconds))
        found = [
            _Nearest(luck[some], table.distances(query, some))
            for query, some in zip(queries, (some[table.live[some]] for some in slots), strict=True)
        ]
        while len(beams) < len(_DEPTHS) and _recall(found, nearest, _HITS / _DEPTHS[len(beams)]) >= RECALL:
            beams.append((_DEPTHS[len(beams)], beam))
        if len(beams) == len(_DEPTHS) and len(times) > 1:
            break
    (first, quick), (last, slow) = times[0], times[-1]
    step_seconds = max(0.0, slow - quick) / (last - first)
    return Plan(graph, tuple(beams), max(0.0, quick - first * step_seconds), step_seconds, *costs)


class _Nearest(NamedTuple):
    """Some of a table's slots: a number between 0 and 1 that each slot has by chance, and their distances."""

    luck: Distances
    distances: Distances

    def best(self, share: float, most: int | None = None) -> Distances:
        """The distances of the ten nearest among a share of all slots, if so many of those are measured."""
        return np.sort(self.distances[self.luck < share][:most])[:_HITS]


def _timed(queries: Matrix, search: Callable[[Matrix], T]) -> tuple[list[T], float]:
    """The results of each query, and the median of the seconds it took."""
    found: list[T] = []
    seconds: list[float] = []
    for query in queries:
        started = time.perf_counter()
        found.append(search(query))
        seconds.append(time.perf_counter() - started)
    return found, median(seconds)


def _recall(found: list[_Nearest], nearest: list[_Nearest], share: float) -> float:
    """How many of the nearest among a share are found; of those as near as the last of them, any will do."""
    hits = wanted = 0
    measured = worth_measuring(_HITS)
    for some, best in zip(found, (true.best(share) for true in nearest), strict=True):
        wanted += len(best)
        hits += int(np.count_nonzero(some.best(share, measured) <= best[-1])) if len(best) else 0
    return hits / wanted if wanted else 0.0
