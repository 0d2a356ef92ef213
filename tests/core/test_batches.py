"""From what a caller gives to columns: documents, dicts, columns, iterators, vectors of every kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onevec import Document
from onevec.batches import (
    STREAM_BATCH,
    as_matrix,
    as_vector,
    change_of,
    in_pieces,
    parts_of,
    rows_of_columns,
    rows_of_documents,
)
from onevec.errors import DimensionMismatch, InvalidDocument
from onevec.metrics import Metric

EUCLIDEAN = Metric.EUCLIDEAN
WEST = timezone(timedelta(hours=-1))


def documents(count: int) -> list[Document]:
    return [Document(str(number), vector=[number, 1.0]) for number in range(count)]


def test_one_document_is_a_part() -> None:
    """A Document or a dict alone, a list or tuple whole, however long."""
    one = Document("a", vector=[1.0])
    assert list(parts_of(one)) == [[one]]
    assert list(parts_of({"id": "a"})) == [[{"id": "a"}]]
    assert list(parts_of(MappingProxyType({"id": "a"}))) == [[{"id": "a"}]]
    many = documents(STREAM_BATCH * 2 + 1)
    assert list(parts_of(many)) == [many]
    assert list(parts_of(tuple(many))) == [many]
    assert list(parts_of([])) == [[]]


def test_an_iterator_is_taken_a_part_at_a_time() -> None:
    """No more is taken from it than the part at hand needs."""
    taken: list[int] = []

    def endless() -> Iterator[dict[str, Any]]:
        number = 0
        while True:
            taken.append(number)
            yield {"id": str(number)}
            number += 1

    parts = parts_of(endless())
    assert taken == []
    assert len(next(parts)) == len(taken) == STREAM_BATCH
    assert [item["id"] for item in next(parts)[:2]] == [str(STREAM_BATCH), str(STREAM_BATCH + 1)]  # type: ignore[index]
    assert [len(part) for part in parts_of(iter(documents(STREAM_BATCH * 2)))] == [STREAM_BATCH] * 2
    assert [len(part) for part in parts_of(iter(documents(STREAM_BATCH + 1)))] == [STREAM_BATCH, 1]
    assert list(parts_of(iter([]))) == []


async def _none() -> Any:
    yield {"id": "a"}


@pytest.mark.parametrize("wrong", [5, "a", b"a", None, _none()], ids=lambda value: type(value).__name__)
def test_what_is_no_documents_is_refused(wrong: object) -> None:
    """With its type, and how columns are given."""
    with pytest.raises(InvalidDocument, match=rf"got {type(wrong).__name__}; columns go by keyword"):
        list(parts_of(wrong))


def test_documents_become_columns() -> None:
    """Dicts and Documents side by side; what isn't there is None or empty; metadata is a clean copy."""
    metadata = {"a": (1, None), "b": None}
    created = datetime(2020, 1, 1, tzinfo=UTC)
    rows = rows_of_documents(
        [
            Document("1", text="x", vector=[1.0], metadata=metadata, created_at=created),
            {"id": "2", "metadata": None},
            {"id": "3", "text": None, "vector": [2.0], "updated_at": created},
        ]
    )
    assert rows.ids == ["1", "2", "3"]
    assert rows.texts == ["x", None, None]
    assert rows.metadata == [{"a": [1, None]}, {}, {}]
    assert rows.created == [1577836800000000, None, None]
    assert rows.vectors == [[1.0], None, [2.0]]
    assert metadata == {"a": (1, None), "b": None}


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9)), max_size=12))
def test_the_last_of_equal_ids_wins(pairs: list[tuple[str, int]]) -> None:
    """In its place in the order, from documents and from columns, with all that belongs to it."""
    expected = dict(pairs)
    rows = rows_of_documents([Document(id, text=f"t{n}", vector=[n], metadata={"n": n}) for id, n in pairs])
    ids, texts = [id for id, _ in pairs], [f"t{n}" for _, n in pairs]
    matrix = np.array([[n] for _, n in pairs], np.float32).reshape(len(pairs), 1)
    listed = rows_of_columns(ids, [[n] for _, n in pairs], texts, [{"n": n} for _, n in pairs])
    stacked = rows_of_columns(ids, matrix, texts, [{"n": n} for _, n in pairs])
    for one in (rows, listed, stacked):
        assert dict(zip(one.ids, [metadata["n"] for metadata in one.metadata], strict=True)) == expected
        assert len(one) == len(one.ids) == len(one.texts) == len(one.created) == len(one.vectors) == len(expected)
        assert one.texts == [f"t{expected[id]}" for id in one.ids]
        assert [float(vector[0]) for vector in one.vectors] == [expected[id] for id in one.ids]  # type: ignore[index]
    last = [id for index, id in enumerate(ids) if id not in ids[index + 1 :]]
    assert rows.ids == listed.ids == stacked.ids == last


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (5, "item 1 is a Document or a dict, got int"),
        (("a", "b"), "item 1 is a Document or a dict, got tuple"),
        ({"text": "x"}, "item 1 has no id"),
        ({"id": "a", "year": 1958}, "item 1: 'year' is no field of a document; fields are id, text, vector, metadata"),
        ({"id": "a", "metdata": {}}, "'metdata' is no field"),
        ({"id": 5}, "an id is a string, got int"),
        ({"id": "a", "text": 5}, "document 'a': text is a string"),
        ({"id": "a", "metadata": [1]}, "document 'a': metadata is a JSON object"),
        ({"id": "a", "created_at": "2020"}, "document 'a': created_at is a datetime or None, got str"),
        ({"id": "a", "created_at": datetime.max.replace(tzinfo=WEST)}, "document 'a': created_at: 9999-12-31"),
    ],
    ids=str,
)
def test_a_document_outside_the_contract_is_refused(item: object, message: str) -> None:
    """With its id or its place, and what is wrong."""
    with pytest.raises(InvalidDocument, match=re.escape(message)):
        rows_of_documents([Document("ok"), item])  # type: ignore[list-item]  # the point


