"""Ids, texts, names and numbers: taken as they are within the contract, refused in words outside it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import IntEnum, StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from onevec.errors import InvalidDocument, InvalidInput, InvalidName, InvalidQuery
from onevec.validate import (
    checked_collection_name,
    checked_count,
    checked_id,
    checked_ids,
    checked_namespace,
    checked_score,
    checked_text,
)


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 7


class Text(str):
    """Says something else than it is."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


@pytest.mark.parametrize(
    "id", ["a", " ", "x" * 512, "\u00e9" * 256, "\U0001f9a9" * 128, "../a", "\n", Text("a"), Color.RED]
)
def test_an_id_is_taken_as_it_is(id: str) -> None:
    """Any string of 1 to 512 bytes, as a plain one."""
    checked = checked_id(id)
    assert type(checked) is str
    assert checked.encode() == str.encode(id)


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("", "1 to 512 UTF-8 bytes"),
        ("x" * 513, "(513 bytes)"),
        ("\u00e9" * 257, "(514 bytes)"),
        ("a\0b", "no NUL"),
        ("\ud800", "lone surrogate"),
        (5, "an id is a string, got int; use str(...)"),
        (None, "got NoneType"),
        (b"a", "got bytes"),
    ],
)
def test_another_id_is_refused(id: object, message: str) -> None:
    """With what it is, and what it could be."""
    with pytest.raises(InvalidDocument, match=re.escape(message)):
        checked_id(id)


def test_ids() -> None:
    """One string is one id, anything else that can be iterated is ids."""
    assert checked_ids("abc") == ["abc"]
    assert checked_ids(["a", "a"]) == ["a", "a"]
    assert checked_ids(id for id in "ab") == ["a", "b"]
    assert checked_ids(()) == []
    for wrong in (5, None, b"ab", {"a": 1}):
        with pytest.raises(InvalidQuery, match="ids is a list of strings"):
            checked_ids(wrong)
    with pytest.raises(InvalidDocument):
        checked_ids(["a", ""])


def test_a_text() -> None:
    """Any string of valid Unicode, or None."""
    assert checked_text(None, "x") is None
    assert checked_text("", "x") == ""
    assert checked_text("a\0\u00e9", "x") == "a\0\u00e9"
    assert type(checked_text(Text("a"), "x")) is str
    for wrong in (5, b"a", ["a"]):
        with pytest.raises(
            InvalidDocument, match=f"document 'a': text is a string or None, got {type(wrong).__name__}"
        ):
            checked_text(wrong, "document 'a'")
    with pytest.raises(InvalidDocument, match="document 'a': text has a lone surrogate"):
        checked_text("\udfff", "document 'a'")


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "..", "-", "x" * 128, Color.RED])
def test_a_collections_name(name: str) -> None:
    """1 to 128 letters, digits, dots, underscores, hyphens."""
    assert type(checked_collection_name(name)) is str


@pytest.mark.parametrize("name", ["", "x" * 129, "a b", "a/b", "\u00e9", "\u0661", "a\n", "a'b", "a\0", None, 5])
def test_another_collections_name_is_refused(name: object) -> None:
    """It could become part of a path or a query."""
    with pytest.raises(InvalidName, match="1 to 128 characters"):
        checked_collection_name(name)


def test_a_namespace() -> None:
    """Any string of up to 128 characters."""
    for name in ("", "a/b", "\0", "\U0001f9a9" * 128, Text("a")):
        checked = checked_namespace(name)
        assert type(checked) is str
        assert checked == str.__str__(name)
    for wrong, message in (("x" * 129, "up to 128"), ("\ud800", "lone surrogate"), (None, "got NoneType"), (5, "int")):
        with pytest.raises(InvalidName, match=message):
            checked_namespace(wrong)


@pytest.mark.parametrize("value", [1, 10**9, np.int64(7), np.uint8(7), Level.HIGH], ids=repr)
def test_a_count(value: Any) -> None:
    """Whole numbers of any type, as plain ones."""
    assert type(checked_count(value, "top_k")) is int


@pytest.mark.parametrize(
    "value", [0, -1, 1.0, "5", None, True, math.nan, 10**400 * -1, np.True_, [1]], ids=lambda v: repr(v)[:20]
)
def test_another_count_is_refused(value: object) -> None:
    """With its name; a boolean is no number."""
    with pytest.raises(InvalidQuery, match=r"top_k is a whole number of 1 or more, got .{1,60}$"):
        checked_count(value, "top_k")
    assert checked_count(0, "limit", least=0) == 0


def test_a_score() -> None:
    """Any number, infinity included, or None."""
    assert checked_score(None) is None
    for value in (0, -1.5, math.inf, np.float32(0.5), Fraction(1, 2)):
        assert type(checked_score(value)) is float
    for wrong in ("1", math.nan, True, [1], np.float32("nan")):
        with pytest.raises(InvalidQuery, match="min_score is a number or None"):
            checked_score(wrong)


CHECKS = (checked_id, checked_ids, checked_collection_name, checked_namespace, checked_score)


class Broken:
    """Can't even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("value", [[object()], [10**5000], [Broken()], Broken(), "\ud800" * 600, type], ids=range(6))
def test_anything_at_all_is_refused_in_words(check: Callable[[object], object], value: object) -> None:
    """A value of any kind gives an error of the tree with a short, printable message, never another exception."""
    with pytest.raises(InvalidInput) as raised:
        check(value)
    assert 10 < len(str(raised.value)) < 300
    assert str(raised.value).isprintable()
