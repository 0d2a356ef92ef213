"""How the contenders of one engine are measured: by turns, each query beside the bare client's own."""

from __future__ import annotations

import asyncio
import gc
import inspect
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple, TypeVar

from bench.embedded.contender import TOP_K, Batch
from bench.embedded.data import Column
from bench.wrappers.contender import BARE, BARE_ASYNC, Contender, Hit

RECALL = 0.99
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task:
    """What the contenders are asked.

    Attributes:
        documents: To write.
        column: The queries, and the exact answers.
        warm_up: Queries before them.
        rounds: How often everything is done.
    """

    documents: Batch
    column: Column
    warm_up: Column
    rounds: int


@dataclass(slots=True)
class Figures:
    """What was measured of one contender; each list has a figure for every round.

    Attributes:
        name: Its name.
        library: Its distribution.
        base: The name of the bare client that it is compared with; None for that one itself.
        rates: Documents written a second.
        shares: The rate, relative to the bare client's.
        searches: The median over the queries of a search's microseconds.
        added: The median over the queries of the microseconds above those of the bare client's same query.
        computed: The same of the microseconds that this process computed, with all its threads.
        recall: The share of the nearest documents that it found.
    """

    name: str
    library: str
    base: str | None
    rates: list[float]
    shares: list[float]
    searches: list[float]
    added: list[float]
    computed: list[float]
    recall: float


class Taken(NamedTuple):
    """What a search took, in nanoseconds: by the clock, and of the processors' time that this process had."""

    passed: int
    computed: int


def measure(contenders: Sequence[Contender], task: Task, say: Callable[[str], None]) -> list[Figures]:
    """Return the figures of each contender, and close them all.

    Args:
        contenders: All of them, the bare client first.
        task: What to ask.
        say: Takes a line of progress after each step.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # for wrappers whose sync methods run the loop themselves
    try:
        rates = _ingested(loop, contenders, task, say)
        for contender in contenders:
            _finished(loop, contender.settle())
        times, recalls = _searched(loop, contenders, task, say)
        for contender in contenders:
            _finished(loop, contender.close())
    finally:
        asyncio.set_event_loop(None)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    return [
        _figures(contender, _base(contender, contenders), rates, times, recalls[contender.name])
        for contender in contenders
    ]


def _ingested(
    loop: asyncio.AbstractEventLoop, contenders: Sequence[Contender], task: Task, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Fill new collections in every round, and return the documents a second."""
    rates: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for turn in range(task.rounds):
        for contender in _rotated(contenders, turn):
            _finished(loop, contender.create())
            gc.collect()
            started = time.perf_counter()
            _finished(loop, contender.ingest(task.documents))
            rates[contender.name].append(len(task.documents.rows) / (time.perf_counter() - started))
        say(f"ingest, round {turn + 1} of {task.rounds}")
    return rates


def _searched(
    loop: asyncio.AbstractEventLoop, contenders: Sequence[Contender], task: Task, say: Callable[[str], None]
) -> tuple[dict[str, list[list[Taken]]], dict[str, float]]:
    """Ask every query of every contender by turns; return what it took, by round and query, and the recalls."""
    for query in task.warm_up.queries:
        for contender in contenders:
            _timed(loop, contender, query)
    times: dict[str, list[list[Taken]]] = {contender.name: [] for contender in contenders}
    found: dict[str, list[list[Hit]]] = {contender.name: [] for contender in contenders}
    order = random.Random(7)
    for turn in range(task.rounds):
        gc.collect()
        for contender in contenders:
            times[contender.name].append([])
        for query in task.column.queries:
            for contender in order.sample(contenders, len(contenders)):
                hits, taken = _timed(loop, contender, query)
                times[contender.name][turn].append(taken)
                if turn == 0:
                    found[contender.name].append(hits)
        say(f"search, round {turn + 1} of {task.rounds}")
    return times, {name: _recall(name, task, hits) for name, hits in found.items()}


def _timed(loop: asyncio.AbstractEventLoop, contender: Contender, query: Any) -> tuple[list[Hit], Taken]:
    """Return the hits, and what they took; starting and stopping the loop is not among it."""
    if inspect.iscoroutinefunction(contender.search):
        return loop.run_until_complete(_timed_too(contender, query))
    before = _now()
    hits = contender.search(query)
    return hits, _since(before)


async def _timed_too(contender: Contender, query: Any) -> tuple[list[Hit], Taken]:
    before = _now()
    hits = await contender.search(query)
    return hits, _since(before)


def _now() -> Taken:
    computed = time.process_time_ns()
    return Taken(time.perf_counter_ns(), computed)


def _since(before: Taken) -> Taken:
    passed = time.perf_counter_ns() - before.passed
    return Taken(passed, time.process_time_ns() - before.computed)


def _recall(name: str, task: Task, found: Sequence[Sequence[Hit]]) -> float:
    """Return the share of the nearest documents that were found; raise if a hit isn't the document it says it is."""
    right = 0
    for hits, answers in zip(found, task.column.answers, strict=True):
        for hit in hits:
            _check(name, task.documents, hit)
        right += min(len({hit.id for hit in hits} & answers), TOP_K)
    return right / (TOP_K * len(found))


def _check(name: str, documents: Batch, hit: Hit) -> None:
    row = int(hit.id)
    wanted = documents.metadata[row]
    joined = {**wanted, "tags": ",".join(wanted["tags"])}
    shown = {field: hit.metadata.get(field) for field in wanted}
    if hit.text != documents.texts[row] or shown not in (wanted, joined):
        raise RuntimeError(f"{name}: hit {hit.id} is not what was written: {hit}")


def _figures(
    contender: Contender,
    base: str | None,
    rates: dict[str, list[float]],
    times: dict[str, list[list[Taken]]],
    recall: float,
) -> Figures:
    own, bare = rates[contender.name], rates[BARE]
    rounds = zip(times[contender.name], times[base or BARE], strict=True)
    beside = [list(zip(taken, other, strict=True)) for taken, other in rounds]
    return Figures(
        contender.name,
        contender.library,
        base,
        own,
        [one / other for one, other in zip(own, bare, strict=True)],
        [median(one.passed for one in taken) / 1000 for taken in times[contender.name]],
        [_added(one.passed - other.passed for one, other in pairs) for pairs in beside],
        [_added(one.computed - other.computed for one, other in pairs) for pairs in beside],
        recall,
    )


def _added(nanoseconds: Iterable[int]) -> float:
    return median(nanoseconds) / 1000


def _base(contender: Contender, contenders: Sequence[Contender]) -> str | None:
    """A bare client of the same colour, where there is one; the async one is compared with the sync one."""
    if contender.name == BARE:
        return None
    if not inspect.iscoroutinefunction(contender.search) or contender.name == BARE_ASYNC:
        return BARE
    return BARE_ASYNC if any(other.name == BARE_ASYNC for other in contenders) else BARE


def _finished(loop: asyncio.AbstractEventLoop, value: Any) -> Any:  # Any: a value, or an awaitable of one
    return loop.run_until_complete(value) if inspect.isawaitable(value) else value


def _rotated(items: Sequence[T], by: int) -> Sequence[T]:
    start = by % len(items)
    return [*items[start:], *items[:start]]
