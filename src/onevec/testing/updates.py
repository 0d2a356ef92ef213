"""Updates: parts of documents, metadata by JSON merge patch (RFC 7396)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection
from onevec.documents import Document, WriteReport
from onevec.errors import InvalidInput
from onevec.testing.samples import assert_refused, contents, doc
from onevec.testing.site import contract

# The examples of RFC 7396, appendix A, that are objects; a null in the target is no value here.
PATCHES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ({"a": {"b": {"c": 1, "d": 2}}}, {"a": {"b": {"c": None}}}, {"a": {"b": {"d": 2}}}),
    ({"a": "scalar"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
    ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
    ({"a.b": 1, "a": {"b": 2}}, {"a.b": None}, {"a": {"b": 2}}),
    ({"a": 1}, {"$set": {"a": 2}}, {"a": 1, "$set": {"a": 2}}),
    ({"a": 1}, {}, {"a": 1}),
    ({"a": [1, None]}, {"b": [None, {"c": None, "d": 1}]}, {"a": [1, None], "b": [None, {"d": 1}]}),
    (
        {"at": {"$datetime": "x"}},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"at": datetime(2020, 1, 1, tzinfo=UTC)},
    ),
]


@pytest.mark.parametrize(("metadata", "patch", "expected"), PATCHES, ids=str)
@contract
async def test_metadata_is_patched(
    papers: AsyncCollection, metadata: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A null in the patch removes a field, an object merges into an object, anything else takes its place."""
    await papers.upsert(Document("a", text="wing", vector=[1, 2, 3, 4], metadata=metadata))
    assert await papers.update("a", metadata=patch) == WriteReport(1)
    document = await papers.get("a")
    assert document is not None
    assert document.metadata == expected
    assert document.text == "wing"


@contract
async def test_parts_that_are_not_given_stay(papers: AsyncCollection) -> None:
    """An update changes the text, the vector or the metadata that it is given, and nothing else."""
    await papers.upsert([doc("a", text="wing", vector=[1, 2, 3, 4], n=1), doc("b", text="flap", n=2)])
    await papers.update("a", text="slipstream")
    await _is(papers, "slipstream", [1, 2, 3, 4], {"n": 1})
    await papers.update("a", vector=[4, 3, 2, 1])
    await _is(papers, "slipstream", [4, 3, 2, 1], {"n": 1})
    await papers.update("a", metadata={"n": 5})
    await _is(papers, "slipstream", [4, 3, 2, 1], {"n": 5})
    await papers.update("a", text="", vector=[1, 1, 1, 1], metadata={"n": None})
    await _is(papers, "", [1, 1, 1, 1], {})
    other = (await contents(papers))["b"]
    assert (other.text, other.metadata) == ("flap", {"n": 2})


async def _is(papers: AsyncCollection, text: str, vector: list[int], metadata: dict[str, Any]) -> None:
    document = await papers.get("a")
    assert document is not None
    assert (document.text, document.metadata) == (text, metadata)
    np.testing.assert_array_equal(np.asarray(document.vector), vector)


@contract
async def test_updates_reach_searches(papers: AsyncCollection) -> None:
    """What an update changed is what filters and searches see."""
    await papers.upsert([doc("a", vector=[1, 0, 0, 0], n=1, lang="en"), doc("b", vector=[0, 1, 0, 0], n=2)])
    assert await papers.count({"n": 1}) == 1
    assert (await papers.search([1, 0, 0, 0], top_k=1)).ids == ["a"]
    await papers.update("a", vector=[0, 0, 1, 0], metadata={"n": 7, "lang": "de"})
    assert (await papers.search([0, 0, 1, 0], top_k=1)).ids == ["a"]
    assert (await papers.search([0, 0, 1, 0], filter={"n": 7})).ids == ["a"]
    assert (await papers.search([0, 0, 1, 0], filter={"lang": "de"})).ids == ["a"]
    assert list(await papers.search([0, 0, 1, 0], filter={"n": 1})) == []
    assert await papers.count({"lang": "en"}) == 0
    assert len(await papers.search([1, 1, 1, 1])) == 2


@contract
async def test_many_are_updated_at_once(papers: AsyncCollection) -> None:
    """Documents and dicts carry the parts to change; changes of one document follow each other."""
    await papers.upsert([doc(id, text=id, n=0, keep=True) for id in "abc"])
    report = await papers.update(
        [
            {"id": "a", "metadata": {"n": 1}},
            Document("b", text="new"),
            Document("c", vector=[1, 1, 1, 1], metadata={"n": 3}),
        ]
    )
    assert report == WriteReport(3)
    found = await contents(papers)
    assert {id: (document.text, document.metadata["n"]) for id, document in found.items()} == {
        "a": ("a", 1),
        "b": ("new", 0),
        "c": ("c", 3),
    }
    assert all(document.metadata["keep"] for document in found.values())
    np.testing.assert_array_equal(np.asarray(found["c"].vector), [1, 1, 1, 1])


@contract
async def test_changes_of_one_document_in_one_call_are_all_made(papers: AsyncCollection) -> None:
    """Several changes of one id in one call are made one after the other."""
    await papers.upsert(doc("a", n=0))
    await papers.update([{"id": "a", "metadata": {"n": 1, "x": 1}}, {"id": "a", "metadata": {"n": 2, "y": 2}}])
    document = await papers.get("a")
    assert document is not None
    assert document.metadata == {"n": 2, "x": 1, "y": 2}


BAD_CHANGES: tuple[tuple[Any, dict[str, Any]], ...] = (
    ("a", {"vector": [1, 2, 3]}),
    ("a", {"text": 5}),
    ("a", {"metadata": {"n": float("nan")}}),
    ("a", {"metadata": {"n": {1: 2}}}),
    ([{"metadata": {"n": 1}}], {}),
    ([{"id": "a", "year": 1958}], {}),
    ([{"id": "a", "metadata": {"n": 1}}], {"text": "for which?"}),
    (5, {}),
    (None, {}),
    ([5], {}),
    ([{"id": "a", "metadata": {"n": 1}}, {"id": "a", "vector": [1]}], {}),
)


@contract
async def test_bad_changes_are_refused(papers: AsyncCollection) -> None:
    """A change outside the contract is refused before any change of the call is made."""
    await papers.upsert(doc("a", text="wing", vector=[1, 2, 3, 4], n=0))
    for documents, parts in BAD_CHANGES:
        await assert_refused(InvalidInput, documents, papers.update(documents, **parts))
    await _is(papers, "wing", [1, 2, 3, 4], {"n": 0})
