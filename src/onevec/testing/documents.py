"""Documents: what goes in comes out, equal; what is outside the contract doesn't go in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from onevec.aio import AsyncCollection
from onevec.documents import Document
from onevec.errors import InvalidDocument, InvalidInput
from onevec.testing.samples import after, assert_refused, contents, doc
from onevec.testing.site import contract

IDS = (
    "a",
    "0",
    " ",
    "a b",
    " a",
    "a ",
    "A",
    "1e3",
    "null",
    "None",
    "../../etc/passwd",
    "https://example.org/a?b=c#d",
    "d9428888-122b-11e1-b85c-61cd3cbb3210",
    "ключ",
    "鍵",
    "🔑🗝️",
    "\u00e9",
    "e\u0301",
    "\u202eright to left",
    "tab\tand\nnewline\r\n",
    "\x01\x7f",
    "\ufeffbom",
    "\uffff",
    "\U0010ffff",
    "quote ' and \" and ` and \\ and %",
    "x" * 512,
    "é" * 256,
    "🔑" * 128,
)
BAD_IDS = (
    "",
    "x" * 513,
    "é" * 256 + "x",
    "x" * 10_000,
    "a\0",
    "\0",
    "\ud800",
    "a\udfffb",
    None,
    1,
    1.5,
    True,
    b"a",
    ["a"],
)


@contract
async def test_any_string_is_an_id(papers: AsyncCollection) -> None:
    """Ids that differ in any character, case, space or Unicode form are different documents, and come back as given."""
    report = await papers.upsert([doc(id, number=number) for number, id in enumerate(IDS)])
    assert report.written == len(IDS)
    assert await papers.count() == len(IDS)
    for number, id in enumerate(IDS):
        document = await papers.get(id)
        assert document is not None
        assert (document.id, document.metadata) == (id, {"number": number})
    assert [document.id for document in await papers.get_many(IDS)] == list(IDS)
    assert await papers.delete(IDS) == len(IDS)


@contract
async def test_what_is_no_id_is_refused(papers: AsyncCollection) -> None:
    """An id that is empty, over 512 UTF-8 bytes, not Unicode, with NUL, or no string is refused by every verb."""
    for id in BAD_IDS:
        bad: Any = id
        await assert_refused(
            InvalidInput,
            id,
            papers.upsert([doc("good"), Document(bad, vector=[1, 2, 3, 4])]),
            papers.update([{"id": bad, "metadata": {"a": 1}}]),
            papers.get(bad),
            papers.get_many(["good", bad]),
            papers.delete(["good", bad]),
            papers.search([1, 2, 3, 4], ids=["good", bad]),
        )
    assert await papers.count() == 0


TEXTS = (
    "",
    " ",
    "wing",
    "two\nlines\ttab",
    "Ünïcödé 漢字 🛩️",
    "nul \0 inside",
    "'; --",
    "\ufeff\u2028\u202e",
    "x" * 100_000,
)


@contract
async def test_texts_come_back(papers: AsyncCollection) -> None:
    """Any text comes back to the character: empty, long, with NUL or in any script; None stays None."""
    await papers.upsert([doc(str(number), text=text) for number, text in enumerate((*TEXTS, None))])
    found = await contents(papers)
    assert [found[str(number)].text for number in range(len(found))] == [*TEXTS, None]


@contract
async def test_what_is_no_text_is_refused(papers: AsyncCollection) -> None:
    """A text that is no string, or no Unicode, is refused."""
    bad: tuple[Any, ...] = (1, b"wing", ["wing"], "lone \ud800 surrogate")
    for text in bad:
        await assert_refused(InvalidDocument, text, papers.upsert([doc("good"), doc("bad", text=text)]))
    assert await papers.count() == 0


@contract
async def test_a_document_is_a_document_or_a_dict(papers: AsyncCollection) -> None:
    """A Document and a dict with its fields mean the same, alone or in any iterable."""
    await papers.upsert({"id": "a", "text": "wing", "vector": [1, 2, 3, 4], "metadata": {"year": 1958}})
    await papers.upsert(Document("b", text="wing", vector=[1, 2, 3, 4], metadata={"year": 1958}))
    await papers.upsert({"c": doc("c", year=1958)}.values())
    first, second, third = await papers.get_many(["a", "b", "c"])
    assert (first.text, first.metadata) == (second.text, second.metadata) == ("wing", {"year": 1958})
    assert third.metadata == {"year": 1958}


NO_DOCUMENTS: tuple[Any, ...] = (
    "a",
    b"a",
    5,
    [5],
    ["a"],
    [None],
    {"text": "no id", "vector": [1, 2, 3, 4]},
    {"id": "a", "vector": [1, 2, 3, 4], "year": 1958},
    {"id": "a"},
    {"id": "a", "vector": [1, 2, 3, 4], "metadata": [("year", 1958)]},
    {"id": "a", "vector": [1, 2, 3, 4], "created_at": "1958-01-01"},
)


@contract
async def test_what_is_no_document_is_refused(papers: AsyncCollection) -> None:
    """Things that aren't documents, dicts with unknown fields, and documents without a vector are refused."""
    for given in NO_DOCUMENTS:
        await assert_refused(InvalidDocument, given, papers.upsert(given))
    assert await papers.count() == 0


@contract
async def test_times_are_kept(papers: AsyncCollection) -> None:
    """`created_at` stays when a document is replaced or updated; `updated_at` moves on; both are UTC."""
    before = datetime.now(UTC)
    await papers.upsert([doc("a", year=1958), doc("b")])
    first = (await contents(papers))["a"]
    assert first.created_at is not None
    assert first.created_at == first.updated_at
    assert first.created_at.utcoffset() == before.utcoffset()
    assert before <= first.created_at <= datetime.now(UTC)
    after(first.updated_at)
    await papers.upsert(doc("a", year=1959))
    second = (await contents(papers))["a"]
    after(second.updated_at)
    await papers.update("a", metadata={"year": 1960})
    third = (await contents(papers))["a"]
    assert first.created_at == second.created_at == third.created_at
    assert second.updated_at is not None
    assert third.updated_at is not None
    assert first.created_at < second.updated_at < third.updated_at
    hit = (await papers.search([1, 2, 3, 4], ids=["a"]))[0]
    assert (hit.created_at, hit.updated_at) == (third.created_at, third.updated_at)


@contract
async def test_a_creation_time_can_be_brought_along(papers: AsyncCollection) -> None:
    """A `created_at` that is given is kept, to the microsecond, as when documents move from another store."""
    long_ago = datetime(1958, 7, 1, 12, 30, 15, 123_457, tzinfo=UTC)
    await papers.upsert(Document("a", vector=[1, 2, 3, 4], created_at=long_ago))
    document = await papers.get("a")
    assert document is not None
    assert document.created_at == long_ago
    assert document.updated_at is not None
    assert document.updated_at > long_ago
