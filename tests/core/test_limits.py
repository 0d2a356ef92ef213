"""An engine's limits on one request: the core splits what is larger, and reports by document."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import onevec
from onevec import Collection, Document, PartialWrite, Store
from onevec.adapter import Place
from onevec.errors import (
    CollectionNotFound,
    DocumentNotFound,
    EngineError,
    EngineUnavailable,
    InvalidDocument,
    StoreClosed,
)
from onevec.filters import Filter
from onevec.testing.samples import DIMENSION, doc, matrix

from .limited import LimitedAdapter, ids_in, limited, record_of

QUERY = [1.0, 2.0, 3.0, 4.0]
NAMES = [f"{number:02}" for number in range(10)]


@pytest.fixture
def store() -> Iterator[Store]:
    with onevec.connect(LimitedAdapter, max_retries=2) as store:
        yield store


@pytest.fixture
def papers(store: Store) -> Collection:
    return store.create_collection("papers", dimension=DIMENSION)


def test_writes_are_split_by_count(store: Store, papers: Collection) -> None:
    """No request has more documents than the engine takes; together they have all, in order."""
    assert papers.upsert([doc(name) for name in NAMES]).written == 10
    assert [ids for verb, ids in record_of(store).requests] == [NAMES[:4], NAMES[4:8], NAMES[8:]]
    assert ids_in(papers) == NAMES


def test_the_last_of_equal_ids_wins_across_pieces(store: Store, papers: Collection) -> None:
    """Equal ids are one document before anything is split."""
    documents = [doc(name, n=turn) for turn in range(3) for name in NAMES[:5]]
    assert papers.upsert(documents).written == 5
    assert sum(record_of(store).sizes("upsert")) == 5
    assert {document.metadata["n"] for document in papers.scan()} == {2}


@pytest.mark.parametrize("shape", ["text", "string", "nested", "many fields"])
def test_writes_are_split_by_bytes(shape: str) -> None:
    """No request is larger than the engine takes, wherever its bytes are."""
    big = "\u00e9" * 2500  # two bytes each
    shapes: dict[str, dict[str, Any]] = {
        "text": {},
        "string": {"a": big},
        "nested": {"a": [{"b": [big[:1250], "c"]}, big[:1250]]},
        "many fields": {f"field number {number}": number for number in range(150)},
    }
    with onevec.connect(limited(max_batch=None, max_batch_bytes=20_000)) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        text = big if shape == "text" else None
        papers.upsert([Document(name, vector=QUERY, text=text, metadata=shapes[shape]) for name in NAMES])
        sizes = record_of(store).sizes("upsert")
        assert sum(sizes) == 10
        assert 2 <= max(sizes) <= 3  # a document has 5,000 bytes and some
        assert ids_in(papers) == NAMES


def test_vectors_count_as_bytes() -> None:
    """A request of vectors alone is kept within the limit, too."""
    with onevec.connect(limited(max_batch=None, max_batch_bytes=10_000, max_dimension=None)) as store:
        papers = store.create_collection("papers", dimension=1000)
        papers.upsert(ids=NAMES, vectors=matrix(10, 1000))
        assert record_of(store).sizes("upsert") == [2] * 5


def test_a_document_larger_than_a_request_goes_alone() -> None:
    """It is the engine's to refuse; the others are not held up by it."""
    with onevec.connect(limited(max_batch=3, max_batch_bytes=1000)) as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert([doc(name, text="x" * 5000 if name in {"00", "03"} else None) for name in NAMES])
        pieces = [ids for _, ids in record_of(store).requests]
        assert pieces == [["00"], ["01", "02"], ["03"], ["04", "05", "06"], ["07", "08", "09"]]


def test_a_part_that_fails_is_reported(store: Store, papers: Collection) -> None:
    """The other parts are written; the error has each failed id with what went wrong, and a retry completes."""
    record_of(store).errors["05"] = [EngineError("the disk is on fire")]
    with pytest.raises(PartialWrite, match=r"6 written, 4 failed; the first: '04': the disk is on fire") as raised:
        papers.upsert([doc(name) for name in NAMES])
    report = raised.value.report
    assert (report.written, [id for id, _ in report.failed]) == (6, NAMES[4:8])
    assert (raised.value.engine, raised.value.operation) == ("limited", "upsert")
    for _, error in report.failed:
        assert type(error) is EngineError
        assert (error.engine, error.operation) == ("limited", "upsert")
    assert isinstance(raised.value.__cause__, EngineError)
    assert ids_in(papers) == NAMES[:4] + NAMES[8:]
    assert papers.upsert([doc(name) for name in NAMES]).written == 10
    assert ids_in(papers) == NAMES


def test_a_report_instead_of_an_error(store: Store, papers: Collection) -> None:
    """`on_failure="report"` returns what the error would have carried."""
    record_of(store).errors["05"] = [EngineError("the disk is on fire")]
    report = papers.upsert([doc(name) for name in NAMES], on_failure="report")
    assert (report.written, [id for id, _ in report.failed]) == (6, NAMES[4:8])


def test_only_the_part_that_failed_is_tried_again(store: Store, papers: Collection) -> None:
    """A retryable error costs one more request for its part, and nothing is reported."""
    record_of(store).errors["05"] = [EngineUnavailable("not now"), EngineUnavailable("still not")]
    assert papers.upsert([doc(name) for name in NAMES]).written == 10
    assert record_of(store).sizes("upsert") == [4, 4, 4, 4, 2]


