"""Reads: by id, by filter, and page by page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection
from onevec.errors import InvalidCursor, InvalidInput, InvalidQuery
from onevec.testing.samples import assert_refused, case, doc, ids_of, matrix, undated
from onevec.testing.site import Site, contract


@contract
async def test_get_gives_the_document_or_none(papers: AsyncCollection) -> None:
    """`get` returns the document of exactly that id, or None."""
    await papers.upsert([doc("a", text="wing", n=1), doc("A", n=2)])
    document = await papers.get("a")
    assert document is not None
    assert (document.text, document.metadata) == ("wing", {"n": 1})
    assert await papers.get("b") is None
    assert await papers.get("a ") is None


@contract
async def test_get_many_keeps_the_order_asked(papers: AsyncCollection) -> None:
    """`get_many` returns those that exist, in the order of the ids, from any iterable."""
    await papers.upsert([doc(str(number)) for number in range(50)])
    asked = ["7", "missing", "3", "49", "0", "11"]
    for ids in (asked, tuple(asked), iter(asked)):
        assert [document.id for document in await papers.get_many(ids)] == ["7", "3", "49", "0", "11"]
    assert await papers.get_many([]) == []


@contract
async def test_thousands_are_got_and_deleted_at_once(papers: AsyncCollection) -> None:
    """There is no limit to how many ids one call can name."""
    ids = [f"{number:05}" for number in range(3_000)]
    await papers.upsert(ids=ids, vectors=matrix(3_000))
    assert [document.id for document in await papers.get_many(reversed(ids))] == ids[::-1]
    assert len(await papers.search([1, 2, 3, 4], ids=ids, top_k=3_000)) == 3_000
    assert await papers.delete([*ids[:2_500], "missing"]) == 2_500
    assert await papers.count() == 500


@contract
async def test_vectors_can_be_left_out(papers: AsyncCollection) -> None:
    """`include_vectors=False` leaves the vector None and the rest as it is; a search leaves it out by default."""
    await papers.upsert(doc("a", text="wing", vector=[1, 2, 3, 4], n=1))
    read = [
        await papers.get("a", include_vectors=False),
        *await papers.get_many(["a"], include_vectors=False),
        *[document async for document in papers.scan(include_vectors=False)],
        *await papers.page(include_vectors=False),
        (await papers.search([1, 2, 3, 4]))[0].document,
    ]
    assert len(read) == 5
    for document in read:
        assert document is not None
        assert document.vector is None
        assert (document.text, document.metadata) == ("wing", {"n": 1})
    hit = (await papers.search([1, 2, 3, 4], include_vectors=True))[0]
    np.testing.assert_array_equal(np.asarray(hit.vector), [1, 2, 3, 4])


@contract
async def test_count_counts_matches(papers: AsyncCollection) -> None:
    """`count` returns how many documents there are, or how many match."""
    assert await papers.count() == 0
    await papers.upsert([doc(str(number), n=number) for number in range(10)])
    assert await papers.count() == 10
    assert await papers.count({"n": {"$lt": 3}}) == 3
    assert await papers.count({"n": 99}) == 0


@contract
async def test_scan_visits_each_once(papers: AsyncCollection) -> None:
    """`scan` yields every match once, in id order where the engine has one, however many pages that takes."""
    ids = [f"{number * 7919 % 2_500:05}" for number in range(2_500)]
    await papers.upsert(ids=ids, vectors=matrix(2_500), metadata=[{"n": int(id)} for id in ids])
    visited = [document.id async for document in papers.scan(include_vectors=False)]
    assert sorted(visited) == sorted(ids)
    some = [document.metadata["n"] async for document in papers.scan(filter={"n": {"$gte": 1_000}})]
    assert sorted(some) == list(range(1_000, 2_500))


@contract(needs="ordered_scan")
async def test_scan_goes_in_id_order(papers: AsyncCollection) -> None:
    """Ids come in the order of their characters, and pages follow it."""
    ids = ["a", "B", "b", "10", "9", "é", "e\u0301", "\uffff", "🔑", " ", "a b", "aa", "\u00e9a", "~"]
    await papers.upsert([doc(id) for id in ids])
    assert [document.id async for document in papers.scan()] == sorted(ids)
    paged: list[str] = []
    cursor: str | None = None
    while True:
        page = await papers.page(limit=3, cursor=cursor)
        paged += [document.id for document in page]
        cursor = page.cursor
        if cursor is None:
            break
    assert paged == sorted(ids)


@pytest.mark.parametrize("limit", [0, 1, 5, 20, 21, 10_000])
@contract
async def test_scan_stops_at_its_limit(papers: AsyncCollection, limit: int) -> None:
    """`limit` is how many rows of a scan there are at most; 0 is none."""
    await papers.upsert([doc(f"{number:02}", n=number % 2) for number in range(20)])
    assert len([document async for document in papers.scan(limit=limit)]) == min(limit, 20)
    assert len([document async for document in papers.scan(limit=limit, filter={"n": 1})]) == min(limit, 10)


@pytest.mark.parametrize("limit", [1, 3, 10, 100])
@contract
async def test_pages_make_a_scan(papers: AsyncCollection, limit: int) -> None:
    """Pages hold up to `limit` documents; following the cursors visits every match once."""
    await papers.upsert([doc(f"{number:02}", n=number) for number in range(23)])
    visited: list[str] = []
    cursor: str | None = None
    for _ in range(24):
        page = await papers.page(limit=limit, cursor=cursor, filter={"n": {"$gte": 3}})
        assert len(page) <= limit
        visited += [document.id for document in page]
        cursor = page.cursor
        if cursor is None:
            break
    assert cursor is None
    assert sorted(visited) == [f"{number:02}" for number in range(3, 23)]


@contract
async def test_a_page_of_nothing_is_the_last(papers: AsyncCollection) -> None:
    """An empty collection has one empty page without a cursor."""
    page = await papers.page()
    assert (page.documents, page.cursor) == ((), None)


@contract
async def test_a_cursor_survives_writes(papers: AsyncCollection) -> None:
    """What was there all along is visited exactly once, even if other documents come and go between pages."""
    await papers.upsert([doc(f"{number:02}") for number in range(0, 40, 2)])
    first = await papers.page(limit=10)
    seen = [document.id for document in first]
    await papers.delete([seen[-1], "38"])
    await papers.upsert([doc("00a"), doc("01"), doc("33")])
    rest = await papers.page(limit=100, cursor=first.cursor)
    stable = {f"{number:02}" for number in range(0, 38, 2)}
    visited = seen + [document.id for document in rest]
    assert len(visited) == len(set(visited))
    assert stable <= set(visited)
    assert "38" not in visited[len(seen) :]  # without an order it may have been on the first page


BAD_CURSORS: tuple[Any, ...] = ("", "garbage", "🔑", "AAAA", "eyJ9", "a" * 10_000, "../x", "\0", 5, b"a", True, [])


@contract
async def test_what_is_no_cursor_is_refused(papers: AsyncCollection) -> None:
    """Anything but a cursor of this collection and namespace is refused."""
    await papers.upsert([doc(str(number)) for number in range(5)])
    for cursor in BAD_CURSORS:
        await assert_refused(InvalidCursor, cursor, papers.page(limit=2, cursor=cursor))


@contract
async def test_a_cursor_is_refused_elsewhere(site: Site, papers: AsyncCollection) -> None:
    """A cursor works in the collection and namespace that made it, through any handle, and nowhere else."""
    documents = [doc(str(number)) for number in range(5)]
    others = await site.store.create_collection("others", dimension=4)
    for place in (papers, papers.namespace("acme"), others):
        await place.upsert(documents)
    cursor = (await papers.page(limit=2)).cursor
    bound = (await papers.namespace("acme").page(limit=2)).cursor
    for place in (papers.namespace("acme"), papers.namespace("other"), others):
        with pytest.raises(InvalidCursor):
            await place.page(cursor=cursor)
    with pytest.raises(InvalidCursor):
        await papers.page(cursor=bound)
    again = await site.store.collection("papers")
    assert len(await again.page(cursor=cursor)) == 3
    assert len(await again.namespace("acme").page(cursor=bound)) == 3


@contract
async def test_a_limit_is_a_whole_number(papers: AsyncCollection) -> None:
    """A `limit` that is no whole number, or less than 1 for a page, is refused."""
    bad: tuple[Any, ...] = (-1, 1.5, True, "5", float("nan"))
    for limit in (0, None, *bad):
        await assert_refused(InvalidQuery, limit, papers.page(limit=limit))
    for limit in bad:
        with case(limit), pytest.raises(InvalidQuery):
            [document async for document in papers.scan(limit=limit)]


@contract
async def test_ids_are_strings(papers: AsyncCollection) -> None:
    """Ids that aren't an iterable of strings are refused."""
    bad: tuple[Any, ...] = (5, None, b"a", {"a": 1}, [None], [["a"]])
    for ids in bad:
        await assert_refused(InvalidInput, ids, papers.get_many(ids))


@contract
async def test_ids_are_compared_to_the_byte(papers: AsyncCollection) -> None:
    """Case, spaces and Unicode forms tell ids apart in every verb that takes them."""
    await papers.upsert([doc("é"), doc("e\u0301"), doc("E"), doc("e")])
    assert await papers.delete("e\u0301") == 1
    assert await ids_of(papers) == {"é", "E", "e"}
    assert [hit.id for hit in await papers.search([1, 2, 3, 4], ids=["é", "E "])] == ["é"]
    assert undated(await papers.get_many(["é"])) == [doc("é")]
