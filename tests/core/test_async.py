"""Many tasks on one store: the loop goes on, a cancelled call breaks nothing, and no thread is left."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx

import onevec
from onevec import AsyncCollection, AsyncStore, Document, field
from onevec.errors import StoreClosed
from onevec.local.table import Mask, VectorTable
from onevec.local.vectors import Matrix
from onevec.testing.samples import matrix

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

COUNT, DIMENSION = 2000, 16


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/store.db"


def in_a_loop(test: Callable[[str], Coroutine[Any, Any, None]]) -> Callable[[str], None]:
    """Run a test in an event loop in which a blocking call is an error."""

    @wraps(test)
    def tested(url: str) -> None:
        with blockbuster_ctx("onevec"):
            asyncio.run(test(url))

    return tested


async def filled(store: AsyncStore) -> AsyncCollection:
    papers = await store.create_collection("papers", dimension=DIMENSION)
    await papers.upsert(
        ids=[f"{number:04}" for number in range(COUNT)],
        vectors=matrix(COUNT, DIMENSION),
        texts=[f"wing number {number}" for number in range(COUNT)],
        metadata=[{"n": number} for number in range(COUNT)],
    )
    return papers


def test_fifty_searches_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gives what it gives alone. The search itself waits here until the loop lets it go on, so the loop has to."""
    gate = threading.Event()
    search = VectorTable.search

    def gated(table: VectorTable, query: Matrix, top_k: int, mask: Mask | None = None) -> Any:
        assert gate.wait(20)
        return search(table, query, top_k, mask)

    monkeypatch.setattr(VectorTable, "search", gated)

    @in_a_loop
    async def test(url: str) -> None:
        async with onevec.connect_async(url) as store:
            papers = await filled(store)
            queries = matrix(50, DIMENSION, seed=2)
            searches = [
                asyncio.create_task(papers.search(query, top_k=5, filter=field("n") > 100)) for query in queries
            ]
            for _ in range(1000):
                await asyncio.sleep(0)
            assert not any(search.done() for search in searches)
            gate.set()
            found = await asyncio.gather(*searches)
            assert found == [await papers.search(query, top_k=5, filter=field("n") > 100) for query in queries]
            assert all(len(result) == 5 for result in found)

    test(url)


@in_a_loop
async def test_every_kind_of_call_at_once(url: str) -> None:
    """Reads and writes of many tasks on one store: nothing is lost, nothing is mixed up."""
    async with onevec.connect_async(url) as store:
        papers = await store.create_collection("papers", dimension=2)

        async def one(number: int) -> None:
            mine = papers.namespace(f"tenant {number % 5}")
            id = f"{number}"
            await mine.upsert(Document(id, text=f"wing {number}", vector=[1, number], metadata={"n": number}))
            assert (await mine.search([1, number], top_k=1, filter=field("n") == number)).ids == [id]
            assert (await mine.search(f"{number}", mode="text", top_k=1)).ids == [id]
            await mine.update(id, metadata={"done": True})
            document = await mine.get(id)
            assert document is not None
            assert document.metadata == {"n": number, "done": True}
            if number % 2:
                assert await mine.delete(id) == 1

        await asyncio.gather(*map(one, range(40)))
        assert await papers.count() == 0
        assert [await papers.namespace(f"tenant {tenant}").count() for tenant in range(5)] == [4] * 5


@in_a_loop
async def test_a_cancelled_call_leaves_the_store_usable(url: str) -> None:
    """Wherever it was cancelled: the next calls are right, and a write is there whole or not at all."""
    async with onevec.connect_async(url) as store:
        papers = await filled(store)
        query = matrix(1, DIMENSION, seed=3)[0]
        expected = await papers.search(query, top_k=3)
        for turns in range(12):
            calls = [
                papers.search(query, top_k=3),
                papers.upsert(ids=["new 1", "new 2"], vectors=matrix(2, DIMENSION, seed=4)),
                papers.count(field("n") < 5),
                papers.search("wing", mode="text"),
            ]
            tasks = [asyncio.create_task(call) for call in calls]
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert await papers.delete(["new 1", "new 2"]) in {0, 2}
            assert await papers.search(query, top_k=3) == expected
            assert await papers.count() == COUNT


@in_a_loop
async def test_a_timeout_of_the_callers_own(url: str) -> None:
    """`asyncio.timeout` around a call ends the waiting; the store goes on."""
    async with onevec.connect_async(url) as store:
        papers = await filled(store)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await papers.search("wing", mode="text")
        assert await papers.count() == COUNT


@in_a_loop
async def test_closing_under_way(url: str) -> None:
    """Calls that are under way when the store is closed give their result or `StoreClosed`, and nothing else."""
    store = await onevec.connect_async(url)
    papers = await filled(store)
    query = matrix(1, DIMENSION, seed=3)[0]
    expected = await papers.search(query, top_k=3)
    searches = [asyncio.create_task(papers.search(query, top_k=3)) for _ in range(30)]
    texts = [asyncio.create_task(papers.search("wing", mode="text", top_k=3)) for _ in range(5)]
    for _ in range(3):
        await asyncio.sleep(0)
    await asyncio.gather(store.close(), store.close())
    for outcome in await asyncio.gather(*searches, return_exceptions=True):
        if isinstance(outcome, StoreClosed):
            assert (outcome.engine, outcome.operation) == (store.engine, "search")
        else:
            assert outcome == expected
    for outcome in await asyncio.gather(*texts, return_exceptions=True):
        assert isinstance(outcome, StoreClosed | onevec.SearchResult)
    with pytest.raises(StoreClosed):
        await papers.count()


@in_a_loop
async def test_an_abandoned_scan(url: str) -> None:
    """A scan that is left half way, or never begun, holds nothing up."""
    async with onevec.connect_async(url) as store:
        papers = await filled(store)
        papers.scan()
        seen = []
        async for document in papers.scan():
            seen.append(document.id)
            if len(seen) == 1500:
                break
        assert seen == [f"{number:04}" for number in range(1500)]
        await papers.clear()
        assert await papers.count() == 0


def test_stores_of_several_loops(url: str) -> None:
    """One after another in one process, each in a loop of its own."""

    async def main(number: int) -> None:
        async with onevec.connect_async(url) as store:
            papers = await store.create_collection("papers", dimension=2, if_exists="replace")
            await papers.upsert(Document("1", vector=[1, number]))
            assert (await papers.search(np.array([1, number]))).ids == ["1"]

    for number in range(3):
        asyncio.run(main(number))
