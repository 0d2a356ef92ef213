"""Vectors, metadata and stores for the tests of the faiss engine, and looks inside its adapter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

import onevec
from onevec import Collection
from onevec.adapters.faiss.index import FaissIndex
from onevec.adapters.faiss.space import IndexedSpace
from onevec.adapters.faiss.widths import Built

SIZE, DIMENSION, CLUSTERS = 2000, 24, 40

Matrix = npt.NDArray[np.float32]


def clustered(size: int = SIZE, seed: int = 0) -> Matrix:
    """Vectors in forty clusters, row n in cluster n % 40; the same clusters for any seed."""
    centres = np.random.default_rng(99).standard_normal((CLUSTERS, DIMENSION))
    noise = 0.5 * np.random.default_rng(seed).standard_normal((size, DIMENSION))
    return (centres[np.arange(size) % CLUSTERS] + noise).astype(np.float32)


def queries(size: int = 20) -> Matrix:
    """Vectors of the same clusters that are not stored."""
    return clustered(size, seed=5)


def metadata(row: int) -> dict[str, Any]:
    """Fields of which one value is in a half, a tenth, a hundredth, or a thousandth of the rows."""
    return {"cluster": row % CLUSTERS, "half": row // 3 % 2, "tenth": row // 7 % 10, "rare": row % 97, "one": row % 997}


def columns(rows: range, seed: int = 0) -> dict[str, Any]:
    """What `upsert` takes of some rows."""
    return {
        "ids": [f"{row:05}" for row in rows],
        "vectors": clustered(rows.stop, seed)[rows.start :],
        "metadata": [metadata(row) for row in rows],
    }


@contextmanager
def filled(folder: Path, index: str, metric: str = "cosine", **options: Any) -> Iterator[Collection]:
    """A new store with a collection of `SIZE` documents, indexed."""
    with onevec.connect(f"faiss:///{folder}", index=index, **options) as store:
        papers = store.create_collection("papers", dimension=DIMENSION, metric=metric)
        papers.upsert(**columns(range(SIZE)))
        papers.optimize()
        yield papers


def space_of(papers: Collection) -> IndexedSpace:
    """What the adapter has of the only namespace that was searched."""
    papers.search(queries()[0], exact=True)
    (loaded,) = papers._core.adapter._spaces._loaded.values()  # type: ignore[attr-defined]
    assert isinstance(loaded.space, IndexedSpace)
    return loaded.space


def index_of(papers: Collection) -> Built | None:
    """The collection's index, when a build that is under way has ended."""
    space = space_of(papers)
    if space._task is not None:
        space._task.wait()
        papers.search(queries()[0])
    return space.built


@contextmanager
def index_preferred() -> Iterator[Counter[str]]:
    """Let a search by the index count as free, as at this size it seldom is; count how often one was made."""
    made: Counter[str] = Counter()
    nearest = FaissIndex.nearest

    def counting(self: FaissIndex, *arguments: Any) -> Any:
        made["by index"] += 1
        return nearest(self, *arguments)

    with patch.object(Built, "_cost", lambda *_: 0), patch.object(FaissIndex, "nearest", counting):
        yield made


def recall(papers: Collection, **options: Any) -> float:
    """The share of the exact hits that are found; asserts that the page is full and the scores are right."""
    shared = total = 0
    for query in queries():
        exact = {hit.id: hit.score for hit in papers.search(query, exact=True, **_without_widths(options))}
        hits = papers.search(query, **options)
        assert len(hits) == len(exact)
        assert hits.scores == sorted(hits.scores, reverse=True)
        assert all(hit.score == exact[hit.id] for hit in hits if hit.id in exact)
        shared += len(exact.keys() & set(hits.ids))
        total += len(exact)
    return shared / total


def _without_widths(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in {"ef_search", "nprobe"}}
