"""The sync and the async API are one: the same methods, parameters and defaults, and no keyword that is ignored."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import onevec
from onevec import AsyncCollection, AsyncStore, Collection, Store

PAIRS = [(Store, AsyncStore), (Collection, AsyncCollection)]

# Of the sync protocol, and of the async one.
CONTEXT = {"__enter__": "__aenter__", "__exit__": "__aexit__"}

# What is no coroutine in the async API either, as it never waits.
PLAIN = {"namespace", "scan"}


def members(cls: type) -> dict[str, Any]:
    """What users see of a class: its public methods and properties, and its context manager."""
    return {name: value for name, value in vars(cls).items() if name[0] != "_" or name in {*CONTEXT, *CONTEXT.values()}}


def methods(cls: type) -> dict[str, Callable[..., Any]]:
    return {name: value for name, value in members(cls).items() if inspect.isfunction(value)}


def as_sync(annotation: object) -> str:
    """The annotation of an async method as its sync one has it."""
    return re.sub(r"\bAsync(Store|Collection|Iterator)\b", r"\1", str(annotation))


def shape(function: Callable[..., Any]) -> list[tuple[object, ...]]:
    signature = inspect.signature(function)
    parameters = [(p.name, p.kind, p.default, as_sync(p.annotation)) for p in signature.parameters.values()]
    return [*parameters, ("return", as_sync(signature.return_annotation))]


@pytest.mark.parametrize(("sync", "other"), PAIRS, ids=["store", "collection"])
def test_both_have_the_same_members(sync: type, other: type) -> None:
    """No method and no property is missing on either side."""
    assert {CONTEXT.get(name, name) for name in members(sync)} == set(members(other))
    for name, value in members(sync).items():
        assert isinstance(value, property) == isinstance(members(other)[CONTEXT.get(name, name)], property), name


@pytest.mark.parametrize(
    ("sync", "other", "name"),
    [(sync, other, name) for sync, other in PAIRS for name in methods(sync)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_signatures_are_equal(sync: type, other: type, name: str) -> None:
    """Names, kinds, defaults and types of the parameters, and what comes back, awaited."""
    asynchronous = methods(other)[CONTEXT.get(name, name)]
    assert shape(methods(sync)[name]) == shape(asynchronous)
    assert inspect.iscoroutinefunction(asynchronous) is (name not in PLAIN)
    assert not inspect.iscoroutinefunction(methods(sync)[name])


@pytest.mark.parametrize(
    ("cls", "name"),
    [(cls, name) for pair in PAIRS for cls in pair for name in methods(cls) if name[0] != "_"],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_an_unknown_keyword_is_a_type_error(cls: type, name: str) -> None:
    """At the call, before anything is awaited; so is a second positional argument where options stand."""
    method = methods(cls)[name]
    positional = [p for p in inspect.signature(method).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    arguments = [object() for p in positional if p.default is p.empty]
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        method(*arguments, nonsense=1)
    assert not any(p.kind in {p.VAR_KEYWORD, p.VAR_POSITIONAL} for p in inspect.signature(method).parameters.values())
    most = {"copy_collection": 3}.get(name, 2)  # with self
    assert len(positional) <= most


@pytest.mark.parametrize(
    ("cls", "name"),
    [(cls, name) for pair in PAIRS for cls in pair for name, value in members(cls).items() if name[0] != "_"],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_member_has_a_docstring(cls: type, name: str) -> None:
    """Of its own, on both sides."""
    text = inspect.getdoc(members(cls)[name])
    assert text
    assert text[0].isupper()


def test_connect_and_connect_async_are_one() -> None:
    """The same arguments with the same defaults."""
    one = list(inspect.signature(onevec.connect).parameters.values())
    other = list(inspect.signature(onevec.connect_async).parameters.values())
    assert [(p.name, p.kind, p.default, p.annotation) for p in one] == [
        (p.name, p.kind, p.default, p.annotation) for p in other
    ]


def test_scans_are_iterators() -> None:
    """Plain and async: documents come as they are read."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=2)
        assert isinstance(papers.scan(), Iterator)
        assert isinstance(AsyncCollection(papers._core).scan(), AsyncIterator)
