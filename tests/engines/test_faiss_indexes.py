"""Searching by each kind of FAISS's indexes: as complete as exact search, whatever the filter, and never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import onevec
from onevec import Collection, Metric, field
from onevec.errors import InvalidQuery

from .faiss_samples import (
    CLUSTERS,
    DIMENSION,
    SIZE,
    clustered,
    columns,
    filled,
    index_of,
    index_preferred,
    queries,
    recall,
    space_of,
)

pytestmark = pytest.mark.xdist_group("faiss indexes")  # so that each collection is filled once

INDEXES = [
    "flat",
    "hnsw",
    "HNSW16,SQ8",
    "ivf_flat",
    "IVF16,SQfp16",
    "IVF16,PQ8x4",
    "IVF16_HNSW8,Flat",
    "PCA16,IVF16,PQ8x4",
    "SQ8",
    "IVF16,PQ8x4,RFlat",
]
WITH_MANHATTAN = ["flat", "hnsw", "ivf_flat"]
KINDS = [
    (index, metric.value) for index in INDEXES for metric in Metric if metric != "manhattan" or index in WITH_MANHATTAN
]


class Shelf:
    """Collections that are filled once and only read."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._filled: dict[tuple[str, str], Collection] = {}

    def __getitem__(self, kind: tuple[str, str]) -> Collection:
        if kind not in self._filled:
            folder = self._folder / str(len(self._filled))
            self._filled[kind] = self._stack.enter_context(filled(folder, *kind))
        return self._filled[kind]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with ExitStack() as stack:
        yield Shelf(tmp_path_factory.mktemp("shelf"), stack)


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_an_index_finds_what_exact_search_finds(shelf: Shelf, kind: tuple[str, str]) -> None:
    """At least 95 of 100 nearest are found, with the scores of the exact vectors, which come back bit by bit."""
    papers = shelf[kind]
    assert (index_of(papers) is None) == (kind[0] == "flat")
    with index_preferred() as made:
        assert recall(papers) >= 0.95
        assert (made["by index"] == 0) == (kind[0] == "flat")
        for hit in papers.search(queries()[0], include_vectors=True):
            assert np.array_equal(np.asarray(hit.vector), clustered()[int(hit.id)])


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_a_filtered_page_is_full_and_right(shelf: Shelf, kind: tuple[str, str]) -> None:
    """Whether 50, 10, 1 or 0.1 in a hundred match, as many are found as were asked for, and they are the nearest."""
    papers = shelf[kind]
    for filter in (field("half") == 1, field("tenth") == 3, field("rare") == 5, field("one") == 990):
        assert recall(papers, filter=filter) >= 0.95
        with index_preferred():
            assert recall(papers, filter=filter) >= 0.95


@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_matches_far_from_the_query_are_found(shelf: Shelf, kind: tuple[str, str]) -> None:
    """Where everything near the query is filtered out, or most of it, the nearest of the others are found."""
    papers = shelf[kind]
    shared = 0
    with index_preferred():
        for row in range(0, CLUSTERS, 2):
            for filter in (field("cluster") != row, (field("cluster") != row) & (field("half") == 1)):
                hits = papers.search(clustered()[row], filter=filter)
                exact = papers.search(clustered()[row], filter=filter, exact=True)
                assert len(hits) == 10
                shared += len(set(hits.ids) & set(exact.ids))
    assert shared >= 0.95 * 10 * CLUSTERS


@pytest.mark.parametrize("index", INDEXES)
def test_a_large_page_is_full(shelf: Shelf, index: str) -> None:
    """`top_k` may be larger than anything that an index gives."""
    papers = shelf[index, "euclidean"]
    with index_preferred():
        for top_k in (1, 100, 1000, SIZE - 1, SIZE, 10 * SIZE):
            assert len(papers.search(queries()[0], top_k=top_k)) == min(top_k, SIZE)


