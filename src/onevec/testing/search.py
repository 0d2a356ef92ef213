"""Search: how many hits, which ones, and in what order."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import SearchQuery, SearchResult
from onevec.errors import InvalidInput, InvalidQuery, Unsupported
from onevec.metrics import Metric
from onevec.testing.samples import assert_refused, case, doc, matrix
from onevec.testing.scores import assert_nearest, distances
from onevec.testing.site import contract

RIGHT = [1.0, 0.0, 0.0, 0.0]


@contract
async def test_hits_are_the_documents(papers: AsyncCollection) -> None:
    """A hit carries its document's id, text, metadata and times, its score, its distance and its rank."""
    await papers.upsert([doc("a", text="wing", vector=RIGHT, n=1), doc("b", vector=[1, 1, 0, 0], n=2)])
    result = await papers.search(RIGHT)
    assert isinstance(result, SearchResult)
    stored = await papers.get("a", include_vectors=False)
    assert result[0].document == stored
    assert [(hit.id, hit.rank, hit.text, hit.metadata) for hit in result] == [
        ("a", 1, "wing", {"n": 1}),
        ("b", 2, None, {"n": 2}),
    ]
    assert result[1].score == pytest.approx(0.5**0.5, abs=1e-4)
    assert result[1].distance == pytest.approx(1 - 0.5**0.5, abs=1e-4)
    assert type(result[0].score) is float
    assert type(result[0].distance) is float


@contract
async def test_an_empty_collection_has_no_hits(papers: AsyncCollection) -> None:
    """A search in an empty collection finds nothing, with every argument."""
    assert list(await papers.search(RIGHT)) == []
    assert list(await papers.search(RIGHT, filter={"n": 1}, ids=["a"], min_score=0.5, exact=True)) == []


@contract
async def test_ties_are_ordered_by_id(papers: AsyncCollection) -> None:
    """Of equal scores the lower id comes first, also where `top_k` cuts."""
    ids = ["b", "a", "B", "10", "9", "é", "🔑", "\uffff", "aa"]
    await papers.upsert([doc(id, vector=[0.3, 0.7, -0.1, 0.2]) for id in ids])
    await papers.upsert([doc("far", vector=[-1, 0, 0, 0]), doc("0near", vector=[0.3, 0.7, -0.1, 0.3])])
    expected = ["0near", *sorted(ids), "far"]
    query = [0.3, 0.7, -0.1, 0.25]
    near = [hit.score for hit in await papers.search(query) if hit.id in ids]
    assert len(set(near)) == 1
    found = (await papers.search(query, top_k=20)).ids
    assert [id for id in found if id in ids] == sorted(ids)
    for top_k in range(2, len(expected)):
        result = await papers.search(query, top_k=top_k)
        assert result.ids == found[:top_k]


@pytest.mark.parametrize("metric", list(Metric))
@contract
async def test_equal_vectors_score_equally(store: AsyncStore, metric: Metric) -> None:
    """Documents with the same vector have the same score to the last bit, wherever they are stored."""
    if metric not in store.capabilities.metrics:
        pytest.skip(f"{store.engine} doesn't have the metric {metric}")
    points = await store.create_collection("points", dimension=37, metric=metric)
    same, other = matrix(2, 37, seed=9)
    ids = [f"{number * 61 % 211:03}" for number in range(211)]
    await points.upsert(ids=ids, vectors=np.tile(same, (211, 1)))
    await points.upsert(ids=[f"x{number}" for number in range(50)], vectors=matrix(50, 37, seed=10) * np.float32(0.01))
    result = await points.search(other, ids=ids, top_k=300)
    assert len(set(result.scores)) == 1
    assert result.ids == sorted(ids)
    assert (await points.search(other, ids=ids, top_k=7)).ids == sorted(ids)[:7]


