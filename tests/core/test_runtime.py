"""The runtime that runs in place: it never suspends, and needs no event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from functools import partial

import pytest

import onevec
from onevec import Document
from onevec.runtime import BlockingRuntime, drained, run

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


async def answer(value: int) -> int:
    return value


def test_run_returns_and_raises() -> None:
    """The coroutine's result is the call's, and so is its error."""

    async def failing() -> int:
        raise LookupError(await answer(7))

    assert run(answer(42)) == 42
    with pytest.raises(LookupError, match="7"):
        run(failing())


def test_run_refuses_what_suspends() -> None:
    """A coroutine that waits for an event loop is a bug that says so; the coroutine is closed, not forgotten."""
    closed = []

    async def suspending() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            closed.append(True)

    with pytest.raises(RuntimeError, match="awaited something outside its runtime"):
        run(suspending())
    assert closed == [True]


def test_the_blocking_runtime_runs_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each verb does its work in the caller's thread, one call after another."""
    io = BlockingRuntime()
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    order: list[int] = []

    async def call(number: int) -> int:
        order.append(number)
        return number * number

    async def every_verb() -> None:
        here = threading.get_ident()
        assert await io.offload(threading.get_ident) == here
        assert await io.call(threading.get_ident) == here
        assert await io.offload(divmod, 7, 2) == (3, 1)
        assert await io.call(int, "ff", base=16) == 255
        await io.sleep(1.5)
        assert await io.gather([partial(call, n) for n in range(5)], 2) == [0, 1, 4, 9, 16]
        assert await io.gather([], 1) == []
        await io.close()

    run(every_verb())
    assert slept == [1.5]
    assert order == [0, 1, 2, 3, 4]


def test_the_blocking_runtime_stops_at_the_first_error() -> None:
    """What comes after a call that failed isn't begun."""
    begun: list[int] = []

    async def call(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise LookupError(number)

    with pytest.raises(LookupError):
        run(BlockingRuntime().gather([partial(call, n) for n in range(5)], 4))
    assert begun == [0, 1, 2]


def test_the_sync_api_works_inside_a_running_loop() -> None:
    """As in a notebook: without a loop or a thread of its own, also where a scan is given up half way."""

    async def main() -> None:
        before = set(threading.enumerate())
        with onevec.connect("memory://") as store:
            papers = store.create_collection("papers", dimension=2)
            papers.upsert([Document(str(number), vector=[1, number]) for number in range(10)])
            assert papers.search([1, 0], top_k=1).ids == ["0"]
            for document in papers.scan():
                assert document.id == "0"
                break
            assert len(list(papers.scan())) == 10
            assert set(threading.enumerate()) <= before

    asyncio.run(main(), debug=True)


def test_the_sync_api_works_in_threads() -> None:
    """One store, many threads: every write is there, every search is right."""
    store = onevec.connect("memory://")
    papers = store.create_collection("papers", dimension=2)
    start = threading.Barrier(8)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            start.wait()
            for turn in range(20):
                id = f"{number}-{turn}"
                papers.upsert(Document(id, vector=[number + 1, turn + 1], metadata={"id": id}))
                assert papers.search([number + 1, turn + 1], filter=onevec.field("id") == id).ids == [id]
        except BaseException as failure:  # noqa: BLE001 (handed to the test)
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert papers.count() == 160
    store.close()


def test_drained_follows_to_the_end() -> None:
    """A sync iterator over an async one: its items, then its end or its error."""

    async def items(*, fail: bool) -> AsyncIterator[int]:
        for number in range(3):
            yield await answer(number)
        if fail:
            raise LookupError("after three")

    assert list(drained(items(fail=False))) == [0, 1, 2]
    following = drained(items(fail=True))
    assert [next(following) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(LookupError, match="after three"):
        next(following)
