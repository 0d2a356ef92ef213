"""Stores: opened, reopened, closed, and asked how they are."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

import onevec
from onevec.aio import AsyncCollection, AsyncStore
from onevec.capabilities import Capabilities
from onevec.collection import Collection
from onevec.documents import Health, Stats
from onevec.errors import CollectionExists, ConfigError, OnevecError, StoreClosed, UnknownEngine
from onevec.store import Store
from onevec.testing.samples import after, contents, doc, matrix, vector_of
from onevec.testing.site import Site, contract

QUERY = [1.0, 2.0, 3.0, 4.0]


@contract(needs="persistent")
async def test_everything_is_there_after_reopening(site: Site) -> None:
    """Collections, documents, times, namespaces, filters and words are the same after close and open."""
    papers = await site.store.create_collection("papers", dimension=4, metric="cosine")
    await papers.upsert(
        [doc(f"{number:02}", text=f"wing {number}", n=number, tags=["x", None, {"y": [1]}]) for number in range(50)]
    )
    await papers.namespace("acme").upsert(doc("a", n=1))
    await papers.update("07", metadata={"n": 700})
    await papers.delete(["08", "09"])
    before = await _everything(site, papers)
    await site.store.close()
    store = await site.open()
    again = await store.collection("papers")
    assert await _everything(site, again) == before
    await again.upsert(doc("99", n=99))
    assert await again.count() == 49
    assert (await again.search(vector_of("99"), top_k=1)).ids == ["99"]


async def _everything(site: Site, papers: AsyncCollection) -> list[Any]:
    words = await papers.search("7", mode="text") if site.capabilities.text_search else None
    return [
        await papers.info(),
        await contents(papers),
        await papers.namespaces(),
        await contents(papers.namespace("acme")),
        await papers.search(QUERY, top_k=100),
        (await papers.search(QUERY, filter={"n": {"$gte": 40}})).ids,
        await papers.count({"n": {"$in": [1, 700]}}),
        words,
    ]


@contract(needs="persistent")
async def test_what_was_deleted_stays_deleted(site: Site) -> None:
    """Deleted documents, namespaces and collections are gone after reopening, too."""
    papers = await site.store.create_collection("papers", dimension=4)
    await papers.upsert([doc("a"), doc("b")])
    await papers.namespace("acme").upsert(doc("a"))
    await site.store.create_collection("others", dimension=4)
    await papers.delete("a")
    await papers.delete_namespace("acme")
    await site.store.delete_collection("others")
    await site.store.close()
    store = await site.open()
    assert [info.name for info in await store.collections()] == ["papers"]
    again = await store.collection("papers")
    assert await again.namespaces() == [""]
    assert set(await contents(again)) == {"b"}


@contract(needs="persistent")
async def test_a_call_that_changes_nothing_leaves_everything(site: Site) -> None:
    """Each as the last call before closing: what is there is there after reopening, as often as one likes."""
    papers = await site.store.create_collection("papers", dimension=4)
    await papers.upsert([doc("a", text="wing", n=1), doc("b", n=2)])
    store = site.store
    for change_nothing in (
        lambda store, _: store.create_collection("papers", dimension=4, if_exists="open"),
        lambda store, _: _refused(store.create_collection("papers", dimension=4)),
        lambda store, _: store.delete_collection("nothing"),
        lambda _, papers: papers.upsert([]),
        lambda _, papers: papers.delete("nothing"),
        lambda _, papers: papers.delete(filter={"n": 3}),
        lambda _, papers: papers.update([{"id": "a", "metadata": {"n": 1}}]),
        lambda _, papers: papers.namespace("nobody").clear(),
        lambda _, papers: papers.delete_namespace("nobody"),
        lambda _, papers: papers.optimize(),
        lambda _, papers: papers.flush(),
    ):
        await change_nothing(store, await store.collection("papers"))
        await store.close()
        store = await site.open()
        again = await store.collection("papers")
        found = await contents(again)
        assert {id: document.metadata for id, document in found.items()} == {"a": {"n": 1}, "b": {"n": 2}}
        assert (await again.search(vector_of("a"), top_k=1)).ids == ["a"]


async def _refused(call: Coroutine[Any, Any, object]) -> None:  # Any: what an event loop sends
    with pytest.raises(CollectionExists):
        await call


@contract
async def test_what_is_not_persistent_is_gone(site: Site) -> None:
    """A store that doesn't declare persistence is empty when it is opened anew."""
    if site.capabilities.persistent:
        pytest.skip(f"{site.store.engine} is persistent")
    await site.store.create_collection("papers", dimension=4)
    other = await site.open()
    assert await other.collections() == []
    await site.store.close()
    again = await site.open()
    assert await again.collections() == []


