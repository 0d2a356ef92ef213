"""Filters: the ways to write them, their sizes and names, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from onevec.aio import AsyncCollection
from onevec.documents import Document, SearchQuery
from onevec.errors import InvalidFilter
from onevec.filters import Filter, SearchFilter, all_of, any_of, field
from onevec.testing.samples import assert_refused, doc, ids_of
from onevec.testing.site import contract

FORMS: dict[str, tuple[Any, ...]] = {  # Any: a filter in any of its forms
    "comparison": (
        field("year") >= 1958,
        {"year": {"$gte": 1958}},
        {"year": {"gte": 1958}},
        SearchFilter("year", "gte", 1958),
        [SearchFilter("year", "gte", 1958)],
        "year >= 1958",
    ),
    "both": (
        (field("year") > 1957) & (field("lang") == "en"),
        {"year": {"$gt": 1957}, "lang": "en"},
        {"$and": [{"year": {"$gt": 1957}}, {"lang": {"$eq": "en"}}]},
        [SearchFilter("year", "gt", 1957), SearchFilter("lang", "eq", "en")],
        'year > 1957 and lang == "en"',
    ),
    "either": (
        (field("year") == 1957) | field("lang").is_in(["de", "fr"]),
        {"$or": [{"year": 1957}, {"lang": {"$in": ["de", "fr"]}}]},
        'year == 1957 or lang in ["de", "fr"]',
    ),
    "not": (
        ~(field("lang") == "en"),
        {"lang": {"$ne": "en"}},
        {"$not": {"lang": "en"}},
        'not lang == "en"',
        'lang != "en"',
    ),
}
YEARS = range(1955, 1961)


async def _fill(papers: AsyncCollection) -> None:
    await papers.upsert([doc(f"{lang}{year}", year=year, lang=lang) for year in YEARS for lang in ("en", "de")])
    await papers.upsert(doc("plain"))


@pytest.mark.parametrize("forms", FORMS.values(), ids=FORMS.keys())
@contract
async def test_every_form_is_the_same_filter(papers: AsyncCollection, forms: tuple[Any, ...]) -> None:
    """The builder, the dicts, the triples and the text say the same and find the same."""
    await _fill(papers)
    first = await ids_of_matching(papers, forms[0])
    assert 0 < len(first) < 13
    for form in forms[1:]:
        assert await ids_of_matching(papers, form) == first
        assert set((await papers.search([1, 2, 3, 4], top_k=50, filter=form)).ids) == first
        assert set((await papers.search(SearchQuery(vector=[1, 2, 3, 4], top_k=50, filter=form))).ids) == first


async def ids_of_matching(papers: AsyncCollection, filter: Any) -> set[str]:
    """Return the ids of the documents that match."""
    return {document.id async for document in papers.scan(filter=filter)}


BAD_FILTERS: dict[str, Any] = {
    "number": 5,
    "boolean": True,
    "bytes": b"year >= 1958",
    "object": object(),
    "field": field("year"),
    "unknown_operator": {"year": {"$near": 5}},
    "unknown_triple": SearchFilter("year", "near", 5),
    "unknown_combination": {"$xor": [{"year": 5}]},
    "no_operator": {"year": {}},
    "key": {5: 5},
    "half_text": "year >=",
    "text_of_another_language": "SELECT * FROM papers",
    "text_with_more": "year >= 5; DROP TABLE papers",
    "open_bracket": "(year >= 5",
    "field_with_a_space": {"a b": 5},
    "field_with_a_quote": {"a'b": 5},
    "field_with_a_dollar": {"a.$b": 5},
    "empty_field": {"": 5},
    "field_with_an_empty_part": {"a..b": 5},
    "field_with_a_bracket": {"a[0]": 5},
    "field_with_a_newline": {"a\n": 5},
    "unicode_field": {"é": 5},
    "nan": {"year": float("nan")},
    "infinity": {"year": {"$lt": float("inf")}},
    "70_bits": {"year": 2**70},
    "surrogate": {"lang": "\ud800"},
    "bytes_value": {"lang": b"en"},
    "set_value": {"lang": {"$eq": {1, 2}}},
    "object_value": {"lang": {"$eq": object()}},
    "less_than_a_text": {"lang": {"$lt": "en"}},
    "less_than_a_boolean": {"year": {"$lt": True}},
    "less_than_null": {"year": {"$lt": None}},
    "less_than_a_list": {"year": {"$lt": [1]}},
    "mixed_bounds": {"year": {"$between": [1, datetime(2020, 1, 1, tzinfo=UTC)]}},
    "one_bound": {"year": {"$between": [1]}},
    "in_a_number": {"year": {"$in": 5}},
    "in_a_text": {"lang": {"$in": "en"}},
    "starts_with_a_number": {"lang": {"$starts_with": 5}},
    "contains_a_list": {"tags": {"$contains": ["a"]}},
    "deep": all_of(),
}
for _ in range(500):
    BAD_FILTERS["deep"] = {"$not": BAD_FILTERS["deep"]}


@contract
async def test_what_is_no_filter_is_refused(papers: AsyncCollection) -> None:
    """A filter that is malformed is refused by every verb, with a short message, and nothing is deleted."""
    await _fill(papers)
    for name, filter in BAD_FILTERS.items():
        await assert_refused(
            InvalidFilter,
            name,
            papers.count(filter),
            papers.page(filter=filter),
            papers.search([1, 2, 3, 4], filter=filter),
            papers.search_batch([[1, 2, 3, 4]], filter=filter),
            papers.explain([1, 2, 3, 4], filter=filter),
            papers.delete(filter=filter),
            ids_of_matching(papers, filter),
        )
    assert await papers.count() == 13


@contract
async def test_filters_can_be_large(papers: AsyncCollection) -> None:
    """Thousands of values in one condition, and hundreds of conditions in one filter, are a filter."""
    await _fill(papers)
    year = field("year")
    many = [*range(100_000, 105_000), 1957]
    large: list[tuple[Filter, int]] = [
        (year.is_in(many), 2),
        (year.not_in(many), 11),
        (any_of(*[year == number for number in many[-500:]]), 2),
        (all_of(*[year != number for number in many[-500:]]), 11),
        (field("lang").is_in(["x" * 50_000, "en"]), 6),
    ]
    for filter, matching in large:
        assert await papers.count(filter) == matching
        assert len(await papers.search([1, 2, 3, 4], top_k=50, filter=filter)) == matching


WORDS = (
    *("select", "from", "where", "order", "group", "null", "true", "false", "not", "and", "or", "in", "is", "like"),
    *("id", "text", "vector", "metadata", "created_at", "namespace", "rowid", "row", "key", "value", "data", "json"),
    *("__proto__", "constructor", "x-y", "x_y", "X", "x", "_", "_id", "a1", "exists", "contains", "between", "year"),
)


@contract
async def test_any_word_is_a_field(papers: AsyncCollection) -> None:
    """Field names that mean something in some language are names like any other, alone and nested."""
    await papers.upsert(
        [Document(str(number), vector=[1, 2, 3, 4], metadata={word: number}) for number, word in enumerate(WORDS)]
    )
    await papers.upsert(Document("nested", vector=[1, 2, 3, 4], metadata={word: {word: word} for word in WORDS}))
    for number, word in enumerate(WORDS):
        assert await ids_of_matching(papers, field(word) == number) == {str(number)}
        assert await ids_of_matching(papers, field(word) >= number) == {str(number)}
        assert await ids_of_matching(papers, field(word).is_in([-1, number])) == {str(number)}
        assert await ids_of_matching(papers, field(f"{word}.{word}") == word) == {"nested"}


@contract
async def test_a_filter_follows_the_documents(papers: AsyncCollection) -> None:
    """A field that appears, changes its type or disappears is filtered on as it is now."""
    await papers.upsert([doc("a", n=1), doc("b", n=2)])
    assert await ids_of_matching(papers, {"n": {"$gte": 2}}) == {"b"}
    await papers.upsert([doc("c", n="2"), doc("d", n=[2]), doc("e", n=3.5), doc("f", n={"m": 2})])
    assert await ids_of_matching(papers, {"n": {"$gte": 2}}) == {"b", "e"}
    assert await ids_of_matching(papers, {"n": "2"}) == {"c"}
    assert await ids_of_matching(papers, {"n.m": 2}) == {"f"}
    await papers.upsert([doc("b", n=True), doc("e")])
    await papers.update("a", metadata={"n": 2})
    assert await ids_of_matching(papers, {"n": {"$gte": 2}}) == {"a"}
    assert await ids_of_matching(papers, {"n": True}) == {"b"}
    assert await ids_of_matching(papers, {"n": {"$ne": 2}}) == {"b", "c", "d", "e", "f"}
    await papers.delete(["a", "d"])
    assert await ids_of_matching(papers, {"n": {"$in": [2, True, "2"]}}) == {"b", "c"}
    assert await ids_of(papers) == {"b", "c", "e", "f"}
