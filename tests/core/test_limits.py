"""What the core does for an engine that can't do everything: split, refuse, or run in Python; never drop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onevec
from onevec import Collection, Document, PartialWrite, SearchQuery, Store, field
from onevec.errors import (
    DocumentNotFound,
    EngineError,
    EngineUnavailable,
    InvalidDocument,
    StoreClosed,
    Unsupported,
    UnsupportedFilter,
)
from onevec.filters import Filter, Op
from onevec.testing import strategies
from onevec.testing.samples import DIMENSION, doc, matrix, undated

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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda papers: papers.search(QUERY, top_k=21), "limited gives up to 20 hits, got top_k=21"),
        (lambda papers: papers.search(SearchQuery(vector=QUERY, top_k=21)), "limited gives up to 20 hits"),
        (lambda papers: papers.search_batch([QUERY], top_k=21), "limited gives up to 20 hits"),
        (lambda papers: papers.explain(QUERY, top_k=21), "limited gives up to 20 hits"),
        (lambda papers: papers.search("wing", mode="text"), "limited has no text search; use mode='vector'"),
    ],
    ids=["search", "SearchQuery", "search_batch", "explain", "text"],
)
def test_searches_beyond_the_limits_are_refused(
    store: Store, papers: Collection, call: Callable[[Collection], object], message: str
) -> None:
    """Before the engine is asked, with its name and what it can do."""
    with pytest.raises(Unsupported, match=message) as raised:
        call(papers)
    assert raised.value.engine == "limited"
    assert raised.value.operation in {"search", "search_batch", "explain"}
    assert record_of(store).requests == []
    assert papers.search(QUERY, top_k=20).hits == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dimension": 9}, "limited holds vectors of up to 8 numbers, got 9"),
        ({"dimension": 8, "metric": "euclidean"}, "limited has no metric euclidean; it has cosine, dot"),
    ],
    ids=["dimension", "metric"],
)
def test_collections_beyond_the_limits_are_refused(store: Store, arguments: dict[str, Any], message: str) -> None:
    """Nothing is made of what the engine can't hold."""
    with pytest.raises(Unsupported, match=message) as raised:
        store.create_collection("other", **arguments)
    assert (raised.value.engine, raised.value.operation) == ("limited", "create_collection")
    assert store.collections() == []


def test_an_unsupported_filter_is_refused(papers: Collection) -> None:
    """The message names the engine, the operator, the field and the ways out."""
    with pytest.raises(UnsupportedFilter) as raised:
        papers.search(QUERY, filter=(field("lang") == "en") & field("title").has_text("wing"))
    assert str(raised.value) == (
        "limited cannot filter with has_text (field 'title'); use on_unsupported=\"scan\", "
        "or use an engine that has it: memory, sqlite"
    )
    assert (raised.value.engine, raised.value.operation, raised.value.retryable) == ("limited", "search", False)


@pytest.mark.parametrize(
    ("call", "operation"),
    [
        (lambda papers, tree: papers.count(tree), "count"),
        (lambda papers, tree: papers.delete(filter=tree), "delete"),
        (lambda papers, tree: papers.page(filter=tree), "page"),
        (lambda papers, tree: papers.scan(filter=tree), "scan"),
    ],
    ids=["count", "delete", "page", "scan"],
)
def test_an_unsupported_filter_is_refused_everywhere(
    store: Store, papers: Collection, call: Callable[[Collection, Filter], object], operation: str
) -> None:
    """Also where there is no other way of running it, and before the first document of a scan."""
    papers.upsert(doc("a", title="wing"))
    with pytest.raises(UnsupportedFilter, match=r"limited cannot filter with has_text \(field 'title'\)") as raised:
        call(papers, field("title").has_text("wing"))
    assert (raised.value.engine, raised.value.operation) == ("limited", operation)
    assert papers.count() == 1


def test_what_can_be_rewritten_is_not_refused(papers: Collection) -> None:
    """An operator that the engine's own ones can say is run by them."""
    papers.upsert([doc(name, n=number, tags=["x"]) for number, name in enumerate(NAMES)])
    assert papers.count(field("n") != 3) == 9
    assert papers.count(~(field("n").is_in([1, 2]) | (field("n") == 5))) == 7
    with pytest.raises(UnsupportedFilter, match="ge"):
        papers.count(field("n") >= 3)


