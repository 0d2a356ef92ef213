"""Documents that searches found lately are kept in memory, and never differ from the file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import onevec
from onevec import Document
from onevec.adapters.sqlite.recent import RecentDocuments
from onevec.runtime import AsyncRuntime

AT = datetime(2020, 1, 2, tzinfo=UTC)


def test_a_hit_that_comes_again_is_as_it_was(tmp_path: Path) -> None:
    """What a caller does to a hit's metadata is not seen in the next search."""
    with onevec.connect(f"sqlite:///{tmp_path}/papers.db") as store:
        papers = store.create_collection("papers", dimension=2)
        papers.upsert(Document("1", text="a wing", vector=[1, 0], metadata={"tags": ["wing"], "at": AT}))
        first = papers.search([1, 0])[0]
        first.metadata["tags"].append("drag")
        first.metadata["more"] = 1
        again = papers.search([1, 0])[0]
        assert (again.text, again.metadata) == ("a wing", {"tags": ["wing"], "at": AT})
        assert again.document == papers.get("1", include_vectors=False)


def test_a_hit_is_what_was_written_last(tmp_path: Path) -> None:
    """A document that was found, then replaced, updated or deleted, by whichever connection, is found as it is now."""
    url = f"sqlite:///{tmp_path}/papers.db"
    with onevec.connect(url) as store, onevec.connect(url) as other:
        papers, theirs = store.create_collection("papers", dimension=2), other.collection("papers")
        papers.upsert(Document("1", text="one", vector=[1, 0]))
        writes: tuple[Callable[[], object], ...] = (
            lambda: papers.upsert(Document("1", text="two", vector=[1, 0])),
            lambda: papers.update("1", text="three"),
            lambda: papers.update("1", metadata={"year": 1958}),
            lambda: theirs.upsert(Document("1", text="four", vector=[1, 0])),
            lambda: theirs.update("1", metadata={"year": 1960}),
        )
        for write in writes:
            papers.search([1, 0])
            write()
            assert papers.search([1, 0])[0].document == theirs.get("1", include_vectors=False)
        papers.search([1, 0])
        theirs.delete("1")
        assert len(papers.search([1, 0])) == 0


def test_what_was_not_found_for_long_is_forgotten() -> None:
    """At most two halves are kept, and what is found again stays."""
    recent = RecentDocuments(half_bytes=10_000)
    for row in range(1_000):
        recent.keep(row, Document(str(row), text="x" * 100), "{}")
        assert recent.find(0) == Document("0", text="x" * 100)
    here = [row for row in range(1_000) if recent.find(row) is not None]
    assert 10 < len(here) < 40
    assert here[-1] == 999


def test_async_searches_need_no_thread_for_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search whose matches and documents are in memory is done in place; others, and those after a write, are not."""
    offloaded: list[object] = []
    offload = AsyncRuntime.offload

    async def noted(self: AsyncRuntime, function: Callable[..., object], *args: object) -> object:
        offloaded.append(function)
        return await offload(self, function, *args)

    async def searches() -> list[int]:
        counts = []
        async with onevec.connect_async(f"sqlite:///{tmp_path}/papers.db") as store:
            papers = await store.create_collection("papers", dimension=2)
            await papers.upsert([Document(str(n), vector=[1, n], metadata={"n": n}) for n in range(50)])
            monkeypatch.setattr(AsyncRuntime, "offload", noted)

            async def search() -> None:
                await asyncio.sleep(0)  # another turn of the loop
                offloaded.clear()
                assert (await papers.search([1, 0], top_k=3, filter={"n": {"$lt": 9}})).ids == ["0", "1", "2"]
                counts.append(len(offloaded))

            await search()
            await search()
            await papers.update("7", metadata={"n": 99})
            await search()
            await search()
            monkeypatch.undo()
        return counts

    assert asyncio.run(searches()) == [1, 0, 1, 0]
