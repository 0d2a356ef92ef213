"""Collections: their names, what they are, and that a new one never shows old data."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import CollectionInfo
from onevec.errors import CollectionExists, CollectionNotFound, InvalidInput, InvalidName, OnevecError
from onevec.metrics import Metric
from onevec.testing.samples import assert_refused, contents, doc, ids_of, matrix
from onevec.testing.site import Site, contract

NAMES = (
    *("a", "A", "0", "-", "_", ".", "..", "...", "a.b", "a-b", "a_b", ".hidden", "-rf", "x" * 128, "X" * 128),
    *("select", "table", "sqlite_master", "sqlite_x", "documents", "collections", "con", "nul", "null", "None"),
    *("__proto__", "index", "a..b", "1e5", "a.json", "a.db"),
)
BAD_NAMES: tuple[Any, ...] = (
    *("", "x" * 129, "x" * 10_000, "a b", " a", "a ", "a\n", "a\0", "a/b", "../a", "a\\b", "a:b", "a'b", 'a"b', "a;b"),
    *("a%", "a*", "a?", "a[", "ä", "名", "🔑", "\ud800", "\u0660", "a\u200b", None, 5, True, b"a", ["a"]),
)


@contract
async def test_names_are_told_apart(store: AsyncStore) -> None:
    """Collections whose names differ in any character or case are different, and none is a path or a keyword."""
    for number, name in enumerate(NAMES):
        collection = await store.create_collection(name, dimension=2)
        assert collection.name == name
        await collection.upsert(doc(name, vector=[1, number], n=number))
    assert [info.name for info in await store.collections()] == sorted(NAMES)
    for number, name in enumerate(NAMES):
        assert await store.has_collection(name)
        found = await contents(await store.collection(name))
        assert {id: document.metadata for id, document in found.items()} == {name: {"n": number}}
    for name in NAMES[::2]:
        assert await store.delete_collection(name)
    assert [info.name for info in await store.collections()] == sorted(NAMES[1::2])
    for name in NAMES[1::2]:
        assert await ids_of(await store.collection(name)) == {name}


@contract
async def test_what_is_no_name_is_refused(store: AsyncStore) -> None:
    """A name that isn't 1 to 128 characters of A-Z a-z 0-9 . _ - is refused by every verb."""
    await store.create_collection("a", dimension=2)
    for name in BAD_NAMES:
        await assert_refused(
            InvalidName,
            name,
            store.create_collection(name, dimension=2),
            store.create_collection(name, dimension=2, if_exists="open"),
            store.collection(name),
            store.has_collection(name),
            store.delete_collection(name),
            store.copy_collection("a", name),
            store.copy_collection(name, "b"),
        )
    assert [info.name for info in await store.collections()] == ["a"]


@contract
async def test_a_collection_says_what_it_is(store: AsyncStore) -> None:
    """Name, dimension, metric, embedder and time are recorded, and the same through every handle."""
    assert await store.collections() == []
    before = datetime.now(UTC)
    for metric in Metric:
        if metric in store.capabilities.metrics:
            made = await store.create_collection(f"under_{metric}", dimension=7, metric=metric)
            info = await made.info()
            assert isinstance(info, CollectionInfo)
            assert (info.name, info.dimension, info.metric, info.embedder) == (f"under_{metric}", 7, metric, None)
            assert before <= info.created_at <= datetime.now(UTC)
            opened = await store.collection(f"under_{metric}")
            assert await opened.info() == info
            assert info in await store.collections()
            assert made.name == opened.name == f"under_{metric}"


NO_COLLECTIONS: tuple[dict[str, Any], ...] = (
    {},
    *({"dimension": dimension} for dimension in (0, -1, 1.5, True, "4", [4])),
    *({"dimension": 4, "metric": metric} for metric in ("", "near", "COSINE ", None, 5)),
    {"dimension": 4, "if_exists": "maybe"},
    {"dimension": 4, "if_exists": None},
    {"dimension": 4, "embedder": 5},
)


@contract
async def test_what_is_no_collection_is_refused(store: AsyncStore) -> None:
    """A collection without a whole dimension of 1 or more, or with an unknown metric, is refused and not made."""
    for arguments in NO_COLLECTIONS:
        await assert_refused(InvalidInput, arguments, store.create_collection("papers", **arguments))
    assert await store.collections() == []


@contract
async def test_a_collection_that_exists(store: AsyncStore) -> None:
    """`if_exists` decides: refuse, open what is the same, or replace."""
    papers = await store.create_collection("papers", dimension=4)
    await papers.upsert(doc("a"))
    with pytest.raises(CollectionExists):
        await store.create_collection("papers", dimension=4)
    opened = await store.create_collection("papers", dimension=4, if_exists="open")
    assert await ids_of(opened) == {"a"}
    other = next((metric for metric in store.capabilities.metrics if metric is not Metric.COSINE), None)
    with pytest.raises(CollectionExists):
        await store.create_collection("papers", dimension=5, if_exists="open")
    if other is not None:
        with pytest.raises(CollectionExists):
            await store.create_collection("papers", dimension=4, metric=other, if_exists="open")
    assert await ids_of(papers) == {"a"}
    replaced = await store.create_collection("papers", dimension=5, if_exists="replace")
    assert await replaced.count() == 0
    await replaced.upsert(doc("b", vector=[1, 2, 3, 4, 5]))
    assert await ids_of(await store.collection("papers")) == {"b"}
    assert (await (await store.create_collection("new", dimension=3, if_exists="replace")).info()).dimension == 3
    assert (await (await store.create_collection("newer", dimension=3, if_exists="open")).info()).dimension == 3


