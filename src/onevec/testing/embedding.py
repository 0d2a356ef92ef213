"""Embedders: a collection knows which one made its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import Document, SearchQuery
from onevec.embedders import FunctionEmbedder
from onevec.errors import DimensionMismatch, EmbedderMismatch, EmbeddingFailed, InvalidInput
from onevec.testing.samples import assert_refused, case, contents, counted, doc
from onevec.testing.site import Site, contract

TEXTS = {"a": "wing", "b": "the boundary layer of a wing", "c": "aeiou aeiou aeiou aeiou"}


def other(texts: Sequence[str]) -> list[list[float]]:
    """Return vectors of another model."""
    return [[1.0, 2.0, 3.0, 4.0] for _ in texts]


async def _embedded(store: AsyncStore) -> AsyncCollection:
    papers = await store.create_collection("papers", embedder=counted)
    await papers.upsert([Document(id, text=text) for id, text in TEXTS.items()])
    return papers


@contract
async def test_texts_are_embedded(store: AsyncStore) -> None:
    """Documents without a vector get the embedder's; a text as a query is embedded; the dimension is the embedder's."""
    papers = await _embedded(store)
    info = await papers.info()
    assert info.dimension == 4
    assert info.embedder
    for id, document in (await contents(papers)).items():
        np.testing.assert_array_equal(np.asarray(document.vector), np.asarray(counted([TEXTS[id]])[0], np.float32))
    for id, text in TEXTS.items():
        hit = (await papers.search(text, top_k=1))[0]
        assert (hit.id, hit.text) == (id, text)
        assert hit.score == pytest.approx(1, abs=1e-4)
    (vector,) = counted(["wing flap"])
    assert await papers.search("wing flap") == await papers.search(vector)
    assert await papers.search(SearchQuery("wing flap", top_k=2)) == await papers.search(vector, top_k=2)
    queries: list[str | list[float] | SearchQuery] = ["wing flap", vector, SearchQuery(TEXTS["b"])]
    assert await papers.search_batch(queries) == [await papers.search(query) for query in queries]


@contract
async def test_columns_of_texts_are_embedded(store: AsyncStore) -> None:
    """Columns without vectors get the embedder's; a vector that is given is kept."""
    papers = await store.create_collection("papers", embedder=counted)
    await papers.upsert(ids=list(TEXTS), texts=list(TEXTS.values()))
    await papers.upsert([Document("d", text="wing", vector=[4, 3, 2, 1]), Document("e", text="wing")])
    found = await contents(papers)
    for id, text in {**TEXTS, "e": "wing"}.items():
        np.testing.assert_array_equal(np.asarray(found[id].vector), np.asarray(counted([text])[0], np.float32))
    np.testing.assert_array_equal(np.asarray(found["d"].vector), [4, 3, 2, 1])
    with pytest.raises(InvalidInput):
        await papers.upsert([Document("f", text="wing"), Document("g")])
    assert await papers.count() == 5


@contract
async def test_a_new_text_gets_a_new_vector(store: AsyncStore) -> None:
    """An update of the text makes the vector anew, unless one is given; of the metadata, it doesn't."""
    papers = await _embedded(store)
    await papers.update("a", text="a rather longer text")
    await papers.update("b", text="wing", vector=[9, 9, 9, 9])
    await papers.update("c", metadata={"n": 1})
    found = await contents(papers)
    expected = {"a": counted(["a rather longer text"])[0], "b": [9, 9, 9, 9], "c": counted([TEXTS["c"]])[0]}
    for id, vector in expected.items():
        np.testing.assert_array_equal(np.asarray(found[id].vector), np.asarray(vector, np.float32))
    assert (await papers.search("a rather longer text", top_k=1)).ids == ["a"]


