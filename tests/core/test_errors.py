"""The tree of errors: what it is, what each error carries, and that it survives a process boundary."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

import onevec
from onevec import errors
from onevec.documents import WriteReport
from onevec.errors import OnevecError, PartialWrite
from onevec.testing.samples import DIMENSION, doc

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, OnevecError)]
RETRYABLE = {"EngineBusy", "EngineUnavailable", "RateLimited", "EngineTimeout"}


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """Of each class in the drawing, its parent and its builtin."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        drawing = re.fullmatch(r" {4}((?:\|  |   )*(?:\|- )?)(\w+)(?: +\((\w+)\))?", line)
        if drawing is not None:
            depth = len(drawing[1]) // 3
            above = [*above[:depth], drawing[2]]
            tree[drawing[2]] = (above[depth - 1] if depth else None, drawing[3])
    return tree


def make(cls: type[OnevecError]) -> OnevecError:
    more: dict[str, Any] = {"retry_after": 2.5, "retryable": True}
    if issubclass(cls, PartialWrite):
        more = {"report": WriteReport(1, (("a", errors.DocumentNotFound("gone", engine="mine")),))}
    error = cls("do %s this", engine="mine", operation="search", **more)
    error.add_note("a note")
    return error


def test_the_drawing_is_the_tree() -> None:
    """Every class is drawn, under its parent, with its builtin; and every one drawn is there."""
    tree = drawn()
    assert tree.keys() == {cls.__name__ for cls in CLASSES}
    assert len(tree) > 30
    for cls in CLASSES:
        parent, builtin = tree[cls.__name__]
        bases = [base.__name__ for base in cls.__bases__]
        assert bases == [name for name in (parent or "Exception", builtin) if name], cls.__name__


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_each_says_what_it_is(cls: type[OnevecError]) -> None:
    """A docstring, a message kept as it is, and the four attributes with their defaults."""
    assert cls.__doc__
    error = make(cls)
    assert str(error) == "do %s this"
    assert (error.engine, error.operation) == ("mine", "search")
    if cls is not PartialWrite:
        assert (error.retryable, error.retry_after) == (True, 2.5)
        plain = cls("x")
        assert (plain.engine, plain.operation, plain.retry_after) == (None, None, None)
        assert plain.retryable is (cls.__name__ in RETRYABLE)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("how", ["copy", *range(2, pickle.HIGHEST_PROTOCOL + 1)])
def test_each_can_be_pickled_and_copied(cls: type[OnevecError], how: Any) -> None:
    """As a process pool and a parallel test run do with the errors of their workers."""
    error = make(cls)
    again = copy.copy(error) if how == "copy" else pickle.loads(pickle.dumps(error, how))
    assert type(again) is cls
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again).keys() == vars(error).keys()
    for name in ("engine", "operation", "retryable", "retry_after", "__notes__"):
        assert getattr(again, name) == getattr(error, name)
    if isinstance(again, PartialWrite):
        ((id, failure),) = again.report.failed
        assert (again.report.written, id, type(failure), failure.engine) == (1, "a", errors.DocumentNotFound, "mine")


FAILING = """
import onevec
with onevec.connect("memory://") as store:
    papers = store.create_collection("papers", dimension=2)
    papers.{call}
"""


def test_an_error_crosses_processes() -> None:
    """A worker's error is raised where its result is asked for, with all it carries."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(PartialWrite, match="0 written, 1 failed; the first: 'missing'") as partial:
            pool.submit(exec, FAILING.format(call="update('missing', text='x')")).result()
        assert [id for id, _ in partial.value.report.failed] == ["missing"]
        assert (partial.value.engine, partial.value.operation) == ("memory", "update")
        with pytest.raises(errors.InvalidDocument) as invalid:
            pool.submit(exec, FAILING.format(call="get('')")).result()
        assert (invalid.value.engine, invalid.value.operation) == ("memory", "get")


def test_every_failed_item_says_where_it_comes_from() -> None:
    """The errors in a report carry engine and operation, too."""
    with onevec.connect("memory://") as store:
        papers = store.create_collection("papers", dimension=DIMENSION)
        papers.upsert(doc("a"))
        report = papers.update([{"id": id, "text": "x"} for id in ("a", "b", "c")], on_failure="report")
        assert [(id, error.engine, error.operation) for id, error in report.failed] == [
            ("b", "memory", "update"),
            ("c", "memory", "update"),
        ]


def test_the_outer_verb_is_named() -> None:
    """What fails inside of a call is of the call that the program made."""
    with onevec.connect("memory://") as store:
        with pytest.raises(errors.CollectionNotFound) as raised:
            store.copy_collection("a", "b")
        assert (raised.value.engine, raised.value.operation) == ("memory", "copy_collection")
        papers = store.create_collection("papers", dimension=DIMENSION)
        for call, operation in (
            (lambda: papers.namespace("a").namespace("b"), "namespace"),
            (lambda: papers.namespace("a" * 200), "namespace"),
            (lambda: papers.scan(limit=-1), "scan"),
            (lambda: papers.scan(filter="n >="), "scan"),
        ):
            with pytest.raises(OnevecError) as raised_too:
                call()
            assert (raised_too.value.engine, raised_too.value.operation) == ("memory", operation)
