"""Measuring an index beside the table it was built over: what each way of searching costs, how wide its own must be.

The recall@10 is measured on a sample of queries, among all slots and among ever smaller shares of them, so that ten of
the nearest 10, 20, 40, ... are to be found: the more hits a search wants, or the rarer those that match, the wider it
must be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from onevec.local.index import TINY, Index, Way
from onevec.local.planner import Plan
from onevec.local.table import VectorTable
from onevec.local.vectors import Matrix, Slots, lengths
from onevec.metrics import Metric

T = TypeVar("T")
Numbers = npt.NDArray[np.float64]

RECALL = 0.99
_HITS = 10
_DEPTHS = (10, 20, 40, 100, 300)
_SAMPLE = 256

# How far off the data a query is, in its length: questions are further from texts than texts from each other.
_NOISE = 0.5

# Queries of the sample whose exact searches are timed, and slots of such a search among some.
_TIMED = 32
_SOME = 2_000

# A width that takes longer than so many seconds, and longer than an exact search among a share, is not tried for it: it
# would never be chosen.
_LONG = 0.001

# Vectors whose distances to the whole sample are in memory at once.
_BLOCK = 8192


def plan(index: Index, table: VectorTable) -> Plan:
    """Measure an index beside the table it was built over."""
    random = np.random.default_rng(0)
    live = table.live.nonzero()[0]
    # Where each vector has to be fetched, that is most of the time.
    queries = sample(table, _SAMPLE // 2 if table.absent else _SAMPLE, random)
    timed = queries[: 1 if table.absent else _TIMED]
    scan_seconds = _timed(timed, lambda query: table.search(query, _HITS))[1] / table.size
    some = np.unique(random.choice(live, min(_SOME, max(1, table.size // 8))))
    pick_seconds = _timed(timed, lambda query: table.search(query, _HITS, slots=some))[1] / len(some)

    def longest(share: float) -> float:
        """Up to how many seconds a search of the index may take among a share and be tried."""
        return max(_LONG, table.size * min(scan_seconds, share * pick_seconds))

    trial = _Trial(index, table, queries, random.random(table.size))
    for spare in index.spares:
        index.spare = spare
        widths, times = trial.widths(longest)
        if widths:
            break
    (first, quick), (last, slow) = times[0], times[-1]
    step_seconds = max(0.0, slow - quick) / max(1, last - first)
    # What is found is measured exactly, too.
    few = random.permutation(some)[: index.worth_measuring(_HITS)]
    start_seconds = _timed(timed, lambda query: table.best_of(query, _HITS, few))[1]
    start_seconds += max(0.0, quick - first * step_seconds)
    return Plan(index, tuple(widths), start_seconds, step_seconds, scan_seconds, pick_seconds)


class _Trial:
    """An index, asked a sample of queries whose nearest are known.

    Args:
        index: The index.
        table: What it is over.
        queries: The sample.
        luck: A number between 0 and 1 for each slot, by chance.
    """

    def __init__(self, index: Index, table: VectorTable, queries: Matrix, luck: Numbers) -> None:
        self._index = index
        self._table = table
        self._queries = queries
        self._luck = luck
        nearest = (slots[table.live[slots]] for slots in _nearest(table, queries, 2 * _DEPTHS[-1]))
        self._nearest = [
            _Nearest(luck[slots], table.distances(query, slots)) for query, slots in zip(queries, nearest, strict=True)
        ]

    def widths(self, longest: Callable[[float], float]) -> tuple[list[tuple[int, int]], list[tuple[int, float]]]:
        """Return which width reaches the recall at which depth, and the seconds that the widths tried took.

        Args:
            longest: Gives the seconds that a search among a share may take; what takes longer is not gone on with.
        """
        widths: list[tuple[int, int]] = []
        times: list[tuple[int, float]] = []
        for width in self._index.widths:
            way: Way | None = None
            while len(widths) < len(_DEPTHS):
                depth = _DEPTHS[len(widths)]
                if way != (way := self._index.way(width, depth)):
                    found, seconds = _timed(self._queries, partial(self._index.nearest, way=way))
                    times.append((width, seconds))
                if self._recall(found, _HITS / depth) < RECALL:
                    break
                widths.append((depth, width))
            is_long = len(widths) < len(_DEPTHS) and seconds > longest(_HITS / _DEPTHS[len(widths)])
            if times[-1][0] > times[0][0] and (is_long or len(widths) == len(_DEPTHS)):
                break
        return widths, times

    def _recall(self, found: list[Slots], share: float) -> float:
        """How many of the nearest among a share are found; of those as near as the last of them, any will do."""
        hits = wanted = 0
        for query, slots, nearest in zip(self._queries, found, self._nearest, strict=True):
            best = nearest.best(share)
            if len(best):
                match = slots[self._table.live[slots] & (self._luck[slots] < share)]
                match = match[: self._index.worth_measuring(_HITS)]
                distances = self._table.best_of(query, _HITS, match)[1]
                hits += min(int(np.count_nonzero(distances <= best[-1])), len(best))
                wanted += len(best)
        return hits / wanted if wanted else 0.0


def sample(table: VectorTable, count: int, random: np.random.Generator) -> Matrix:
    """Return queries near a table's data, and never on it: mixtures of two stored vectors, with noise.

    Args:
        table: The table.
        count: How many.
        random: Where chance comes from.

    Returns:
        float32 of shape (count, dimension).
    """
    pairs = random.choice(table.live.nonzero()[0], (count, 2))
    weights = random.uniform(0.5, 1.0, (count, 1)).astype(np.float32)
    mixed: Matrix = table.vectors_at(pairs[:, 0]) * weights + table.vectors_at(pairs[:, 1]) * (1 - weights)
    noise = random.standard_normal(mixed.shape, np.float32)
    noise *= (_NOISE * lengths(mixed) / lengths(noise)).astype(np.float32)[:, np.newaxis]
    return mixed + noise


class _Nearest(NamedTuple):
    """Some of a table's slots: a number between 0 and 1 that each slot has by chance, and their distances."""

    luck: Numbers
    distances: Numbers

    def best(self, share: float) -> Numbers:
        """The distances of the ten nearest among a share of all slots."""
        return np.sort(self.distances[self.luck < share])[:_HITS]