def test_columns() -> None:
    """Ids, and any of the others; sequences of any kind."""
    rows = rows_of_columns(("a", "b"), None, None, None)
    assert (rows.ids, rows.texts, rows.metadata, rows.created) == (["a", "b"], [None] * 2, [{}, {}], [None] * 2)
    assert rows.vectors == [None, None]
    assert rows.metadata[0] is not rows.metadata[1]
    matrix = np.ones((2, 3), np.float32)
    rows = rows_of_columns(np.array(["a", "b"]), matrix, ("x", None), [{"n": 1}, {}])  # type: ignore[arg-type]
    assert rows.vectors is matrix
    assert (rows.ids, rows.texts, rows.metadata) == (["a", "b"], ["x", None], [{"n": 1}, {}])
    assert {type(id) for id in rows.ids} == {str}
    assert len(rows_of_columns([], [], [], [])) == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ids": None}, "columns need ids=[...]"),
        ({"ids": "ab"}, "columns need ids=[...]"),
        ({"ids": 5}, "ids= is a list of strings, got int"),
        ({"ids": ["a", 5]}, "an id is a string, got int"),
        ({"ids": ["a", "b"], "texts": ["x"]}, "texts= has one entry an id: expected a list of 2, got 1"),
        ({"ids": ["a", "b"], "texts": "xy"}, "expected a list of 2, got str"),
        ({"ids": ["a", "b"], "texts": 5}, "expected a list of 2, got int"),
        ({"ids": ["a", "b"], "texts": iter("xy")}, "expected a list of 2, got str_"),
        ({"ids": ["a"], "metadata": {"n": 1}}, "metadata= has one entry an id: expected a list of 1, got dict"),
        ({"ids": ["a", "b"], "vectors": np.ones(3)}, "vectors= has one entry an id: expected a list of 2, got 3"),
        ({"ids": ["a"], "vectors": np.float32(1)}, "expected a list of 1, got float32"),
        ({"ids": ["a"], "vectors": np.array(1.0)}, "expected a list of 1, got ndarray"),
        ({"ids": ["a", "b"], "metadata": [{}, 5]}, "document 'b': metadata is a JSON object"),
    ],
    ids=range(13),
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, Any], message: str) -> None:
    """With the column, how long it should be, and how long or what it is."""
    with pytest.raises(InvalidDocument, match=re.escape(message)):
        rows_of_columns(**{"ids": None, "vectors": None, "texts": None, "metadata": None} | columns)


