"""Indexes of the pgvector engine: full pages, right scores, limits, and vectors beyond float32 arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.servers.postgres import PostgresServer

import onevec
from onevec import Collection, Document, Metric, Store
from onevec.documents import IndexKind
from onevec.errors import InvalidDocument, InvalidQuery, Unsupported
from onevec.testing.samples import matrix
from onevec.testing.scores import assert_nearest, distances

COUNT, DIMENSION = 4_000, 16

# Lets the planner take the index wherever it can: by itself it would not, in a table as small as a test's.
BY_INDEX = "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off"

KINDS: dict[str, dict[str, Any]] = {
    "hnsw": {"kind": "hnsw"},
    "wide_hnsw": {"kind": "hnsw", "m": 24, "ef_construction": 100},
    "hnsw_float16": {"kind": "hnsw", "quantization": "float16"},
    "ivf_flat": {"kind": "ivf_flat", "lists": 20},
}

VECTORS = matrix(COUNT, DIMENSION, seed=7)

# The share of the documents that match, and whether they lie together. Of `near` all matches lie on the query's side.
FILTERS: dict[str, tuple[dict[str, Any] | None, npt.NDArray[np.bool_]]] = {
    "all": (None, np.ones(COUNT, np.bool_)),
    "50%": ({"n": {"$lt": COUNT // 2}}, np.arange(COUNT) < COUNT // 2),
    "10%": ({"tenth": 3}, np.arange(COUNT) % 10 == 3),
    "1%": ({"hundredth": 42}, np.arange(COUNT) % 100 == 42),
    "0.1%": ({"thousandth": 7}, np.arange(COUNT) % 1000 == 7),
    "near": ({"first": {"$gt": 0.0}}, VECTORS[:, 0] > 0),
    "far": ({"first": {"$lt": -1.5}}, VECTORS[:, 0] < -1.5),
    "farthest": ({"first": {"$lt": -2.8}}, VECTORS[:, 0] < -2.8),
}
QUERY = np.concatenate([[2.0], matrix(1, DIMENSION - 1, seed=8)[0] * np.float32(0.3)]).astype(np.float32)


@pytest.fixture(scope="module")
def filled(postgres: PostgresServer) -> Iterator[Store]:
    """A store whose collections, one a metric, have the same documents."""
    with onevec.connect(postgres.url(schema="indexed"), options=BY_INDEX) as store:
        for metric in Metric:
            points = store.create_collection(metric.value, dimension=DIMENSION, metric=metric)
            points.upsert(
                ids=[f"{row:04}" for row in range(COUNT)],
                vectors=VECTORS,
                metadata=[
                    {"n": n, "tenth": n % 10, "hundredth": n % 100, "thousandth": n % 1000, "first": float(vector[0])}
                    for n, vector in enumerate(VECTORS)
                ],
            )
        yield store


def true_distances(metric: Metric) -> dict[str, float]:
    return {f"{row:04}": distance for row, distance in enumerate(distances(metric, QUERY, VECTORS).tolist())}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_full_at_any_selectivity(filled: Store, kind: str) -> None:
    """However few documents match, and wherever they lie: `top_k` hits, all matching, rightly scored and ordered."""
    points = filled.collection("cosine")
    points.create_index(**KINDS[kind])
    assert (points.stats().index_bytes or 0) > 0
    true = true_distances(Metric.COSINE)
    found = 0
    for name, (filter, mask) in FILTERS.items():
        matching = {f"{row:04}" for row in mask.nonzero()[0]}
        for top_k in (1, 10, 100):
            hits = points.search(QUERY, top_k=top_k, filter=filter)
            assert len(hits) == min(top_k, len(matching)), name
            assert set(hits.ids) <= matching, name
            assert [(-hit.score, hit.id) for hit in hits] == sorted((-hit.score, hit.id) for hit in hits)
            assert hits.scores == pytest.approx([1 - true[id] for id in hits.ids], abs=1e-4)
            best = sorted(matching, key=true.__getitem__)[:top_k]
            found += len(set(best) & set(hits.ids)) / len(best) >= 0.5
        exact = points.search(QUERY, filter=filter, exact=True)
        assert_nearest(exact, Metric.COSINE, {id: true[id] for id in matching}, 10)
    assert found >= 2 * len(FILTERS)  # an approximate index may miss neighbours, not most of them in most searches
    plan = points.explain(QUERY)["native"]
    assert plan["plan"] == "approximate"
    assert points.explain(QUERY, exact=True)["native"]["plan"] == "exact"


def test_an_index_that_runs_out_is_made_up_for(filled: Store, postgres: PostgresServer) -> None:
    """Where the scan of an index ends before `top_k` documents were found, the search is done again, exactly."""
    filled.collection("cosine").create_index("hnsw")
    options = f"{BY_INDEX} -c hnsw.max_scan_tuples=1 -c hnsw.ef_search=10"
    with onevec.connect(postgres.url(schema="indexed"), options=options) as store:
        points = store.collection("cosine")
        true = true_distances(Metric.COSINE)
        filter, mask = FILTERS["0.1%"]
        matching = {f"{row:04}": true[f"{row:04}"] for row in mask.nonzero()[0]}
        assert_nearest(points.search(QUERY, top_k=4, filter=filter), Metric.COSINE, matching, 4)
        assert len(points.search(QUERY, top_k=10, filter=FILTERS["10%"][0])) == 10


@pytest.mark.parametrize("metric", list(Metric))
def test_every_metric_has_an_index(filled: Store, metric: Metric) -> None:
    """HNSW for all four, an inverted file for all but manhattan; scores are right, settings of a search are taken."""
    points = filled.collection(metric.value)
    true = true_distances(metric)
    for settings in ({"kind": "hnsw"}, {"kind": "hnsw", "quantization": "float16"}, {"kind": "ivf_flat", "lists": 16}):
        if metric is Metric.MANHATTAN and settings["kind"] == "ivf_flat":
            with pytest.raises(Unsupported, match="manhattan"):
                points.create_index(**settings)
            continue
        points.create_index(**settings)
        searched: dict[str, Any] = {"nprobe": 16} if settings["kind"] == "ivf_flat" else {"ef_search": 400}
        hits = points.search(QUERY, **searched)
        assert len(set(hits.ids) & set(sorted(true, key=true.__getitem__)[:10])) >= 9
        assert [hit.distance for hit in hits] == pytest.approx([true[id] for id in hits.ids], rel=1e-4, abs=1e-4)
    points.create_index("flat")
    assert points.explain(QUERY)["native"]["plan"] == "exact"
    assert_nearest(points.search(QUERY), metric, true, 10)


def test_equal_documents_go_by_id_with_an_index(postgres: PostgresServer) -> None:
    """Where `top_k` cuts among documents as near as each other, the lower ids are kept."""
    with onevec.connect(postgres.url(schema="ties"), options=BY_INDEX) as store:
        points = store.create_collection("points", dimension=2)
        points.create_index("hnsw")
        ids = [f"{number * 7 % 40:02}" for number in range(40)]
        points.upsert(ids=[*ids, "near"], vectors=[*[[1.0, 1.0]] * 40, [1.0, 0.1]])
        assert points.explain([1.0, 0.0])["native"]["plan"] == "approximate"
        assert points.search([1.0, 0.0], top_k=8).ids == ["near", *sorted(ids)[:7]]


def test_another_store_learns_of_an_index(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index is kept in the database: a store that is opened later has it, and one that is open finds it soon."""
    with onevec.connect(postgres.url(schema="shared")) as one, onevec.connect(postgres.url(schema="shared")) as other:
        points = one.create_collection("points", dimension=2)
        theirs = other.collection("points")
        assert theirs.count() == 0
        points.create_index("ivf_flat", lists=7)
        monkeypatch.setattr("onevec.adapters.pgvector.collections._FRESH", 0.0)
        theirs.upsert(Document("a", vector=[1.0, 1.0]))
        assert theirs.explain([1.0, 1.0], nprobe=3)["native"]["settings"] == ["ivfflat.probes = 3"]
        assert theirs.search([1.0, 1.0]).ids == ["a"]
        theirs.create_index("flat")
        assert points.search([1.0, 1.0]).ids == ["a"]
        assert points.explain([1.0, 1.0])["native"]["plan"] == "exact"