@contract
async def test_top_k_is_a_whole_number(papers: AsyncCollection) -> None:
    """A `top_k` that is no whole number of 1 or more is refused."""
    await papers.upsert(doc("a"))
    bad: tuple[Any, ...] = (0, -1, 1.5, None, True, "5", float("nan"), [5])
    for top_k in bad:
        await assert_refused(
            InvalidQuery,
            top_k,
            papers.search(RIGHT, top_k=top_k),
            papers.search_batch([RIGHT], top_k=top_k),
            papers.explain(RIGHT, top_k=top_k),
        )


@contract
async def test_top_k_can_be_more_than_there_is(store: AsyncStore, papers: AsyncCollection) -> None:
    """A `top_k` beyond what there is gives what there is; beyond what the engine declares, it is refused."""
    await papers.upsert([doc(str(number), n=number) for number in range(30)])
    assert len(await papers.search(RIGHT, top_k=np.int64(30))) == 30  # type: ignore[arg-type]  # any integer will do
    most = store.capabilities.max_top_k
    if most is not None:
        with pytest.raises((Unsupported, InvalidQuery)):
            await papers.search(RIGHT, top_k=most + 1)
    some: tuple[dict[str, Any], ...] = (
        {},
        {"filter": {"n": {"$gte": 0}}},
        {"ids": [str(number) for number in range(99)]},
    )
    for arguments in some:
        assert len(await papers.search(RIGHT, top_k=most or 10**9, **arguments)) == 30


@contract
async def test_min_score_cuts(papers: AsyncCollection) -> None:
    """`min_score` keeps the hits with that score or a higher one, and no others."""
    await papers.upsert(ids=[str(number) for number in range(100)], vectors=matrix(100))
    everything = await papers.search(RIGHT, top_k=100)
    for cut in (-1, 0, 0.5, 0.9, 1, 2, everything[30].score):
        kept = await papers.search(RIGHT, top_k=100, min_score=cut)
        assert kept.ids == [hit.id for hit in everything if hit.score >= cut]
    assert len(await papers.search(RIGHT, top_k=5, min_score=-1)) == 5


@contract
async def test_min_score_is_a_number(papers: AsyncCollection) -> None:
    """A `min_score` that is no number is refused."""
    bad: tuple[Any, ...] = ("0.5", True, float("nan"), [0.5])
    for min_score in bad:
        await assert_refused(InvalidQuery, min_score, papers.search(RIGHT, min_score=min_score))


@contract
async def test_a_search_can_be_among_some_ids(papers: AsyncCollection) -> None:
    """`ids=` restricts a search to those of the documents that exist, and goes with a filter."""
    await papers.upsert(
        ids=[str(number) for number in range(100)], vectors=matrix(100), metadata=[{"n": n} for n in range(100)]
    )
    everything = await papers.search(RIGHT, top_k=100)
    some = {"3", "14", "15", "92", "missing"}
    expected = [id for id in everything.ids if id in some]
    for ids in (list(some), iter(some), frozenset(some), [*some, *some]):
        assert (await papers.search(RIGHT, ids=ids)).ids == expected
    assert (await papers.search(RIGHT, ids=some, top_k=2)).ids == expected[:2]
    assert (await papers.search(RIGHT, ids="15")).ids == ["15"]
    assert list(await papers.search(RIGHT, ids=[])) == []
    assert list(await papers.search(RIGHT, ids=["missing"])) == []
    assert set((await papers.search(RIGHT, ids=some, filter={"n": {"$lt": 15}})).ids) == {"3", "14"}


@contract
async def test_a_filtered_search_is_full(papers: AsyncCollection) -> None:
    """With a filter there are `top_k` hits whenever so many documents match, the nearest ones, at any selectivity."""
    vectors = matrix(1_000, seed=11)
    ids = [f"{number:04}" for number in range(1_000)]
    await papers.upsert(ids=ids, vectors=vectors, metadata=[{"n": n, "even": n % 2 == 0} for n in range(1_000)])
    query = matrix(1, seed=12)[0]
    true = dict(zip(ids, distances(Metric.COSINE, query, vectors).tolist(), strict=True))
    for matching in (0, 1, 2, 9, 10, 11, 100, 999, 1_000):
        among = {id: true[id] for id in ids[:matching]}
        hits = await papers.search(query, top_k=10, filter={"n": {"$lt": matching}})
        assert_nearest(hits, Metric.COSINE, among, 10)
    farthest = sorted(true, key=true.__getitem__)[-3:]
    hits = await papers.search(query, top_k=10, filter={"n": {"$in": [int(id) for id in farthest]}})
    assert set(hits.ids) == set(farthest)
    evens = {id: true[id] for id in ids[::2]}
    assert_nearest(await papers.search(query, top_k=400, filter={"even": True}), Metric.COSINE, evens, 400)