def test_a_stream_reports_all_its_parts(store: Store, papers: Collection) -> None:
    """An iterator is written to its end; failures of every part of it are in the one report."""
    for id in ("5", "2047"):
        record_of(store).errors[id] = [EngineError("no")]
    seen: list[tuple[int, int | None]] = []
    report = papers.upsert(
        (doc(str(number)) for number in range(2050)),
        on_failure="report",
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert report.written == 2050 - 8
    assert {id for id, _ in report.failed} == {*map(str, range(4, 8)), *map(str, range(2044, 2048))}
    assert seen == [(1000, None), (2000, None), (2050, None)]


def test_an_invalid_document_in_a_stream_says_what_was_written(papers: Collection) -> None:
    """What came before its part is written; nothing of its own part is."""
    with pytest.raises(InvalidDocument, match="document '1500'") as raised:
        papers.upsert(doc(str(number), x=float("nan") if number == 1500 else 0) for number in range(2050))
    assert "1000 documents" in raised.value.__notes__[0]
    assert papers.count() == 1000


def test_closing_stops_a_write_of_many_parts(store: Store, papers: Collection) -> None:
    """A store that is closed between two parts says so; that is no list of failed documents."""

    def documents() -> Iterator[Document]:
        for number in range(2000):
            if number == 1500:
                store.close()
            yield doc(str(number))

    with pytest.raises(StoreClosed) as raised:
        papers.upsert(documents())
    assert "1000 documents" in raised.value.__notes__[0]


def test_closing_during_a_call_is_what_the_caller_is_told() -> None:
    """Whatever the engine fails with then, the store was closed; the engine's error is the cause."""

    class Closing(LimitedAdapter):
        async def count(self, place: Place, filter: Filter | None) -> int:
            other.close()
            return await super().count(place, filter)

    other = onevec.connect(Closing)
    others = other.create_collection("papers", dimension=DIMENSION)
    with pytest.raises(StoreClosed, match="closed during the call") as raised:
        others.count()
    assert (raised.value.engine, raised.value.operation) == ("limited", "count")
    assert isinstance(raised.value.__cause__, CollectionNotFound)


def test_updates_are_split(store: Store, papers: Collection) -> None:
    """By count; those of one document stay in order, and a failed part is reported like one of an upsert."""
    papers.upsert([doc(name, n=0) for name in NAMES])
    changes = [{"id": name, "metadata": {"n": turn, f"turn{turn}": True}} for turn in (1, 2) for name in NAMES]
    assert papers.update(changes).written == 10
    assert record_of(store).sizes("update") == [4] * 5
    assert all(document.metadata == {"n": 2, "turn1": True, "turn2": True} for document in papers.scan())
    record_of(store).errors["05"] = [EngineError("no")]
    with pytest.raises(PartialWrite) as raised:
        papers.update([{"id": name, "text": "new"} for name in [*NAMES, "missing"]])
    assert raised.value.report.written == 6
    assert [(id, type(error)) for id, error in raised.value.report.failed] == [
        *((name, EngineError) for name in NAMES[4:8]),
        ("missing", DocumentNotFound),
    ]
    assert {error.operation for _, error in raised.value.report.failed} == {"update"}


def test_a_missing_document_given_twice_is_one_failure(papers: Collection) -> None:
    """`written` and `failed` count documents, however often each was given."""
    papers.upsert(doc("a"))
    changes = [{"id": id, "metadata": {"n": 1}} for id in ("missing", "a", "missing", "a")]
    report = papers.update(changes, on_failure="report")
    assert (report.written, [id for id, _ in report.failed]) == (1, ["missing"])


def test_ids_are_split(store: Store, papers: Collection) -> None:
    """Reading and deleting many ids asks for no more at once than the engine takes."""
    papers.upsert([doc(name) for name in NAMES])
    asked = [*reversed(NAMES), "missing", "00"]
    assert [document.id for document in papers.get_many(asked)] == [*reversed(NAMES), "00"]
    assert record_of(store).sizes("get") == [4, 4, 3]
    assert papers.delete(asked) == 10
    assert record_of(store).sizes("delete") == [4, 4, 3]
    assert papers.get_many([]) == []
    assert papers.delete([]) == 0
    assert record_of(store).times() == {"upsert": 3, "get": 3, "delete": 3}


@pytest.mark.parametrize("most", [1, 3])
def test_parts_are_sent_a_few_at_a_time(most: int) -> None:
    """An async store has up to `max_concurrency` requests of one call under way, and that many if there are."""

    async def main() -> None:
        async with onevec.connect_async(LimitedAdapter, max_concurrency=most) as store:
            papers = await store.create_collection("papers", dimension=DIMENSION)
            await papers.upsert([doc(str(number)) for number in range(50)])
            record = record_of(store)  # type: ignore[arg-type]  # it has a client, too
            assert record.most == most
            assert sum(record.sizes("upsert")) == 50
            record.most = 0
            await papers.search_batch([QUERY] * 20)
            assert record.most == most

    asyncio.run(main())


def test_created_at_is_kept_across_parts(papers: Collection) -> None:
    """A part has the times of its own documents."""
    moments = [datetime(2000 + number, 1, 1, tzinfo=UTC) for number in range(10)]
    papers.upsert(
        [Document(name, vector=QUERY, created_at=moment) for name, moment in zip(NAMES, moments, strict=True)]
    )
    assert [document.created_at for document in papers.scan()] == moments
