"""While one part of a stream is written, the vectors of the next one are made; all else stays as it was."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw
import pytest

import onevec
from onevec import AsyncCollection
from onevec.ahead import InTask, InThread, Later
from onevec.errors import EmbeddingFailed, EngineBusy, InvalidDocument
from onevec.runtime import run

PART = 1000


class Model:
    """Tells a test of each part that it is asked to embed."""

    name = "model-1"
    dimension = 2

    def __init__(self, on_part: Callable[[int], object] = lambda number: None) -> None:
        self.on_part = on_part
        self.parts = 0

    def embed(self, texts: Any) -> Any:
        self.parts += 1
        self.on_part(self.parts)
        return [[1.0, float(len(text))] for text in texts]


def documents(count: int) -> Iterator[dict[str, Any]]:
    return ({"id": str(number), "text": f"text {number}"} for number in range(count))


class Lock:
    """Holds the lock that a write to a sqlite store needs, from one part's embedding to another one's."""

    def __init__(self, path: Path) -> None:
        self._other = apsw.Connection(str(path))

    def hold_from_the_first_to_the_second(self, part: int) -> None:
        if part == 1:
            self._other.execute("BEGIN IMMEDIATE")
        elif part == 2:
            self._other.execute("ROLLBACK")

    def close(self) -> None:
        self._other.close()


async def _with_papers(url: str, model: Any, use: Callable[[AsyncCollection], Any]) -> None:
    async with onevec.connect_async(url, max_retries=0) as store:
        await use(await store.create_collection("papers", embedder=model))


def test_an_async_stream_is_embedded_while_it_is_written(tmp_path: Path) -> None:
    """The first part can only be written because the second one is embedded meanwhile; progress is told in order."""
    model, seen = Model(), []

    async def use(papers: AsyncCollection) -> None:
        lock = Lock(tmp_path / "store.db")
        model.on_part = lock.hold_from_the_first_to_the_second
        try:
            report = await papers.upsert(documents(2500), on_progress=lambda done, total: seen.append((done, total)))
        finally:
            lock.close()
        assert (report.written, await papers.count()) == (2500, 2500)

    asyncio.run(_with_papers(f"sqlite:///{tmp_path}/store.db?busy_timeout=10", model, use))
    assert seen == [(1000, None), (2000, None), (2500, None)]
    assert model.parts == 3


def test_a_sync_stream_is_embedded_and_written_in_turn() -> None:
    """In the caller's own thread, and no part is taken from the iterator before the one before it is written."""
    threads = set()
    model = Model(lambda _: threads.add(threading.current_thread()))
    with onevec.connect("memory://", embedder=model) as store:
        papers = store.create_collection("papers")

        def watched() -> Iterator[dict[str, Any]]:
            for number, document in enumerate(documents(2500)):
                assert papers.count() == number // PART * PART
                yield document

        assert papers.upsert(watched()).written == 2500
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("trouble", ["embedding", "document", "iterator"])
def test_what_came_before_an_error_is_written(trouble: str) -> None:
    """Whatever is wrong with the second part, the first one is written, and the error says so."""

    def fail(part: int) -> None:
        if part == 2 and trouble == "embedding":
            raise EmbeddingFailed("not today")

    def troubled() -> Iterator[Any]:
        for number, document in enumerate(documents(1500)):
            if number == 1200 and trouble == "document":
                document["text"] = 5
            if number == 1200 and trouble == "iterator":
                raise ZeroDivisionError
            yield document

    kind = {"embedding": EmbeddingFailed, "document": InvalidDocument, "iterator": ZeroDivisionError}[trouble]

    async def use(papers: AsyncCollection) -> None:
        with pytest.raises(kind) as raised:
            await papers.upsert(troubled())
        assert await papers.count() == PART
        if trouble != "iterator":
            assert "1000 documents that came before" in raised.value.__notes__[0]
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(_with_papers("memory://", Model(fail), use))


def test_a_write_that_fails_ends_the_embedding(tmp_path: Path) -> None:
    """The error is the write's, no part after it is written, and nothing runs on."""

    class Endless(Model):
        ended = False

        async def embed_async(self, texts: Any) -> Any:
            vectors = self.embed(texts)
            if self.parts == 2:
                try:
                    await asyncio.Event().wait()
                finally:
                    self.ended = True
            return vectors

    model = Endless()

    async def use(papers: AsyncCollection) -> None:
        other = apsw.Connection(str(tmp_path / "store.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(EngineBusy):
            await papers.upsert(documents(2500))
        other.close()
        assert (model.parts, model.ended, await papers.count()) == (2, True, 0)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(_with_papers(f"sqlite:///{tmp_path}/store.db?busy_timeout=0.05", model, use))


def test_a_cancelled_stream_leaves_nothing_running() -> None:
    """What was written is whole parts."""
    begun = asyncio.Event()

    class Endless(Model):
        async def embed_async(self, texts: Any) -> Any:
            vectors = self.embed(texts)
            if self.parts == 3:
                begun.set()
                await asyncio.Event().wait()
            return vectors

    async def use(papers: AsyncCollection) -> None:
        write = asyncio.create_task(papers.upsert(documents(5000)))
        await begun.wait()
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
        assert await papers.count() in (PART, 2 * PART)
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(_with_papers("memory://", Endless(), use))


def test_work_ahead_gives_its_result_or_its_error_and_can_be_cancelled() -> None:
    """In each of its forms, at any time; a coroutine that never ran is a warning, and so an error."""

    async def work(fails: bool) -> int:
        if fails:
            raise LookupError
        return 5

    async def check(begin: Callable[[Any], Any]) -> None:
        good, bad = begin(work(fails=False)), begin(work(fails=True))
        assert await good.result() == 5
        with pytest.raises(LookupError):
            await bad.result()
        for ahead in (good, bad, begin(work(fails=False)), begin(work(fails=True))):
            await ahead.cancel()
            await ahead.cancel()

    run(check(Later))
    asyncio.run(check(InTask))
    with ThreadPoolExecutor(1) as thread:
        run(check(lambda coroutine: InThread(thread, run, coroutine)))
        busy = threading.Event()
        thread.submit(busy.wait, 10)
        waiting = InThread(thread, run, work(fails=False))
        run(waiting.cancel())
        busy.set()