@contract(needs="shared")
async def test_two_stores_see_each_other(site: Site) -> None:
    """What one open store commits, the next read of another one sees: writes, deletes, new and dropped collections."""
    if not site.capabilities.persistent:
        pytest.skip(f"{site.store.engine} isn't persistent")
    other = await site.open()
    ours = await site.store.create_collection("papers", dimension=4)
    theirs = await other.collection("papers")
    for number in range(5):
        await ours.upsert(doc(str(number), vector=[1, number, 0, 0], text="wing", n=number))
        assert (await theirs.search([1, number, 0, 0], top_k=1)).ids == [str(number)]
        assert await theirs.count({"n": number}) == 1
        assert await theirs.count() == number + 1
    await theirs.upsert(doc("0", vector=[0, 0, 0, 1], n="replaced"))
    assert (await ours.search([0, 0, 0, 1], top_k=1)).ids == ["0"]
    assert await ours.count({"n": 0}) == 0
    await ours.update("1", metadata={"n": "patched"})
    assert await theirs.count({"n": "patched"}) == 1
    await theirs.delete("2")
    assert "2" not in (await ours.search(QUERY)).ids
    await ours.clear()
    assert list(await theirs.search(QUERY)) == []
    await other.delete_collection("papers")
    assert not await site.store.has_collection("papers")


def _store_calls(store: AsyncStore) -> dict[str, Callable[[], Any]]:
    return {
        "create_collection": lambda: store.create_collection("new", dimension=4),
        "collection": lambda: store.collection("papers"),
        "collections": store.collections,
        "has_collection": lambda: store.has_collection("papers"),
        "delete_collection": lambda: store.delete_collection("papers"),
        "copy_collection": lambda: store.copy_collection("papers", "copy"),
        "health": store.health,
        "do": lambda: store.do(cast("Any", None)),
    }


def _collection_calls(papers: AsyncCollection) -> dict[str, Callable[[], Any]]:
    async def scanned() -> list[Any]:
        return [document async for document in papers.scan()]

    return {
        "upsert": lambda: papers.upsert(doc("a")),
        "update": lambda: papers.update("a", text="x"),
        "embed": lambda: papers.embed(["wing"]),
        "get": lambda: papers.get("a"),
        "get_many": lambda: papers.get_many(["a"]),
        "delete": lambda: papers.delete("a"),
        "clear": papers.clear,
        "count": papers.count,
        "scan": scanned,
        "page": papers.page,
        "search": lambda: papers.search(QUERY),
        "search_batch": lambda: papers.search_batch([QUERY]),
        "explain": lambda: papers.explain(QUERY),
        "namespaces": papers.namespaces,
        "delete_namespace": lambda: papers.delete_namespace(""),
        "stats": papers.stats,
        "create_index": papers.create_index,
        "optimize": papers.optimize,
        "flush": papers.flush,
    }


@contract
async def test_a_closed_store_says_so(store: AsyncStore, papers: AsyncCollection) -> None:
    """After `close` every call raises `StoreClosed`, through every handle; a second `close` does nothing."""
    calls = _store_calls(store) | _collection_calls(papers)
    plain = {"close", "name", "bound_namespace", "namespace", "info", "engine", "capabilities", "client", "candidates"}
    assert calls.keys() | plain == {name for cls in (Store, Collection) for name in vars(cls) if name[0] != "_"}
    await papers.upsert(doc("a"))
    await store.close()
    await store.close()
    for name, call in calls.items():
        with pytest.raises(StoreClosed) as closed:
            await call()
        assert closed.value.engine == store.engine, name
        assert closed.value.operation == name
    assert papers.name == "papers"
    assert (await papers.info()).dimension == 4
    assert papers.namespace("acme").bound_namespace == "acme"
    assert repr(store)
    assert repr(papers)


