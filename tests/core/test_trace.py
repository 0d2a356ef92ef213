"""What a store tells its hook about its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

import onevec
from onevec import Collection, Event, Store
from onevec.errors import EngineError, EngineUnavailable, InvalidQuery, StoreClosed
from onevec.testing.samples import DIMENSION, doc

from .limited import LimitedAdapter, limited, record_of

QUERY = [1.0, 2.0, 3.0, 4.0]


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def store(events: list[Event]) -> Iterator[Store]:
    with onevec.connect(limited(max_batch=None), on_event=events.append) as store:
        yield store


@pytest.fixture
def papers(store: Store, events: list[Event]) -> Collection:
    papers = store.create_collection("papers", dimension=DIMENSION)
    events.clear()
    return papers


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.operation) for event in events]


def test_a_call_starts_and_is_done(papers: Collection, events: list[Event]) -> None:
    """Two events, with the engine, the collection, the namespace, and how long it took."""
    papers.namespace("acme").upsert(doc("a"))
    assert told(events) == [("started", "upsert"), ("done", "upsert")]
    started, done = events
    for event in events:
        assert (event.engine, event.collection, event.namespace) == ("limited", "papers", "acme")
        assert event.error is None
    assert started.duration == 0
    assert 0 < done.duration < 60


def test_every_verb_is_told(store: Store, papers: Collection, events: list[Event]) -> None:
    """Under its own name, in pairs; a call of the store has no collection."""
    papers.upsert(doc("a"))
    papers.update("a", text="x")
    papers.get("a")
    papers.get_many(["a"])
    papers.count()
    list(papers.scan())
    papers.page()
    papers.search(QUERY)
    papers.namespaces()
    papers.stats()
    papers.optimize()
    papers.flush()
    papers.delete("a")
    papers.clear()
    papers.delete_namespace("acme")
    verbs = ["upsert", "update", "get", "get_many", "count", "scan", "page", "search", "namespaces", "stats"]
    verbs += ["optimize", "flush", "delete", "clear", "delete_namespace"]
    assert told(events) == [(kind, verb) for verb in verbs for kind in ("started", "done")]
    events.clear()
    store.collections()
    store.has_collection("papers")
    store.collection("papers")
    store.health()
    store.delete_collection("papers")
    verbs = ["collections", "has_collection", "collection", "health", "delete_collection"]
    assert told(events) == [(kind, verb) for verb in verbs for kind in ("started", "done")]
    assert {(event.collection, event.namespace) for event in events} == {(None, None)}


def test_a_failure_is_told_with_its_error(store: Store, papers: Collection, events: list[Event]) -> None:
    """The error that the caller gets; the duration is that of the whole call."""
    record_of(store).errors["a"] = [EngineError("no")]
    with pytest.raises(EngineError) as raised:
        papers.upsert(doc("a"))
    assert told(events) == [("started", "upsert"), ("failed", "upsert")]
    assert events[-1].error is raised.value
    assert events[-1].duration > 0


def test_each_retry_is_told(store: Store, papers: Collection, events: list[Event]) -> None:
    """Between the start and the end, with the error that made it necessary."""
    errors: list[onevec.OnevecError] = [EngineUnavailable("one"), EngineUnavailable("two")]
    record_of(store).errors["a"] = list(errors)
    papers.upsert(doc("a"))
    assert [event.kind for event in events] == ["started", "retrying", "retrying", "done"]
    assert [event.error for event in events] == [None, *errors, None]
    durations = [event.duration for event in events]
    assert durations == sorted(durations)


def test_what_never_reaches_the_engine_is_not_told(store: Store, papers: Collection, events: list[Event]) -> None:
    """A refused argument and a closed store are no calls."""
    with pytest.raises(InvalidQuery):
        papers.search(QUERY, top_k=0)
    store.close()
    with pytest.raises(StoreClosed):
        papers.count()
    assert events == []


def test_parts_are_told_one_by_one(events: list[Event]) -> None:
    """A call that is split is as many calls of the engine."""
    with onevec.connect(LimitedAdapter, on_event=events.append) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        events.clear()
        papers.upsert([doc(str(number)) for number in range(10)])
    assert told(events) == [("started", "upsert"), ("done", "upsert")] * 3


def test_calls_at_once_are_told_apart(events: list[Event]) -> None:
    """In an async store calls overlap: each has its start and its end."""

    async def main() -> None:
        async with onevec.connect_async(LimitedAdapter, on_event=events.append) as store:
            papers = await store.create_collection("papers", dimension=DIMENSION)
            events.clear()
            await asyncio.gather(*(papers.namespace(str(number)).search(QUERY) for number in range(5)))

    asyncio.run(main())
    for number in range(5):
        kinds = [event.kind for event in events if event.namespace == str(number)]
        assert kinds == ["started", "done"]
    assert [event.kind for event in events] != ["started", "done"] * 5


def test_a_cancelled_call_is_told_as_failed(events: list[Event]) -> None:
    """With the cancellation as its error: nothing that started is left without an end."""

    async def main() -> None:
        async with onevec.connect_async(LimitedAdapter, on_event=events.append) as store:
            papers = await store.create_collection("papers", dimension=DIMENSION)
            events.clear()
            search = asyncio.create_task(papers.search(QUERY))
            await asyncio.sleep(0)
            search.cancel()
            with pytest.raises(asyncio.CancelledError):
                await search

    asyncio.run(main())
    assert told(events) == [("started", "search"), ("failed", "search")]
    assert isinstance(events[-1].error, asyncio.CancelledError)


def test_without_a_hook_no_event_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the object."""

    def made(*args: object) -> Event:
        pytest.fail("an event was made")

    monkeypatch.setattr("onevec.pipeline.store.Event", made)
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(doc("a"))
        assert papers.search(QUERY).ids == ["a"]
