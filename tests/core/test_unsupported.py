"""What an engine can't do: refused before it is asked, or run in Python exactly; never dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import onevec
from onevec import Collection, Document, SearchQuery, Store, field
from onevec.errors import Unsupported, UnsupportedFilter
from onevec.filters import Filter, Op
from onevec.testing import strategies
from onevec.testing.samples import DIMENSION, doc, undated

from .limited import LimitedAdapter, limited, record_of

QUERY = [1.0, 2.0, 3.0, 4.0]
NAMES = [f"{number:02}" for number in range(10)]


@pytest.fixture
def store() -> Iterator[Store]:
    with onevec.connect(LimitedAdapter, max_retries=2) as store:
        yield store


@pytest.fixture
def papers(store: Store) -> Collection:
    return store.create_collection("papers", dimension=DIMENSION)


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
def test_scanning_keeps_to_the_ids(papers: Collection) -> None:
    """Only what both the filter and `ids` let through."""
    papers.upsert([doc(name, title="wing" if int(name) % 2 else "dove") for name in NAMES])
    wing = field("title").has_text("wing")
    found = papers.search(QUERY, filter=wing, ids=["01", "02", "03", "x"], on_unsupported="scan")
    assert sorted(found.ids) == ["01", "03"]
    assert papers.search(QUERY, filter=wing, ids=["02"], on_unsupported="scan").hits == ()


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
