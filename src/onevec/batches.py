"""From what a caller gives to the columns that an adapter takes: documents, dicts, columns, iterators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from onevec.adapter import Change
from onevec.documents import Document, Metadata, Vector
from onevec.errors import DimensionMismatch, InvalidDocument
from onevec.metrics import Metric
from onevec.validate import checked_id, checked_text, clean_metadata
from onevec.values import microseconds

DocumentLike: TypeAlias = Document | Mapping[str, Any]  # Any: the values of a Document's fields
Matrix: TypeAlias = npt.NDArray[np.float32]
T = TypeVar("T")

STREAM_BATCH = 1000
_FIELDS = ("id", "text", "vector", "metadata", "created_at", "updated_at")


@dataclass(slots=True)
class Rows:
    """Documents as checked columns, no id twice; vectors are still as given, None where one is to be made."""

    ids: list[str]
    texts: list[str | None]
    metadata: list[Metadata]
    created: list[int | None]
    vectors: Matrix | list[Vector | None]

    def __len__(self) -> int:
        return len(self.ids)


def parts_of(documents: object) -> Iterator[Sequence[DocumentLike]]:
    """Yield a sized collection of documents whole, and an iterator some thousand at a time.

    Raises:
        InvalidDocument: It is neither documents nor an iterable of them.
    """
    if isinstance(documents, Document | Mapping):
        yield [documents]
    elif isinstance(documents, str | bytes) or not isinstance(documents, Iterable):
        raise InvalidDocument(
            f"upsert takes Documents, dicts, or an iterable of them, got {type(documents).__name__}; "
            "columns go by keyword: ids=, vectors=, texts=, metadata="
        )
    elif isinstance(documents, Sized):
        yield list(documents)
    else:
        iterator = iter(documents)
        while part := list(islice(iterator, STREAM_BATCH)):
            yield part


def in_pieces(items: Sequence[T], most: int | None) -> Iterator[Sequence[T]]:
    """Yield the items some at a time: up to `most`, or all if that is None. No items are no piece."""
    size = most or max(len(items), 1)
    return (items[start : start + size] for start in range(0, len(items), size))


def rows_of_documents(documents: Sequence[DocumentLike]) -> Rows:
    """Return checked columns; the last of equal ids wins, in its place.

    Raises:
        InvalidDocument: A document is outside the contract.
    """
    last: dict[str, Document] = {}
    for index, item in enumerate(documents):
        document = _document(item, index)
        id = checked_id(document.id)
        last.pop(id, None)
        last[id] = document
    rows = Rows(list(last), [], [], [], vectors := [])
    for id, document in last.items():
        owner = f"document {id!r}"
        rows.texts.append(checked_text(document.text, owner))
        rows.metadata.append(clean_metadata(document.metadata, owner))
        rows.created.append(_created(document.created_at, owner))
        vectors.append(document.vector)
    return rows


def rows_of_columns(
    ids: Sequence[str] | None,
    vectors: Vector | Sequence[Vector] | None,
    texts: Sequence[str | None] | None,
    metadata: Sequence[Metadata] | None,
) -> Rows:
    """Return checked columns of one length; the last of equal ids wins.

    Raises:
        InvalidDocument: The ids are missing, the columns differ in length, or a value is outside the contract.
    """
    if ids is None or isinstance(ids, str | bytes):
        raise InvalidDocument("columns need ids=[...], a list of strings")
    if not isinstance(ids, Iterable):
        raise InvalidDocument(f"ids= is a list of strings, got {type(ids).__name__}")
    checked = [checked_id(id) for id in ids]
    size = len(checked)
    for name, column in (("vectors", vectors), ("texts", texts), ("metadata", metadata)):
        if column is not None and (given := _length(column)) != size:
            raise InvalidDocument(f"{name}= has one entry an id: expected a list of {size}, got {given}")
    rows = Rows(
        checked,
        [None] * size if texts is None else _each(checked_text, texts, checked),
        [{} for _ in checked] if metadata is None else _each(clean_metadata, metadata, checked),
        [None] * size,
        vectors if isinstance(vectors, np.ndarray) else [None] * size if vectors is None else list(vectors),  # type: ignore[arg-type]  # checked by as_matrix
    )
    return rows if len(set(checked)) == size else _without_repeats(rows)


def as_matrix(vectors: Matrix | Sequence[Vector | None], ids: Sequence[str], metric: Metric, dimension: int) -> Matrix:
    """Return a C-contiguous float32 matrix of shape (len(ids), dimension).

    Raises:
        DimensionMismatch: A vector has another length.
        InvalidDocument: A number isn't a finite float32, or a vector is all zeros under cosine.
    """
    if not len(ids):
        return np.empty((0, dimension), np.float32)
    try:
        given = np.asarray(vectors)
    except ValueError:  # of different lengths
        given = np.empty(0, object)
    if given.dtype.kind in "fiu" and given.shape == (len(ids), dimension):
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(given, np.float32)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            squares = np.vecdot(matrix, matrix)  # one pass; what isn't plain to see in them is looked at below
        if squares.max() < math.inf and (metric is not Metric.COSINE or squares.min() > 0):
            return matrix
        if np.isfinite(matrix).all() and (metric is not Metric.COSINE or matrix.any(axis=1).all()):
            return matrix
    return np.stack(
        [_vector(vector, f"document {id!r}", metric, dimension) for id, vector in zip(ids, vectors, strict=False)]
    )


def as_vector(vector: object, owner: str, metric: Metric, dimension: int) -> Matrix:
    """Return a float32 vector of shape (dimension,).

    Raises:
        DimensionMismatch: It has another length or shape.
        InvalidDocument: A number isn't a finite float32, or all are zero under cosine.
    """
    if isinstance(vector, np.ndarray) and vector.dtype == np.float32 and vector.shape == (dimension,):
        wide = vector.astype(np.float64)  # in which no float32 overflows or vanishes
        if 0.0 < wide.dot(wide) < math.inf:
            return np.ascontiguousarray(vector)
    return _vector(vector, owner, metric, dimension)


def change_of(item: object, index: int, metric: Metric, dimension: int) -> Change:
    """Return what a Document or dict asks `update` to change.

    Raises:
        InvalidDocument: It is outside the contract.
    """
    document = _document(item, index)
    id = checked_id(document.id)
    owner = f"document {id!r}"
    return Change(
        id,
        checked_text(document.text, owner),
        None if document.vector is None else as_vector(document.vector, owner, metric, dimension),
        clean_metadata(document.metadata, owner, keep_nulls=True),
    )


def _each(check: Callable[[Any, str], T], values: Iterable[Any], ids: Sequence[str]) -> list[T]:  # Any: the caller's
    """The values, each checked; whose one is that is refused is looked for only then, as names take time to make."""
    given = list(values)
    try:
        return [check(value, "a document") for value in given]
    except InvalidDocument:
        return [check(value, f"document {id!r}") for value, id in zip(given, ids, strict=True)]


def _length(column: object) -> int | str:
    """How many entries a column has; its type, if it is no column."""
    if isinstance(column, str | bytes | Mapping) or not isinstance(column, Sized) or getattr(column, "ndim", 1) == 0:
        return type(column).__name__
    return len(column)


def _document(item: object, index: int) -> Document:
    if isinstance(item, Document):
        return item
    if not isinstance(item, Mapping):
        raise InvalidDocument(f"item {index} is a Document or a dict, got {type(item).__name__}")
    unknown = [name for name in item if name not in _FIELDS]
    if unknown:
        raise InvalidDocument(
            f"item {index}: {unknown[0]!r} is no field of a document; fields are {', '.join(_FIELDS)}; "
            "everything else belongs in metadata"
        )
    if "id" not in item:
        raise InvalidDocument(f"item {index} has no id")
    return Document(**item)


def _without_repeats(rows: Rows) -> Rows:
    last = {id: index for index, id in enumerate(rows.ids)}
    keep = sorted(last.values())
    vectors = rows.vectors[keep] if isinstance(rows.vectors, np.ndarray) else [rows.vectors[i] for i in keep]
    return Rows(
        [rows.ids[i] for i in keep],
        [rows.texts[i] for i in keep],
        [rows.metadata[i] for i in keep],
        [rows.created[i] for i in keep],
        vectors,
    )


def _created(moment: object, owner: str) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        raise InvalidDocument(f"{owner}: created_at is a datetime or None, got {type(moment).__name__}")
    try:
        return microseconds(moment)
    except ValueError as error:
        raise InvalidDocument(f"{owner}: created_at: {error}") from None


def _vector(vector: object, owner: str, metric: Metric, dimension: int) -> Matrix:
    """The slow, exact way: says what is wrong."""
    try:
        given = np.asarray(vector)
    except ValueError:
        given = np.empty(0, object)
    if given.dtype.kind not in "fiu" and given.size:
        raise InvalidDocument(f"{owner}: a vector is {dimension} numbers, got {type(vector).__name__} of other values")
    if given.shape != (dimension,):
        shape = f"{given.shape[0]} numbers" if given.ndim == 1 else f"the shape {given.shape}"
        raise DimensionMismatch(f"{owner}: the collection's vectors have {dimension} numbers, this one has {shape}")
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(given, np.float32)
    if not np.isfinite(single).all():
        at = int(np.flatnonzero(~np.isfinite(single))[0])
        raise InvalidDocument(f"{owner}: vector[{at}] is {given[at]}, which is not a finite float32")
    if metric is Metric.COSINE and not single.any():
        raise InvalidDocument(f"{owner}: the vector is all zeros, which has no direction under cosine")
    return single
