"""Metadata: any JSON object, and datetimes, given back equal."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from onevec.aio import AsyncCollection
from onevec.documents import Document
from onevec.errors import InvalidDocument
from onevec.testing.samples import assert_refused, contents, doc
from onevec.testing.site import contract

TOKYO = timezone(timedelta(hours=9))
ROUND_TRIPS: dict[str, dict[str, Any]] = {  # Any: JSON values and datetimes
    "empty": {},
    "scalars": {"text": "wing", "whole": 7, "real": 0.1, "yes": True, "no": False},
    "empty_values": {"text": "", "list": [], "object": {}, "zero": 0},
    "number_like_text": {"a": "1", "b": "1.0", "c": "true", "d": "null", "e": "2020-01-01", "f": "NaN"},
    "64_bits": {"most": 2**63 - 1, "least": -(2**63), "beyond_double": 2**53 + 1},
    "reals": {"tiny": 5e-324, "huge": 1.7976931348623157e308, "third": 1 / 3, "whole": 2.0, "large": 1e22},
    "lists": {"tags": ["wing", "flap"], "mixed": [1, "1", True, 1.5, None, [], {}, [["deep"]]]},
    "nested": {"author": {"name": "Zoë", "born": {"year": 1920, "place": None}}},
    "objects_in_lists": {"parts": [{"name": "wing", "span": 10.5}, {"name": "flap", "gone": None}]},
    "unicode": {"ключ": "значение", "鍵": "値", "🔑": "🗝️", "e\u0301": "decomposed", "\u00e9": "composed"},
    "odd_keys": {
        "": "empty",
        " ": "space",
        "a b": 1,
        "a.b": "dotted",
        "a": {"b": "nested"},
        "a'b": 2,
        'a"b': 3,
        "a`b": 4,
        "a\\b": 5,
        "$": 6,
        "$ne": 7,
        "$.a": 8,
        "a[0]": 9,
        "[0]": 10,
        "a\nb": 11,
        "%s": 12,
        "?": 13,
        ":a": 14,
        "{a}": 15,
        "#": 16,
        "0": 17,
        "-": 18,
        "__proto__": 19,
    },
    "names_of_the_document": {"id": "x", "text": "y", "vector": [1], "metadata": {}, "namespace": "z", "score": 1},
    "tag_lookalikes": {
        "$datetime": "2020-01-01T00:00:00Z",
        "a": {"$datetime": "2020-01-01T00:00:00.000000Z"},
        "b": {"$$datetime": {"$datetime": 1}},
        "c": [{"$datetime": datetime(2020, 1, 1, tzinfo=UTC)}],
    },
    "control_characters": {"a": "".join(map(chr, range(32))) + "\x7f\u2028\ufeff\uffff"},
    "long": {"text": "x" * 50_000, "list": list(range(2_000))},
    "wide": {f"field_{number}": number for number in range(300)},
}


@pytest.mark.parametrize("metadata", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
@contract
async def test_metadata_comes_back_equal(papers: AsyncCollection, metadata: dict[str, Any]) -> None:
    """Metadata comes back equal in value and in type, whatever its keys; nulls in objects are no values."""
    await papers.upsert(Document("a", vector=[1, 2, 3, 4], metadata=metadata))
    expected = _without_nulls(metadata)
    got = await papers.get("a")
    (many,) = await papers.get_many(["a"])
    scanned = (await contents(papers))["a"]
    hit = (await papers.search([1, 2, 3, 4]))[0]
    assert got is not None
    for found in (got.metadata, many.metadata, scanned.metadata, hit.metadata):
        assert found == expected
        assert _types(found) == _types(expected)


@contract
async def test_datetimes_come_back_in_utc(papers: AsyncCollection) -> None:
    """Datetimes come back as the same instant in UTC, aware; one without a zone is UTC; text stays text."""
    given = {
        "aware": datetime(2020, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC),
        "tokyo": datetime(2020, 1, 1, 3, 0, tzinfo=TOKYO),
        "naive": datetime(1958, 7, 1, 12, 30),  # noqa: DTZ001 (the point)
        "early": datetime(1, 1, 2, tzinfo=UTC),
        "late": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        "listed": [datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC), "2020-01-01T00:00:00Z"],
        "nested": {"at": datetime(2020, 1, 1, tzinfo=TOKYO)},
        "text": "2020-01-01T00:00:00+00:00",
    }
    await papers.upsert(Document("a", vector=[1, 2, 3, 4], metadata=given))
    document = await papers.get("a")
    assert document is not None
    assert document.metadata == {
        **given,
        "tokyo": datetime(2019, 12, 31, 18, 0, tzinfo=UTC),
        "naive": datetime(1958, 7, 1, 12, 30, tzinfo=UTC),
        "nested": {"at": datetime(2019, 12, 31, 15, 0, tzinfo=UTC)},
    }
    for moment in (document.metadata["tokyo"], document.metadata["naive"], document.metadata["nested"]["at"]):
        assert moment.utcoffset() == timedelta(0)


class _Colour(StrEnum):
    RED = "red"


class _Level(IntEnum):
    HIGH = 3


class _Kind(Enum):
    PAPER = "paper"


@contract
async def test_near_relatives_of_json_become_json(papers: AsyncCollection) -> None:
    """Tuples, enums, NumPy scalars and other mappings come back as the plain values they stand for."""
    given = {
        "tuple": (1, "a"),
        "text": _Colour.RED,
        "number": _Level.HIGH,
        "kind": _Kind.PAPER,
        "int64": np.int64(7),
        "float32": np.float32(0.5),
        "bool": np.bool_(True),
        "mapping": MappingProxyType({"a": 1}),
    }
    await papers.upsert(Document("a", vector=[1, 2, 3, 4], metadata=given))
    document = await papers.get("a")
    assert document is not None
    expected = {
        "tuple": [1, "a"],
        "text": "red",
        "number": 3,
        "kind": "paper",
        "int64": 7,
        "float32": 0.5,
        "bool": True,
        "mapping": {"a": 1},
    }
    assert document.metadata == expected
    assert _types(document.metadata) == _types(expected)


def _deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"end": 1}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def _cyclic() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["self"] = [value]
    return value


BAD_METADATA: dict[str, Any] = {
    "nan": {"a": float("nan")},
    "infinity": {"a": {"b": [float("inf")]}},
    "minus_infinity": {"a": float("-inf")},
    "70_bits": {"a": 2**70},
    "one_over": {"a": 2**63},
    "one_under": {"a": [-(2**63) - 1]},
    "33_levels": _deep(33),
    "33_lists": {"a": [_deep(31)]},
    "1000_levels": _deep(1_000),
    "100000_levels": _deep(100_000),
    "cyclic": _cyclic(),
    "number_key": {1: "a"},
    "null_key": {None: "a"},
    "bytes_key": {b"a": 1},
    "nested_key": {"a": {(1, 2): 3}},
    "nul_key": {"a": {"b\0": 1}},
    "surrogate_key": {"\ud800": 1},
    "surrogate_value": {"a": "\udfff"},
    "bytes": {"a": b"b"},
    "set": {"a": {1, 2}},
    "object": {"a": object()},
    "function": {"a": print},
    "complex": {"a": 1j},
    "array": {"a": np.zeros(3)},
    "list": ["a"],
    "text": "a",
}


@contract
async def test_what_is_no_json_is_refused(papers: AsyncCollection) -> None:
    """What JSON or 64 bits can't hold is refused before anything is written, and the message stays short."""
    await papers.upsert(doc("there", year=1958))
    for name, metadata in BAD_METADATA.items():
        await assert_refused(
            InvalidDocument,
            name,
            papers.upsert([doc("good"), Document("bad", vector=[1, 2, 3, 4], metadata=metadata)]),
            papers.upsert(ids=["good", "bad"], vectors=[[1, 2, 3, 4]] * 2, metadata=[{}, metadata]),
            papers.update("there", metadata=metadata),
        )
    assert {id: document.metadata for id, document in (await contents(papers)).items()} == {"there": {"year": 1958}}