@contract
async def test_a_query_is_a_value(papers: AsyncCollection) -> None:
    """A `SearchQuery` says what the arguments say; where it is silent, the arguments and their defaults hold."""
    await papers.upsert([doc(str(number), n=number) for number in range(20)])
    query = SearchQuery(vector=RIGHT, top_k=3, filter={"n": {"$lt": 10}}, min_score=-1.0)
    expected = await papers.search(RIGHT, top_k=3, filter={"n": {"$lt": 10}}, min_score=-1.0)
    assert await papers.search(query) == expected
    assert len(await papers.search(SearchQuery(vector=RIGHT))) == 10
    assert len(await papers.search(SearchQuery(vector=RIGHT), top_k=4)) == 4
    assert set((await papers.search(SearchQuery(vector=RIGHT, ids=["3", "4"]))).ids) == {"3", "4"}


@contract
async def test_what_is_no_query_is_refused(papers: AsyncCollection) -> None:
    """A query is a text, a vector or a SearchQuery with one of them; an argument has a value that means something."""
    queries: tuple[Any, ...] = (None, 5, {"vector": RIGHT}, SearchQuery(), b"wing", [], object())
    for query in queries:
        await assert_refused(InvalidInput, query, papers.search(query))
    arguments: tuple[dict[str, Any], ...] = (
        {"mode": "fuzzy"},
        {"mode": None},
        {"mode": "text"},
        {"on_unsupported": "ignore"},
        {"filter": 5},
        {"ids": 5},
    )
    for some in arguments:
        with case(some), pytest.raises((InvalidInput, Unsupported)):
            await papers.search(RIGHT, **some)


@contract
async def test_a_batch_is_its_searches(papers: AsyncCollection) -> None:
    """`search_batch` returns what the searches return one by one, in order."""
    await papers.upsert([doc(str(number), n=number) for number in range(50)])
    queries = [*matrix(5, seed=13), SearchQuery(vector=RIGHT, top_k=2), SearchQuery(vector=RIGHT, filter={"n": 7})]
    some: tuple[dict[str, Any], ...] = (
        {},
        {"top_k": 3, "filter": {"n": {"$gte": 10}}},
        {"min_score": 0.3, "include_vectors": True},
    )
    for arguments in some:
        expected = [await papers.search(query, **arguments) for query in queries]
        assert await papers.search_batch(queries, **arguments) == expected
    assert await papers.search_batch([]) == []
    assert await papers.search_batch(iter([RIGHT])) == [await papers.search(RIGHT)]


@contract
async def test_one_bad_query_refuses_the_batch(papers: AsyncCollection) -> None:
    """A batch with a query outside the contract is refused whole."""
    with pytest.raises(InvalidInput):
        await papers.search_batch([RIGHT, [1, 2, 3]])
    with pytest.raises(InvalidInput):
        await papers.search_batch(RIGHT)  # type: ignore[arg-type]  # one query is no batch


@contract
async def test_explain_tells_without_searching(papers: AsyncCollection) -> None:
    """`explain` gives the engine's request as JSON, for the arguments of a search."""
    await papers.upsert([doc("a", n=1)])
    some: tuple[dict[str, Any], ...] = (
        {},
        {"filter": {"n": {"$gt": 0}}},
        {"ids": ["a"], "top_k": 3},
        {"exact": True},
    )
    for arguments in some:
        plan = await papers.explain(RIGHT, **arguments)
        assert plan
        json.dumps(plan)
    with pytest.raises(InvalidInput):
        await papers.explain([1, 2, 3])
