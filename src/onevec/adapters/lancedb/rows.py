"""Documents as the rows of a table, which are for everybody to read.

namespace, id, text     the document's; the first two are the table's primary key
metadata                JSON, with datetimes as `onevec.codec` writes them
vector                  float32, of length 1 under cosine
given                   the vector as it was given, where that is another one
record                  all but the vector in one text, which is what is read: each column takes LanceDB a tenth of a
                        millisecond, a text twice as long
facets                  what filters ask for
numbers_of, numbers     what ranges compare: names, and their numbers
texts_of, texts         what `starts_with` and `has_text` look into
created, updated        microseconds since 1970
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from onevec.adapter import Batch
from onevec.adapters.lancedb.asked import asked
from onevec.codec import DATETIME, encode, untagged
from onevec.documents import CollectionInfo, Document
from onevec.metrics import Metric
from onevec.remote import Missing, info_from, info_to_keep, units
from onevec.values import moment_at

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

RECORD = "record"
VECTOR = ("vector", "given")
_INFO = b"onevec"
# Of two writes of one new document at the same moment, Lance then lets the second one replace the first one's.
_KEY = "lance-schema:unenforced-primary-key"
# Lance takes three times as long to write a text that it compresses. Records are compressed all the same: a search,
# which reads ten of them, takes a tenth of a millisecond less then.
_UNCOMPRESSED = {"lance-encoding:compression": "none"}
_PIECE = 4096  # rows that are made at once; Lance can write some while the next are made
_MOST_BYTES = 2**28  # of their records: Arrow's lists of texts have up to 2**31


def schema_of(info: CollectionInfo) -> pa.Schema:
    """Return what the table of a collection looks like; it remembers what the collection is."""
    import pyarrow as pa

    def key(name: str, place: str) -> pa.Field:
        return pa.field(name, pa.string(), nullable=False, metadata={_KEY: "true", f"{_KEY}:position": place})

    def some(name: str, kind: pa.DataType) -> pa.Field:
        return pa.field(name, kind, nullable=False)

    names, numbers = pa.list_(pa.string()), pa.list_(pa.float64())
    return pa.schema(
        [
            key("namespace", "1"),
            key("id", "2"),
            pa.field("text", pa.string(), metadata=_UNCOMPRESSED),
            some("metadata", pa.json_(pa.string())),
            some("vector", pa.list_(pa.float32(), info.dimension)),
            pa.field("given", pa.list_(pa.float32())),
            some(RECORD, pa.string()),
            some("facets", names),
            some("numbers_of", names),
            some("numbers", numbers),
            some("texts_of", names),
            some("texts", names),
            some("created", pa.int64()),
            some("updated", pa.int64()),
        ],
        metadata={_INFO: orjson.dumps(info_to_keep(info))},
    )


def info_of(schema: pa.Schema) -> CollectionInfo | None:
    """Return what the collection of a table is, by its schema or that of rows read; None if onevec didn't make it."""
    kept = (schema.metadata or {}).get(_INFO)
    return None if kept is None else _info_from(kept)


def of_collection(found: pa.Table, collection: CollectionInfo) -> pa.Table:
    """Return the rows that were read.

    Raises:
        Missing: The table that they are of is another collection's.
    """
    if info_of(found.schema) != collection:
        raise Missing
    return found


def reader_of(info: CollectionInfo, namespace: str, batch: Batch, created: Mapping[str, int]) -> pa.RecordBatchReader:
    """Return documents as Arrow's rows, which are made as they are read.

    Args:
        info: What the collection is.
        namespace: Whose they are.
        batch: The documents.
        created: When those of the `undated` ones that are there were made, in microseconds since 1970.
    """
    import pyarrow as pa

    schema = schema_of(info)
    pieces = (batch.piece(start, start + _PIECE) for start in range(0, len(batch), _PIECE))
    rows = (_rows_of(info, schema, namespace, piece, created) for piece in pieces)
    return pa.RecordBatchReader.from_batches(schema, chain.from_iterable(rows))


def _rows_of(
    info: CollectionInfo, schema: pa.Schema, namespace: str, batch: Batch, created: Mapping[str, int]
) -> Iterator[pa.RecordBatch]:
    """The rows of a piece, in several parts where they are long."""
    import pyarrow as pa

    size, measured, given = len(batch), batch.vectors, None
    if info.metric is Metric.COSINE:
        measured, changed = units(batch.vectors)
        if changed.any():
            given = [vector if other else None for vector, other in zip(batch.vectors, changed, strict=True)]
    since = [
        created.get(id, batch.now) if moment is None else moment
        for id, moment in zip(batch.ids, batch.created, strict=True)
    ]
    metadata = list(map(encode, batch.metadata))
    records = [
        orjson.dumps([namespace, id, text, moment, batch.now, orjson.Fragment(its)])
        for id, text, moment, its in zip(batch.ids, batch.texts, since, metadata, strict=True)
    ]
    if size > 1 and sum(map(len, records)) > _MOST_BYTES:
        for half in (batch.piece(0, size // 2), batch.piece(size // 2, size)):
            yield from _rows_of(info, schema, namespace, half, created)
        return
    columns: dict[str, Any] = {  # Any: what Arrow makes a column of
        "namespace": pa.repeat(namespace, size),
        "id": batch.ids,
        "text": batch.texts,
        "metadata": pa.array(metadata, pa.json_(pa.string())),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(measured.ravel()), info.dimension),
        "given": pa.nulls(size, schema.field("given").type) if given is None else given,
        RECORD: _strings(records),
        **asked(batch.metadata),
        "created": since,
        "updated": pa.repeat(batch.now, size),
    }
    yield pa.record_batch(columns, schema=schema)


def _strings(texts: list[bytes]) -> pa.StringArray:
    """Return a column of texts that are UTF-8 already, which Arrow would check once more."""
    import pyarrow as pa

    ends = np.zeros(len(texts) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)), out=ends[1:])
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(ends), pa.py_buffer(b"".join(texts)))


def documents_of(table: pa.Table, *, include_vectors: bool) -> list[Document]:
    """Return the documents of rows that were read; with `include_vectors`, `VECTOR` is among the columns."""
    return [document for _, document in placed(table, include_vectors=include_vectors)]


def placed(table: pa.Table, *, include_vectors: bool) -> list[tuple[str, Document]]:
    """Return the documents, each with its namespace."""
    records = table.column(RECORD).to_pylist()
    vectors = vectors_of(table) if include_vectors else [None] * len(records)
    return [_placed(record, vector) for record, vector in zip(records, vectors, strict=True)]


def vectors_of(table: pa.Table) -> list[npt.NDArray[np.float32]]:
    """Return the vectors of rows as they were given, each float32 of shape (dimension,)."""
    vectors, given = table.column("vector"), table.column("given")
    measured = [chunk.flatten().to_numpy().reshape(-1, vectors.type.list_size) for chunk in vectors.chunks]
    return [
        vector.copy() if other is None else np.array(other, np.float32)
        for vector, other in zip(chain.from_iterable(measured), given.to_pylist(), strict=True)
    ]


@lru_cache(maxsize=64)
def _info_from(kept: bytes) -> CollectionInfo | None:
    return info_from(orjson.loads(kept))


def _placed(record: str, vector: npt.NDArray[np.float32] | None) -> tuple[str, Document]:
    namespace, id, text, created, updated, metadata = orjson.loads(record)
    return namespace, Document(
        id,
        text=text,
        vector=vector,
        metadata=untagged(metadata) if DATETIME in record else metadata,
        created_at=moment_at(created),
        updated_at=moment_at(updated),
    )
