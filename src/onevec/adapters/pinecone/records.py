"""Documents as Pinecone's records, and filters as its conditions.

A record's id is the document's where Pinecone can have it, else a hash of it; its values are the vector, and its
metadata has

    the document's own fields    by dotted name, as `onevec.facets.flattened` has them, if there is room
    number:year                  what ranges compare, see `onevec.facets.numbers_of`
    onevec:facets                what filters ask for, see `onevec.facets`
    onevec:id                    the document's
    onevec:created, :updated     microseconds since 1970
    onevec:metadata              the metadata as `onevec.codec` writes it, which comes back equal
    onevec:text                  the text
    onevec:packed                these two compressed, in their place, where there is no room

No field that a filter can name has a `:`, so these are nobody's own.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from onevec.adapter import Found
from onevec.adapters.pinecone.names import record_id
from onevec.codec import encode
from onevec.compile.dicts import Dict, DictCompiler
from onevec.documents import Document
from onevec.errors import InvalidDocument, InvalidQuery
from onevec.facets import EVERY, Flat, facets_of, flattened, numbers_of
from onevec.filters import Filter
from onevec.metrics import Metric
from onevec.remote import Row, check_measurable, document_of
from onevec.remote.native import checked_dict

if TYPE_CHECKING:
    import numpy.typing as npt

# Pinecone's names for how it measures: https://docs.pinecone.io/guides/index-data/indexing-overview#similarity-metrics
METRICS: Mapping[Metric, str] = {Metric.COSINE: "cosine", Metric.DOT: "dotproduct", Metric.EUCLIDEAN: "euclidean"}

# https://docs.pinecone.io/reference/api/database-limits
LARGEST_METADATA = 40 * 1024
_MOST_VALUES = 10_000  # of one $in
_FACETS, _ID = "onevec:facets", "onevec:id"
_METADATA, _TEXT, _PACKED = "onevec:metadata", "onevec:text", "onevec:packed"


class PineconeCompiler(DictCompiler):
    """Conditions on Pinecone's metadata. On a list, `$in` is true if an element is in, `$nin` if none is."""

    def __init__(self) -> None:
        super().__init__(facets=_FACETS, numbers="number:")

    def has(self, some: Sequence[str]) -> Dict:
        return self.any_of([super(PineconeCompiler, self).has(part) for part in _parts(some)])

    def lacks(self, all: Sequence[str]) -> Dict:
        return self.all_of([super(PineconeCompiler, self).lacks(part) for part in _parts(all)])


class Record(NamedTuple):
    """A record to write."""

    id: str
    values: list[float]
    metadata: dict[str, Flat]


def matching(filter: Filter | None = None, ids: Iterable[str] | None = None, native: object = None) -> Dict:
    """Return the condition for the documents that match, are of these ids, and match a dict of the caller's.

    Of none of these, for all.
    """
    compiler = PineconeCompiler()
    parts = [] if filter is None else [compiler.compile(filter)]
    if ids is not None:
        parts.append(compiler.any_of([{_ID: {"$in": part}} for part in _parts(sorted(ids))]))
    if native is not None:
        parts.append(checked_dict(native, "a filter dict of Pinecone"))
    return compiler.all_of(parts) if parts else compiler.has([EVERY])


def record_of(row: Row) -> Record:
    """Return the record of a row.

    Raises:
        InvalidDocument: Its metadata is too large for Pinecone.
    """
    own: dict[str, Flat] = {
        _FACETS: facets_of(row.metadata),
        _ID: row.id,
        "onevec:created": row.created,
        "onevec:updated": row.updated,
        **{f"number:{key}": number for key, number in numbers_of(row.metadata).items()},
    }
    content: dict[str, Flat] = {_METADATA: encode(row.metadata)}
    if row.text is not None:
        content[_TEXT] = row.text
    packed = base64.b85encode(zlib.compress(orjson.dumps(content))).decode()
    for metadata in (_natural(flattened(row.metadata)) | own | content, own | content, own | {_PACKED: packed}):
        size = len(orjson.dumps(metadata))
        if size <= LARGEST_METADATA:
            return Record(record_id(row.id), row.vector.tolist(), metadata)
    raise InvalidDocument(
        f"document {row.id!r}: its text and metadata take {size} bytes in Pinecone, even compressed, which takes "
        f"{LARGEST_METADATA}; shorten the text, or keep it elsewhere"
    )


def check_vectors(vectors: npt.NDArray[np.float32], ids: Sequence[str] | None, metric: Metric) -> None:
    """Refuse vectors that Pinecone refuses, all zeros, or that can't be measured in float32.

    Args:
        vectors: A matrix of shape (documents, dimension).
        ids: Whose they are; None for a query.
        metric: What they are measured by.

    Raises:
        InvalidDocument: A document's vector is one.
        InvalidQuery: The query is.
    """
    check_measurable(vectors, ids, metric)
    zeros = np.flatnonzero(~vectors.any(axis=1))
    if zeros.size:
        why = "Pinecone takes no vector of zeros only"
        raise (
            InvalidQuery(f"the query: {why}") if ids is None else InvalidDocument(f"document {ids[zeros[0]]!r}: {why}")
        )


def document(metadata: Mapping[str, Any], values: Sequence[float] | None) -> Document:  # Any: what Pinecone gives back
    """Return the document of a record."""
    content = metadata
    if _PACKED in metadata:
        content = orjson.loads(zlib.decompress(base64.b85decode(metadata[_PACKED])))
    return document_of(
        metadata[_ID],
        text=content.get(_TEXT),
        metadata=content[_METADATA],
        created=int(metadata["onevec:created"]),
        updated=int(metadata["onevec:updated"]),
        vector=None if values is None else np.array(values, np.float32),
    )


def found(match: Any, metric: Metric, *, include_vectors: bool) -> Found:  # Any: one of Pinecone's matches
    """Return what a search found, with its distance."""
    return document(match.metadata, match.values if include_vectors else None), distance(metric, match.score)


def distance(metric: Metric, score: float) -> float:
    """Return the distance that belongs to Pinecone's score, which is the squared distance under euclidean."""
    match metric:
        case Metric.COSINE:
            return 1.0 - min(max(score, -1.0), 1.0)
        case Metric.DOT:
            return 0.0 - score
        case _:
            return math.sqrt(max(score, 0.0))


def _natural(fields: dict[str, Flat]) -> dict[str, Flat]:
    """The fields as Pinecone has them: every number is a float64."""
    return {name: float(value) if type(value) is int else value for name, value in fields.items()}


def _parts(values: Sequence[str]) -> Iterator[list[str]]:
    return (list(values[start : start + _MOST_VALUES]) for start in range(0, len(values), _MOST_VALUES))
