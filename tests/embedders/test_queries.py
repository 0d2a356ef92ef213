"""Models that tell queries from documents: which of their two sides is asked when."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onevec
from onevec import FunctionEmbedder
from onevec.embedders import CachedEmbedder, EnsembleEmbedder
from onevec.embedders.texts import TextEmbedder


class Sided(TextEmbedder):
    """Documents point one way, queries another."""

    def __init__(self, place: int = 0) -> None:
        super().__init__("sided-1", dimension=2)
        self._place = place
        self.asked: list[str] = []

    @property
    def for_queries(self) -> Sided:
        return Sided(1)

    def embed_batch(self, texts: list[str]) -> Any:
        self.asked += texts
        return [np.eye(2)[self._place] for _ in texts]


class OnlyQueries:
    """An embedder of someone else's, by the protocol alone."""

    name = "others-1"
    dimension = 2

    def embed(self, texts: Any) -> Any:
        return [[1.0, 0.0]] * len(texts)

    @property
    def for_queries(self) -> FunctionEmbedder:
        return FunctionEmbedder(lambda texts: [[0.6, 0.8]] * len(texts), name=self.name, dimension=2)


@pytest.mark.parametrize(
    ("embedder", "score"),
    [(Sided(), 0.0), (OnlyQueries(), 0.6), (FunctionEmbedder(lambda texts: [[1.0, 1.0]] * len(texts)), 1.0)],
)
def test_searches_embed_their_text_as_a_query(embedder: Any, score: float) -> None:
    """Alone, in a batch and on an event loop; an embedder without a side for queries embeds them as documents."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=embedder)
        papers.upsert({"id": "1", "text": "wing"})
        assert papers.search("wing")[0].score == pytest.approx(score)
        assert papers.search_batch(["wing", "wing"])[1][0].score == pytest.approx(score)

    async def awaited() -> float:
        async with onevec.connect_async("memory://") as store:
            papers = await store.create_collection("papers", embedder=embedder)
            await papers.upsert({"id": "1", "text": "wing"})
            return (await papers.search("wing"))[0].score

    assert asyncio.run(awaited()) == pytest.approx(score)


def test_documents_are_never_embedded_as_queries() -> None:
    """Neither new ones nor those whose text is replaced."""
    embedder = Sided()
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=embedder)
        papers.upsert({"id": "1", "text": "wing"})
        papers.update({"id": "1", "text": "slab"})
        papers.search("a query")
        assert embedder.asked == ["wing", "slab"]


def test_a_cache_keeps_the_sides_apart(tmp_path: Path) -> None:
    """A query with the text of a document doesn't get the document's vector."""
    cached = CachedEmbedder(Sided(), tmp_path / "cache.db")
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=cached)
        papers.upsert({"id": "1", "text": "wing"})
        assert papers.search("wing")[0].score == pytest.approx(0.0)
    cached.close()


def test_an_ensemble_asks_its_members_sides(tmp_path: Path) -> None:
    """A member without one embeds queries as it does documents."""
    plain = FunctionEmbedder(lambda texts: [[1.0, 0.0]] * len(texts), name="plain", dimension=2)
    ensemble = EnsembleEmbedder([Sided(), plain], combine="concatenate")
    np.testing.assert_allclose(ensemble.embed(["x"])[0], np.sqrt([0.5, 0, 0.5, 0]), atol=1e-6)
    np.testing.assert_allclose(ensemble.for_queries.embed(["x"])[0], np.sqrt([0, 0.5, 0.5, 0]), atol=1e-6)
    assert ensemble.for_queries.name == ensemble.name
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", embedder=ensemble)
        papers.upsert({"id": "1", "text": "x"})
        assert papers.search("x")[0].score == pytest.approx(0.5)