@contract
async def test_another_embedder_is_refused(store: AsyncStore) -> None:
    """A collection opens with the embedder that made its vectors, and refuses another one."""
    await _embedded(store)
    again = await store.collection("papers", embedder=counted)
    assert (await again.search("wing", top_k=1)).ids == ["a"]
    same = await store.create_collection("papers", embedder=counted, if_exists="open")
    assert (await same.search("wing", top_k=1)).ids == ["a"]
    for embedder in (other, FunctionEmbedder(counted, dimension=4, name="another name")):
        with pytest.raises(EmbedderMismatch):
            await store.collection("papers", embedder=embedder)
        with pytest.raises(EmbedderMismatch):
            await store.create_collection("papers", embedder=embedder, if_exists="open")
    await store.create_collection("plain", dimension=4)
    with pytest.raises(EmbedderMismatch):
        await store.collection("plain", embedder=counted)
    with pytest.raises(DimensionMismatch):
        await store.create_collection("wrong", dimension=5, embedder=counted)
    assert not await store.has_collection("wrong")


@contract
async def test_a_function_can_not_be_found_by_its_name(store: AsyncStore) -> None:
    """Without its function, such a collection takes and finds vectors, and says what it needs for a text."""
    await _embedded(store)
    papers = await store.collection("papers")
    assert (await papers.search(counted(["wing"])[0], top_k=1)).ids == ["a"]
    await papers.upsert(doc("d"))
    await assert_refused(
        EmbedderMismatch,
        "a text and no function",
        papers.search("wing"),
        papers.upsert(Document("e", text="wing")),
        papers.update("a", text="wing"),
    )
    assert await papers.count() == 4


@contract
async def test_a_store_can_have_an_embedder(site: Site) -> None:
    """The store's embedder is that of collections which name none, and of those it opens."""
    store = await site.open(site.elsewhere("embedding"), embedder=counted)
    papers = await store.create_collection("papers")
    await papers.upsert([Document(id, text=text) for id, text in TEXTS.items()])
    assert (await papers.search("wing", top_k=1)).ids == ["a"]
    again = await store.collection("papers")
    assert (await again.search("wing", top_k=1)).ids == ["a"]
    assert (await papers.info()).embedder == (await again.info()).embedder is not None


class _Broken:
    """An embedder that is right for short texts and wrong for the word `bad`."""

    name = "broken"
    dimension = 2

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def embed(self, texts: Sequence[str]) -> Any:
        if not any("bad" in text for text in texts):
            return [[float(len(text)), 1.0] for text in texts]
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


BAD_ANSWERS: tuple[Any, ...] = (
    [[1.0, 2.0], [float("nan"), 1.0]],
    [[1.0, 2.0], [float("inf"), 1.0]],
    [[1.0, 2.0], [1e39, 1.0]],
    [[1.0, 2.0], [0.0, 0.0]],
    [[1.0, 2.0]],
    [[1.0, 2.0]] * 3,
    [[1.0, 2.0, 3.0]] * 2,
    [[1.0], [1.0, 2.0]],
    [1.0, 2.0],
    [],
    None,
    "vectors",
    [["a", "b"]] * 2,
    RuntimeError("the model is ill"),
    MemoryError("no room"),
)


@contract
async def test_an_embedder_that_fails_is_named(store: AsyncStore) -> None:
    """Vectors that can't be used, too few or too many of them, or an exception: `EmbeddingFailed`, nothing written."""
    for answer in BAD_ANSWERS:
        papers = await store.create_collection("papers", embedder=_Broken(answer), if_exists="replace")
        await papers.upsert(Document("there", text="good"))
        await assert_refused(
            EmbeddingFailed,
            answer,
            papers.upsert([Document("a", text="good"), Document("b", text="bad")]),
            papers.update([{"id": "there", "text": "bad"}, {"id": "there", "text": "good"}]),
        )
        with case(answer), pytest.raises(EmbeddingFailed, match="broken") as failed:
            await papers.search_batch(["good", "bad"])
        if isinstance(answer, Exception):
            assert failed.value.__cause__ is answer
        found = await contents(papers)
        assert {id: document.text for id, document in found.items()} == {"there": "good"}
        assert len(await papers.search("good")) == 1