@contract
async def test_32_levels_are_stored(papers: AsyncCollection) -> None:
    """Metadata may be nested 32 levels deep."""
    await papers.upsert(Document("a", vector=[1, 2, 3, 4], metadata=_deep(32)))
    document = await papers.get("a")
    assert document is not None
    assert document.metadata == _deep(32)


@contract
async def test_input_is_left_alone(papers: AsyncCollection) -> None:
    """What is handed in is never changed, and changing it later doesn't reach the store."""
    metadata: dict[str, Any] = {"tags": ["wing"], "author": {"name": "Zoë", "gone": None}, "gone": None}
    vector = np.array([1, 2, 3, 4], np.float32)
    was = copy.deepcopy(metadata)
    await papers.upsert(Document("a", vector=vector, metadata=metadata))
    await papers.upsert(ids=["b"], vectors=vector[np.newaxis], metadata=[metadata])
    await papers.update("b", vector=vector, metadata=metadata)
    assert metadata == was
    np.testing.assert_array_equal(vector, [1, 2, 3, 4])
    metadata["tags"].append("flap")
    metadata["author"]["name"] = "nobody"
    vector[:] = 9
    for document in await papers.get_many(["a", "b"]):
        assert document.metadata == {"tags": ["wing"], "author": {"name": "Zoë"}}
        np.testing.assert_array_equal(np.asarray(document.vector), [1, 2, 3, 4])


@contract
async def test_results_are_the_callers_own(papers: AsyncCollection) -> None:
    """Changing what a read returned changes neither the store nor another result."""
    await papers.upsert(doc("a", vector=[1, 2, 3, 4], n=1, tags=["wing"], author={"names": ["Zoë"]}))
    for _ in range(2):
        got = await papers.get("a")
        (many,) = await papers.get_many(["a"])
        scanned = (await contents(papers))["a"]
        hit = (await papers.search([1, 2, 3, 4], include_vectors=True, filter={"n": 1}))[0]
        assert got is not None
        for document in (got, many, scanned, hit.document):
            assert document.metadata == {"n": 1, "tags": ["wing"], "author": {"names": ["Zoë"]}}
            document.metadata["tags"].append("flap")
            document.metadata["author"]["names"].clear()
            document.metadata["new"] = 1
            vector = np.asarray(document.vector)
            np.testing.assert_array_equal(vector, [1, 2, 3, 4])
            if vector.flags.writeable:
                vector[:] = 9


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _types(value: Any) -> Any:
    """The types of a value's parts: `1 == 1.0 == True` for Python, and not for JSON."""
    if isinstance(value, dict):
        return {name: _types(item) for name, item in value.items()}
    return [_types(item) for item in value] if isinstance(value, list) else type(value)
