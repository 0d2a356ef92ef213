"""Namespaces: hard partitions, and handles that don't leave theirs."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from onevec.aio import AsyncCollection, AsyncStore
from onevec.collection import Collection
from onevec.documents import SearchQuery
from onevec.errors import InvalidName, NamespaceDenied, OnevecError
from onevec.testing.samples import assert_refused, case, contents, doc, ids_of
from onevec.testing.site import contract

NAMESPACES = (
    *("", "acme", "Acme", "acme ", " acme", " ", "acme/eu", "../acme", "/", "\\", "a.b", "a*", "%", "_", "*", "?"),
    *("é", "e\u0301", "鍵", "🔑" * 128, "x" * 128, "null", "None", "default", "__default__", "0", "\0", "a\0b", "\n"),
    *("'", '"', "`", "'; DROP TABLE documents; --", "\ufeff", "\uffff", "{}", "[]", "$ne", "or 1=1"),
)
QUERY = [1.0, 2.0, 3.0, 4.0]


@contract
async def test_namespaces_are_told_apart(papers: AsyncCollection) -> None:
    """The same id lives in every namespace by itself; names that differ in any character are different ones."""
    for number, name in enumerate(NAMESPACES):
        bound = papers.namespace(name)
        assert bound.bound_namespace == name
        await bound.upsert([doc("same", text=f"wing {name}", n=number), doc(str(number))])
    assert await papers.namespaces() == sorted(NAMESPACES)
    for number, name in enumerate(NAMESPACES):
        bound = papers.namespace(name)
        assert await ids_of(bound) == {"same", str(number)}
        assert await bound.count({"n": number}) == 1
        found = await bound.get("same")
        assert found is not None
        assert (found.text, found.metadata) == (f"wing {name}", {"n": number})
        assert set((await bound.search(QUERY, top_k=100)).ids) == {"same", str(number)}
    assert await papers.namespace("acme").delete("same") == 1
    assert await papers.namespace("acme").clear() == 1
    assert await papers.namespaces() == sorted(set(NAMESPACES) - {"acme"})
    assert await papers.delete_namespace("Acme") == 2
    assert await papers.delete_namespace("Acme") == 0
    assert await papers.namespaces() == sorted(set(NAMESPACES) - {"acme", "Acme"})
    assert await ids_of(papers.namespace("acme ")) == {"same", str(NAMESPACES.index("acme "))}


@contract
async def test_what_is_no_namespace_is_refused(papers: AsyncCollection) -> None:
    """A namespace that is no Unicode string of up to 128 characters is refused."""
    bad: tuple[Any, ...] = ("x" * 129, "🔑" * 129, "\ud800", None, 5, b"acme", ["acme"])
    for name in bad:
        with case(name), pytest.raises(InvalidName):
            papers.namespace(name)
        await assert_refused(InvalidName, name, papers.delete_namespace(name))


@contract
async def test_the_default_namespace_has_the_empty_name(papers: AsyncCollection) -> None:
    """A collection's own handle is about the namespace `""`, and no other."""
    await papers.upsert(doc("a"))
    await papers.namespace("acme").upsert(doc("b"))
    assert papers.bound_namespace == ""
    assert await ids_of(papers) == await ids_of(papers.namespace("")) == {"a"}
    assert await papers.count() == 1
    assert await papers.clear() == 1
    assert await papers.namespaces() == ["acme"]


@contract
async def test_a_bound_handle_stays_bound(papers: AsyncCollection) -> None:
    """From a handle bound to one namespace there is no way to another one, the default one included."""
    for name in ("", "acme", "other"):
        await papers.namespace(name).upsert(doc(f"of {name}"))
    for name, foreign in (("acme", ("other", "", "new")), ("", ("acme", "new"))):
        bound = papers.namespace(name)
        for other in foreign:
            with pytest.raises(NamespaceDenied):
                bound.namespace(other)
            with pytest.raises(NamespaceDenied):
                await bound.delete_namespace(other)
        assert await bound.namespaces() == [name]
        again = bound.namespace(name)
        assert await ids_of(again) == {f"of {name}"}
        with pytest.raises(NamespaceDenied):
            again.namespace("other")
    assert await papers.namespace("acme").delete_namespace("acme") == 1
    assert await papers.namespace("acme").namespaces() == []
    assert await papers.namespaces() == ["", "other"]


