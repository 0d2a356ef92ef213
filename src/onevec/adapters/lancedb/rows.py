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

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from onevec.adapter import Batch
from onevec.codec import DATETIME, encode, untagged
from onevec.documents import CollectionInfo, Document, Metadata
from onevec.facets import facts_of
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


def table_of(info: CollectionInfo, namespace: str, batch: Batch, created: Mapping[str, int]) -> pa.Table:
    """Return documents as Arrow's table.

    Args:
        info: What the collection is.
        namespace: Whose they are.
        batch: The documents.
        created: When those of the `undated` ones that are there were made, in microseconds since 1970.
    """
    import pyarrow as pa

    size, measured, given = len(batch), batch.vectors, [None] * len(batch)
    if info.metric is Metric.COSINE:
        measured, changed = units(batch.vectors)
        if changed.any():
            given = [vector if other else None for vector, other in zip(batch.vectors, changed, strict=True)]
    since = [
        created.get(id, batch.now) if moment is None else moment
        for id, moment in zip(batch.ids, batch.created, strict=True)
    ]
    metadata = list(map(encode, batch.metadata))
    columns: dict[str, Any] = {  # Any: what Arrow makes a column of
        "namespace": [namespace] * size,
        "id": batch.ids,
        "text": batch.texts,
        "metadata": pa.array(metadata, pa.json_(pa.string())),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(measured.ravel()), info.dimension),
        "given": given,
        RECORD: [
            orjson.dumps([namespace, id, text, moment, batch.now, orjson.Fragment(its)])
            for id, text, moment, its in zip(batch.ids, batch.texts, since, metadata, strict=True)
        ],
        **_asked(batch.metadata),
        "created": since,
        "updated": np.full(size, batch.now, np.int64),
    }
    return pa.table(columns, schema=schema_of(info))


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


def _asked(metadata: Iterable[Metadata]) -> dict[str, pa.ListArray]:
    """The columns that filters ask for.

    They are made of flat lists, without one for each document, which would keep the garbage collector busy.
    """
    import pyarrow as pa

    facets: list[str] = []
    numbers_of: list[str] = []
    numbers: list[float] = []
    texts_of: list[str] = []
    texts: list[str] = []
    ends = [(0, 0, 0)]
    for one in metadata:
        its_facets, its_numbers, its_texts = facts_of(one)
        facets += its_facets
        numbers_of += its_numbers
        numbers += its_numbers.values()
        texts_of += its_texts
        texts += its_texts.values()
        ends.append((len(facets), len(numbers), len(texts)))
    facet_ends, number_ends, text_ends = (pa.array(column, pa.int32()) for column in zip(*ends, strict=True))
    lists = pa.ListArray.from_arrays
    return {
        "facets": lists(facet_ends, pa.array(facets, pa.string())),
        "numbers_of": lists(number_ends, pa.array(numbers_of, pa.string())),
        "numbers": lists(number_ends, pa.array(numbers, pa.float64())),
        "texts_of": lists(text_ends, pa.array(texts_of, pa.string())),
        "texts": lists(text_ends, pa.array(texts, pa.string())),
    }


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
