"""Searching by index: as complete as exact search, whatever the filter, and never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest

import onevec
from onevec import Collection, Metric, field
from onevec.documents import Quantization
from onevec.errors import EngineError, InvalidQuery
from onevec.filters import Filter
from onevec.local.graph import GraphSettings
from onevec.local.index import METRICS, Index, IndexMaker
from onevec.local.lists import Lists, ListSettings
from onevec.local.space import SearchSpace
from onevec.local.table import VectorTable
from onevec.local.tuning import plan
from onevec.local.upkeep import IndexPolicy
from onevec.local.vectors import Rows

pytest.importorskip("faiss", reason="indexes need faiss-cpu: pip install 'onevec[faiss]'")

SIZE, DIMENSION, CLUSTERS = 2000, 24, 40
Matrix = npt.NDArray[np.float32]


def clustered(size: int = SIZE, seed: int = 0) -> Matrix:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((CLUSTERS, DIMENSION))
    points = centres[np.arange(size) % CLUSTERS] + 0.3 * random.standard_normal((size, DIMENSION))
    return points.astype(np.float32)


def metadata(row: int) -> dict[str, Any]:
    return {"cluster": row % CLUSTERS, "tenth": row // 7 % 10, "rare": row % 997}


def prefer_index(space: SearchSpace) -> None:
    """Let an exact search count as slow: at this size it never is."""
    assert space._upkeep.plan is not None
    space._upkeep.plan = replace(space._upkeep.plan, scan_seconds=1.0, pick_seconds=1.0)
    assert space._upkeep.plan.way(10, len(space.table), space.table.size) is not None


class Searched:
    """A space with an index over all of its rows."""

    def __init__(self, metric: Metric = Metric.COSINE, settings: IndexMaker | None = None) -> None:
        policy = IndexPolicy(from_numbers=1, settings=(settings or ListSettings(),))
        self.vectors = clustered()
        self.space = SearchSpace(DIMENSION, metric, self._read, policy)
        self.space.append(range(SIZE), self.vectors)
        self.build()

    def build(self) -> None:
        build = self.space.build()
        if build is not None:
            build.wait()
            assert build.error is None
            assert build.result is not None
            assert build.result.widths
        self.space.search(self.vectors[0], 1, None, None, exact=True)
        prefer_index(self.space)

    def _read(self, rows: Rows) -> Iterator[tuple[int, dict[str, Any]]]:
        return ((row, metadata(row)) for row in rows.tolist())

    def rows(self, query: Matrix, filter: Filter | None = None, *, exact: bool = False, top_k: int = 10) -> set[int]:
        rows, _ = self.space.search(query, top_k, filter, None, exact=exact)
        return set(rows.tolist())


KINDS = (ListSettings(), GraphSettings())


@pytest.fixture(scope="module", params=KINDS, ids=["lists", "graph"])
def searched(request: pytest.FixtureRequest) -> Searched:
    return Searched(settings=request.param)


def queries(number: int = 40) -> Matrix:
    return clustered(number, seed=5)


@pytest.mark.parametrize("metric", sorted(METRICS))
@pytest.mark.parametrize(
    "settings",
    [*(GraphSettings(quantization=way) for way in get_args(Quantization)), ListSettings(), ListSettings(50, 12)],
    ids=str,
)
def test_an_index_finds_what_exact_search_finds(metric: Metric, settings: IndexMaker) -> None:
    """At least 99 of 100 nearest are found, with each metric that has indexes and each way to keep the vectors."""
    searched = Searched(metric, settings)
    shared = sum(len(searched.rows(query) & searched.rows(query, exact=True)) for query in queries())
    assert shared >= 0.99 * 10 * len(queries())


@pytest.mark.parametrize(
    "filter",
    [field("tenth") < 5, field("tenth") == 3, field("cluster") == 7, field("rare") == 5, field("rare") == 990],
    ids=str,
)
def test_a_filtered_page_is_full_and_right(searched: Searched, filter: Filter) -> None:
    """Whatever share matches, the nearest that match are found: as many as asked, or all there are."""
    shared = total = 0
    for query in queries():
        exact = searched.rows(query, filter, exact=True)
        found = searched.rows(query, filter)
        assert len(found) == len(exact)
        shared += len(found & exact)
        total += len(exact)
    assert shared >= 0.99 * total


def test_matches_far_from_the_query_are_found(searched: Searched) -> None:
    """Where everything near the query is filtered out, the page is still full, of the nearest that are left."""
    shared = 0
    for row in range(CLUSTERS):
        filter = ~(field("cluster") == row)
        found = searched.rows(searched.vectors[row], filter)
        assert len(found) == 10
        shared += len(found & searched.rows(searched.vectors[row], filter, exact=True))
    assert shared >= 0.99 * 10 * CLUSTERS


def test_a_large_page_is_full(searched: Searched) -> None:
    """`top_k` may be larger than any beam, and than the table."""
    for top_k in (100, 1000, SIZE, 10 * SIZE):
        assert len(searched.rows(queries()[0], top_k=top_k)) == min(top_k, SIZE)


@pytest.mark.parametrize("settings", KINDS, ids=["lists", "graph"])
def test_what_is_removed_or_added_later_counts_at_once(settings: IndexMaker) -> None:
    """Removed rows are never found, new ones are, before and after the index catches up."""
    searched = Searched(settings=settings)
    gone = range(0, SIZE, 5)
    searched.space.remove(gone)
    new = clustered(600, seed=3)
    searched.space.append(range(SIZE, SIZE + 600), new)
    for _ in range(2):
        for at in range(0, 600, 20):
            rows, distances = searched.space.search(new[at], 5, None, None, exact=False)
            assert SIZE + at in rows.tolist()
            assert distances.min() < 1e-6
            assert not set(rows.tolist()) & set(gone)
        searched.build()


def test_too_many_removed_rows_make_a_new_index() -> None:
    """When most rows are gone, the slots are dropped, and the next index is over those that are left."""
    searched = Searched()
    kept = set(range(0, SIZE, 4))
    searched.space.remove([row for row in range(SIZE) if row not in kept])
    assert searched.space.table.size == len(kept)
    searched.build()
    for query in queries():
        assert searched.rows(query) <= kept
        assert len(searched.rows(query)) == 10


def test_vectors_too_long_for_float32_sums_are_searched_exactly() -> None:
    """An index can't compare them; the answers are right all the same."""
    searched = Searched(Metric.EUCLIDEAN)
    searched.space.append([SIZE], np.full((1, DIMENSION), 1e30, np.float32))
    rows, distances = searched.space.search(np.full(DIMENSION, 1e30, np.float32), 1, None, None, exact=False)
    assert (rows.tolist(), distances.tolist()) == ([SIZE], [0.0])


