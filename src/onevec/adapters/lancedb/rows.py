"""Documents as the rows of a table, which are for everybody to read.

namespace, id, text     the document's; the first two are the table's primary key
metadata                JSON, with datetimes as `onevec.codec` writes them; it comes back equal
vector                  float32, of length 1 under cosine
given                   the vector as it was given, where that is another one
facets                  what filters ask for
numbers_of, numbers     what ranges compare: names, and their numbers
texts_of, texts         what `starts_with` and `has_text` look into
created, updated        microseconds since 1970
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from onevec.codec import encode
from onevec.documents import CollectionInfo, Document
from onevec.facets import facets_of, flattened, numbers_of
from onevec.metrics import Metric
from onevec.remote import Row, document_of, info_from, info_to_keep, units

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

PARTS = ("id", "text", "metadata", "created", "updated")
VECTOR = ("vector", "given")
_INFO = b"onevec"
# Of two writes of one new document at the same moment, Lance then lets the second one replace the first one's.
_KEY = "lance-schema:unenforced-primary-key"


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
            pa.field("text", pa.string()),
            some("metadata", pa.json_(pa.string())),
            some("vector", pa.list_(pa.float32(), info.dimension)),
            pa.field("given", pa.list_(pa.float32())),
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
    """Return what the collection of a table is; None if onevec didn't make it."""
    kept = (schema.metadata or {}).get(_INFO)
    return None if kept is None else info_from(orjson.loads(kept))


def table_of(info: CollectionInfo, namespace: str, rows: Sequence[Row]) -> pa.Table:
    """Return rows as Arrow's table."""
    import pyarrow as pa

    vectors = np.stack([row.vector for row in rows])
    measured, changed = units(vectors) if info.metric is Metric.COSINE else (vectors, np.zeros(len(rows), np.bool_))
    numbers = [numbers_of(row.metadata) for row in rows]
    texts = [_texts(row) for row in rows]
    schema = schema_of(info)
    columns: dict[str, Any] = {  # Any: what Arrow makes a column of
        "namespace": [namespace] * len(rows),
        "id": [row.id for row in rows],
        "text": [row.text for row in rows],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(measured.ravel()), info.dimension),
        "given": [vector if other else None for vector, other in zip(vectors, changed, strict=True)],
        "facets": [facets_of(row.metadata) for row in rows],
        "numbers_of": [list(some) for some in numbers],
        "numbers": [[number + 0.0 for number in some.values()] for some in numbers],
        "texts_of": [list(some) for some in texts],
        "texts": [list(some.values()) for some in texts],
        "created": [row.created for row in rows],
        "updated": [row.updated for row in rows],
    }
    columns["metadata"] = pa.array([encode(row.metadata) for row in rows], pa.json_(pa.string()))
    return pa.table(columns, schema=schema)


def documents_of(table: pa.Table, *, include_vectors: bool) -> list[Document]:
    """Return the documents of the rows that were read; with `include_vectors`, `VECTOR` is among the columns."""
    vectors = vectors_of(table) if include_vectors else [None] * len(table)
    columns = [table.column(name).to_pylist() for name in PARTS]
    return [
        document_of(id, text=text, metadata=metadata, created=created, updated=updated, vector=vector)
        for id, text, metadata, created, updated, vector in zip(*columns, vectors, strict=True)
    ]


def vectors_of(table: pa.Table) -> list[npt.NDArray[np.float32]]:
    """Return the vectors of rows as they were given, each float32 of shape (dimension,)."""
    vectors, given = table.column("vector"), table.column("given")
    measured = [chunk.flatten().to_numpy().reshape(-1, vectors.type.list_size) for chunk in vectors.chunks]
    return [
        vector.copy() if other is None else np.array(other, np.float32)
        for vector, other in zip(chain.from_iterable(measured), given.to_pylist(), strict=True)
    ]


def _texts(row: Row) -> dict[str, str]:
    """The texts of metadata by field; a datetime is one here, which its facet tells."""
    return {name: value for name, value in flattened(row.metadata).items() if isinstance(value, str)}
