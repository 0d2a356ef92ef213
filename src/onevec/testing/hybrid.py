"""Hybrid search: both searches, with the same filter, and one ranking."""

from __future__ import annotations

from typing import Any

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import SearchQuery, SearchResult
from onevec.fusion import RRF_K
from onevec.testing.samples import counted, doc
from onevec.testing.site import contract

TEXTS = (
    "the wing of a plane in a slipstream",
    "heat conduction in slabs",
    "a wing, a wing, and another wing",
    "flow past a flat plate",
    "stall of a swept wing at low speed",
    "nothing of that",
)
QUERY = SearchQuery("wing stall", vector=[1.0, 2.0, 3.0, 4.0])


async def _filled(papers: AsyncCollection) -> None:
    await papers.upsert([doc(str(n), text=text, n=n, even=n % 2 == 0) for n, text in enumerate(TEXTS)])
    await papers.namespace("acme").upsert(doc("theirs", text="wing stall"))


def _fused(by_vector: SearchResult, by_text: SearchResult, weight: float) -> dict[str, float]:
    scores: dict[str, float] = {}
    for result, share in ((by_vector, weight), (by_text, 1 - weight)):
        for hit in result:
            scores[hit.id] = scores.get(hit.id, 0.0) + 2 * share / (RRF_K + hit.rank)
    return scores


@contract(needs="text_search")
async def test_a_hybrid_search_fuses_both_rankings(papers: AsyncCollection) -> None:
    """Scores are those of reciprocal rank fusion over the two searches, whatever the filter, the ids and the weight."""
    await _filled(papers)
    asked: tuple[dict[str, Any], ...] = ({}, {"filter": {"even": True}}, {"ids": ["0", "3", "4"]}, {"filter": "n > 90"})
    for limits in asked:
        by_vector = await papers.search(QUERY, top_k=100, **limits)
        by_text = await papers.search(QUERY, top_k=100, mode="text", **limits)
        for weight in (0.5, 0.2):
            expected = _fused(by_vector, by_text, weight)
            hits = await papers.search(QUERY, mode="hybrid", vector_weight=weight, **limits)
            assert {hit.id: round(hit.score, 9) for hit in hits} == {id: round(expected[id], 9) for id in expected}
            assert [(-hit.score, hit.id) for hit in hits] == sorted((-hit.score, hit.id) for hit in hits)
            assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
            assert {hit.id: hit.vector_score for hit in hits} == {hit.id: hit.score for hit in by_vector}
            words = {hit.id: hit.score for hit in by_text}
            assert {hit.id: hit.text_score for hit in hits} == {hit.id: words.get(hit.id) for hit in hits}


@contract(needs="text_search")
async def test_a_hybrid_search_is_cut_and_shown_like_any(papers: AsyncCollection) -> None:
    """`top_k`, `min_score`, `include_vectors`, batches and other fusions, too; each hit explains its score."""
    await _filled(papers)
    every = await papers.search(QUERY, mode="hybrid")
    assert len(every) == len(TEXTS)
    assert (await papers.search(QUERY, mode="hybrid", top_k=2)).ids == every.ids[:2]
    assert (await papers.search(QUERY, mode="hybrid", min_score=every[2].score)).ids == every.ids[:3]
    weighted = await papers.search(QUERY, mode="hybrid", fusion="weighted", vector_weight=0.0, include_vectors=True)
    assert weighted[0].id == (await papers.search(QUERY, mode="text", top_k=1))[0].id
    assert all(hit.vector is not None for hit in weighted)
    assert "text rank 1" in weighted[0].explanation
    batch = await papers.search_batch([QUERY, SearchQuery("plate", vector=[4.0, 3.0, 2.0, 1.0])], mode="hybrid")
    assert batch[0].ids == every.ids
    plan = (await papers.explain(QUERY, mode="hybrid"))["native"]
    assert plan.keys() == {"vector", "text"}


@contract(needs="text_search")
async def test_a_hybrid_search_embeds_its_text(store: AsyncStore) -> None:
    """With an embedder a text is enough: it is embedded for the one side and searched for by the other."""
    notes = await store.create_collection("notes", dimension=4, embedder=counted)
    await notes.upsert(ids=["a", "b"], texts=["a wing in a slipstream", "heat"])
    hits = await notes.search("wing", mode="hybrid")
    assert hits.ids[0] == "a"
    assert hits[0].vector_score is not None
    assert hits[0].text_score is not None
    assert [result.ids for result in await notes.search_batch(["wing"], mode="hybrid")] == [hits.ids]