def test_a_build_can_be_stopped() -> None:
    """Closing a space ends its thread, whatever it is at."""
    space = SearchSpace(DIMENSION, Metric.COSINE, lambda _: [], IndexPolicy(from_numbers=1))
    space.append(range(SIZE), clustered())
    build = space.build()
    assert build is not None
    space.close()
    assert not build.running


def written(url: str, **options: Any) -> None:
    with onevec.connect(url, index_from=1, **options) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(
            ids=[f"{row:05}" for row in range(SIZE)],
            vectors=clustered(),
            metadata=[metadata(row) for row in range(SIZE)],
        )
        papers.optimize()


def assert_right(papers: Collection) -> None:
    shared = 0
    for query in queries():
        hits = papers.search(query)
        exact = papers.search(query, exact=True)
        shared += len(set(hits.ids) & set(exact.ids))
        assert hits[0].score == pytest.approx(exact[0].score, abs=1e-6)
    assert shared >= 0.99 * 10 * len(queries())


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "store.db"
    written(f"sqlite:///{path}")
    return path


@pytest.fixture
def store_file(saved: Path, tmp_path: Path) -> Path:
    for file in saved.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / saved.name


def space_of(papers: Collection) -> SearchSpace:
    """The space in the adapter, after its first search: whether it has an index is not for the API to show."""
    papers.search(queries()[0])
    (loaded,) = papers._core.adapter._spaces._loaded.values()  # type: ignore[attr-defined]
    space: SearchSpace = loaded.space
    if space._upkeep.plan is not None:
        prefer_index(space)
    return space


def test_a_saved_index_is_used_again(store_file: Path) -> None:
    """A store that is opened again has its index with the first search."""
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        plan = space_of(papers)._upkeep.plan
        assert plan is not None
        assert plan.index.size == SIZE
        assert_right(papers)
        assert papers.stats().index_bytes == store_file.with_name(f"{store_file.name}-index-1").stat().st_size


def test_a_saved_index_catches_up(store_file: Path) -> None:
    """Documents deleted, replaced and added since it was saved are gone, moved and there."""
    with onevec.connect(f"sqlite:///{store_file}", index_from=0) as store:
        papers = store.collection("papers")
        papers.delete([f"{row:05}" for row in range(0, SIZE, 10)])
        papers.upsert([{"id": "00001", "vector": -clustered()[1]}, {"id": "new", "vector": clustered()[0]}])
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        assert space_of(papers)._upkeep.plan is not None
        assert papers.search(clustered()[0]).ids[0] == "new"
        assert "00001" not in papers.search(clustered()[1], top_k=20).ids
        assert papers.search(-clustered()[1]).ids[0] == "00001"
        assert_right(papers)


