"""Writes: whole documents, in any shape, reported per item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection
from onevec.documents import Document, WriteReport
from onevec.errors import DocumentNotFound, InvalidInput, PartialWrite
from onevec.testing.samples import assert_refused, contents, doc, ids_of, matrix, undated
from onevec.testing.site import Site, contract


@contract
async def test_upsert_replaces_whole(papers: AsyncCollection) -> None:
    """An upsert of an id that is there leaves nothing of the old document."""
    await papers.upsert(doc("a", text="wing", vector=[1, 2, 3, 4], year=1958, author={"name": "Zoë"}))
    await papers.upsert(doc("a", vector=[4, 3, 2, 1], lang="en", author={"born": 1920}))
    assert await papers.count() == 1
    document = await papers.get("a")
    assert document is not None
    assert document.text is None
    assert document.metadata == {"lang": "en", "author": {"born": 1920}}
    np.testing.assert_array_equal(np.asarray(document.vector), [4, 3, 2, 1])
    assert await papers.count({"year": 1958}) == 0
    assert round((await papers.search([4, 3, 2, 1]))[0].score, 4) == 1


@contract
async def test_the_last_of_equal_ids_wins(papers: AsyncCollection) -> None:
    """Of documents with one id in one call, the last is kept, and the id is counted once."""
    report = await papers.upsert([doc("a", n=1), doc("b", n=2), doc("a", n=3), doc("b", n=4), doc("a", n=5)])
    assert report == WriteReport(2)
    columns = await papers.upsert(ids=["c", "d", "c"], vectors=matrix(3), metadata=[{"n": 6}, {"n": 7}, {"n": 8}])
    assert columns == WriteReport(2)
    found = await contents(papers)
    assert {id: document.metadata["n"] for id, document in found.items()} == {"a": 5, "b": 4, "c": 8, "d": 7}
    np.testing.assert_array_equal(np.asarray(found["c"].vector), matrix(3)[2])


@contract
async def test_a_retry_never_duplicates(papers: AsyncCollection) -> None:
    """The same upsert twice is the same as once."""
    documents = [doc(str(number), n=number) for number in range(20)]
    assert await papers.upsert(documents) == await papers.upsert(documents) == WriteReport(20)
    assert await papers.count() == 20
    assert len(await papers.search([1, 2, 3, 4], top_k=100)) == 20


@contract
async def test_nothing_can_be_written(papers: AsyncCollection) -> None:
    """An empty list, iterator or set of columns writes nothing, without an error."""
    nothings: tuple[Iterable[Document], ...] = ([], (), iter(()))
    for nothing in nothings:
        assert await papers.upsert(nothing) == WriteReport(0)
    assert await papers.upsert(ids=[], vectors=np.empty((0, 4), np.float32)) == WriteReport(0)
    assert await papers.upsert(ids=[], vectors=[]) == WriteReport(0)
    assert await papers.update([]) == WriteReport(0)
    assert await papers.count() == 0


@contract
async def test_columns_are_documents(papers: AsyncCollection) -> None:
    """Columns write what the same documents write, from lists or from a matrix of any float type."""
    rows = matrix(3)
    ids, texts = ["a", "b", "c"], ["wing", None, ""]
    metadata: list[dict[str, Any]] = [{"n": 1}, {}, {"tags": ["x", None]}]
    documents = [
        Document(id, text=text, vector=row, metadata=values)
        for id, text, row, values in zip(ids, texts, rows, metadata, strict=True)
    ]
    for vectors in (rows, rows.astype(np.float64), rows.tolist(), list(rows), np.asfortranarray(rows)):
        await papers.clear()
        assert await papers.upsert(ids=ids, vectors=vectors, texts=texts, metadata=metadata) == WriteReport(3)
        assert undated(await papers.get_many(ids)) == documents


BAD_COLUMNS: tuple[dict[str, Any], ...] = (
    {"ids": ["a", "b"], "vectors": matrix(3)},
    {"ids": ["a", "b"], "vectors": matrix(2, 5)},
    {"ids": ["a"], "vectors": [1, 2, 3, 4]},
    {"ids": ["a", "b"], "vectors": matrix(2), "texts": ["a"]},
    {"ids": ["a", "b"], "vectors": matrix(2), "metadata": [{}, {}, {}]},
    {"ids": ["a", "b"], "vectors": matrix(2), "metadata": {"year": 1958}},
    {"ids": ["a", "b"], "vectors": matrix(2), "texts": "ab"},
    {"ids": ["a", "b"], "vectors": 5},
    {"ids": ["a", "b"], "vectors": matrix(2), "texts": 5},
    {"ids": ["a", "b"]},
    {"ids": "ab", "vectors": matrix(2)},
    {"ids": 5, "vectors": matrix(2)},
    {"vectors": matrix(2)},
    {"documents": [doc("a")], "ids": ["b"], "vectors": matrix(1)},
    {},
)


@contract
async def test_columns_that_do_not_fit_are_refused(papers: AsyncCollection) -> None:
    """Columns of different lengths, without ids or vectors, or beside documents, are refused."""
    for columns in BAD_COLUMNS:
        await assert_refused(InvalidInput, columns, papers.upsert(**columns))
    assert await papers.count() == 0


@contract
async def test_a_generator_is_written_in_parts(papers: AsyncCollection) -> None:
    """An iterator is written some thousand documents at a time, each once, and its total is not known before."""
    taken: list[int] = []
    seen: list[tuple[int, int | None]] = []

    def endless() -> Iterator[Document]:
        for number in range(2_500):
            taken.append(number)
            yield doc(f"{number:05}", vector=[1, 2, 3, number + 1])

    report = await papers.upsert(endless(), on_progress=lambda done, total: seen.append((done, total)))
    assert report == WriteReport(2_500)
    assert len(taken) == await papers.count() == 2_500
    assert len(seen) > 1
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert seen[-1][0] == 2_500
    assert {total for _, total in seen} <= {None, 2_500}


@contract
async def test_an_iterator_that_fails_says_so(papers: AsyncCollection) -> None:
    """An exception of the iterator itself comes out unchanged; nothing of the part at hand is written."""

    def failing() -> Iterator[Document]:
        yield doc("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await papers.upsert(failing())
    assert await papers.count() == 0


@contract
async def test_progress_is_told(papers: AsyncCollection) -> None:
    """`on_progress` is called with how many documents are done, growing to the total."""
    seen: list[tuple[int, int | None]] = []
    await papers.upsert(
        ids=[str(number) for number in range(300)],
        vectors=matrix(300),
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (300, 300)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


@pytest.mark.parametrize("position", [0, 99, 199])
@contract
async def test_one_bad_document_stops_the_call(papers: AsyncCollection, position: int) -> None:
    """Everything is checked before anything is written: one bad document, and the store is as it was."""
    await papers.upsert(doc("5", n="old"))
    documents = [doc(str(number), n=number) for number in range(200)]
    documents[position] = doc("bad", vector=[1, 2, 3])
    with pytest.raises(InvalidInput):
        await papers.upsert(documents)
    assert {id: document.metadata for id, document in (await contents(papers)).items()} == {"5": {"n": "old"}}


@contract
async def test_a_write_is_seen_by_the_next_read(site: Site, papers: AsyncCollection) -> None:
    """What a write returned is in the next get, count, scan and search, through any handle."""
    other = await site.store.collection("papers")
    for number in range(30):
        id = str(number)
        await papers.upsert(doc(id, vector=[1, number, 0, 0], n=number))
        assert await other.get(id) is not None
        assert await other.count({"n": number}) == 1
        assert await other.count() == number + 1
        assert (await other.search([1, number, 0, 0], top_k=1)).ids == [id]
        assert id in await ids_of(other)
        if number % 3 == 0:
            assert await papers.delete(id) == 1
            assert await other.get(id) is None
            assert id not in (await other.search([1, number, 0, 0], top_k=100)).ids
            assert await other.count({"n": number}) == 0
            await papers.upsert(doc(id, vector=[1, number, 0, 0], n=number))


@contract
async def test_writes_without_waiting_are_there_after_flush(papers: AsyncCollection) -> None:
    """`wait=False` and then `flush()` is the same as waiting."""
    await papers.upsert([doc(str(number)) for number in range(20)], wait=False)
    await papers.flush()
    assert await papers.count() == 20
    assert len(await papers.search([1, 2, 3, 4], top_k=20)) == 20


@contract
async def test_update_of_what_is_missing_is_reported(papers: AsyncCollection) -> None:
    """An update of ids that don't exist raises `PartialWrite` with each of them, and does the others."""
    await papers.upsert([doc("a", n=1), doc("c", n=3)])
    changes = [{"id": id, "metadata": {"n": 9}} for id in ("a", "b", "c", "d")]
    with pytest.raises(PartialWrite) as partial:
        await papers.update(changes)
    assert partial.value.report.written == 2
    assert [id for id, _ in partial.value.report.failed] == ["b", "d"]
    assert all(isinstance(error, DocumentNotFound) for _, error in partial.value.report.failed)
    report = await papers.update(changes, on_failure="report")
    assert report.written == 2
    assert [id for id, _ in report.failed] == ["b", "d"]
    twice = await papers.update([*changes, *changes], on_failure="report")
    assert twice.written == 2
    assert {id for id, _ in twice.failed} == {"b", "d"}
    assert {id: document.metadata["n"] for id, document in (await contents(papers)).items()} == {"a": 9, "c": 9}