@contract
async def test_a_store_is_a_context(site: Site) -> None:
    """Leaving the `with` or `async with` block closes the store, also when an exception leaves it."""
    async with await site.open(site.elsewhere("context")) as store:
        await store.create_collection("papers", dimension=4)
    with pytest.raises(StoreClosed):
        await store.collections()
    with pytest.raises(ZeroDivisionError):
        async with await site.open(site.elsewhere("other")) as store:
            raise ZeroDivisionError
    with pytest.raises(StoreClosed):
        await store.collections()


@contract
async def test_a_store_tells_how_it_is(store: AsyncStore, papers: AsyncCollection) -> None:
    """`health` is healthy, with the engine's name and a response time; `capabilities` need no connection."""
    await papers.upsert(doc("a"))
    health = await store.health()
    assert isinstance(health, Health)
    assert health.status == "healthy", health
    assert health.engine == store.engine
    assert health.issues == ()
    assert 0 <= health.response_time < 60
    assert isinstance(store.capabilities, Capabilities)
    assert store.capabilities.durability
    assert store.capabilities.consistency
    assert store.engine in {engine.name for engine in onevec.engines()}
    assert store.engine in repr(store)
    assert "papers" in repr(papers)


@contract
async def test_a_collection_tells_how_much_it_holds(papers: AsyncCollection) -> None:
    """`stats` counts the documents of the handle's namespace, and knows when it was last written."""
    empty = await papers.stats()
    assert isinstance(empty, Stats)
    assert (empty.documents, empty.dimension) == (0, 4)
    await papers.upsert(ids=[str(number) for number in range(100)], vectors=matrix(100))
    await papers.namespace("acme").upsert(doc("a"))
    stats = await papers.stats()
    assert stats.documents == 100
    assert (await papers.namespace("acme").stats()).documents == 1
    if stats.updated_at is not None:
        last = await papers.get("99")
        assert last is not None
        assert stats.updated_at == last.updated_at
        after(stats.updated_at)
        await papers.update("5", metadata={"n": 1})
        newer = (await papers.stats()).updated_at
        assert newer is not None
        assert newer > stats.updated_at
    for size in (stats.storage_bytes, stats.memory_bytes):
        assert size is None or size >= 0
    await papers.delete("99")
    await papers.optimize()
    await papers.flush()
    assert (await papers.stats()).documents == await papers.count() == 99


@contract
async def test_a_collection_tells_how_its_searches_went(papers: AsyncCollection) -> None:
    """`stats` counts the searches of the handle's namespace, by any handle of the store, and how long they took."""
    await papers.upsert([doc("a"), doc("b")])
    assert (await papers.stats()).searches == 0
    await papers.search(QUERY)
    await papers.search_batch([QUERY, QUERY])
    with pytest.raises(OnevecError):
        await papers.search(QUERY, top_k=0)
    acme = papers.namespace("acme")
    await acme.search(QUERY)
    await papers.namespace("acme").search(QUERY)
    stats = await papers.stats()
    assert (stats.searches, (await acme.stats()).searches, stats.vectors) == (3, 2, 2)
    assert stats.search_seconds is not None
    assert stats.search_seconds_p95 is not None
    assert 0 < stats.search_seconds <= stats.search_seconds_p95
    assert stats.searches_per_second is not None
    assert stats.searches_per_second > 0


@contract
async def test_an_unknown_option_is_refused(site: Site) -> None:
    """An option that the engine doesn't have is an error that names it; so is an engine that there isn't."""
    with pytest.raises(ConfigError, match="no_such_option"):
        await site.open(no_such_option=1)
    with pytest.raises(ConfigError, match="no_such_option"):
        await site.open(f"{site.url}{'&' if '?' in site.url else '?'}no_such_option=1")
    with pytest.raises(UnknownEngine):
        await site.open("no_such_engine://")
