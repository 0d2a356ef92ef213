"""Rerankers in a search: what they are given, where they run, and what they may be."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

import onevec
from onevec import Collection, FunctionReranker, Reranker, SearchQuery, registry
from onevec.errors import EngineNotInstalled, InvalidQuery, RerankingFailed, Unsupported
from onevec.rerank import cross_encoder

from .limited import LimitedAdapter

TEXTS = {"a": "the wing of a plane", "b": "heat in slabs", "c": "a wing", "d": "a plane"}


def lengths(texts: Sequence[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


def shortest(query: str, texts: Sequence[str]) -> list[int]:
    return [-len(text) for text in texts]


class Told:
    """A reranker that remembers what it was asked, and where."""

    name = "told"

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.asked: list[tuple[str, list[str]]] = []
        self.threads: list[int] = []
        self._during = during

    def score(self, query: str, texts: Sequence[str]) -> Any:
        self.asked.append((query, list(texts)))
        self.threads.append(threading.get_ident())
        self._during()
        return np.arange(len(texts), dtype=np.float32)


@pytest.fixture
def papers() -> Iterator[Collection]:
    with onevec.connect("memory://", embedder=lengths) as store:
        papers = store.create_collection("papers")
        papers.upsert(ids=list(TEXTS), texts=list(TEXTS.values()))
        yield papers


def test_a_reranker_is_an_object_or_a_function(papers: Collection) -> None:
    """A function gets the query and the texts of the best hits, in one list, and its name is told."""
    told = Told()
    assert isinstance(told, Reranker)
    best = papers.search("wing").ids
    hits = papers.search("wing", rerank=told)
    assert told.asked == [("wing", [TEXTS[id] for id in best])]
    assert hits.ids == best[::-1]
    assert papers.search("wing", rerank=shortest).ids == ["c", "d", "b", "a"]
    assert papers.search("wing", rerank=shortest)[0].explanation.endswith(
        "; function:shortest -6.0000 (rank 1 of the search)"
    )
    named = FunctionReranker(shortest, name="shortest-1")
    assert "shortest-1 -6" in papers.search("wing", rerank=named)[0].explanation


def test_the_query_may_have_its_own_vector(papers: Collection) -> None:
    """The text is then for the reranker; a vector alone has nothing that could be read."""
    told = Told()
    papers.search(SearchQuery("what is meant", vector=[1, 1]), rerank=told)
    assert told.asked[0][0] == "what is meant"
    with pytest.raises(InvalidQuery, match=r"SearchQuery\(text, vector="):
        papers.search([1, 1], rerank=told)


def test_nothing_found_is_nothing_asked(papers: Collection) -> None:
    """Neither of no hits, nor of hits without a text."""
    told = Told()
    assert papers.search("wing", ids=["no such"], rerank=told, mmr=0.5).ids == []
    papers.upsert({"id": "bare", "vector": [1, 1]})
    bare = papers.search("wing", ids=["bare"], rerank=told)
    assert (bare.ids, bare[0].rerank_score) == (["bare"], None)
    assert told.asked == []


def test_fifty_hits_are_reranked_unless_more_are_wanted(papers: Collection) -> None:
    """Or as many as are asked for, or as the engine gives."""
    papers.upsert(ids=[f"{n:03}" for n in range(200)], texts=["wing" + "s" * n for n in range(200)])
    asked = []
    for options in ({}, {"top_k": 80}, {"rerank_depth": 20}, {"mode": "hybrid"}, {"mode": "hybrid", "depth": 30}):
        told = Told()
        papers.search("wing", rerank=told, **options)
        asked.append(len(told.asked[0][1]))
    assert asked == [50, 80, 20, 50, 30]
    with onevec.connect(LimitedAdapter) as store:
        most = store.capabilities.max_top_k
        assert most is not None
        few = store.create_collection("few", embedder=lengths)
        few.upsert(ids=[str(n) for n in range(most + 5)], texts=["wing"] * (most + 5))
        told = Told()
        few.search("wing", top_k=1, rerank=told)
        assert len(told.asked[0][1]) == min(most, 50)
        with pytest.raises(Unsupported, match=f"rerank_depth={most + 1}"):
            few.search("wing", top_k=1, rerank=told, rerank_depth=most + 1)


def test_a_search_is_timed_without_its_reranker(papers: Collection) -> None:
    """`stats` is about the engine."""
    done = threading.Event()
    papers.search("wing", rerank=Told(lambda: done.wait(0.2)))
    stats = papers.stats()
    assert stats.searches == 1
    assert stats.search_seconds is not None
    assert stats.search_seconds < 0.2


def test_the_event_loop_is_not_held_up() -> None:
    """Rerankers run in worker threads, several of them at once."""

    async def main() -> None:
        both = threading.Barrier(2, timeout=20)
        told = Told(both.wait)
        async with onevec.connect_async("memory://", embedder=lengths) as store:
            papers = await store.create_collection("papers")
            await papers.upsert(ids=list(TEXTS), texts=list(TEXTS.values()))
            first, second = await asyncio.gather(*(papers.search(text, rerank=told) for text in ("wing", "plane")))
            batch = await papers.search_batch(["wing", "plane"], rerank=told, mmr=0.5)
        assert len(first) == len(second) == len(batch[0]) == 4
        assert threading.get_ident() not in told.threads

    asyncio.run(main())


def test_a_reranker_may_have_an_async_form() -> None:
    """Which async stores await, in the loop itself; sync ones call the other."""

    class Both(Told):
        async def score_async(self, query: str, texts: Sequence[str]) -> Any:
            await asyncio.sleep(0)
            return self.score(query, texts)

    async def main(both: Both) -> None:
        async with onevec.connect_async("memory://", embedder=lengths) as store:
            papers = await store.create_collection("papers")
            await papers.upsert(ids=list(TEXTS), texts=list(TEXTS.values()))
            assert (await papers.search("wing", rerank=both))[0].rerank_score == 3

    both = Both()
    asyncio.run(main(both))
    assert both.threads == [threading.get_ident()]


def test_a_failure_of_the_reranker_is_told(papers: Collection) -> None:
    """With its name, the verb, and the exception; scores that are none name the text."""

    def ill(query: str, texts: Sequence[str]) -> Any:
        raise KeyError("weights")

    with pytest.raises(RerankingFailed, match=r"'function:ill' failed: KeyError: 'weights'") as failed:
        papers.search("wing", rerank=ill)
    assert failed.value.operation == "search"
    with pytest.raises(RerankingFailed, match=r"gave nan for the text 'a wing'"):
        papers.search("wing", rerank=lambda query, texts: [float("nan") if text == "a wing" else 1 for text in texts])
    with pytest.raises(RerankingFailed, match=r"gave int64 of shape \(1,\) for 4 texts"):
        papers.search("wing", rerank=lambda query, texts: [1])


def test_a_package_provides_one_by_name(papers: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows the colon goes to its entry point, once for all searches."""
    made: list[str] = []

    def load(model: str = "default") -> FunctionReranker:
        made.append(model)
        return FunctionReranker(shortest, name=f"mine:{model}")

    monkeypatch.setattr(EntryPoint, "load", lambda entry: load)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [EntryPoint("mine", "m:load", group)])
    for cached in (registry._entries, registry._reranker):
        cached.cache_clear()
    try:
        assert registry.reranker_names() == ["mine"]
        assert "mine:small" in papers.search("wing", rerank="mine:small")[0].explanation
        assert papers.search_batch(["wing", "plane"], rerank="mine")[0].ids == ["c", "d", "b", "a"]
        papers.search("wing", rerank="mine:small")
        assert made == ["small", "default"]
    finally:
        for cached in (registry._entries, registry._reranker):
            cached.cache_clear()


def test_a_missing_library_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the reranker is asked for, before anything is searched."""
    monkeypatch.setattr(cross_encoder, "find_spec", lambda name: None)
    with pytest.raises(EngineNotInstalled, match=r'pip install "onevec\[huggingface\]"'):
        cross_encoder.load()
