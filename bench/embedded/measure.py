"""How things are measured: time by the clock, memory as Linux counts it, disk by the blocks that files take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from bench.embedded.contender import TOP_K, Condition, Contender, Hit
from bench.embedded.data import Column

RECALL = 0.99
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Patience:
    """When a round of a column ends early: after so many seconds, if it has asked so many queries.

    Attributes:
        seconds: The seconds.
        queries: The queries.
    """

    seconds: float
    queries: int


def resident() -> tuple[int, int]:
    """Return this process's resident memory in bytes: now, and the most it was."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    now, most = (int(status[field].split()[0]) * 1024 for field in ("VmRSS", "VmHWM"))
    return now, most


def on_disk(folder: Path) -> int:
    """Return the bytes that the folder's files take on the disk; holes in them take none."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def tune(contender: Contender, columns: dict[str, Column]) -> dict[str, int]:
    """Return for each column the first effort with the recall; if none has it, the first with the most."""
    return {name: _tuned(contender, column) for name, column in columns.items()} if contender.facts.efforts else {}


def _tuned(contender: Contender, column: Column) -> int:
    best, chosen = -1.0, contender.facts.efforts[0]
    for effort in contender.facts.efforts:
        contender.set_effort(effort)
        native = _native(contender, column.condition)
        found = [contender.search(query, native) for query in column.queries]
        recall = _recall(column, range(len(found)), found)
        if recall > best:
            best, chosen = recall, effort
        if best >= RECALL:
            break
    return chosen


def ask(
    contender: Contender, column: Column, *, warm_up: Column, first: int, patience: Patience
) -> dict[str, Any]:  # Any: JSON values
    """Ask the column's queries one after the other, and return the figures.

    Args:
        contender: Who is asked.
        column: The queries.
        warm_up: Other queries with the same filter, asked before.
        first: Where in the column to begin; it goes on at the start when it is through.
        patience: When to stop.
    """
    native = _native(contender, column.condition)
    for query in warm_up.queries[:_WARM_UP]:
        contender.search(query, native)
    order = [(first + place) % len(column.queries) for place in range(len(column.queries))]
    queries = [column.queries[place] for place in order]
    found: list[list[Hit]] = []
    ticks = [time.perf_counter()]
    for query in queries:
        found.append(contender.search(query, native))
        ticks.append(time.perf_counter())
        if len(found) >= patience.queries and ticks[-1] - ticks[0] > patience.seconds:
            break
    asked = order[: len(found)]
    for hits in found:
        _check(contender, column.condition, hits)
    milliseconds = np.array([later - earlier for earlier, later in pairwise(ticks)]) * 1000
    p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99)).tolist()
    full = min(TOP_K, column.matching)
    return {
        "queries": len(found),
        "per second": 1000 / float(milliseconds.mean()),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "recall": _recall(column, asked, found),
        "short": sum(len(hits) < full for hits in found) / len(found),
    }


def first_answer(contender: Contender, column: Column) -> float:
    """Return the seconds until the answer to one query is there."""
    started = time.perf_counter()
    contender.search(column.queries[0], _native(contender, column.condition))
    return time.perf_counter() - started


def _native(contender: Contender, condition: Condition | None) -> Any:  # Any: the contender's own
    return None if condition is None else contender.filter(condition)


def _recall(column: Column, asked: Sequence[int], found: list[list[Hit]]) -> float:
    full = min(TOP_K, column.matching)
    right = [
        min(len({hit.id for hit in hits} & column.answers[place]), full)
        for place, hits in zip(asked, found, strict=True)
    ]
    return sum(right) / (full * len(right)) if full else 1.0


def _check(contender: Contender, condition: Condition | None, hits: list[Hit]) -> None:
    """Raise if a hit lacks what a search must give, or doesn't match."""
    if contender.facts.ids_only:
        return
    for hit in hits:
        if not hit.text or not hit.metadata:
            raise RuntimeError(f"hit {hit.id} has no text or no metadata")
        if condition is not None:
            value = hit.metadata[condition.field]
            if not (value < condition.value if condition.op == "<" else value == condition.value):
                raise RuntimeError(f"hit {hit.id} does not match {condition}: {value}")
