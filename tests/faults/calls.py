"""Calls of the async API on a collection of twenty documents. Each can be made again, and then changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from onevec import AsyncStore

from .workloads import DIMENSION, IDS, documents

Call: TypeAlias = Callable[[AsyncStore], Coroutine[Any, Any, None]]

QUERY = [1.0] * DIMENSION


async def create_collection(store: AsyncStore) -> None:
    await store.create_collection("notes", dimension=DIMENSION, if_exists="open")


async def delete_collection(store: AsyncStore) -> None:
    await store.delete_collection("papers")


async def copy_collection(store: AsyncStore) -> None:
    if not await store.has_collection("copy"):
        await store.copy_collection("papers", "copy")


async def upsert(store: AsyncStore) -> None:
    await (await store.collection("papers")).upsert(documents(range(15, 25), version=1))


async def update(store: AsyncStore) -> None:
    papers = await store.collection("papers")
    await papers.update([{"id": id, "text": "rudder", "metadata": {"version": 7}} for id in IDS[:5]])


async def delete(store: AsyncStore) -> None:
    await (await store.collection("papers")).delete(IDS[:5])


async def delete_matching(store: AsyncStore) -> None:
    await (await store.collection("papers")).delete(filter="n < 7")


async def clear(store: AsyncStore) -> None:
    await (await store.collection("papers")).clear()


async def search(store: AsyncStore) -> None:
    papers = await store.collection("papers")
    assert len(await papers.search(QUERY, top_k=5, filter="n >= 10")) == 5


async def search_batch(store: AsyncStore) -> None:
    papers = await store.collection("papers")
    assert [len(hits) for hits in await papers.search_batch([QUERY] * 6, top_k=5)] == [5] * 6


async def text_search(store: AsyncStore) -> None:
    papers = await store.collection("papers")
    assert len(await papers.search("wing", mode="text")) == 10


async def get_many(store: AsyncStore) -> None:
    papers = await store.collection("papers")
    assert len(await papers.get_many(IDS)) == 20


async def scan(store: AsyncStore) -> None:
    papers = await store.collection("papers")
    assert len([document.id async for document in papers.scan()]) == 20


async def optimize(store: AsyncStore) -> None:
    await (await store.collection("papers")).optimize()


CALLS: Mapping[str, Call] = {
    call.__name__: call
    for call in (
        *(create_collection, delete_collection, copy_collection, upsert, update, delete, delete_matching, clear),
        *(search, search_batch, text_search, get_many, scan, optimize),
    )
}
