"""The runtime of an event loop: it never holds up the loop, and ends what it began."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from traceback import format_exception
from typing import Any

import numpy as np
import pytest
from blockbuster import blockbuster_ctx

import onevec
from onevec import Document
from onevec.runtime import AsyncRuntime, Rest

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


async def answer(value: int) -> int:
    return value


async def in_a_loop(use: Callable[[AsyncRuntime], Coroutine[Any, Any, None]], *, workers: int = 4) -> None:
    io = AsyncRuntime(workers)
    try:
        await use(io)
    finally:
        await io.close()


def test_offloaded_work_is_in_a_thread_of_its_own() -> None:
    """Results and errors come back; the loop goes on meanwhile, as the work is only let go by it."""

    async def use(io: AsyncRuntime) -> None:
        gate = threading.Event()
        work = asyncio.create_task(io.offload(gate.wait, 10))
        for _ in range(100):
            await asyncio.sleep(0)
            assert not work.done()
        gate.set()
        assert await work is True
        assert await io.offload(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await io.offload(divmod, 1, 0)

    asyncio.run(in_a_loop(use))


def test_nothing_of_the_runtime_blocks_the_loop() -> None:
    """Starting threads, waiting for them and ending them is not done in the loop's thread."""

    async def use(io: AsyncRuntime) -> None:
        async def call(number: int) -> int:
            return await io.offload(abs, -number)

        assert await io.gather([partial(call, n) for n in range(20)], 3) == list(range(20))
        await io.sleep(0)

    with blockbuster_ctx("onevec"):
        asyncio.run(in_a_loop(use))


def test_the_async_runtime_calls_what_is_awaited() -> None:
    """`call` is for a client that has an async form: its awaitable is awaited."""

    async def use(io: AsyncRuntime) -> None:
        assert await io.call(answer, 5) == 5
        assert await io.call(answer, value=6) == 6

    asyncio.run(in_a_loop(use))


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_gather_keeps_to_its_limit(limit: int) -> None:
    """At most so many at once, and that many when there are; results in the order of the calls."""
    under_way = most = 0

    async def call(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(number % 4 + 1):
            await asyncio.sleep(0)
        under_way -= 1
        return number

    async def use(io: AsyncRuntime) -> None:
        assert await io.gather([partial(call, n) for n in range(20)], limit) == list(range(20))
        assert await io.gather([], limit) == []

    asyncio.run(in_a_loop(use))
    assert most == min(limit, 20)


@pytest.mark.parametrize("cause", [None, KeyError("its cause")], ids=["no cause", "a cause"])
def test_gather_raises_the_first_error_and_cancels_the_rest(cause: Exception | None) -> None:
    """The error itself, with its cause, not a group; no call is left running, and most were never begun."""
    begun: list[int] = []
    ended: list[int] = []

    async def call(number: int) -> None:
        begun.append(number)
        try:
            if number == 1:
                await asyncio.sleep(0)
                if cause is None:
                    raise LookupError("the first")  # `from None` would hide the group by itself
                raise LookupError("the first") from cause
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async def use(io: AsyncRuntime) -> None:
        with pytest.raises(LookupError, match="the first") as raised:
            await io.gather([partial(call, n) for n in range(10)], 3)
        assert raised.value.__cause__ is cause
        assert "Group" not in "".join(format_exception(raised.value))
        assert begun in ([0, 1, 2], [0, 1, 2, 3])  # the place of the one that failed can be taken before all end
        assert sorted(ended) == begun
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(in_a_loop(use))


def test_gather_is_cancelled_as_a_whole() -> None:
    """Cancelling the caller cancels the calls."""
    ended: list[int] = []

    async def call(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    async def use(io: AsyncRuntime) -> None:
        gathering = asyncio.create_task(io.gather([partial(call, n) for n in range(3)], 3))
        for _ in range(5):
            await asyncio.sleep(0)
        gathering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gathering
        assert sorted(ended) == [0, 1, 2]

    asyncio.run(in_a_loop(use))


def test_what_can_not_be_stopped_is_waited_for() -> None:
    """A cancelled call ends when its work has, and so does `close`: nothing comes later; the loop isn't held up."""
    gate = threading.Event()
    done = threading.Event()

    async def main() -> None:
        io, loop, running = AsyncRuntime(workers=1), asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            loop.call_soon_threadsafe(running.set)
            gate.wait(10)
            done.set()

        call = asyncio.create_task(io.offload(work))
        queued = asyncio.create_task(io.offload(done.is_set))
        await running.wait()
        call.cancel()
        closing = asyncio.create_task(io.close())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not call.done()
        assert not closing.done()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert done.is_set()
        await closing
        assert await queued is True

    asyncio.run(main())


def test_a_slow_embedder_does_not_hold_up_the_loop() -> None:
    """Neither for its vectors nor for its dimension, which it may have to embed a text to know."""
    threads: set[int] = set()

    def slow(texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        threads.add(threading.get_ident())
        return np.ones((len(texts), 3), np.float32)

    async def main() -> None:
        async with onevec.connect_async("memory://") as store:
            papers = await store.create_collection("papers", embedder=slow)
            assert papers.name == "papers"
            await papers.upsert([Document("1", text="x")])
            again = await store.collection("papers", embedder=slow)
            assert (await again.search("y")).ids == ["1"]
        assert threads
        assert threading.get_ident() not in threads

    asyncio.run(main())


def test_what_is_brief_is_done_in_place_but_not_all_of_it() -> None:
    """`briefly` runs what is brief in the loop's thread, for half a millisecond a turn of the loop, then in others."""

    async def threads() -> tuple[list[str], list[str]]:
        runtime = AsyncRuntime()

        def brief() -> str:
            ends = time.perf_counter() + 0.0002
            while time.perf_counter() < ends:
                pass
            return threading.current_thread().name

        def whole() -> str:
            return threading.current_thread().name

        one_turn = await asyncio.gather(*[runtime.briefly(brief, whole) for _ in range(20)])
        other_turns = []
        for _ in range(5):
            await asyncio.sleep(0)
            other_turns.append(await runtime.briefly(brief, whole))
        await runtime.close()
        return one_turn, other_turns

    here = threading.current_thread().name
    one_turn, other_turns = asyncio.run(threads())
    assert one_turn[0] == here
    assert 1 <= one_turn.count(here) <= 4
    assert other_turns == [here] * 5


def test_the_rest_of_what_was_begun_is_done_elsewhere() -> None:
    """What `brief` leaves is run in a worker thread; an error of either reaches the caller."""

    async def begun() -> str:
        runtime = AsyncRuntime()
        try:
            left = await runtime.briefly(lambda: Rest(lambda: threading.current_thread().name), lambda: "whole")
            await asyncio.sleep(0)
            with pytest.raises(ZeroDivisionError):
                await runtime.briefly(lambda: 1 // 0, lambda: 0)
            await asyncio.sleep(0)
            with pytest.raises(ZeroDivisionError):
                await runtime.briefly(lambda: Rest(lambda: 1 // 0), lambda: 0)
        finally:
            await runtime.close()
        return left

    assert asyncio.run(begun()).startswith("onevec")
