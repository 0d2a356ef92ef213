"""Metadata that comes in: a clean copy of what is within the contract, an error with the path to the rest."""

from __future__ import annotations

import copy
import math
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given

from onevec.documents import Metadata
from onevec.errors import InvalidDocument
from onevec.testing import strategies
from onevec.validate import clean_metadata


class Color(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 7


class Kind(Enum):
    LIST = ("a", 1)


class Text(str):
    """Says something else than it is."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


class Pair(NamedTuple):
    one: int
    two: int


class Endless(Mapping[str, Any]):
    """An object in an object in an object."""

    def __getitem__(self, key: str) -> Any:
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


def nested(depth: int, *, lists: bool = False) -> Metadata:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value] if lists else {"a": value}
    return {"a": value}


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        (None, None),
        ("x", "x"),
        (Text("x"), "x"),
        (Color.RED, "red"),
        (Level.HIGH, 7),
        (Kind.LIST, ["a", 1]),
        (True, True),
        (2**63 - 1, 2**63 - 1),
        (-(2**63), -(2**63)),
        (0.5, 0.5),
        (1e308, 1e308),
        (np.int64(7), 7),
        (np.uint64(7), 7),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.bool_(True), True),
        (np.array(False), False),
        (np.str_("x"), "x"),
        (Fraction(1, 4), 0.25),
        ((1, (2, None)), [1, [2, None]]),
        (Pair(1, 2), [1, 2]),
        (OrderedDict(b=1, a=None), {"b": 1}),
        (MappingProxyType({"a": (1,)}), {"a": [1]}),
        ([{"a": None, "b": [None]}], [{"b": [None]}]),
        (datetime(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC)),  # noqa: DTZ001 (the point)
        (datetime(2020, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2020, 1, 1, tzinfo=UTC)),
    ],
    ids=repr,
)
def test_a_value_becomes_plain(value: Any, clean: Any) -> None:
    """JSON types and UTC datetimes only, all the way down; a null is no value."""

    def types(of: Any) -> Any:
        if isinstance(of, dict):
            return {name: types(item) for name, item in of.items()}
        return list(map(types, of)) if isinstance(of, list) else type(of)

    expected = {} if clean is None else {"v": clean}
    assert clean_metadata({"v": value}, "x") == expected
    assert clean_metadata({"a": {"v": value}}, "x") == {"a": expected}
    assert types(clean_metadata({"v": value}, "x")) == types(expected)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([], "metadata is a JSON object (a dict), got list"),
        ("x", "metadata is a JSON object (a dict), got str"),
        ({"a": math.nan}, "metadata['a'] is nan; numbers are finite"),
        ({"a": [1, {"b": -math.inf}]}, "metadata['a']['b'] is -inf"),
        ({"a": np.float32("inf")}, "metadata['a'] is inf"),
        ({"a": 2**63}, "metadata['a'] is an integer of 64 bits"),
        ({"a": -(2**63) - 1}, "metadata['a'] is an integer of 64 bits"),
        ({"a": 10**5000}, "metadata['a'] is an integer of 16610 bits"),
        ({"a": np.uint64(2**63)}, "is an integer of 64 bits"),
        ({1: 2}, "metadata has the key 1; keys are strings"),
        ({"a": {None: 2}}, "metadata['a'] has the key None"),
        ({"a\0b": 1}, "keys have no NUL"),
        ({"\ud800": 1}, "lone surrogate"),
        ({"a": "\ud800"}, "metadata['a'] has a lone surrogate"),
        ({"a": b"x"}, "metadata['a'] is of type bytes"),
        ({"a": {1, 2}}, "metadata['a'] is of type set"),
        ({"a": Decimal(1)}, "metadata['a'] is of type Decimal"),
        ({"a": date(2020, 1, 1)}, "metadata['a'] is of type date"),
        ({"a": 1j}, "metadata['a'] is of type complex"),
        ({"a": np.zeros(3)}, "metadata['a'] is of type ndarray"),
        ({"a": np.datetime64("2020-01-01T00:00:00.000000001")}, "metadata['a'] is of type datetime64"),
        ({"a": np.timedelta64(5, "s")}, "metadata['a'] is of type timedelta64"),
        ({"a": np.timedelta64(5, "ns")}, "metadata['a'] is of type timedelta64"),
        ({"a": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))}, "metadata['a'] 9999-12-31"),
        (nested(33), "is nested deeper than 32 levels"),
        (nested(33, lists=True), "is nested deeper than 32 levels"),
        (Endless(), "is nested deeper than 32 levels"),
        ({"a" * 10_000: math.nan}, "aaa...] is nan"),
    ],
)
def test_other_metadata_is_refused(metadata: Any, message: str) -> None:
    """With whose it is, the path to the value, and what is wrong with it; the message stays short."""
    with pytest.raises(InvalidDocument, match=re.escape(message)) as raised:
        clean_metadata(metadata, "document 'x'")
    assert str(raised.value).startswith("document 'x': metadata")
    assert len(str(raised.value)) < 500
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None or raised.value.__suppress_context__


def test_a_loop_is_refused() -> None:
    """A list in itself ends at the depth limit."""
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidDocument, match="32 levels"):
        clean_metadata({"a": loop}, "x")


def test_as_deep_as_it_goes() -> None:
    """32 levels of objects, of lists, or of both."""
    for metadata in (nested(32), nested(32, lists=True)):
        assert clean_metadata(metadata, "x") == metadata


@given(strategies.metadata())
def test_metadata_is_copied(metadata: Metadata) -> None:
    """The caller's stays as it is, shares nothing mutable with the copy, and the copy is clean already."""
    before = copy.deepcopy(metadata)
    clean = clean_metadata(metadata, "x")
    assert clean_metadata(clean, "x") == clean
    for part in _parts(clean):
        assert not any(part is other for other in _parts(metadata))
        part.clear()
    assert repr(metadata) == repr(before)


def test_a_patch_keeps_its_nulls() -> None:
    """They say which fields to remove; inside a list, which a patch replaces whole, they say nothing."""
    patch = {"a": None, "b": {"c": None, "d": {"e": None}}, "f": [None, {"g": None, "h": 1}]}
    assert clean_metadata(patch, "x", keep_nulls=True) == {
        "a": None,
        "b": {"c": None, "d": {"e": None}},
        "f": [None, {"h": 1}],
    }
    assert clean_metadata(patch, "x") == {"b": {"d": {}}, "f": [None, {"h": 1}]}


def _parts(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    own = [value] if isinstance(value, dict | list) else []
    return [*(part for item in inner for part in _parts(item)), *own]