MATRICES: dict[str, Any] = {
    "lists": [[1, 2], [3, 4]],
    "tuples": ((1, 2), (3, 4)),
    "arrays": [np.array([1, 2]), np.array([3, 4], np.float32)],
    "float64": np.array([[1.0, 2.0], [3.0, 4.0]]),
    "float16": np.array([[1, 2], [3, 4]], np.float16),
    "int8": np.array([[1, 2], [3, 4]], np.int8),
    "uint64": np.array([[1, 2], [3, 4]], np.uint64),
    "columns first": np.array([[1, 3], [2, 4]], np.float32).T,
    "every other": np.array([[1, 0, 2, 0], [3, 0, 4, 0]], np.float32)[:, ::2],
    "big endian": np.array([[1, 2], [3, 4]], ">f4"),
    "read only": np.frombuffer(np.array([[1, 2], [3, 4]], np.float32).tobytes(), np.float32).reshape(2, 2),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_vectors_of_every_kind_become_one_matrix(kind: str) -> None:
    """float32, row after row, in the machine's byte order; the caller's is not changed."""
    before = [list(map(float, row)) for row in MATRICES[kind]]
    matrix = as_matrix(MATRICES[kind], ["a", "b"], EUCLIDEAN, 2)
    assert (matrix.dtype, matrix.shape, matrix.flags.c_contiguous) == (np.dtype("=f4"), (2, 2), True)
    assert matrix.tolist() == before == [[1, 2], [3, 4]]
    vector = as_vector(MATRICES[kind][1], "x", EUCLIDEAN, 2)
    assert (vector.dtype, vector.shape, vector.flags.c_contiguous) == (np.dtype("=f4"), (2,), True)
    assert vector.tolist() == [3, 4]


def test_no_vectors_are_a_matrix_of_none() -> None:
    """Of the right width."""
    assert as_matrix([], [], Metric.COSINE, 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("vector", "error", "message"),
    [
        ([1, 2, 3], DimensionMismatch, "the collection's vectors have 2 numbers, this one has 3 numbers"),
        ([], DimensionMismatch, "the collection's vectors have 2 numbers, this one has 0 numbers"),
        ([[1, 2]], DimensionMismatch, "the collection's vectors have 2 numbers, this one has the shape (1, 2)"),
        (5, DimensionMismatch, "the collection's vectors have 2 numbers, this one has the shape ()"),
        ([1, np.nan], InvalidDocument, "vector[1] is nan, which is not a finite float32"),
        ([np.inf, 1], InvalidDocument, "vector[0] is inf"),
        ([1e39, 1], InvalidDocument, "vector[0] is 1e+39, which is not a finite float32"),
        (np.array([1, -1e300]), InvalidDocument, "vector[1] is -1e+300"),
        (np.array([1, np.nan], np.float32), InvalidDocument, "vector[1] is nan"),
        (["a", "b"], InvalidDocument, "a vector is 2 numbers, got list of other values"),
        ([1j, 2], InvalidDocument, "a vector is 2 numbers"),
        ([None, 1], InvalidDocument, "a vector is 2 numbers"),
        ({"a": 1}, InvalidDocument, "a vector is 2 numbers, got dict of other values"),
        ("ab", InvalidDocument, "a vector is 2 numbers, got str of other values"),
        ([10**400, 1], InvalidDocument, "a vector is 2 numbers"),
    ],
    ids=repr,
)
def test_a_vector_outside_the_contract_is_refused(vector: Any, error: type[Exception], message: str) -> None:
    """Alone and among others, with whose it is, and which number is wrong."""
    with pytest.raises(error, match=re.escape(f"the query: {message}")) as raised:
        as_vector(vector, "the query", EUCLIDEAN, 2)
    assert type(raised.value) is error
    for others in ([[1, 2], vector, [3, 4]], (np.array([1, 2], np.float32), vector, [1, 2])):
        with pytest.raises(error, match=re.escape(f"document 'b': {message}")):
            as_matrix(others, ["a", "b", "c"], EUCLIDEAN, 2)


def test_a_matrix_of_another_width_is_refused() -> None:
    """With the first of its documents."""
    for width in (0, 1, 3):
        with pytest.raises(DimensionMismatch, match=f"document 'a': .* 2 numbers, this one has {width} numbers"):
            as_matrix(np.ones((2, width), np.float32), ["a", "b"], EUCLIDEAN, 2)
    with pytest.raises(DimensionMismatch, match="the shape"):
        as_matrix(np.ones((2, 2, 2), np.float32), ["a", "b"], EUCLIDEAN, 2)


@pytest.mark.parametrize("zero", [[0, 0], [0.0, -0.0], [1e-50, 0]], ids=str)
def test_a_zero_vector_has_no_direction(zero: list[float]) -> None:
    """It is refused under cosine, also where it only becomes zero in float32, and taken under the others."""
    with pytest.raises(InvalidDocument, match="all zeros, which has no direction under cosine"):
        as_vector(zero, "x", Metric.COSINE, 2)
    with pytest.raises(InvalidDocument, match="all zeros, which has no direction under cosine"):
        as_vector(np.array(zero, np.float32), "x", Metric.COSINE, 2)
    with pytest.raises(InvalidDocument, match="document 'b': the vector is all zeros"):
        as_matrix(np.array([[1, 1], zero]), ["a", "b"], Metric.COSINE, 2)
    for metric in set(Metric) - {Metric.COSINE}:
        assert as_vector(zero, "x", metric, 2).tolist() == [0, 0]
        assert as_matrix([zero], ["a"], metric, 2).tolist() == [[0, 0]]


@pytest.mark.parametrize("number", [3e38, 1e30, 1e-30, 1e-44], ids=str)
def test_large_and_small_numbers_are_taken(number: float) -> None:
    """Whatever a float32 holds, though its square is none; without a warning."""
    vector = np.array([number, -number], np.float32)
    for metric in Metric:
        assert as_vector(vector, "x", metric, 2) is vector
        assert as_vector(vector.tolist(), "x", metric, 2).tolist() == vector.tolist()
        assert as_matrix(vector[np.newaxis], ["a"], metric, 2).tolist() == [vector.tolist()]


def test_a_change() -> None:
    """The parts that are given; a null in its metadata stays, as it removes a field."""
    change = change_of({"id": "a", "metadata": {"x": None, "y": {"z": None}}}, 0, EUCLIDEAN, 2)
    assert (change.id, change.text, change.vector) == ("a", None, None)
    assert change.patch == {"x": None, "y": {"z": None}}
    change = change_of(Document("a", text="", vector=[1, 2]), 0, EUCLIDEAN, 2)
    assert (change.text, change.patch) == ("", {})
    assert change.vector is not None
    assert change.vector.tolist() == [1, 2]
    with pytest.raises(DimensionMismatch, match="document 'a'"):
        change_of({"id": "a", "vector": [1]}, 0, EUCLIDEAN, 2)
    with pytest.raises(InvalidDocument, match="item 7 has no id"):
        change_of({}, 7, EUCLIDEAN, 2)


@given(st.integers(0, 20), st.integers(1, 8) | st.none())
@example(0, None)
def test_pieces(count: int, most: int | None) -> None:
    """All items, in order, none empty, none larger than allowed."""
    items = list(range(count))
    pieces = list(in_pieces(items, most))
    assert [item for piece in pieces for item in piece] == items
    assert all(0 < len(piece) <= (most or count) for piece in pieces)
    assert len(pieces) == (0 if not count else 1 if most is None else -(-count // most))
