"""The sqlite engine: writing documents durably, and exact search over all of them.

Writing stands beside the same rows inserted by a bare loop into one table of a WAL database with `synchronous=FULL`;
searching beside FAISS's flat index, which finds row numbers where onevec returns documents. All in one process, the
writers in turns; a figure is a median.

    python bench/sqlite.py [DOCUMENTS]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import faiss
import numpy as np
from rich.console import Console
from rich.table import Table

import onevec

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
BATCH = 1_000
DIMENSION = 384
ROUNDS = 3
TOP_K = 10
QUERIES = 50
WORDS = ("wing", "slipstream", "lift", "heat", "slab", "layer", "flow", "shock", "plate", "pressure", "jet")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Columns: vectors of length one, texts of 40 words, metadata of three fields."""

    vectors: np.ndarray
    ids: list[str]
    texts: list[str]
    metadata: list[dict[str, Any]]


def corpus(draw: np.random.Generator) -> Corpus:
    return Corpus(
        of_length_one(draw.standard_normal((COUNT, DIMENSION), dtype=np.float32)),
        [f"paper-{row}" for row in range(COUNT)],
        [" ".join(draw.choice(WORDS, 40)) for _ in range(COUNT)],
        [{"year": 1950 + row % 20, "lang": ("en", "de")[row % 2], "tags": [WORDS[row % 11]]} for row in range(COUNT)],
    )


def of_length_one(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def insert_bare(path: Path, corpus: Corpus) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE documents (id TEXT PRIMARY KEY, text TEXT, metadata TEXT, vector BLOB)")
    for start in range(0, COUNT, BATCH):
        rows = range(start, min(start + BATCH, COUNT))
        values = (
            (corpus.ids[row], corpus.texts[row], json.dumps(corpus.metadata[row]), corpus.vectors[row].tobytes())
            for row in rows
        )
        with connection:
            connection.executemany("INSERT INTO documents VALUES (?, ?, ?, ?)", values)
    connection.close()


def upsert(path: Path, corpus: Corpus) -> None:
    with onevec.connect(f"sqlite:///{path}") as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        for start in range(0, COUNT, BATCH):
            part = slice(start, start + BATCH)
            papers.upsert(
                ids=corpus.ids[part],
                vectors=corpus.vectors[part],
                texts=corpus.texts[part],
                metadata=corpus.metadata[part],
            )


def writing(folder: Path, corpus: Corpus) -> Table:
    """Fill fresh files in turns."""
    taken: dict[str, list[float]] = {"bare inserts": [], "onevec upsert": []}
    for turn in range(ROUNDS):
        taken["bare inserts"].append(seconds(lambda turn=turn: insert_bare(folder / f"bare{turn}.db", corpus)))
        taken["onevec upsert"].append(seconds(lambda turn=turn: upsert(folder / f"papers{turn}.db", corpus)))
    table = Table(
        title=f"sqlite: write {COUNT:,} x {DIMENSION}, {BATCH:,} a transaction; {ROUNDS} rounds", min_width=80
    )
    table.add_column("")
    for heading in ("documents/s", "least", "most"):
        table.add_column(heading, justify="right")
    for name, runs in taken.items():
        table.add_row(name, *(f"{COUNT / run:,.0f}" for run in (median(runs), max(runs), min(runs))))
    return table


def searching(path: Path, corpus: Corpus, draw: np.random.Generator) -> tuple[Table, int]:
    """Search by queries near a document; return also how many results are FAISS's, id by id."""
    near = corpus.vectors[draw.integers(COUNT, size=QUERIES)]
    queries = of_length_one(near + 0.02 * draw.standard_normal(near.shape, dtype=np.float32))
    index = faiss.IndexFlatIP(DIMENSION)
    index.add(corpus.vectors)
    threads = faiss.omp_get_max_threads()
    with onevec.connect(f"sqlite:///{path}", index_from=0) as store:
        papers = store.collection("papers")

        def flat(query: np.ndarray, threads: int) -> list[str]:
            faiss.omp_set_num_threads(threads)
            return [corpus.ids[row] for row in index.search(query[np.newaxis], TOP_K)[1][0]]

        ways: dict[str, Callable[[np.ndarray], object]] = {
            "onevec, documents": lambda query: papers.search(query, top_k=TOP_K),
            "onevec, documents, a filter that 1 in 20 match": lambda query: papers.search(
                query, top_k=TOP_K, filter={"year": 1958, "lang": "en"}
            ),
            "FAISS IndexFlatIP, ids, 1 thread": lambda query: flat(query, 1),
            f"FAISS IndexFlatIP, ids, its default ({threads} threads)": lambda query: flat(query, threads),
        }
        first = seconds(lambda: papers.search(queries[0], top_k=TOP_K))
        for way in ways.values():
            way(queries[0])
        taken = {name: [seconds(lambda way=way, q=query: way(q)) for query in queries] for name, way in ways.items()}
        same = sum(papers.search(query, top_k=TOP_K).ids == flat(query, 1) for query in queries)
    table = Table(title=f"exact search, top_k={TOP_K}, {COUNT:,} x {DIMENSION}; {QUERIES} queries", min_width=80)
    table.add_column("")
    for heading in ("ms", "least", "most"):
        table.add_column(heading, justify="right")
    table.add_row("onevec, the first search after opening", f"{first * 1000:.1f}")
    for name, runs in taken.items():
        table.add_row(name, *(f"{run * 1000:.2f}" for run in (median(runs), min(runs), max(runs))))
    return table, same


def main() -> None:
    draw = np.random.default_rng(7)
    made = corpus(draw)
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        console.print(writing(Path(folder), made))
        table, same = searching(Path(folder) / "papers0.db", made, draw)
    console.print(table)
    console.print(f"{same} of {QUERIES} results have the same ids in the same order as FAISS's")


if __name__ == "__main__":
    main()
