"""Filters: one meaning, on every engine, by every verb that takes one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.documents import Document
from onevec.errors import UnsupportedFilter
from onevec.filter_syntax import parse_filter
from onevec.filters import And, Condition, Filter, FilterLike, Not, Op, Or, SearchFilter, condition, field
from onevec.lower import lower, unsupported
from onevec.matching import matches
from onevec.testing.samples import assert_refused, case, ids_of
from onevec.testing.site import Site, contract

QUERY = [1.0, 2.0, 3.0, 4.0]
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)

# A document for each kind of value, by the letter that stands for it in the table below.
VALUES: dict[str, dict[str, Any]] = {
    "0": {"v": 0},
    "1": {"v": 1},
    "2": {"v": 2.5},
    "B": {"v": 2**53 + 1},
    "f": {"v": False},
    "t": {"v": True},
    "a": {"v": "abc"},
    "A": {"v": "ABC"},
    "e": {"v": ""},
    "o": {"v": "1"},
    "d": {"v": NOON},
    "D": {"v": "2020-01-01T13:00:00+01:00"},
    "l": {"v": ["abc", 1]},
    "L": {"v": [True, "2", [1]]},
    "z": {"v": []},
    "n": {"v": {"w": 1}},
    "N": {"v": None},
    "-": {"other": 1},
    ".": {"v.w": 1},
}
ALL = "".join(VALUES)
_ABSENT = "N-."


def _but(letters: str) -> str:
    return "".join(letter for letter in ALL if letter not in letters)


v, w = field("v"), field("v.w")
MEANINGS: dict[str, list[tuple[FilterLike, str]]] = {
    "eq": [
        (v == 1, "1"),
        (v == 1.0, "1"),
        (v == 0, "0"),
        (v == True, "t"),  # noqa: E712 (a filter)
        (v == False, "f"),  # noqa: E712
        (v == "1", "o"),
        (v == "", "e"),
        (v == "abc", "a"),
        (v == 2**53 + 1, "B"),
        (v == 2**53, ""),
        (v == float(2**53), ""),
        (v == NOON, "d"),
        (v == "2020-01-01T13:00:00+01:00", "D"),
        (v == ["abc", 1], "l"),
        (v == [1, "abc"], ""),
        (v == [], "z"),
        (v == [1, "2", [1]], ""),
        (v == [True, "2", [1.0]], "L"),
    ],
    "ne": [
        (v != 1, _but("1")),
        (v != "abc", _but("a")),
        (v != True, _but("t")),  # noqa: E712
        (v != ["abc", 1], _but("l")),
    ],
    "exists": [
        (condition("v", Op.EQ, None), _ABSENT),
        (condition("v", Op.NE, None), _but(_ABSENT)),
        (v.exists(), _but(_ABSENT)),
        (v.is_null(), _ABSENT),
    ],
    "order": [
        (v < 1, "0"),
        (v <= 1, "01"),
        (v > 1, "2B"),
        (v >= 1, "12B"),
        (v >= 2.5, "2B"),
        (v > 2**53, "B"),
        (v >= float(2**53), "B"),
        (v < -1, ""),
        (v.between(1, 2.5), "12"),
        (v.between(2.5, 1), ""),
    ],
    "instants": [
        (v >= NOON, "dD"),
        (v > NOON, ""),
        (v <= "2020-01-01T12:00:00Z", "dD"),
        (v < "2020-01-01T12:00:00.000001Z", "dD"),
        (v.between("2020-01-01", NOON), "dD"),
        (v > datetime(1, 1, 1, tzinfo=UTC), "dD"),
    ],
    "in": [
        (v.is_in([1, "abc", True]), "1at"),
        (v.is_in([["abc", 1], 0.0]), "l0"),
        (v.is_in([]), ""),
        (v.is_in([1, None]), "1" + _ABSENT),
    ],
    "not_in": [
        (v.not_in([1, "abc", True]), _but("1at")),
        (v.not_in([]), ALL),
        (v.not_in([1, None]), _but("1" + _ABSENT)),
    ],
    "contains": [
        (v.contains("abc"), "l"),
        (v.contains(1), "l"),
        (v.contains(True), "L"),
        (v.contains("2"), "L"),
        (v.contains(2), ""),
    ],
    "contains_any": [
        (v.contains_any([1, "2"]), "lL"),
        (v.contains_any([]), ""),
    ],
    "contains_all": [
        (v.contains_all(["abc", 1]), "l"),
        (v.contains_all(["abc", 2]), ""),
        (v.contains_all([]), "lLz"),
    ],
    "starts_with": [
        (v.starts_with("ab"), "a"),
        (v.starts_with("AB"), "A"),
        (v.starts_with("%b"), ""),
        (v.starts_with(""), "aAeoD"),
    ],
    "has_text": [
        (v.has_text("bc"), "a"),
        (v.has_text("_"), ""),
        (v.has_text(""), "aAeoD"),
        (v.has_text("01-01"), "D"),
    ],
    "paths": [
        (w == 1, "n"),
        (w.exists(), "n"),
        (w != 1, _but("n")),
        (~(w == 1), _but("n")),
        (field("missing") == 1, ""),
        (~(field("missing") == 1), ALL),
        (field("V") == 1, ""),
        (field("v.w.x") == 1, ""),
        (field("other").exists(), "-"),
    ],
    "not": [
        (~(v == 1), _but("1")),
        (~(v != 1), "1"),
        (~(v < 1), _but("0")),
        (~(v >= NOON), _but("dD")),
        (~v.between(1, 2.5), _but("12")),
        (~v.is_in([1, "abc"]), _but("1a")),
        (~v.not_in([1, "abc"]), "1a"),
        (~v.exists(), _ABSENT),
        (~v.contains("abc"), _but("l")),
        (~v.contains_all([]), _but("lLz")),
        (~v.starts_with("ab"), _but("a")),
        (~v.has_text("bc"), _but("a")),
        (~((v == 1) | (v == "abc")), _but("1a")),
        (~((v >= 0) & (v < 2)), _but("01")),
        (Not(Not(v == 1)), "1"),
    ],
    "combined": [
        ((v == 1) | (v == "abc"), "1a"),
        ((v >= 0) & (v < 2), "01"),
        (And(()), ALL),
        (Or(()), ""),
        (Not(And(())), ""),
        (And((v.exists(), Or((v == 1, Not(v.exists()))))), "1"),
    ],
    "forms": [
        ({"v": {"$gte": 0, "$lt": 2}}, "01"),
        ({"v": {"gte": 0, "lte": 1}}, "01"),
        ({"$or": [{"v": 1}, {"v": {"$in": ["abc"]}}]}, "1a"),
        ({"v": None}, _ABSENT),
        ({"v": ["abc", 1]}, "l"),
        (SearchFilter("v", "gte", 1), "12B"),
        ([SearchFilter("v", "gte", 0), {"v": {"$lt": 2}}], "01"),
        ('v >= 0 and v < 2 or v == "abc"', "01a"),
        ("not v exists", _ABSENT),
    ],
}


@pytest.mark.parametrize("meanings", MEANINGS.values(), ids=MEANINGS.keys())
@contract
async def test_a_filter_means_what_it_says(site: Site, meanings: list[tuple[FilterLike, str]]) -> None:
    """A filter lets through the same documents in count, scan, page, search and delete: those of the contract."""
    kinds = await _kinds(site.store)
    runnable = [meaning for meaning in meanings if not _lacking(site, meaning[0])]
    for filter, expected in runnable:
        with case(filter):
            wanted = set(expected)
            assert {document.id async for document in kinds.scan(filter=filter)} == wanted
            assert {document.id for document in await kinds.page(filter=filter)} == wanted
            assert await kinds.count(filter) == len(wanted)
            assert set((await kinds.search(QUERY, top_k=100, filter=filter)).ids) == wanted
            some = await kinds.search(QUERY, top_k=100, filter=filter, ids=list("01atlN-"))
            assert set(some.ids) == wanted & set("01atlN-")
            if wanted != set(ALL):
                assert await kinds.delete(filter=filter) == len(wanted)
                assert await ids_of(kinds) == set(ALL) - wanted
                await kinds.upsert([_document(letter) for letter in expected])
    if not runnable:
        pytest.skip(f"{site.store.engine} doesn't have {', '.join(_lacking(site, meanings[0][0]))}")


@contract
async def test_an_operator_that_is_not_declared_is_refused_or_scanned(site: Site) -> None:
    """An operator the engine lacks is refused, by name; `on_unsupported="scan"` runs it exactly, and warns."""
    kinds = await _kinds(site.store)
    for filter in CONDITIONS:
        if lacking := _lacking(site, filter):
            await assert_refused(
                UnsupportedFilter,
                filter,
                kinds.count(filter),
                kinds.page(filter=filter),
                kinds.search_batch([QUERY], filter=filter),
                kinds.explain(QUERY, filter=filter),
                kinds.delete(filter=filter),
            )
            with pytest.raises(UnsupportedFilter, match=lacking[0]):
                await kinds.search(QUERY, filter=filter)
            for written in (filter, filter & (v != 1), filter | (v == 1), ~filter):
                with case(written):
                    await _assert_scanned(kinds, written)
    assert await ids_of(kinds) == set(ALL)


async def _assert_scanned(kinds: AsyncCollection, filter: Filter) -> None:
    expected = sorted(letter for letter, metadata in VALUES.items() if matches(filter, metadata))
    for top_k in (1, 2, 100):
        with pytest.warns(UserWarning, match="scan"):
            hits = await kinds.search(QUERY, top_k=top_k, filter=filter, on_unsupported="scan")
        assert hits.ids == expected[:top_k]


CONDITIONS: tuple[Condition, ...] = (
    v == 1,
    v != 1,
    v < 1,
    v <= 1,
    v > 1,
    v >= 1,
    v.between(1, 3),
    condition("v", Op.IN, [1, "abc"]),
    condition("v", Op.NOT_IN, [1, "abc"]),
    v.exists(),
    v.is_null(),
    v.contains("abc"),
    v.contains_any(["abc", "2"]),
    v.contains_all(["abc", 1]),
    v.starts_with("ab"),
    v.has_text("bc"),
)


async def _kinds(store: AsyncStore) -> AsyncCollection:
    """A collection with a document of each kind of value."""
    collection = await store.create_collection("kinds", dimension=4)
    await collection.upsert([_document(letter) for letter in VALUES])
    return collection


def _document(letter: str) -> Document:
    return Document(letter, vector=QUERY, metadata=VALUES[letter])


def _lacking(site: Site, filter: FilterLike) -> list[str]:
    """The operators of the lowered filter that the engine doesn't declare."""
    tree = parse_filter(filter)
    assert tree is not None
    declared = site.capabilities.operators
    return [str(condition.op) for condition in unsupported(lower(tree, declared), declared)]