@contract
async def test_one_string_is_one_id(papers: AsyncCollection) -> None:
    """Where ids are expected a single string is a single id, not its letters."""
    await papers.upsert([doc("ab"), doc("a"), doc("b")])
    assert [document.id for document in await papers.get_many("ab")] == ["ab"]
    assert (await papers.search([1, 2, 3, 4], ids="ab")).ids == ["ab"]
    assert await papers.delete("ab") == 1
    assert await ids_of(papers) == {"a", "b"}


@contract
async def test_delete_counts_what_existed(papers: AsyncCollection) -> None:
    """`delete` returns how many documents there were, each once, and they are gone from every read."""
    await papers.upsert([doc(id, n=number) for number, id in enumerate("abcdef")])
    assert await papers.delete("a") == 1
    assert await papers.delete("a") == 0
    assert await papers.delete(["b", "b", "missing"]) == 1
    assert await papers.delete(iter(["c"])) == 1
    assert await papers.delete([]) == 0
    assert await papers.delete(filter={"n": {"$gte": 4}}) == 2
    assert await papers.delete(filter={"n": {"$gte": 4}}) == 0
    assert await ids_of(papers) == {"d"}
    assert (await papers.search([1, 2, 3, 4])).ids == ["d"]
    assert [document.id for document in await papers.get_many(list("abcdef"))] == ["d"]