@pytest.mark.parametrize("damage", ["flipped", "a vector", "cut", "cut vectors", "empty", "missing", "other", "older"])
def test_a_saved_index_that_is_off_is_not_used(store_file: Path, damage: str) -> None:
    """Losing or damaging the cache loses nothing: the answers are right, and the next `optimize` writes a new one."""
    index = store_file.with_name(f"{store_file.name}-index-1")
    whole = index.read_bytes()
    match damage:
        case "flipped":
            index.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
        case "a vector":
            index.write_bytes(whole[:-5000] + bytes([whole[-5000] ^ 1]) + whole[-4999:])
        case "cut":
            index.write_bytes(whole[:7000])
        case "cut vectors":
            index.write_bytes(whole[:-7])
        case "empty":
            index.write_bytes(b"")
        case "missing":
            index.unlink()
        case "other":
            written(f"sqlite:///{store_file.with_name('other.db')}")
            index.write_bytes(index.with_name("other.db-index-1").read_bytes())
        case "older":
            with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
                papers = store.collection("papers")
                papers.upsert(ids=["again"], vectors=clustered()[:1])
                papers.optimize()
            assert index.read_bytes() != whole
            index.write_bytes(whole)
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        assert (space_of(papers)._upkeep.plan is None) == (damage != "older")
        assert_right(papers)
        papers.optimize()
    assert index.read_bytes()[:7] == whole[:7]


@pytest.mark.parametrize(
    "settings", [*(GraphSettings(quantization=way) for way in get_args(Quantization)), ListSettings()], ids=str
)
@pytest.mark.parametrize(("metric", "number"), [("euclidean", 0), ("euclidean", 3), ("cosine", 3), ("dot", 3)])
def test_vectors_that_are_all_the_same_have_an_index(settings: IndexMaker, metric: str, number: int) -> None:
    """Many equal vectors, as of one text many times, or zeros; each is as near as the others."""
    vectors = np.full((300, DIMENSION), number, np.float32)
    index = settings.make(DIMENSION, Metric(metric), len(vectors))
    index.learn(vectors)
    index.add(vectors)
    table = VectorTable(DIMENSION, Metric(metric))
    table.append(range(1, 301), vectors)
    assert plan(index, table).widths
    found = index.nearest(vectors[0] + 1, index.way(40, 0)).tolist()
    assert len(set(found)) == len(found) == 40


