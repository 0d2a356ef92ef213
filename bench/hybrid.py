"""What a hybrid search costs beside the two searches it is made of, in the sync and in the async API.

Each half is asked for as many hits as the fusion takes from it, 100, and the hybrid search for its best 10. They take
turns over the same queries, in one process; a figure is the median over all of them. The sync API runs one half after
the other; the async API both at once, as far as the engine, its client and the machine's cores allow.

    python bench/hybrid.py [--documents N] [--rounds N] [--filter FILTER] [URL ...]

Each URL's store gets a collection `hybrid`, which is deleted in the end. Default: memory, and sqlite in a folder that
goes, too.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

import onevec
from onevec import AsyncCollection, AsyncStore, SearchQuery
from onevec.documents import Mode
from onevec.runtime import run
from onevec.testing.awaited import awaited

DIMENSION = 384
DEPTH = 100
TOP_K = 10
QUERIES = 20
WORDS = 60  # of a document
VOCABULARY = 20_000

# Of a search: its mode, and how many hits it is asked for.
SEARCHES: tuple[tuple[Mode, int], ...] = (("vector", DEPTH), ("text", DEPTH), ("hybrid", TOP_K))


def texts_and_vectors(count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Return texts whose words are as unevenly frequent as those of a language, and unit vectors."""
    draw = np.random.default_rng(seed)
    ranks = np.minimum(draw.zipf(1.2, (count, WORDS)), VOCABULARY)
    texts = [" ".join(f"w{rank}" for rank in row) for row in ranks.tolist()]
    vectors = draw.standard_normal((count, DIMENSION), dtype=np.float32)
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def queries() -> list[SearchQuery]:
    """Return questions of five words, none of the most frequent fifty."""
    draw = np.random.default_rng(2)
    words = 50 + np.minimum(draw.zipf(1.3, (QUERIES, 5)), 2_000)
    _, vectors = texts_and_vectors(QUERIES, 3)
    return [
        SearchQuery(" ".join(f"w{word}" for word in row), vector=vector)
        for row, vector in zip(words.tolist(), vectors, strict=True)
    ]


async def filled(store: AsyncStore, count: int) -> AsyncCollection:
    texts, vectors = texts_and_vectors(count, 1)
    papers = await store.create_collection("hybrid", dimension=DIMENSION, if_exists="replace")
    metadata = [{"year": 1950 + row % 70, "source": f"file-{row % 97}.txt"} for row in range(count)]
    await papers.upsert(ids=[f"{row:07}" for row in range(count)], vectors=vectors, texts=texts, metadata=metadata)
    await papers.optimize()
    return papers


async def milliseconds(papers: AsyncCollection, rounds: int, filter: str | None) -> list[list[float]]:
    """Return how long each search took, by kind; a first round that warms everything up doesn't count."""
    taken: list[list[float]] = [[] for _ in SEARCHES]
    for turn in range(rounds + 1):
        for query in queries():
            for times, (mode, top_k) in zip(taken, SEARCHES, strict=True):
                started = time.perf_counter()
                await papers.search(query, mode=mode, top_k=top_k, filter=filter)
                if turn:
                    times.append((time.perf_counter() - started) * 1000)
    return taken


async def measured(store: AsyncStore, given: argparse.Namespace) -> list[list[float]]:
    async with store:
        try:
            return await milliseconds(await filled(store, given.documents), given.rounds, given.filter)
        finally:
            await store.delete_collection("hybrid")


async def measured_async(url: str, given: argparse.Namespace) -> list[list[float]]:
    return await measured(await onevec.connect_async(url, timeout=600), given)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what hybrid searches cost.")
    parser.add_argument("urls", metavar="URL", nargs="*", help="stores (default: memory and sqlite)")
    parser.add_argument("--documents", metavar="N", type=int, default=10_000)
    parser.add_argument("--rounds", metavar="N", type=int, default=10, help=f"of {QUERIES} queries each")
    parser.add_argument("--filter", help="of every search, such as 'year >= 1980'")
    given = parser.parse_args()
    table = Table(title=f"ms a search, {given.documents:,} documents of {DIMENSION} numbers and {WORDS} words")
    for heading in ("", "vector", "text", "hybrid", "hybrid / slower half", "hybrid / both halves"):
        table.add_column(heading, justify="right" if heading else "left")
    with tempfile.TemporaryDirectory() as folder:
        for url in given.urls or ["memory://", f"sqlite:///{folder}/hybrid.db"]:
            sync = run(measured(awaited(onevec.connect(url, timeout=600)), given))
            both = asyncio.run(measured_async(url, given))
            for name, taken in (("sync", sync), ("async", both)):
                vector, text, hybrid = map(median, taken)
                figures = (f"{vector:.2f}", f"{text:.2f}", f"{hybrid:.2f}")
                ratios = (f"{hybrid / max(vector, text):.2f}", f"{hybrid / (vector + text):.2f}")
                table.add_row(f"{url.partition(':')[0]}, {name}", *figures, *ratios)
    Console().print(table)


if __name__ == "__main__":
    main()