def _nearest(table: VectorTable, queries: Matrix, count: int) -> list[Slots]:
    """The `count` slots nearest to each query, but for rounding; dead ones can be among them if fewer are alive."""
    nearness = np.empty((len(queries), 0), np.float32)
    slots = np.empty((len(queries), 0), np.intp)
    for start in range(0, table.size, _BLOCK):
        vectors = table.vectors_between(start, start + _BLOCK)
        part: Matrix = queries @ vectors.T
        norms = lengths(vectors).astype(np.float32)
        if table.metric is Metric.COSINE:
            part /= np.maximum(norms, TINY)
        elif table.metric is Metric.EUCLIDEAN:
            part -= norms**2 / 2
        part[:, ~table.live[start : start + len(vectors)]] = -np.inf
        nearness = np.concatenate((nearness, part), axis=1)
        slots = np.concatenate((slots, np.broadcast_to(np.arange(start, start + len(vectors)), part.shape)), axis=1)
        if nearness.shape[1] > count:
            best = np.argpartition(nearness, -count, axis=1)[:, -count:]
            nearness, slots = np.take_along_axis(nearness, best, 1), np.take_along_axis(slots, best, 1)
    return list(slots)


def _timed(queries: Matrix, search: Callable[[Matrix], T]) -> tuple[list[T], float]:
    """The results of each query, and the median of the seconds it took."""
    found: list[T] = []
    seconds: list[float] = []
    for query in queries:
        started = time.perf_counter()
        found.append(search(query))
        seconds.append(time.perf_counter() - started)
    return found, median(seconds)
