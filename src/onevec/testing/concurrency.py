"""Stores shared between threads and between tasks, and one answer on both surfaces."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.collection import Collection
from onevec.testing.awaited import awaited
from onevec.testing.samples import contents, counted, doc, matrix, undated
from onevec.testing.site import Site, contract

QUERY = [1.0, 2.0, 3.0, 4.0]
WORKERS = 4
ROUNDS = 10

# Threads share a sync store; an async one belongs to its event loop, and is shared by tasks.
on_threads = pytest.mark.parametrize("site", ["sync"], indirect=True)
on_tasks = pytest.mark.parametrize("site", ["async"], indirect=True)


@on_threads
def test_threads_share_a_store(site: Site) -> None:
    """Threads that write, read and search one store at once lose nothing and see their own writes."""
    with site.connect(site.elsewhere("threads")) as store, ThreadPoolExecutor(WORKERS) as threads:
        papers = store.create_collection("papers", dimension=4)
        with_text = store.capabilities.text_search
        for written in threads.map(lambda worker: _work(papers, worker, with_text=with_text), range(WORKERS)):
            assert written == ROUNDS * 3
        assert papers.count() == WORKERS * ROUNDS * 3
        assert len({document.id for document in papers.scan()}) == WORKERS * ROUNDS * 3
        assert sorted(papers.search(QUERY, top_k=1000).ids) == sorted(document.id for document in papers.scan())


def _work(papers: Collection, worker: int, *, with_text: bool) -> int:
    written = 0
    for number in range(ROUNDS):
        ids = [f"{worker}-{number}-{part}" for part in range(4)]
        written += papers.upsert([doc(id, text="wing", worker=worker, n=number) for id in ids]).written
        assert [document.id for document in papers.get_many(ids)] == ids
        assert papers.delete(ids[3]) == 1
        written -= 1
        assert papers.count({"worker": worker}) == written
        papers.update(ids[0], metadata={"updated": True})
        assert set(ids[:3]) <= set(papers.search(QUERY, top_k=1000, filter={"worker": worker}).ids)
        if with_text:
            assert len(papers.search("wing", mode="text", top_k=1000, filter={"worker": worker})) == written
    return written


@on_tasks
def test_tasks_share_a_store(site: Site) -> None:
    """Tasks that write, read and search one store at once lose nothing and see their own writes."""

    async def work(papers: AsyncCollection, worker: int) -> None:
        for number in range(ROUNDS):
            ids = [f"{worker}-{number}-{part}" for part in range(3)]
            await papers.upsert([doc(id, worker=worker, n=number) for id in ids])
            assert [document.id for document in await papers.get_many(ids)] == ids
            assert await papers.count({"worker": worker}) == (number + 1) * 3
            assert set(ids) <= set((await papers.search(QUERY, top_k=1000, filter={"worker": worker})).ids)

    async def together() -> None:
        papers = await site.store.create_collection("papers", dimension=4)
        async with asyncio.TaskGroup() as group:
            for worker in range(WORKERS):
                group.create_task(work(papers, worker))
        assert len(await contents(papers)) == WORKERS * ROUNDS * 3

    site.run(together())


@on_threads
def test_one_of_many_makes_the_collection(site: Site) -> None:
    """Of threads that make one collection at once with `if_exists="open"`, all get the same one."""
    with site.connect(site.elsewhere("makers")) as store, ThreadPoolExecutor(WORKERS) as threads:

        def make(worker: int) -> str:
            papers = store.create_collection("papers", dimension=4, if_exists="open")
            papers.upsert(doc(str(worker)))
            return papers.info().created_at.isoformat()

        assert len(set(threads.map(make, range(WORKERS * 4)))) == 1
        assert store.collection("papers").count() == WORKERS * 4


@on_tasks
def test_a_cancelled_call_leaves_the_store_usable(site: Site) -> None:
    """A task that is cancelled during a write leaves all of its batch or nothing, and a store that works."""

    async def cancelled() -> None:
        papers = await site.store.create_collection("papers", dimension=16)
        ids = [str(number) for number in range(2_000)]
        task = asyncio.create_task(papers.upsert(ids=ids, vectors=matrix(2_000, 16)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await papers.upsert(doc("after", vector=[1.0] * 16))
        if site.capabilities.atomic_batches:
            assert await papers.count() in {1, 2_001}
        await papers.upsert(ids=ids, vectors=matrix(2_000, 16))
        assert await papers.count() == 2_001

    site.run(cancelled())


@contract
async def test_both_surfaces_give_the_same_answers(site: Site) -> None:
    """The same calls give the same answers by the sync and the async API, and on another store of the engine."""
    with site.connect(site.elsewhere("twin")) as twin:
        assert await _answers(site.store) == await _answers(awaited(twin))


async def _answers(store: AsyncStore) -> list[Any]:
    papers = await store.create_collection("papers", embedder=counted)
    return [
        await papers.upsert([doc(str(number), text=f"wing {number}", n=number) for number in range(30)]),
        await papers.upsert({"id": "embedded", "text": "a text"}),
        await papers.update("3", metadata={"n": None, "m": 1}),
        await papers.delete(["4", "missing"]),
        await papers.delete(filter={"n": 5}),
        undated(await papers.get_many(["3", "4", "embedded"])),
        undated([document async for document in papers.scan(filter={"n": {"$gt": 8}})]),
        len(await papers.page(limit=3)),
        (await papers.search("wing 3", filter={"n": {"$gte": 0}})).scores,
        [result.ids for result in await papers.search_batch([QUERY, "wing"], top_k=3)],
        await papers.explain(QUERY, filter={"n": 1}),
        await papers.namespaces(),
        (await papers.stats()).documents,
        await store.copy_collection("papers", "copy"),
        await papers.clear(),
        [(info.name, info.dimension, info.metric, info.embedder) for info in await store.collections()],
        await store.delete_collection("copy"),
    ]
