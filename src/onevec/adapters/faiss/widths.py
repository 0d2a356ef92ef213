"""How widely an index is searched: as its user says, or as was measured when it was built.

An index is asked for so many of the nearest slots, whatever matches a filter; those that match are the nearest that do.
The rarer the matches, the more slots are asked for, until an exact search among the matches costs less. If too few of
the slots match, as where a filter and the query have little to do with each other, the search is exact, too. So a page
is always full, and a filter costs no recall.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from onevec.adapters.faiss.index import FaissIndex
from onevec.local.table import Mask, VectorTable
from onevec.local.tuning import sample

# What is measured at a width: the share of the ten nearest that it finds. The next width is tried until that is enough,
# or until two in a row have brought nearly nothing.
_RECALL = 0.99
_GAIN = 0.005
_PATIENCE = 2
_QUERIES = 64
_TOP_K = 10
_BEAMS = (64, 128, 256, 512)
_CANDIDATES = (64, 256, 1024)

# What a step costs beside comparing with one vector in a row: reading one here and there, or from the disk; following a
# link of a graph.
_PICKED = 4
_FETCHED = 40
_LINK = 2


class Width(NamedTuple):
    """How widely one search goes.

    Attributes:
        slots: How many slots the index is asked for.
        ef: How many candidates its graph keeps; None where there is none.
        nprobe: How many of its lists are read; None where there are none.
    """

    slots: int
    ef: int | None
    nprobe: int | None


@dataclass(frozen=True, slots=True)
class Built:
    """An index that is ready, and what was measured of it.

    Attributes:
        index: The index.
        trained_on: How many slots there were when it was trained; 0 for a kind that needn't be.
        dead: How many of its slots were dead already when it was built.
        candidates: How many slots it is asked for, to measure ten hits among them with the exact vectors.
        ef: How many candidates its graph keeps where the user doesn't say; None where there is none.
        nprobe: How many of its lists are read where the user doesn't say; None where there are none.
        recall: The share of the ten nearest that it found so, of a sample.
    """

    index: FaissIndex
    trained_on: int
    dead: int
    candidates: int
    ef: int | None
    nprobe: int | None
    recall: float

    @property
    def facts(self) -> dict[str, float | None]:
        """Everything but the index, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "index"}

    def width(
        self, table: VectorTable, matching: int, top_k: int, *, ef_search: int | None = None, nprobe: int | None = None
    ) -> Width | None:
        """Return how widely to search, or None if an exact search costs less.

        Args:
            table: The table that the index is of.
            matching: How many of its live slots match.
            top_k: How many hits.
            ef_search: What the user says of the graph.
            nprobe: What the user says of the lists.
        """
        if matching <= top_k:
            return None
        size, lists = table.size, self.index.lists
        share = matching / size
        chosen = matching == len(table) and (ef_search or nprobe) is not None
        slots = math.ceil(self.candidates * max(1, top_k / (2 * _TOP_K)) / share)
        ef, probes = ef_search, None
        if self.ef is not None:
            slots = ef = max(ef_search or self.ef, math.ceil(top_k / share) if chosen else slots)
        if self.nprobe is not None:
            filled = math.ceil(2 * top_k * lists / size)
            probes = math.ceil((nprobe or max(self.nprobe, filled)) / (1 if chosen else share))
            probes = min(probes, lists)
        width = Width(min(slots, size), ef, probes)
        exact = matching * _FETCHED if table.absent else min(size, matching * _PICKED)
        return width if chosen or self._cost(width, table) < exact else None

    def _cost(self, width: Width, table: VectorTable) -> float:
        """How many vectors in a row could be compared with meanwhile."""
        picked = _FETCHED if table.absent else _PICKED
        measured = width.slots * picked + (table.size - self.index.size) * _PICKED
        if self.ef is not None:
            return measured + width.slots * self.index.links * _LINK
        if width.nprobe is not None:
            return measured + self.index.lists + self.index.size * width.nprobe / self.index.lists
        return measured + self.index.size / 2  # codes are shorter


def reliable(found: Mask, top_k: int, share: float) -> bool:
    """Return whether the nearest matches are among the slots that an index gave, and not beyond them.

    The last ones of what it gives are the least sure to be the nearest that there are. Where matches are as common near
    the query as everywhere, `top_k` of them come well before.

    Args:
        found: Which of the slots match, the nearest slot first.
        top_k: How many matches are needed.
        share: The share of all slots that match.
    """
    places = found.nonzero()[0]
    return len(places) >= top_k and places[top_k - 1] < (top_k + 3 * math.sqrt(top_k)) / share


def measured(index: FaissIndex, table: VectorTable, trained_on: int) -> Built:
    """Measure an index beside the table it was built over, at one width after the other until it finds enough."""
    queries = sample(table, _QUERIES, np.random.default_rng(0))
    furthest = [np.sort(table.search(query, _TOP_K)[1])[:_TOP_K][-1] for query in queries]
    wanted = min(_TOP_K, len(table))

    def recall(width: Width) -> float:
        found = 0
        for query, limit in zip(queries, furthest, strict=True):
            slots = index.nearest(query, *width)
            _, distances = table.best_of(query, _TOP_K, slots[table.live[slots]])
            found += min(wanted, int(np.count_nonzero(distances <= limit)))
        return found / (wanted * len(queries))

    width, best = _climbed(_rungs(index), recall)
    if best < _RECALL and not index.links:
        width, best = _climbed((width._replace(slots=slots) for slots in _CANDIDATES), recall)
    return Built(index, trained_on, table.dead, width.slots, width.ef, width.nprobe, best)


def _climbed(widths: Iterable[Width], recall: Callable[[Width], float]) -> tuple[Width, float]:
    """The narrowest of the widths that finds nearly as much as the best, and what it finds."""
    tried: list[tuple[Width, float]] = []
    for width in widths:
        tried.append((width, recall(width)))
        if tried[-1][1] >= _RECALL or _is_level(tried):
            break
    enough = min(_RECALL, max(found for _, found in tried) - _GAIN)
    return next((width, found) for width, found in tried if found >= enough)


def _is_level(tried: Sequence[tuple[Width, float]]) -> bool:
    return len(tried) > _PATIENCE and tried[-1][1] < tried[-1 - _PATIENCE][1] + _GAIN


def _rungs(index: FaissIndex) -> Iterator[Width]:
    if index.links:
        yield from (Width(ef, ef, None) for ef in _BEAMS)
    elif index.lists:
        steps = range(index.lists.bit_length())
        yield from (Width(_CANDIDATES[0], None, 1 << step) for step in steps)
    else:
        yield Width(_CANDIDATES[0], None, None)
