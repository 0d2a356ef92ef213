"""Reranking and diversity: hits in another order, on every engine alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection
from onevec.documents import Hit, SearchQuery, SearchResult
from onevec.errors import InvalidInput, RerankingFailed
from onevec.testing.samples import assert_refused, case, doc
from onevec.testing.site import contract

TEXTS = (
    "the wing of a plane in a slipstream",
    "heat conduction in slabs",
    "wing wing wing",
    "flow past a flat plate",
    "stall of a swept wing at low speed",
    "nothing of that",
)
QUERY = SearchQuery("wing stall", vector=[1.0, 2.0, 3.0, 4.0])


def shared(query: str, texts: Sequence[str]) -> list[int]:
    """Score texts by how many of their words are in the query."""
    return [sum(word in query.split() for word in text.split()) for text in texts]


async def _filled(papers: AsyncCollection) -> None:
    await papers.upsert([doc(str(n), text=text, n=n) for n, text in enumerate(TEXTS)])
    await papers.upsert([doc("none"), doc("also none")])
    await papers.namespace("acme").upsert(doc("theirs", text="wing stall"))


@contract
async def test_a_reranker_orders_the_hits(papers: AsyncCollection) -> None:
    """By its scores, ties by id, those without a text last; hits keep score and distance, ranks are new."""
    await _filled(papers)
    plain = {hit.id: hit for hit in await papers.search(QUERY)}
    hits = await papers.search(QUERY, rerank=shared)
    assert [hit.rerank_score for hit in hits] == [3, 2, 1, 0, 0, 0, None, None]
    assert hits.ids[:6] == ["2", "4", "0", "1", "3", "5"]
    assert hits.ids[6:] == [id for id in plain if "none" in id]
    assert {hit.id: (hit.score, hit.distance) for hit in hits} == {
        id: (hit.score, hit.distance) for id, hit in plain.items()
    }
    assert [hit.rank for hit in hits] == list(range(1, 9))
    assert f"rank {plain['2'].rank} of the search" in hits[0].explanation
    assert "no text" in hits[-1].explanation
    assert (await papers.search(QUERY, rerank=shared, top_k=2)).ids == ["2", "4"]
    assert (await papers.search(QUERY, rerank=shared, min_rerank_score=1)).ids == ["2", "4", "0"]
    assert (await papers.search(QUERY, rerank=shared, filter="n < 2", top_k=1)).ids == ["0"]
    first, second = await papers.search_batch([QUERY, SearchQuery("flat plate", vector=[1, 1, 1, 1])], rerank=shared)
    assert (first.ids, second.ids[0]) == (hits.ids, "3")


@contract
async def test_only_the_best_hits_are_reranked(papers: AsyncCollection) -> None:
    """`rerank_depth` of them, those that `min_score` left."""
    await _filled(papers)
    plain = await papers.search(QUERY)
    few = await papers.search(QUERY, rerank=shared, top_k=1, rerank_depth=2)
    assert few.ids[0] in plain.ids[:2]
    left = await papers.search(QUERY, rerank=shared, min_score=plain[2].score)
    assert set(left.ids) == set(plain.ids[:3])


@contract
async def test_diverse_hits_do_not_repeat(papers: AsyncCollection) -> None:
    """The order is that of the definition, computed here from the vectors, which hits carry only if asked to."""
    await _filled(papers)
    await papers.upsert([doc(f"like {n}", text="wing", vector=[1.0, 2.0, 3.0, 4.0 + n / 50]) for n in range(4)])
    every = await papers.search(QUERY, top_k=12, include_vectors=True)
    for mmr in (0.0, 0.3, 0.7, 1.0):
        hits = await papers.search(QUERY, mmr=mmr, top_k=12)
        with case(mmr):
            _check_greedy(hits, every, mmr)
        assert (await papers.search(QUERY, mmr=mmr, top_k=3, rerank_depth=12)).ids == hits.ids[:3]
    assert (await papers.search(QUERY, mmr=1.0, top_k=12)).ids == every.ids
    assert (await papers.search(QUERY, mmr=0.3))[0].vector is None
    assert (await papers.search(QUERY, mmr=0.3, include_vectors=True))[0].vector is not None
    both = await papers.search(QUERY, mmr=0.5, rerank=shared, top_k=4)
    assert both.ids[0] == "2"
    assert "mmr" in both[0].explanation


def _check_greedy(hits: SearchResult, every: SearchResult, mmr: float) -> None:
    """Each hit has the highest marginal relevance of those left, to what rounding allows."""
    low, high = every[-1].score, every[0].score
    vectors = {hit.id: np.asarray(hit.vector, np.float64) for hit in every}
    units = {id: vector / np.linalg.norm(vector) for id, vector in vectors.items()}
    taken: list[str] = []

    def marginal(hit: Hit) -> float:
        nearness = max((float(units[hit.id] @ units[id]) for id in taken), default=0.0)
        return mmr * (hit.score - low) / (high - low) - (1 - mmr) * nearness

    assert sorted(hits.ids) == sorted(every.ids)
    for hit in hits:
        best = max(marginal(other) for other in every if other.id not in taken)
        known = next(other for other in every if other.id == hit.id)
        assert marginal(known) == pytest.approx(best, abs=1e-4)
        assert hit.diversified is not None
        assert hit.diversified.score == pytest.approx(best, abs=1e-4)
        taken.append(hit.id)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


@contract(needs="text_search")
async def test_hits_by_words_are_reranked_too(papers: AsyncCollection) -> None:
    """In text mode and in hybrid mode, whose explanation stays."""
    await _filled(papers)
    by_words = await papers.search("wing stall", mode="text", rerank=shared, mmr=1.0)
    assert by_words.ids == ["2", "4", "0"]
    hybrid = await papers.search(QUERY, mode="hybrid", rerank=shared, top_k=2)
    assert hybrid.ids == ["2", "4"]
    assert hybrid[0].fused is not None
    assert hybrid[0].explanation.startswith("rrf: ")


BAD_SCORES: tuple[Any, ...] = (
    [1.0],
    [[1.0], [2.0]],
    [1.0, float("nan")],
    [1.0, float("inf")],
    ["a", "b"],
    [True, False],
    [],
    None,
    [1.0, [2.0]],
    RuntimeError("the model is ill"),
)


@contract
async def test_a_reranker_that_fails_is_named(papers: AsyncCollection) -> None:
    """Scores that can't be used, too few or too many of them, or an exception: `RerankingFailed`; the store goes on."""
    await papers.upsert([doc("a", text="wing"), doc("b", text="flow")])
    for answer in BAD_SCORES:

        def broken(query: str, texts: Sequence[str], answer: Any = answer) -> Any:  # noqa: ARG001 (as it is called)
            if isinstance(answer, Exception):
                raise answer
            return answer

        with case(answer), pytest.raises(RerankingFailed, match="function:broken") as failed:
            await papers.search(QUERY, rerank=broken)
        if isinstance(answer, Exception):
            assert failed.value.__cause__ is answer
        assert len(await papers.search(QUERY, rerank=shared)) == 2


@contract
async def test_what_can_not_be_reranked_is_refused(papers: AsyncCollection) -> None:
    """A query without a text, options out of range, and options that nothing uses."""
    await papers.upsert(doc("a", text="wing"))
    refused: tuple[dict[str, Any], ...] = (
        {"mmr": -0.1},
        {"mmr": 1.1},
        {"mmr": True},
        {"mmr": "0.5"},
        {"mmr": float("nan")},
        {"mmr": 0.5, "rerank_depth": 0},
        {"mmr": 0.5, "rerank_depth": 5},
        {"mmr": 0.5, "min_rerank_score": 1},
        {"rerank_depth": 20},
        {"min_rerank_score": 0.5},
        {"rerank": shared, "min_rerank_score": "high"},
        {"rerank": "no such reranker"},
    )
    for options in refused:
        await assert_refused(InvalidInput, options, papers.search(QUERY, **options))
    await assert_refused(InvalidInput, "a vector alone", papers.search([1, 2, 3, 4], rerank=shared))
