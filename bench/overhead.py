"""What the layers cost: a search of ten hits on the memory engine, beside the matrix product it can't do without.

Both take the same query over the same rows in turns, in one process; a figure is the median of its repeats.

    python bench/overhead.py [REPEATS]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

import onevec

REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
CALLS = 200
DIMENSION = 384
TOP_K = 10


def microseconds(call: Callable[[], object]) -> float:
    """The median over many calls."""
    taken = []
    for _ in range(CALLS):
        started = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - started)
    return median(taken) / 1000


def main() -> None:
    table = Table(
        title=f"search(top_k={TOP_K}) on memory, {DIMENSION} dimensions, us; {REPEATS} repeats of {CALLS} calls"
    )
    for heading in ("documents", "search", "product", "the rest", "least", "most", "search / product"):
        table.add_column(heading, justify="right")
    draw = np.random.default_rng(7)
    for count in (1_000, 10_000):
        vectors = draw.standard_normal((count, DIMENSION), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        query = vectors[0].copy()
        with onevec.connect("memory://") as store:
            papers = store.create_collection("papers", dimension=DIMENSION)
            metadata = [{"year": 1950 + i % 20} for i in range(count)]
            papers.upsert(ids=[str(i) for i in range(count)], vectors=vectors, metadata=metadata)
            assert papers.search(query, top_k=TOP_K)[0].id == "0"
            runs = [
                (
                    microseconds(lambda p=papers, q=query: p.search(q, top_k=TOP_K)),
                    microseconds(lambda v=vectors, q=query: v @ q),
                )
                for _ in range(REPEATS)
            ]
        searches, products = zip(*runs, strict=True)
        rest = [search - product for search, product in runs]
        table.add_row(
            f"{count:,}",
            f"{median(searches):.0f}",
            f"{median(products):.0f}",
            f"{median(rest):.0f}",
            f"{min(rest):.0f}",
            f"{max(rest):.0f}",
            f"{median(searches) / median(products):.1f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