def test_limits_of_indexes_are_refused_with_a_way_out(postgres: PostgresServer) -> None:
    """What pgvector can't index it says before it tries, and what is out of its range names the range."""
    with onevec.connect(postgres.url(schema="limits")) as store:
        small, large, huge = (
            store.create_collection(str(dimension), dimension=dimension) for dimension in (8, 2_001, 4_001)
        )
        with pytest.raises(Unsupported, match="float16"):
            small.create_index("hnsw", quantization="int8")
        with pytest.raises(Unsupported, match="float16"):
            large.create_index("hnsw", quantization="none")
        with pytest.raises(Unsupported, match="flat"):
            huge.create_index("hnsw")
        wrong: tuple[dict[str, Any], ...] = ({"m": 101}, {"ef_construction": 5}, {"ef_construction": 1_001})
        for settings in wrong:
            with pytest.raises(InvalidQuery, match=r"out of range: .*(m|ef_construction)\b"):
                small.create_index("hnsw", **settings)
        with pytest.raises(InvalidQuery, match="32768"):
            small.create_index("ivf_flat", lists=40_000)
        large.create_index("hnsw")
        vectors = matrix(20, 2_001)
        large.upsert(ids=[str(row) for row in range(20)], vectors=vectors)
        assert large.search(vectors[3], top_k=1).ids == ["3"]
        small.create_index("hnsw")
        small.upsert(Document("a", vector=[1.0] * 8))
        with pytest.raises(InvalidQuery, match="1000"):
            small.search([1.0] * 8, ef_search=1_001)
        small.create_index("hnsw", quantization="float16")
        with pytest.raises(InvalidDocument, match="range"):
            small.upsert(Document("b", vector=[1e6] * 8))
        assert small.count() == 1


