"""The async API never holds up its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import apsw
import numpy as np
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

import onevec
from onevec import AsyncStore, Document
from onevec.errors import EngineBusy


@pytest.fixture
def blockbuster() -> Iterator[BlockBuster]:
    """Makes a blocking call in the event loop's thread an error."""
    with blockbuster_ctx("onevec") as blockbuster:
        yield blockbuster


@pytest.mark.parametrize(
    "url",
    [
        lambda _: "memory://",
        lambda folder: f"sqlite:///{folder}/store.db",
        lambda folder: f"jsonl:///{folder}/store",
        lambda folder: f"faiss:///{folder}/store",
    ],
    ids=["memory", "sqlite", "jsonl", "faiss"],
)
@pytest.mark.usefixtures("blockbuster")
def test_no_call_blocks_the_loop(tmp_path: Path, url: Callable[[Path], str]) -> None:
    """Every verb, from connect to close, does its file and lock work off the event loop's thread."""

    async def every_verb() -> None:
        async with onevec.connect_async(url(tmp_path)) as store:
            papers = await store.create_collection("papers", dimension=4, embedder=_embed)
            await papers.upsert([Document(str(n), text=f"wing {n}", metadata={"n": n}) for n in range(50)])
            await papers.upsert(ids=["a", "b"], vectors=np.ones((2, 4), np.float32))
            await papers.update("1", text="flap", metadata={"n": None})
            assert await papers.get("1") is not None
            assert len(await papers.get_many(["2", "3"])) == 2
            assert await papers.count({"n": {"$gt": 40}}) == 9
            assert len([document async for document in papers.scan(filter={"n": 5})]) == 1
            assert len(await papers.page(limit=3)) == 3
            assert len(await papers.search("wing", top_k=3, filter={"n": {"$gt": 3}})) == 3
            assert len(await papers.search("wing", mode="text", top_k=3)) == 3
            assert len(await papers.search_batch(["wing", [1, 2, 3, 4]])) == 2
            assert await papers.explain("wing")
            assert (await papers.namespace("acme").upsert({"id": "a", "text": "wing"})).written == 1
            assert await papers.namespaces() == ["", "acme"]
            assert await papers.delete_namespace("acme") == 1
            assert (await papers.stats()).documents == 52
            assert await papers.delete("2") == 1
            assert await papers.delete(filter={"n": 3}) == 1
            await papers.optimize()
            await papers.flush()
            assert await store.copy_collection("papers", "copy") == 50
            assert len(await store.collections()) == 2
            assert await papers.clear() == 50
            assert await store.delete_collection("copy")
            assert (await store.health()).status == "healthy"

    asyncio.run(every_verb())


def _embed(texts: Sequence[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0, 2.0, 3.0] for text in texts]


def test_the_loop_runs_on_while_sqlite_waits(tmp_path: Path) -> None:
    """A write that waits for another connection's lock waits in a thread: the loop itself can take the lock away."""

    async def waiting(store: AsyncStore, other: apsw.Connection) -> None:
        papers = await store.create_collection("papers", dimension=2)
        other.execute("BEGIN IMMEDIATE")
        write = asyncio.create_task(papers.upsert(Document("a", vector=[1.0, 2.0])))
        for number in range(20):
            assert await papers.count() == 0, number
        assert not write.done()
        other.execute("ROLLBACK")
        assert (await write).written == 1
        assert await papers.count() == 1

    async def main() -> None:
        url = f"sqlite:///{tmp_path}/store.db?busy_timeout=20"
        async with onevec.connect_async(url, max_retries=0) as store:
            other = apsw.Connection(str(tmp_path / "store.db"))
            try:
                await waiting(store, other)
            finally:
                other.close()

    asyncio.run(main())


def test_a_busy_file_is_an_error_in_the_end(tmp_path: Path) -> None:
    """The same wait, if nobody lets go of the lock, ends with `EngineBusy` after the timeout."""

    async def main() -> None:
        async with onevec.connect_async(f"sqlite:///{tmp_path}/store.db?busy_timeout=0.01", max_retries=0) as store:
            papers = await store.create_collection("papers", dimension=2)
            other = apsw.Connection(str(tmp_path / "store.db"))
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(EngineBusy):
                await papers.upsert(Document("a", vector=[1.0, 2.0]))
            other.close()
            assert (await papers.upsert(Document("a", vector=[1.0, 2.0]))).written == 1

    asyncio.run(main())