@pytest.mark.parametrize("index", INDEXES)
def test_a_search_among_ids_finds_all_of_them(shelf: Shelf, index: str) -> None:
    """`ids` restricts a search by index as it does an exact one."""
    papers = shelf[index, "cosine"]
    ids = [f"{row:05}" for row in range(0, SIZE, 3)]
    with index_preferred():
        for query in queries(5):
            assert set(papers.search(query, ids=ids).ids) <= set(ids)
            assert len(papers.search(query, ids=ids[:7])) == 7
            assert papers.search(query, ids=ids, top_k=1).ids == papers.search(query, ids=ids, exact=True).ids[:1]


@pytest.mark.parametrize("index", INDEXES)
def test_what_was_removed_never_comes_back(tmp_path: Path, index: str) -> None:
    """Deleted and replaced vectors are found by no search, before the index is made anew, after, and when reopened."""
    gone = [f"{row:05}" for row in range(0, SIZE, 5)]
    moved = {f"{row:05}": -clustered()[row] for row in range(1, SIZE, 50)}

    def check(papers: Collection) -> None:
        with index_preferred():
            for row in range(0, 200, 5):
                assert not set(papers.search(clustered()[row], top_k=20).ids) & {*gone, "00003"}
            for id, vector in moved.items():
                assert papers.search(vector, top_k=1).ids == [id]
                assert papers.search(-vector, top_k=1).ids != [id]
            assert papers.search(clustered()[2], top_k=1, filter=field("changed").exists()).ids == ["00002"]
            assert recall(papers) >= 0.95

    with filled(tmp_path / "store", index) as papers:
        papers.delete(gone)
        papers.delete(filter=(field("one") == 3) & (field("rare") == 3))
        papers.upsert(ids=list(moved), vectors=list(moved.values()))
        papers.update("00002", metadata={"changed": True})
        check(papers)
        papers.optimize()
        check(papers)
    with onevec.connect(f"faiss:///{tmp_path}/store") as store:
        check(store.collection("papers"))


@pytest.mark.parametrize("index", ["hnsw", "ivf_flat", "IVF16,PQ8x4"])
def test_when_many_died_the_index_is_made_anew(tmp_path: Path, index: str) -> None:
    """An index full of dead vectors is replaced by one of what is left, once; by exact search if that is too little."""
    with filled(tmp_path / "store", index) as papers:
        papers.upsert(**columns(range(SIZE, SIZE + 600)))
        papers.optimize()
        before = index_of(papers)
        sizes = []
        for start, stop in ((0, 900), (900, 1500), (1500, 1900)):
            papers.delete([f"{row:05}" for row in range(start, stop)])
            assert recall(papers) >= 0.95
            papers.optimize()
            after = index_of(papers)
            assert after is not before
            papers.optimize()
            assert index_of(papers) is after
            before = after
            sizes.append(after.index.size if after else 0)
            assert recall(papers) >= 0.95
        assert sizes == [SIZE + 600, SIZE + 600 - 1500, 0]


@pytest.mark.parametrize("index", ["hnsw", "IVF25,Flat", "IVF20,PQ8x5"])
def test_there_is_an_index_when_there_is_enough_to_train_on(tmp_path: Path, index: str) -> None:
    """Up to the threshold searches are exact; the first search past it has the index made, which the next ones use."""
    needed = {"hnsw": 1000, "IVF25,Flat": 1000, "IVF20,PQ8x5": 39 * 32}[index]
    with onevec.connect(f"faiss:///{tmp_path}/store", index=index) as store, index_preferred() as made:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(**columns(range(needed - 1)))
        papers.optimize()
        assert recall(papers) == 1
        assert index_of(papers) is None
        assert made["by index"] == 0
        papers.upsert(**columns(range(needed - 1, needed)))
        papers.search(queries()[0])
        assert index_of(papers) is not None
        assert recall(papers) >= 0.95
        assert made["by index"] > 0