BAD_DELETES: tuple[dict[str, Any], ...] = (
    {},
    {"ids": "a", "filter": {"n": 0}},
    {"filter": {}},
    {"filter": []},
    {"filter": ""},
    {"filter": {"$or": [{"n": {"$nin": []}}, {"n": 7}]}},
    {"ids": 5},
    {"ids": None},
    {"ids": [None]},
)


@contract
async def test_delete_wants_one_of_ids_and_filter(papers: AsyncCollection) -> None:
    """Neither, both, or a filter that is true of everything is refused: nothing but `clear` deletes everything."""
    await papers.upsert(doc("a", n=0))
    for arguments in BAD_DELETES:
        await assert_refused(InvalidInput, arguments, papers.delete(**arguments))
    assert await papers.count() == 1


@contract
async def test_clear_empties(papers: AsyncCollection) -> None:
    """`clear` deletes every document, returns how many there were, and leaves a collection to write to."""
    await papers.upsert([doc(id, text="wing") for id in "abc"])
    assert await papers.clear() == 3
    assert await papers.clear() == 0
    assert await papers.count() == 0
    assert list(await papers.search([1, 2, 3, 4])) == []
    await papers.upsert(doc("b"))
    assert (await papers.search([1, 2, 3, 4])).ids == ["b"]
