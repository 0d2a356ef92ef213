"""Mistakes: what is refused says so in one voice, and leaves everything as it was."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.collection import Collection
from onevec.errors import (
    CollectionExists,
    CollectionNotFound,
    DimensionMismatch,
    InvalidCursor,
    InvalidDocument,
    InvalidFilter,
    InvalidInput,
    InvalidName,
    InvalidQuery,
    NamespaceDenied,
    OnevecError,
    PartialWrite,
)
from onevec.store import Store
from onevec.testing.samples import contents, doc
from onevec.testing.site import contract

QUERY = [1.0, 2.0, 3.0, 4.0]
Call: TypeAlias = Callable[[Any, Any], Any]  # Any: a store, a collection, which are called wrongly

# What is done, what is raised, and the operation that the error names.
MISTAKES: dict[str, tuple[Call, type[OnevecError], str]] = {
    "upsert_id": (lambda _, c: c.upsert([doc("x"), {"id": ""}]), InvalidDocument, "upsert"),
    "upsert_vector": (lambda _, c: c.upsert([doc("x"), doc("y", vector=[1])]), DimensionMismatch, "upsert"),
    "upsert_metadata": (lambda _, c: c.upsert([doc("x"), doc("y", n=float("nan"))]), InvalidDocument, "upsert"),
    "upsert_text_alone": (lambda _, c: c.upsert([doc("x"), {"id": "y", "text": "wing"}]), InvalidDocument, "upsert"),
    "upsert_columns": (lambda _, c: c.upsert(ids=["x"], vectors=[[1.0]]), DimensionMismatch, "upsert"),
    "upsert_on_failure": (lambda _, c: c.upsert(doc("x"), on_failure="hide"), InvalidInput, "upsert"),
    "update_missing": (lambda _, c: c.update("missing", text="x"), PartialWrite, "update"),
    "update_vector": (lambda _, c: c.update("a", vector=[1]), DimensionMismatch, "update"),
    "get_id": (lambda _, c: c.get(""), InvalidInput, "get"),
    "get_many_id": (lambda _, c: c.get_many(["a", ""]), InvalidInput, "get_many"),
    "delete_nothing": (lambda _, c: c.delete(), InvalidQuery, "delete"),
    "delete_filter": (lambda _, c: c.delete(filter={"n": {"$lt": "x"}}), InvalidFilter, "delete"),
    "count_filter": (lambda _, c: c.count("n >="), InvalidFilter, "count"),
    "page_cursor": (lambda _, c: c.page(cursor="x"), InvalidCursor, "page"),
    "page_limit": (lambda _, c: c.page(limit=0), InvalidQuery, "page"),
    "search_dimension": (lambda _, c: c.search([1.0]), DimensionMismatch, "search"),
    "search_nan": (lambda _, c: c.search([1, 2, 3, float("nan")]), InvalidInput, "search"),
    "search_top_k": (lambda _, c: c.search(QUERY, top_k=0), InvalidQuery, "search"),
    "search_filter": (lambda _, c: c.search(QUERY, filter={"a b": 1}), InvalidFilter, "search"),
    "search_mode": (lambda _, c: c.search(QUERY, mode="both"), InvalidQuery, "search"),
    "search_text_without_embedder": (lambda _, c: c.search("wing"), InvalidInput, "search"),
    "search_batch_dimension": (lambda _, c: c.search_batch([QUERY, [1.0]]), DimensionMismatch, "search_batch"),
    "explain_top_k": (lambda _, c: c.explain(QUERY, top_k=0), InvalidQuery, "explain"),
    "delete_namespace": (lambda _, c: c.namespace("b").delete_namespace("c"), NamespaceDenied, "delete_namespace"),
    "create_existing": (lambda s, _: s.create_collection("papers", dimension=4), CollectionExists, "create_collection"),
    "create_name": (lambda s, _: s.create_collection("a b", dimension=4), InvalidName, "create_collection"),
    "create_dimension": (lambda s, _: s.create_collection("b"), InvalidInput, "create_collection"),
    "collection_missing": (lambda s, _: s.collection("missing"), CollectionNotFound, "collection"),
    "has_name": (lambda s, _: s.has_collection(""), InvalidName, "has_collection"),
    "delete_name": (lambda s, _: s.delete_collection(""), InvalidName, "delete_collection"),
    "copy_missing": (lambda s, _: s.copy_collection("missing", "b"), CollectionNotFound, "copy_collection"),
    "copy_existing": (lambda s, _: s.copy_collection("papers", "papers"), CollectionExists, "copy_collection"),
}


@pytest.mark.parametrize(("call", "error", "operation"), MISTAKES.values(), ids=MISTAKES.keys())
@contract
async def test_a_mistake_changes_nothing(
    store: AsyncStore, papers: AsyncCollection, call: Call, error: type[OnevecError], operation: str
) -> None:
    """An error says what to do, on which engine and in which operation; the store is as it was, and usable."""
    await papers.upsert([doc("a", text="wing", n=1), doc("b", n=2)])
    before = await contents(papers)
    with pytest.raises(error) as raised:
        await call(store, papers)
    assert raised.value.engine == store.engine
    assert raised.value.operation == operation
    assert raised.value.retryable is False
    assert 10 < len(str(raised.value)) < 1_000
    assert await contents(papers) == before
    assert [info.name for info in await store.collections()] == ["papers"]
    await papers.upsert(doc("c"))
    assert len(await papers.search(QUERY)) == 3


@contract
async def test_an_unknown_keyword_is_an_error(store: AsyncStore, papers: AsyncCollection) -> None:
    """No method takes a keyword that it doesn't know: a misspelled argument is a TypeError, never ignored."""
    given: dict[str, tuple[Any, ...]] = {
        "update": ("a",),
        "get": ("a",),
        "get_many": (["a"],),
        "search": (QUERY,),
        "search_batch": ([QUERY],),
        "explain": (QUERY,),
        "namespace": ("a",),
        "delete_namespace": ("a",),
        "upsert": (doc("a"),),
        "delete": ("a",),
        "create_collection": ("a",),
        "collection": ("papers",),
        "has_collection": ("papers",),
        "delete_collection": ("papers",),
        "copy_collection": ("papers", "copy"),
    }
    for owner, cls in ((papers, Collection), (store, Store)):
        for name in _public_methods(cls):
            for keyword in ("filters", "topk", "namespace", "k"):
                with pytest.raises(TypeError, match=keyword):
                    await getattr(owner, name)(*given.get(name, ()), **{keyword: 1})
    assert await papers.count() == 0
    assert await store.has_collection("papers")


@contract
async def test_options_follow_the_first_argument_by_keyword(papers: AsyncCollection) -> None:
    """Options are keywords only: a second positional argument is a TypeError."""
    with pytest.raises(TypeError):
        await papers.search(QUERY, 5)  # type: ignore[call-arg]  # the point
    with pytest.raises(TypeError):
        await papers.upsert([], ["a"])  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        await papers.get("a", False)  # type: ignore[call-arg]


def _public_methods(cls: type) -> list[str]:
    return [name for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("_")]