def test_the_longest_vectors_are_searched_exactly(postgres: PostgresServer) -> None:
    """16,000 numbers can be stored and searched; one more is refused."""
    with onevec.connect(postgres.url(schema="longest")) as store:
        points = store.create_collection("points", dimension=16_000, metric="euclidean")
        vectors = matrix(5, 16_000)
        points.upsert(ids=list("abcde"), vectors=vectors)
        true = dict(zip("abcde", distances(Metric.EUCLIDEAN, vectors[2], vectors).tolist(), strict=True))
        assert_nearest(points.search(vectors[2]), Metric.EUCLIDEAN, true, 10)
        document = points.get("c")
        assert document is not None
        assert np.array_equal(np.asarray(document.vector), vectors[2])
        with pytest.raises(Unsupported, match="16000"):
            store.create_collection("more", dimension=16_001)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
@pytest.mark.parametrize("metric", list(Metric))
def test_vectors_beyond_float32_arithmetic_are_measured_rightly(
    postgres: PostgresServer, metric: Metric, kind: IndexKind
) -> None:
    """Among ordinary vectors and alone, with an index and without, as the query and as what is found."""
    ordinary = matrix(60, 4, seed=9)
    scales = 10.0 ** np.array([-30, -22, 18, 20, 25, 30, 37])[np.arange(40) % 7, None]
    vectors = np.concatenate([ordinary, (matrix(40, 4, seed=10) * scales).astype(np.float32)])
    ids = [f"{row:03}" for row in range(len(vectors))]
    with onevec.connect(postgres.url(schema="beyond"), options=BY_INDEX) as store:
        points = store.create_collection("points", dimension=4, metric=metric, if_exists="replace")
        points.create_index(kind)
        points.upsert(ids=ids[:60], vectors=vectors[:60])
        _assert_right(points, metric, ids[:60], vectors[:60], vectors)
        points.upsert(ids=ids[60:], vectors=vectors[60:])
        _assert_right(points, metric, ids, vectors, vectors)
        assert points.namespace("other").upsert(ids=ids[:60], vectors=vectors[:60]).written == 60
        _assert_right(points.namespace("other"), metric, ids[:60], vectors[:60], vectors)
        points.delete(ids[:60])
        _assert_right(points, metric, ids[60:], vectors[60:], vectors)


def _assert_right(
    points: Collection,
    metric: Metric,
    ids: list[str],
    vectors: npt.NDArray[np.float32],
    queries: npt.NDArray[np.float32],
) -> None:
    for query in queries[::9]:
        true = dict(zip(ids, distances(metric, query, vectors).tolist(), strict=True))
        assert_nearest(points.search(query, exact=True), metric, true, 10)
        hits = points.search(query, top_k=15)
        assert len(hits) == 15
        assert [hit.distance for hit in hits] == pytest.approx([true[id] for id in hits.ids], rel=1e-4, abs=1e-4)