async def _calls(bound: AsyncCollection, cursors: list[str]) -> dict[str, list[Any]]:
    """What a program of another tenant could try, by the method it calls; coroutines are awaited by the test."""
    return {
        "name": [bound.name],
        "bound_namespace": [bound.bound_namespace],
        "upsert": [bound.upsert([doc("secret"), doc("mine")]), bound.upsert(ids=["secret"], vectors=[QUERY])],
        "update": [
            bound.update("only theirs", text="overwritten"),
            bound.update([{"id": "only theirs", "metadata": {"owner": "me"}}], on_failure="report"),
        ],
        "embed": [bound.embed(["only theirs"])],
        "get": [bound.get("only theirs"), bound.get("theirs\0acme"), bound.get("acme/only theirs")],
        "get_many": [bound.get_many(["only theirs", "secret"])],
        "count": [bound.count(), bound.count("secret exists"), bound.count({"$or": [{"owner": "them"}, {"n": None}]})],
        "scan": [_listed(bound, None), _listed(bound, {"owner": "them"}), _listed(bound, "any_of() or all_of()")],
        "page": [
            bound.page(limit=1000),
            bound.page(filter={"namespace": "acme"}),
            bound.page(filter={"owner": "them"}),
            *(bound.page(cursor=cursor) for cursor in cursors),
        ],
        "search": [
            bound.search(QUERY, top_k=1000),
            bound.search(QUERY, ids=["only theirs", "secret"], include_vectors=True),
            bound.search(QUERY, filter={"$or": [{"namespace": "acme"}, {"owner": "them"}]}),
            bound.search(QUERY, filter='all_of() or namespace == "acme"'),
            bound.search(SearchQuery(vector=QUERY, ids=["only theirs"], top_k=1000)),
            bound.search("classified", mode="text", top_k=1000),
            bound.search(SearchQuery("classified", vector=QUERY), mode="hybrid", top_k=1000),
        ],
        "search_batch": [bound.search_batch([QUERY, SearchQuery(vector=QUERY, ids=["only theirs"])], top_k=1000)],
        "explain": [bound.explain(QUERY, filter={"owner": "them"})],
        "namespaces": [bound.namespaces()],
        "info": [bound.info()],
        "stats": [bound.stats()],
        "create_index": [bound.create_index()],
        "optimize": [bound.optimize()],
        "flush": [bound.flush()],
        "namespace": [_bind(bound, "acme"), _bind(bound, ""), _bind(bound, "acme\0")],
        "delete_namespace": [bound.delete_namespace("acme"), bound.delete_namespace("")],
        "delete": [
            bound.delete(["only theirs", "secret"]),
            bound.delete(filter={"owner": "them"}),
            bound.delete(filter={"$or": [{"owner": "them"}, {"n": None}]}),
        ],
        "clear": [bound.clear()],
    }


async def _listed(bound: AsyncCollection, filter: Any) -> list[Any]:
    return [document async for document in bound.scan(filter=filter)]


async def _bind(bound: AsyncCollection, name: str) -> object:
    return await contents(bound.namespace(name))


@pytest.mark.parametrize("own", ["never written", "deleted and made again", ""])
@contract
async def test_no_method_reaches_another_namespace(store: AsyncStore, papers: AsyncCollection, own: str) -> None:
    """Every public method of a bound handle, with arguments that aim elsewhere, neither shows nor changes it.

    Nor what was in a namespace of the same name before it was deleted.
    """
    classified: dict[str, Any] = {"owner": "them", "secret": "classified", "n": 1}
    secrets = [doc(id, text="classified wing", **classified) for id in ("secret", "only theirs", "another")]
    others = [papers.namespace(name) for name in ("", "acme", "deleted and made again") if name != own]
    cursors = []
    for place in others:
        await place.upsert(secrets)
        cursors.append((await place.page(limit=1)).cursor or "")
    if own:
        await papers.namespace(own).upsert(secrets)
        cursors.append((await papers.namespace(own).page(limit=1)).cursor or "")
        await papers.delete_namespace(own)
    before = [await contents(place) for place in others]
    attempts = await _calls(papers.namespace(own), cursors)
    assert attempts.keys() == {name for name in vars(Collection) if not name.startswith("_")}
    for name, calls in attempts.items():
        for number, call in enumerate(calls):
            with case((name, number)):
                try:
                    result = await call if isinstance(call, Coroutine) else call
                except OnevecError as error:
                    result = error
                if name != "explain":
                    assert "classified" not in repr(result)
                    assert "them'" not in repr(result)
                if name == "stats":
                    assert result.documents <= 2
    assert [await contents(place) for place in others] == before
    assert await papers.namespaces() == sorted(place.bound_namespace for place in others)
    assert await store.has_collection("papers")
