"""Graphs of bytes alone: the float32 vectors stay in the file, and no answer changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import onevec
from onevec import Collection, field
from onevec.local.space import SearchSpace
from onevec.local.vectors import Matrix

SIZE, DIMENSION = 800, 256


def vectors(size: int = SIZE, seed: int = 0) -> Matrix:
    centres = np.random.default_rng(99).standard_normal((30, DIMENSION))
    noise = np.random.default_rng(seed).standard_normal((size, DIMENSION))
    return (centres[np.arange(size) % 30] + 0.3 * noise).astype(np.float32)


def fill(papers: Collection) -> None:
    papers.upsert(
        ids=[f"{row:04}" for row in range(SIZE)],
        vectors=vectors(),
        metadata=[{"half": row % 2, "rare": row % 50} for row in range(SIZE)],
    )
    papers.create_index("hnsw", quantization="int8")
    papers.search(vectors()[0])


def space_of(papers: Collection) -> SearchSpace:
    (loaded,) = papers._core.adapter._spaces._loaded.values()  # type: ignore[attr-defined]
    space: SearchSpace = loaded.space
    return space


@pytest.fixture
def store_file(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def metric() -> str:
    return "cosine"


@pytest.fixture
def papers(metric: str, store_file: Path) -> Iterator[Collection]:
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.create_collection("papers", dimension=DIMENSION, metric=metric)
        fill(papers)
        yield papers


def assert_right(papers: Collection) -> None:
    """By graph and exactly, with filters of every kind of share, against the vectors as they are stored."""
    for query in vectors(3, seed=4):
        for filter in (None, field("half") == 0, field("rare") == 7):
            exact = papers.search(query, filter=filter, exact=True)
            hits = papers.search(query, filter=filter)
            assert len(exact) == len(hits) == 10
            assert len(set(exact.ids) & set(hits.ids)) >= 9
            assert hits[0].score == pytest.approx(exact[0].score, abs=1e-5)


def test_the_vectors_leave_the_memory(papers: Collection) -> None:
    """What is left of a collection in memory is less than half of its float32 vectors, at this dimension."""
    assert space_of(papers).table.absent == SIZE
    memory = papers.stats().memory_bytes
    assert memory is not None
    assert memory < 0.5 * SIZE * DIMENSION * 4


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_answers_are_right(papers: Collection) -> None:
    """The hits and their scores are those of the float32 vectors."""
    assert_right(papers)
    hit = papers.search(vectors()[7], include_vectors=True)[0]
    assert np.array_equal(np.asarray(hit.vector), vectors()[int(hit.id)])


def test_writes_count_at_once(papers: Collection) -> None:
    """Documents deleted, replaced and added since the graph was built, and after it has caught up."""
    papers.delete([f"{row:04}" for row in range(0, SIZE, 10)])
    papers.upsert([{"id": "0001", "vector": -vectors()[1], "metadata": {"half": 1, "rare": 1}}])
    for _ in range(2):
        assert "0000" not in papers.search(vectors()[0], top_k=50).ids
        assert papers.search(-vectors()[1]).ids[0] == "0001"
        assert_right(papers)
        papers.optimize()


def test_it_is_opened_without_reading_the_vectors(papers: Collection, store_file: Path) -> None:
    """The next process has the graph, and its vectors in the file."""
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        again = store.collection("papers")
        again.search(vectors()[0])
        assert space_of(again).table.absent == SIZE
        assert_right(again)


def test_a_vector_is_read_as_often_as_it_is_asked_for(papers: Collection) -> None:
    """In any order, and several times at once."""
    table = space_of(papers).table
    slots = np.array([7, 3, 7, 0, SIZE - 1, 3])
    assert table.absent == SIZE
    assert np.array_equal(table.vectors_at(slots), vectors()[slots])


def test_where_exact_search_is_dear_the_bytes_are_scanned(papers: Collection) -> None:
    """A filter too rare for the graph is answered from the bytes, and the hits are measured."""
    space = space_of(papers)
    assert space._upkeep.plan is not None
    space._upkeep.plan = replace(space._upkeep.plan, start_seconds=1.0)
    assert_right(papers)


def test_a_changed_index_is_built_anew(papers: Collection, store_file: Path) -> None:
    """From the vectors in the file; with another quantization they are in memory again after the next opening."""
    papers.create_index("hnsw", m=8, quantization="int8")
    assert_right(papers)
    papers.create_index("hnsw", quantization="float16")
    assert_right(papers)
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        again = store.collection("papers")
        again.search(vectors()[0])
        assert space_of(again).table.absent == 0
        assert_right(again)