def test_an_index_that_cannot_be_built_is_said_by_optimize(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches are exact, and don't try it again and again; `optimize` does, and says why it failed."""
    tried: list[int] = []

    def failing(index: Index, table: VectorTable) -> None:
        tried.append(table.size)
        raise MemoryError("no memory for it")

    monkeypatch.setattr("onevec.local.builder.plan", failing)
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", index_from=1) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(ids=[f"{row:05}" for row in range(SIZE)], vectors=clustered())
        for row in range(20):
            assert papers.search(clustered()[row], top_k=1).ids == [f"{row:05}"]
            space = space_of(papers)
            if space._upkeep._build is not None:
                space._upkeep._build.wait()
        assert len(tried) == 1
        with pytest.raises(EngineError, match="the index could not be built: no memory for it"):
            papers.optimize()
        assert len(tried) == 2
        monkeypatch.undo()
        papers.optimize()
        papers.search(clustered()[0])
        assert space._upkeep.plan is not None


def test_deleted_documents_are_not_indexed(tmp_path: Path) -> None:
    """A namespace that has been emptied has no index, and none is tried."""
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", index_from=1) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(ids=[f"{row:05}" for row in range(500)], vectors=clustered(500))
        space = space_of(papers)
        papers.delete([f"{row:05}" for row in range(500)])
        for _ in range(3):
            assert len(papers.search(clustered()[0])) == 0
            assert space._upkeep._build is None
        papers.optimize()
        assert space._upkeep.plan is None


def test_a_deleted_collection_leaves_no_index(store_file: Path) -> None:
    """The cache goes with the documents it is of."""
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        papers.search(queries()[0])
        store.delete_collection("papers")
    assert [file.name for file in store_file.parent.iterdir()] == [store_file.name]


@pytest.mark.parametrize("why", ["its rows are still to be given", "its namespace is gone"])
def test_an_index_of_another_state_of_the_file_is_removed(store_file: Path, why: str) -> None:
    """Opening an older copy of the file leaves no index that could be taken for that of documents still to come."""
    older = store_file.read_bytes()
    index = store_file.with_name(f"{store_file.name}-index-1")
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        papers.upsert(ids=["again"], vectors=clustered()[:1])
        papers.optimize()
    if why == "its namespace is gone":
        index.rename(index.with_name(f"{store_file.name}-index-7"))
    else:
        store_file.write_bytes(older)
    with onevec.connect(f"sqlite:///{store_file}", index_from=0) as store:
        assert not list(store_file.parent.glob("*-index-*"))
        assert_right(store.collection("papers"))


def test_a_saved_index_brings_the_vectors(store_file: Path) -> None:
    """They are those of the file, of every document, and of those written since."""
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        papers.delete(["00003"])
        papers.upsert(ids=["new"], vectors=clustered()[4:5])
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        table = space_of(papers).table
        live = table.live.nonzero()[0]
        stored = {document.id: document.vector for document in papers.scan(include_vectors=True)}
        assert len(live) == len(stored) == SIZE
        expected = np.delete(np.vstack((clustered(), clustered()[4:5])), 3, axis=0)
        assert np.array_equal(table.vectors_at(live), expected)
        assert {"00004", "new"} == set(papers.search(clustered()[4], top_k=2).ids)
        assert "00003" not in papers.search(clustered()[3]).ids


def test_an_index_of_other_documents_in_the_same_rows_is_not_used(store_file: Path) -> None:
    """As when a file was copied, both were written to, and the index of one is put beside the other."""
    other = store_file.with_name("other.db")
    other.write_bytes(store_file.read_bytes())
    index, new = store_file.with_name(f"{store_file.name}-index-1"), clustered(10, seed=8)
    for path, vectors in ((store_file, new), (other, -new)):
        with onevec.connect(f"sqlite:///{path}", index_from=1) as store:
            papers = store.collection("papers")
            papers.upsert(ids=[f"new {row}" for row in range(10)], vectors=vectors)
            papers.optimize()
    index.write_bytes(other.with_name("other.db-index-1").read_bytes())
    with onevec.connect(f"sqlite:///{store_file}", index_from=1) as store:
        papers = store.collection("papers")
        assert space_of(papers)._upkeep.plan is None
        assert papers.search(new[0], top_k=1)[0].score == pytest.approx(1, abs=1e-6)
        assert_right(papers)


def test_lists_that_miss_too_much_give_way_to_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they don't reach the recall, a graph is built instead."""
    monkeypatch.setattr(Lists, "nearest", lambda *_, **__: np.arange(20))
    space = SearchSpace(DIMENSION, Metric.COSINE, lambda _: [], IndexPolicy(from_numbers=1))
    space.append(range(SIZE), clustered())
    build = space.build()
    assert build is not None
    build.wait()
    assert build.result is not None
    assert isinstance(build.result.index.settings, GraphSettings)
    assert build.result.widths


def test_lists_that_need_more_candidates_take_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many more as are measured to reach the recall, in the next process, too."""
    monkeypatch.setattr(Lists, "worth_measuring", lambda lists, top_k: top_k * lists.spare)
    written(f"sqlite:///{tmp_path}/store.db")
    with onevec.connect(f"sqlite:///{tmp_path}/store.db", index_from=1) as store:
        papers = store.collection("papers")
        plan = space_of(papers)._upkeep.plan
        assert plan is not None
        assert plan.index.spare > 1
        assert_right(papers)


def test_more_lists_are_made_for_many_more_vectors() -> None:
    """Lists grow with what is added, and are made anew, more of them, once they are too long."""
    space = SearchSpace(DIMENSION, Metric.COSINE, lambda _: [], IndexPolicy(from_numbers=1))
    counts = []
    for start, stop in ((0, 200), (200, 300), (300, 20_000)):
        space.append(range(start, stop), clustered(stop - start, seed=start))
        build = space.build()
        assert build is not None
        build.wait()
        assert build.result is not None
        assert build.result.index.size == stop
        counts.append(build.result.index.widths[-1])
    assert counts == [16, 16, 128]


@pytest.mark.parametrize("url", ["memory://", "sqlite:///{}/store.db"])
@pytest.mark.parametrize(
    ("kind", "settings", "why"),
    [
        ("flat", {"m": 8}, "'flat' has no m; it has no settings"),
        ("hnsw", {"lists": 8}, "'hnsw' has no lists; it has ef_construction, m, quantization"),
        ("ivf_pq", {"quantization": "int8"}, "'ivf_pq' has no quantization; it has lists, subvectors"),
        ("ivf_pq", {"subvectors": 5}, "24 is no multiple of 5"),
    ],
)
def test_settings_of_another_kind_are_refused(
    url: str, tmp_path: Path, kind: Any, settings: dict[str, Any], why: str
) -> None:
    """Before anything is recorded."""
    with onevec.connect(url.format(tmp_path)) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        with pytest.raises(InvalidQuery, match=why):
            papers.create_index(kind, **settings)
        papers.upsert(ids=[f"{row:05}" for row in range(SIZE)], vectors=clustered())
        assert_right(papers)
