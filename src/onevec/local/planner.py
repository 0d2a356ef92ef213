"""Exact or by graph: what each way costs here was measured when the graph was built, and each search takes the cheaper.

A graph's search finds the `ef` nearest slots, whatever matches; those that match are the nearest that do. If too few
do, the search is done again, exactly. So a filtered search is as complete as one without a filter, however rare the
matches are and wherever they lie.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from onevec.local.graph import Graph
from onevec.local.table import Matrix, Slots, VectorTable

# The recall that a graph must show on a sample, and how wide its searches may get for it.
RECALL = 0.995
_BEAMS = (32, 48, 64, 96, 128, 192, 256, 384, 512)
_SAMPLE = 64
_TOP_K = 10

# An exact search among some slots copies their vectors, which takes about so much longer a slot than a product over
# all of them does.
_GATHER = 8.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph, and what was measured of it.

    Attributes:
        graph: The graph.
        ef: The beam that reaches the recall for ten hits; None if none does, and then the graph is of no use.
        step_seconds: A graph search's time for each candidate of its beam.
        scan_seconds: An exact search's time for each slot of the table.
    """

    graph: Graph
    ef: int | None
    step_seconds: float
    scan_seconds: float

    def beam(self, top_k: int, matching: int, size: int) -> int | None:
        """Return how wide a graph search must be, or None if an exact search costs less.

        Args:
            top_k: How many hits.
            matching: How many of the table's slots match.
            size: How many slots the table has.
        """
        if self.ef is None or matching <= top_k:
            return None
        share = matching / size
        # Enough for `top_k` matches to be among them but for chance, and three times that: a beam misses of its last.
        wanted = 3 * (top_k + 3 * math.sqrt(top_k)) / share
        beam = min(math.ceil(max(self.ef, self.ef * top_k / (2 * _TOP_K), wanted if share < 1 else 0)), self.graph.size)
        scanned = min(size, matching * _GATHER)
        tail = (size - self.graph.size) * share
        by_graph = beam * self.step_seconds + tail * _GATHER * self.scan_seconds
        return beam if by_graph < scanned * self.scan_seconds else None


def plan(graph: Graph, table: VectorTable) -> Plan:
    """Measure a graph beside the table it was built over.

    The sample's queries are stored vectors and mixtures of two of them: on the data, and off it.
    """
    random = np.random.default_rng(0)
    vectors = table.vectors_from(0)
    pairs = random.choice(table.live.nonzero()[0], (_SAMPLE, 2))
    weights = random.uniform(0.5, 1.0, (_SAMPLE, 1)).astype(np.float32)
    queries: Matrix = vectors[pairs[:, 0]] * weights + vectors[pairs[:, 1]] * (1 - weights)
    queries = queries[queries.any(axis=1)]
    started = time.perf_counter()
    exact = [set(table.search(query, _TOP_K)[0].tolist()) for query in queries]
    scan_seconds = (time.perf_counter() - started) / len(queries) / table.size
    seconds = 0.0
    for ef in _BEAMS:
        started = time.perf_counter()
        found = [graph.nearest(query, ef) for query in queries]
        seconds = (time.perf_counter() - started) / len(queries) / ef
        if _recall(table, queries, found, exact) >= RECALL:
            return Plan(graph, ef, seconds, scan_seconds)
    return Plan(graph, None, seconds, scan_seconds)


def _recall(table: VectorTable, queries: Matrix, found: list[Slots], exact: list[set[int]]) -> float:
    """The share of the exact nearest that are found; of those as near as the last of them, any will do."""
    hits = 0
    for query, slots, wanted in zip(queries, found, exact, strict=True):
        rows, _ = table.best_of(query, _TOP_K, slots[table.live[slots]])
        hits += min(len(wanted & set(rows.tolist())), _TOP_K)
    return hits / sum(min(len(wanted), _TOP_K) for wanted in exact)