@contract
async def test_a_collection_that_does_not_exist(store: AsyncStore) -> None:
    """Opening one that isn't there says which there are; deleting it says False."""
    await store.create_collection("papers", dimension=4)
    with pytest.raises(CollectionNotFound, match="papers"):
        await store.collection("paper")
    assert not await store.has_collection("paper")
    assert not await store.delete_collection("paper")
    with pytest.raises(CollectionNotFound):
        await store.copy_collection("paper", "copy")
    assert [info.name for info in await store.collections()] == ["papers"]


@contract
async def test_a_new_collection_never_shows_old_data(store: AsyncStore) -> None:
    """After delete and create under the same name, no read finds anything of the old one, in any namespace."""
    for round_ in range(3):
        papers = await store.create_collection("papers", dimension=4)
        for place in (papers, papers.namespace("acme")):
            assert await place.count() == 0
            assert await place.namespaces() == []
            assert list(await place.search([1, 2, 3, 4], filter={"n": {"$gte": 0}})) == []
            assert await place.get_many([str(number) for number in range(20)]) == []
            if store.capabilities.text_search:
                assert list(await place.search("wing", mode="text")) == []
            await place.upsert([doc(str(number + round_), text="wing", n=number) for number in range(20)])
            assert len(await place.search([1, 2, 3, 4], top_k=50)) == 20
        assert await store.delete_collection("papers")
        assert not await store.has_collection("papers")


@contract
async def test_a_stale_handle_shows_no_old_data(site: Site) -> None:
    """A handle of a deleted collection raises, or shows what is now there under the name: never what was."""
    other = await site.open() if site.capabilities.shared and site.capabilities.persistent else site.store
    papers = await site.store.create_collection("papers", dimension=4)
    await papers.upsert([doc("old", text="wing", n=1)])
    bound = papers.namespace("acme")
    await bound.upsert([doc("old", text="wing", n=1)])
    for place in (papers, bound):
        assert (await place.search([1, 2, 3, 4], filter={"n": 1})).ids == ["old"]
    await other.delete_collection("papers")
    for place in (papers, bound):
        assert await _seen(place) == set()
    again = await other.create_collection("papers", dimension=5)
    await again.upsert([doc("new", vector=[1, 2, 3, 4, 5], n=1)])
    for place in (papers, bound):
        assert await _seen(place) <= {"new"}
    await assert_refused(
        CollectionNotFound,
        "a handle of the old collection",
        papers.upsert(doc("late")),
        papers.update("old", text="x"),
        papers.delete("new"),
        papers.clear(),
        bound.clear(),
        papers.delete_namespace("acme"),
    )
    assert await ids_of(again) == {"new"}


async def _seen(papers: AsyncCollection) -> set[str]:
    """The ids that any read of the handle still gives."""
    seen: set[str] = set()

    async def add(call: Coroutine[Any, Any, Any]) -> None:
        try:
            result = await call
        except OnevecError as error:
            assert isinstance(error, CollectionNotFound | InvalidInput)  # noqa: PT017 (or no error at all)
            return
        seen.update([result.id] if hasattr(result, "id") else [found.id for found in result or []])

    await add(papers.get("old"))
    await add(papers.get_many(["old", "new"]))
    await add(papers.page())
    await add(papers.search([1, 2, 3, 4]))
    await add(papers.search([1, 2, 3, 4], filter={"n": 1}))
    try:
        assert await papers.count() == len(seen)
        assert await papers.count({"n": 1}) == len(seen)
    except OnevecError as error:
        assert isinstance(error, CollectionNotFound)  # noqa: PT017
    return seen


@contract
async def test_a_copy_is_equal_and_apart(store: AsyncStore) -> None:
    """`copy_collection` copies every namespace, times and all; then the two go their own ways."""
    papers = await store.create_collection("papers", dimension=4)
    await papers.upsert(
        ids=[f"{n:04}" for n in range(1_500)], vectors=matrix(1_500), metadata=[{"n": n} for n in range(1_500)]
    )
    await papers.namespace("acme").upsert([doc("a", text="wing", tags=["x", None, {"y": 1}])])
    seen: list[tuple[int, int | None]] = []
    copied = await store.copy_collection("papers", "copy", on_progress=lambda done, total: seen.append((done, total)))
    assert copied == 1_501
    assert seen[-1][0] == 1_501
    copy = await store.collection("copy")
    info, source = await copy.info(), await papers.info()
    assert (info.dimension, info.metric, info.embedder) == (source.dimension, source.metric, source.embedder)
    assert await copy.namespaces() == await papers.namespaces() == ["", "acme"]
    for namespace in ("", "acme"):
        old, new = await contents(papers.namespace(namespace)), await contents(copy.namespace(namespace))
        assert old.keys() == new.keys()
        for id, document in old.items():
            assert (document.text, document.metadata, document.created_at) == (
                new[id].text,
                new[id].metadata,
                new[id].created_at,
            )
            np.testing.assert_array_equal(np.asarray(document.vector), np.asarray(new[id].vector))
    await copy.clear()
    await papers.delete("0000")
    assert (await papers.count(), await copy.count()) == (1_499, 0)
    with pytest.raises(CollectionExists):
        await store.copy_collection("papers", "copy")
    assert await copy.namespace("acme").count() == 1
