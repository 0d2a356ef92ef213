"""Verbs of an engine in this process run whole, and say so where their collection is gone."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from onevec.adapter import Place
from onevec.documents import CollectionInfo
from onevec.errors import CollectionNotFound, EngineError, EngineUnavailable
from onevec.metrics import Metric
from onevec.remote import Missing, Turns, about, deleted
from onevec.runtime import AsyncRuntime, BlockingRuntime, run

INFO = CollectionInfo("papers", 4, Metric.COSINE, None, datetime(2020, 1, 1, tzinfo=UTC))


class Counter:
    """An engine in this process: a verb reads, waits, and writes what it read plus one."""

    def __init__(self, turns: Turns | None) -> None:
        self.turns = turns
        self.value = 0
        self.info = INFO
        self.threads: set[int] = set()

    async def check(self, collection: CollectionInfo) -> None:
        if self.info != collection:
            raise deleted(collection)

    @about
    async def add(self, place: Place, failure: Exception | None = None) -> int:
        if failure is not None:
            raise failure
        old = self.value
        self.threads.add(threading.get_ident())
        time.sleep(0.001)  # noqa: ASYNC251 (what blocks is let run elsewhere)
        self.value = old + 1
        return self.value


PLACE = Place(INFO, "")


def test_verbs_take_turns_in_threads() -> None:
    """Threads that share a sync store get each a whole verb, in their own thread."""
    counter = Counter(Turns(BlockingRuntime()))
    threads = [threading.Thread(target=lambda: [run(counter.add(PLACE)) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value == 80
    assert len(counter.threads) == 4


def test_verbs_take_turns_in_tasks(no_thread_is_left: None) -> None:
    """Tasks get each a whole verb, and none of it runs on the event loop's thread."""

    async def together() -> int:
        io = AsyncRuntime()
        counter = Counter(Turns(io))
        await asyncio.gather(*(counter.add(PLACE) for _ in range(40)))
        assert threading.get_ident() not in counter.threads
        await io.close()
        return counter.value

    assert asyncio.run(together()) == 40


@pytest.mark.parametrize(
    ("failure", "gone", "raised"),
    [
        (Missing(), True, CollectionNotFound),
        (Missing(), False, CollectionNotFound),
        (EngineError("expected dim: 5, got 4"), True, CollectionNotFound),
        (EngineError("expected dim: 5, got 4"), False, EngineError),
        (EngineUnavailable("down"), True, EngineUnavailable),
        (KeyError("x"), True, KeyError),
    ],
    ids=["missing", "just_missing", "refused_and_gone", "refused", "down", "other"],
)
@pytest.mark.parametrize("turns", [lambda: None, lambda: Turns(BlockingRuntime())], ids=["server", "in_process"])
def test_a_handle_of_what_is_gone_says_so(
    turns: Callable[[], Turns | None], failure: Exception, gone: bool, raised: type[Exception]
) -> None:
    """A refusal is explained by the collection's end if that is why, and nothing else is hidden by it."""
    counter = Counter(turns())
    if gone:
        counter.info = CollectionInfo("papers", 5, Metric.COSINE, None, INFO.created_at)
    with pytest.raises(raised):
        run(counter.add(PLACE, failure))
