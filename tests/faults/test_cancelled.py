"""Calls of the async API on each embedded engine, cancelled at every step."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onevec
from onevec import AsyncStore

from .calls import CALLS, QUERY, Call, search
from .cancelling import End, Point, Steps, counting, nothing_left
from .embedded import AT_ONCE, ENGINES, no_syncs, without_syncs
from .sampling import Counted, sampled
from .workloads import DIMENSION, State, documents

__all__ = ["no_syncs"]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc to see leaked files in"),
    pytest.mark.usefixtures("no_syncs"),
    pytest.mark.timeout(1800),
]

TURNS = 200


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("call", CALLS)
def test_a_cancelled_call_is_done_or_not_begun(tmp_path: Path, name: str, call: str, counted: Counted) -> None:
    """Cancelled at any step a call leaves all of its change or nothing, nothing open, and can be made again."""
    states = asyncio.run(before_and_after(CALLS[call]))

    async def at(steps: Steps, folder: Path, point: Point | None) -> End:
        with nothing_left():
            store = await prepared(name, folder)
            end = await steps.run(CALLS[call](store), point)
            assert await everything(store) in (states[-1:] if end == "done" else states)
            assert_unlocked(name, folder)
            if point is not None and point.step % 2 and store.capabilities.persistent:
                await store.close()
                store = await connected(name, folder)
            await CALLS[call](store)
            assert await everything(store) == states[-1]
            await store.close()
        return end

    counted(f"calls cancelled, {name}", asyncio.run(at_every_point(at, tmp_path, f"{name} {call}")))


@pytest.mark.parametrize("name", ENGINES)
def test_a_cancelled_connect_leaves_nothing_open(tmp_path: Path, name: str, counted: Counted) -> None:
    """Cancelled at any step `connect_async` has let go of what it had opened, and the store is as it was."""

    async def at(steps: Steps, folder: Path, point: Point | None) -> End:
        await (await prepared(name, folder)).close()
        with nothing_left():
            opened: list[AsyncStore] = []

            async def connect() -> None:
                opened.append(await connected(name, folder))

            end = await steps.run(connect(), point)
            for store in opened:
                await store.close()
        assert_unlocked(name, folder)
        return end

    counted(f"connects cancelled, {name}", asyncio.run(at_every_point(at, tmp_path, name)))


@pytest.mark.parametrize("name", ENGINES)
def test_a_cancelled_close_closes(tmp_path: Path, name: str, counted: Counted) -> None:
    """Cancelled at any step `close`, or another call of it, has let go of everything, and nothing is lost."""

    async def at(steps: Steps, folder: Path, point: Point | None) -> End:
        with nothing_left():
            store = await prepared(name, folder)
            await search(store)
            end = await steps.run(store.close(), point)
            await store.close()
        assert_unlocked(name, folder)
        return end

    counted(f"closes cancelled, {name}", asyncio.run(at_every_point(at, tmp_path, name)))


@pytest.mark.parametrize("name", ENGINES)
def test_a_call_cancelled_before_a_thread_is_free(tmp_path: Path, name: str) -> None:
    """A write that is cancelled while it waits for a thread is never begun; `close` waits, and closes."""

    async def main() -> None:
        with nothing_left():
            store = await prepared(name, tmp_path)
            papers = await store.collection("papers")
            let_go = threading.Event()
            busy = [asyncio.create_task(store._core.io.offload(let_go.wait)) for _ in range(4)]
            write = await begun(papers.upsert(documents(range(30))))
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write
            close = await begun(store.close())
            close.cancel()
            await asyncio.sleep(0)
            assert not close.done()
            let_go.set()
            with pytest.raises(asyncio.CancelledError):
                await close
            assert await asyncio.gather(*busy) == [True] * 4
        if name in AT_ONCE:
            async with await connected(name, tmp_path) as again:
                assert await (await again.collection("papers")).count() == 20

    asyncio.run(main())


async def begun(call: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
    """Start a call, and give it time to come to where it waits."""
    task = asyncio.create_task(call)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    return task


async def at_every_point(
    at: Callable[[Steps, Path, Point | None], Coroutine[Any, Any, End]], parent: Path, seed: str
) -> int:
    """Cancel at each point, with a new folder each; return how often that came before the end."""
    ends: Counter[End] = Counter()
    with counting() as steps:
        for name in ("first", "whole"):  # what is loaded by a first call counts as steps, too
            (parent / name).mkdir()
            assert await at(steps, parent / name, None) == "done"
        left, taken = files_in(parent / "whole"), steps.taken
        points = [Point("loop", turn) for turn in sampled(range(TURNS), 2, seed)]
        points += [Point("thread", step, 1 + step % 2) for step in sampled(range(taken), 2, seed)]
        for point in points:
            folder = parent / f"{point.where}-{point.step}"
            folder.mkdir()
            try:
                ends[await at(steps, folder, point)] += 1
                assert files_in(folder) == left
            except BaseException as error:
                error.add_note(f"cancelled at {point} of {taken}")
                raise
    assert ends["cancelled"]
    return ends["cancelled"]


async def connected(name: str, folder: Path) -> AsyncStore:
    return await onevec.connect_async(ENGINES[name](folder))


async def prepared(name: str, folder: Path) -> AsyncStore:
    """A store with a collection, of which everything is loaded, indexed and saved."""
    store = await connected(name, folder)
    without_syncs(store)
    papers = await store.create_collection("papers", dimension=DIMENSION)
    await papers.upsert(documents(range(20)))
    await papers.namespace("acme").upsert(documents(range(3)))
    await papers.search(QUERY)
    await papers.optimize()
    return store


async def before_and_after(call: Call) -> Sequence[State]:
    async with await prepared("memory", Path()) as store:
        before = await everything(store)
        await call(store)
        return [before, await everything(store)]


async def everything(store: AsyncStore) -> State:
    """All that a store holds, times aside, by collection and namespace."""
    found: State = {}
    for info in await store.collections():
        collection = await store.collection(info.name)
        for namespace in {"", *await collection.namespaces()}:
            found[f"{info.name} {info.metric.value}", namespace] = {
                document.id: (document.text, document.metadata, np.asarray(document.vector, np.float32).tobytes())
                async for document in collection.namespace(namespace).scan()
            }
    return found


def assert_unlocked(name: str, folder: Path) -> None:
    """Write by another store, which waits for nobody."""
    if name in AT_ONCE:
        with onevec.connect(ENGINES[name](folder), **AT_ONCE[name]) as other:
            without_syncs(other)
            other.create_collection("another", dimension=2).upsert({"id": "1", "vector": [1, 2]})
            assert other.delete_collection("another")


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}