def test_an_index_grows_with_its_collection(tmp_path: Path) -> None:
    """New vectors are found at once and added to the index, which is trained again when it has grown fourfold."""
    with filled(tmp_path / "store", "ivf_flat") as papers:
        for start, stop in pairwise((SIZE, SIZE + 50, SIZE + 500, 4 * SIZE + 1)):
            papers.upsert(**columns(range(start, stop)))
            new = clustered(stop)[stop - 1]
            with index_preferred():
                assert papers.search(new, top_k=1).ids == [f"{stop - 1:05}"]
            papers.optimize()
            built = index_of(papers)
            assert built is not None
            assert built.index.size == space_of(papers).table.size
            trained = stop if stop > 4 * SIZE else SIZE
            assert (built.trained_on, built.index.lists) == (trained, trained // 39)
            assert recall(papers) >= 0.95


def test_a_search_goes_as_wide_as_it_is_told(shelf: Shelf) -> None:
    """One list of an inverted file has less than all of them; a narrow walk of a graph finds less than a wide one."""
    papers = shelf["ivf_flat", "euclidean"]
    assert recall(papers, nprobe=1) < 0.95
    assert recall(papers, nprobe=51) == recall(papers, nprobe=10_000) == 1
    papers = shelf["hnsw", "euclidean"]
    assert recall(papers, ef_search=1) <= recall(papers, ef_search=400)
    with index_preferred() as made:
        papers.search(queries()[0], ef_search=10)
        assert made["by index"] == 1
    papers = shelf["IVF16_HNSW8,Flat", "cosine"]
    assert recall(papers, nprobe=16, ef_search=64) == 1


def test_a_width_that_the_index_has_not_is_refused(shelf: Shelf) -> None:
    """`nprobe` of a graph and `ef_search` of lists are refused by name; an exact search has nothing to widen."""
    query = queries()[0]
    with pytest.raises(InvalidQuery, match="'HNSW32,Flat', which has no nprobe"):
        shelf["hnsw", "cosine"].search(query, nprobe=4)
    with pytest.raises(InvalidQuery, match="'IVF51,Flat', which has no ef_search"):
        shelf["ivf_flat", "cosine"].search(query, ef_search=4)
    assert len(shelf["flat", "cosine"].search(query, ef_search=4, nprobe=4)) == 10


@pytest.mark.parametrize("metric", ["cosine", "dot", "euclidean"])
def test_numbers_too_large_for_float32_sums_are_searched_exactly(tmp_path: Path, metric: str) -> None:
    """An index can't compare them; the answers are right all the same."""
    with filled(tmp_path / "store", "ivf_flat", metric) as papers:
        huge = np.full(DIMENSION, 1e30, np.float32)
        papers.upsert(ids=["huge"], vectors=[huge])
        assert papers.search(huge, top_k=1).ids == ["huge"]
        papers.optimize()
        assert papers.search(huge, top_k=1).ids == ["huge"]
        assert recall(papers) == 1


@pytest.mark.parametrize("index", ["hnsw", "ivf_flat", "IVF16,PQ8x4"])
@pytest.mark.parametrize(("metric", "number"), [("cosine", 1), ("euclidean", 1), ("euclidean", 0)])
def test_vectors_that_are_all_the_same_are_indexed(tmp_path: Path, index: str, metric: str, number: int) -> None:
    """Many equal vectors, as of one text many times, or zeros, make an index of little use and no harm."""
    same = np.full(DIMENSION, number, np.float32)
    with onevec.connect(f"faiss:///{tmp_path}/store", index=index) as store, index_preferred():
        papers = store.create_collection("papers", dimension=DIMENSION, metric=metric)
        papers.upsert(ids=[f"{n:04}" for n in range(1200)], vectors=np.tile(same, (1200, 1)))
        papers.optimize()
        assert papers.search(same, top_k=20).scores == pytest.approx([1.0] * 20)