def test_a_scan_says_what_it_scans_for(papers: Collection) -> None:
    """The warning names the engine and the fields that Python looks at, and comes when the search is run."""
    filter = (field("n") == 1) & field("title").has_text("wing") & field("author.name").exists()
    with pytest.warns(UserWarning, match="limited can't filter all of this; Python scans for author.name, title"):
        papers.search(QUERY, filter=filter, on_unsupported="scan")


def test_explain_shows_who_runs_what(papers: Collection) -> None:
    """The engine's part and Python's part, without a warning as nothing is run."""
    filter = (field("n") == 1) & field("title").has_text("wing")
    shown = papers.explain(QUERY, filter=filter, on_unsupported="scan")
    assert (shown["engine"], shown["collection"], shown["namespace"]) == ("limited", "papers", "")
    assert (shown["filter"], shown["python"]) == ("n == 1", 'title has_text "wing"')
    whole = papers.explain(QUERY, filter=field("n") == 1)
    assert (whole["filter"], whole["python"]) == ("n == 1", None)
    nothing = papers.explain(QUERY, filter=field("title").has_text("wing"), on_unsupported="scan")
    assert (nothing["filter"], nothing["python"]) == (None, 'title has_text "wing"')
    with pytest.raises(UnsupportedFilter):
        papers.explain(QUERY, filter=filter)


@pytest.mark.filterwarnings("ignore:limited can't filter all of this:UserWarning")
@given(
    filter=strategies.filters(),
    operators=st.frozensets(st.sampled_from(Op)),
    documents=st.lists(strategies.documents(DIMENSION), max_size=12, unique_by=lambda document: document.id),
    top_k=st.integers(1, 6),
    only=st.none() | st.sets(st.integers(0, 11)),
)
def test_scanning_finds_what_the_engine_would(
    filter: Filter, operators: frozenset[Op], documents: list[Document], top_k: int, only: set[int] | None
) -> None:
    """With any operators and any filter the hits, their order and scores are those of an engine that has them all."""
    engines = [limited(operators=operators), limited(operators=frozenset(Op))]
    ids = None if only is None else [documents[index].id for index in only if index < len(documents)]
    found = []
    for engine in engines:
        with onevec.connect(engine) as store:
            papers = store.create_collection("papers", dimension=DIMENSION)
            papers.upsert(documents)
            one = papers.search(QUERY, top_k=top_k, filter=filter, ids=ids, on_unsupported="scan")
            batch = papers.search_batch([QUERY], top_k=top_k, filter=filter, ids=ids, on_unsupported="scan")
            assert [result.ids for result in batch] == [one.ids]
            found.append((one.ids, one.scores, undated([hit.document for hit in one])))
    assert found[0] == found[1]


@pytest.mark.filterwarnings("ignore:limited can't filter all of this:UserWarning")
def test_scanning_reads_every_page(store: Store, papers: Collection) -> None:
    """More documents than one page has: a match in the last is found, and only matches are."""
    count = 2100
    papers.upsert(
        ids=[f"{number:05}" for number in range(count)],
        vectors=np.tile(np.array([QUERY], np.float32), (count, 1)),
        metadata=[{"n": number, "title": "wing" if number % 700 == 0 else "dove"} for number in range(count)],
    )
    hits = papers.search(QUERY, filter=field("title").has_text("in"), on_unsupported="scan")
    assert hits.ids == ["00000", "00700", "01400"]
    assert record_of(store).requests[-1] == ("search", ["00000", "00700", "01400"])
    before = len(record_of(store).requests)
    assert papers.search(QUERY, filter=field("title").has_text("none"), on_unsupported="scan").hits == ()
    assert len(record_of(store).requests) == before  # nothing is left to search among


def test_created_at_is_kept_across_parts(papers: Collection) -> None:
    """A part has the times of its own documents."""
    moments = [datetime(2000 + number, 1, 1, tzinfo=UTC) for number in range(10)]
    papers.upsert(
        [Document(name, vector=QUERY, created_at=moment) for name, moment in zip(NAMES, moments, strict=True)]
    )
    assert [document.created_at for document in papers.scan()] == moments
