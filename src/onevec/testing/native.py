"""Conditions in the engine's own language: they narrow a search like any filter, and widen nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from onevec.aio import AsyncCollection
from onevec.documents import SearchQuery
from onevec.errors import EngineError, InvalidFilter, Unsupported
from onevec.filters import field
from onevec.testing.payloads import PAYLOADS
from onevec.testing.samples import assert_refused, case, contents, doc
from onevec.testing.site import Site, contract

QUERY = [1.0, 2.0, 3.0, 4.0]
YEARS = {"a": 1958, "b": 1961, "c": 1963, "d": 1959}

# What would reach further, had it been put as it is into a query that some engine runs.
_TEXTS = (
    *("1=1", "1 = 1 OR 1 = 1", "1=1) OR (1=1", "true) or (true", ") OR 1=1 OR (1=1", "1=1)) OR ((1=1", "TRUE OR TRUE"),
    *("1=1 --", "1=1) OR 1=1 --", "1=1 /*", "*/ OR 1=1 /*", "1=1; DELETE FROM documents", "1=1) UNION SELECT 1 --"),
    *("namespace <> ''", "namespace = 'acme'", 'namespace != "" or 1 == 1', 'namespace == "acme" or key != ""'),
    *("EXISTS (SELECT 1 FROM documents WHERE text = 'classified')", "1 IN (SELECT 1)", "(TABLE documents) IS NULL"),
    *("id IN documents", "query_to_xml('select 1', true, true, '') IS NULL", "pg_sleep(5) IS NULL"),
    *("load_extension('x')", "'a' = 'a", '"a', "$$a$$ = $$a$$", "E'\\') OR (1=1' = ''", "'\\') or (1=1) or ('' = ''"),
    *(
        "NOT NOT 1=1",
        "id = ?1",
        "id = :id",
        "id = %(id)s",
        "1=1, 1=1",
        "",
        " ",
        "\0",
        "\ud800",
        "(" * 500 + "1" + ")" * 500,
    ),
)
_DICTS: tuple[dict[str, Any], ...] = (
    {},
    {"should": [{"key": "namespace", "match": {"value": "acme"}}, {"must": []}]},
    {"must_not": [{"key": "id", "match": {"value": "nobody"}}]},
    {"bool": {"should": [{"match_all": {}}, {"term": {"namespace": "acme"}}]}},
    {"match_all": {}},
    {"terms": {"id": {"index": "papers", "id": "classified", "path": "id"}}},
    {"more_like_this": {"like": [{"_id": "classified"}], "min_term_freq": 1}},
    {"wrapper": {"query": "eyJtYXRjaF9hbGwiOnt9fQ=="}},
    {"$or": [{"owner": "them"}, {"n": {"$ne": 5}}]},
    {"onevec:facets": {"$nin": ["nothing"]}},
    {"namespace": {"$ne": ""}},
    {"operator": "Or", "operands": []},
    {"a": float("nan"), "b": object()},
)
_OTHERS: tuple[Any, ...] = (
    5,
    1.5,
    True,
    b"1=1",
    [],
    [{}],
    (),
    ("1=1",),
    ("1=1", 5),
    ("1=1", [1]),
    ("1=?", [1 << 70]),
    object(),
)


async def _filled(papers: AsyncCollection) -> None:
    await papers.upsert([doc(id, text=f"wing {id}", year=year) for id, year in YEARS.items()])
    secrets = [doc(id, text="classified wing", year=1999, owner="them") for id in ("classified", "a", "other")]
    await papers.namespace("acme").upsert(secrets)


@contract(needs="native_filter")
async def test_a_native_filter_holds_besides_all_others(site: Site, papers: AsyncCollection) -> None:
    """A document is a hit if the engine's own condition is true of it, and the filter is, and it is among the ids."""
    native = site.native
    await _filled(papers)
    for exact in (False, True):
        assert set((await papers.search(QUERY, native=native, exact=exact)).ids) == {"b", "c"}
        assert (await papers.search(QUERY, native=native, filter=field("year") < 1963, exact=exact)).ids == ["b"]
        assert (await papers.search(QUERY, native=native, ids=["a", "c"], exact=exact)).ids == ["c"]
        assert len(await papers.search(QUERY, native=native, filter=field("year") < 1960, exact=exact)) == 0
    batch = await papers.search_batch([QUERY, SearchQuery(vector=QUERY, ids=["b"])], native=native)
    assert [set(hits.ids) for hits in batch] == [{"b", "c"}, {"b"}]
    assert (await papers.explain(QUERY, native=native))["native"] != (await papers.explain(QUERY))["native"]
    assert set((await papers.namespace("acme").search(QUERY, native=native)).ids) == {"classified", "a", "other"}
    if site.capabilities.text_search:
        for mode in ("text", "hybrid"):
            query = SearchQuery("wing", vector=QUERY, mode=mode)
            assert set((await papers.search(query, native=native)).ids) == {"b", "c"}


@contract(needs="native_filter")
async def test_a_native_filter_reaches_no_other_namespace(site: Site, papers: AsyncCollection) -> None:
    """Whatever is in it: it is refused, or it finds documents of this namespace only, and changes none of any."""
    await _filled(papers)
    acme = papers.namespace("acme")
    before = await contents(papers), await contents(acme)
    hostile = (*_TEXTS, *_DICTS, *_OTHERS, *((text, [1]) for text in _TEXTS[:5]), *site.some(PAYLOADS))
    for native in hostile:
        with case(native):
            try:
                hits = await papers.search(QUERY, native=native, top_k=100)
            except (InvalidFilter, EngineError):
                continue
            assert set(hits.ids) <= YEARS.keys()
            assert "classified" not in repr(hits)
    assert (await contents(papers), await contents(acme)) == before


@contract(needs="native_filter")
async def test_a_native_filter_that_is_none_is_refused(site: Site, papers: AsyncCollection) -> None:
    """What is no condition of the engine's is an error with a message, by every verb, and the store goes on."""
    await _filled(papers)
    for native in (*_OTHERS, "", {}, "1=1) OR (1=1"):
        await assert_refused(
            InvalidFilter, native, papers.search(QUERY, native=native), papers.explain(QUERY, native=native)
        )
    for native in ("nothing > 5", {"nothing": {"like": {"this": 5}}}):  # only an engine can tell
        with suppress(InvalidFilter, EngineError):
            await papers.search(QUERY, native=native)
    assert set((await papers.search(QUERY, native=site.native)).ids) == {"b", "c"}


@contract
async def test_a_native_filter_is_refused_where_there_is_none(site: Site, papers: AsyncCollection) -> None:
    """An engine that declares none refuses it by name, and says which engines have them."""
    if site.capabilities.native_filter is not None:
        return
    for call in (papers.search(QUERY, native="1=1"), papers.search_batch([QUERY], native={"a": 1})):
        with pytest.raises(Unsupported, match="pgvector") as refused:
            await call
        assert refused.value.engine == site.store.engine
    with pytest.raises(Unsupported):
        await papers.explain(QUERY, native="1=1")
