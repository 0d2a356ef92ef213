"""The rows of a collection's table: the statements that write and read them, and what is in them."""

# ruff: noqa: S608 (the texts are made of constants, checked names and numbers; values are bound)

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from onevec.adapter import Batch, Change
from onevec.adapters.pgvector import values
from onevec.compile.dialects import POSTGRES
from onevec.compile.jsonb import coded, decode, decoded, encode, instants
from onevec.compile.native import condition
from onevec.compile.postgres import PostgresCompiler
from onevec.documents import Document, Metadata
from onevec.errors import Corrupted, DocumentNotFound, OnevecError, Unsupported
from onevec.filters import Filter
from onevec.patch import merge_patch
from onevec.values import moment_at

if TYPE_CHECKING:
    from onevec.adapters.pgvector.collections import Table
    from onevec.adapters.pgvector.link import Row, Session

COLUMNS = "id, text, metadata::text, created, updated"

# Float32 squares and products of numbers beyond these overflow or vanish.
_LARGEST = 1e15
_SMALLEST = 1e-15

_MOST_VALUES = 65_000  # of a statement; its other values are few

Insertion: TypeAlias = tuple[str, tuple[object, ...]]  # a statement and its values

# Each is looked up in the primary key after the one before it: DISTINCT would read every row.
NAMESPACES = """
WITH RECURSIVE seen AS (
    (SELECT namespace FROM {table} ORDER BY namespace LIMIT 1)
    UNION ALL
    SELECT (SELECT namespace FROM {table} WHERE namespace > seen.namespace ORDER BY namespace LIMIT 1)
    FROM seen WHERE seen.namespace IS NOT NULL
)
SELECT namespace FROM seen WHERE namespace IS NOT NULL
"""

EXTENT = """
SELECT count(*), max(updated), (
    SELECT sum(pg_total_relation_size(pg_class.oid))::bigint FROM pg_class
    JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace AND pg_namespace.nspname = %s
    WHERE pg_class.relkind = 'r'
), (
    SELECT sum(pg_relation_size(pg_class.oid))::bigint FROM pg_index
    JOIN pg_class ON pg_class.oid = pg_index.indexrelid
    JOIN pg_am ON pg_am.oid = pg_class.relam AND pg_am.amname IN ('hnsw', 'ivfflat')
    WHERE pg_index.indrelid = %s::regclass
) FROM {table} WHERE namespace = %s
"""

_INSERT = """
INSERT INTO {table} (namespace, id, text, metadata, instants, created, updated, wide, vector)
SELECT %s, unnest(%s), unnest(%s), unnest(%s), unnest(%s), unnest(%s), %s, unnest(%s), unnest(%s)
ON CONFLICT (namespace, id) DO UPDATE SET text = excluded.text, metadata = excluded.metadata,
instants = excluded.instants, updated = excluded.updated, wide = excluded.wide, vector = excluded.vector{more}
"""


def insertions(types: values.VectorTypes, table: Table, namespace: str, batch: Batch) -> list[Insertion]:
    """Return the one or two statements that write a batch, replacing whole the documents with the same ids."""
    # In one order everywhere, so that two batches with the same ids don't wait for each other in a circle.
    order = sorted(range(len(batch)), key=batch.ids.__getitem__)
    dated = [row for row in order if batch.created[row] is not None]
    undated = [row for row in order if batch.created[row] is None]
    return [_insertion(types, table, namespace, batch, rows, dated=rows is dated) for rows in (dated, undated) if rows]


async def update(
    session: Session, types: values.VectorTypes, table: Table, namespace: str, changes: Sequence[Change], *, now: int
) -> list[tuple[str, OnevecError]]:
    """Change documents in a transaction; return those that don't exist."""
    rows = await session.fetch(
        f"SELECT {COLUMNS}, vector FROM {table.name} WHERE namespace = %s AND id = ANY(%s) ORDER BY id FOR UPDATE",
        (coded(namespace), values.texts([change.id for change in changes])),
    )
    there = {document.id: document for document in map(document_of, rows)}
    missing: list[tuple[str, OnevecError]] = []
    for change in changes:
        old = there.get(change.id)
        if old is None:
            missing.append((change.id, DocumentNotFound(f"there is no document {change.id!r} to update")))
            continue
        there[change.id] = Document(
            change.id,
            text=old.text if change.text is None else change.text,
            vector=old.vector if change.vector is None else change.vector,
            metadata=merge_patch(old.metadata, change.patch),
        )
    if there:
        for insertion in insertions(types, table, namespace, _batch(list(there.values()), now)):
            await session.run(*insertion)
    return missing


def where(
    namespace: str, filter: Filter | None = None, ids: Sequence[str] | None = None, native: object = None
) -> tuple[str, list[object]]:
    """Return the condition that a row is of the namespace, matches, and has one of the ids; and its values.

    Args:
        namespace: The namespace.
        filter: What it matches.
        ids: The ids.
        native: What must hold besides, as a caller wrote it.
    """
    conditions: list[str] = ["namespace = %s"]
    bound: list[object] = [coded(namespace)]
    if ids is not None:
        conditions.append("id = ANY(%s)")
        bound.append(values.texts(ids))
    if filter is not None:
        sql = PostgresCompiler().compile(filter)
        conditions.append(sql.text)
        bound += sql.values
    if native is not None:
        own = condition(native, POSTGRES)
        conditions.append(own.text)
        bound += own.values
    if len(bound) > _MOST_VALUES:
        raise Unsupported(
            f"pgvector takes a filter with up to {_MOST_VALUES} values, got {len(bound)}; is_in([...]) is one"
        )
    return " AND ".join(conditions), bound


def columns(*, include_vectors: bool) -> str:
    """Return the columns that `document_of` reads."""
    return f"{COLUMNS}, vector" if include_vectors else COLUMNS


def document_of(row: Row) -> Document:
    """Return the document of a row of `COLUMNS`, and of the vector where it is the next one."""
    id, text, metadata, created, updated, *rest = row
    try:
        return Document(
            id,
            text=None if text is None else decoded(text),
            vector=values.read_vector(rest[0]) if rest and rest[0] is not None else None,
            metadata=decode(metadata),
            created_at=moment_at(created),
            updated_at=moment_at(updated),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise Corrupted(f"document {id!r} is not as onevec writes it ({error}); write it again") from error


def is_wide(lengths: Any) -> Any:  # Any: a float64 or an array of them, then a bool or an array of them
    """Return which vectors, by their Euclidean lengths, float32 arithmetic can't measure."""
    return (lengths > _LARGEST) | ((lengths < _SMALLEST) & (lengths > 0))


def _insertion(
    types: values.VectorTypes, table: Table, namespace: str, batch: Batch, rows: list[int], *, dated: bool
) -> Insertion:
    metadata = [batch.metadata[row] for row in rows]
    created = [batch.created[row] for row in rows]
    vectors = batch.vectors[rows]
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return _INSERT.format(table=table.name, more=", created = excluded.created" if dated else ""), (
        coded(namespace),
        values.texts([batch.ids[row] for row in rows]),
        values.texts([None if (text := batch.texts[row]) is None else coded(text) for row in rows]),
        values.jsonbs(list(map(encode, metadata))),
        values.jsonbs(list(map(_instants, metadata))),
        values.bigints([batch.now if moment is None else moment for moment in created]),
        batch.now,
        values.booleans(is_wide(lengths)),
        types.vectors(vectors),
    )


def _batch(documents: Sequence[Document], now: int) -> Batch:
    return Batch(
        [document.id for document in documents],
        np.stack([np.asarray(document.vector, np.float32) for document in documents]),
        [document.text for document in documents],
        [document.metadata for document in documents],
        [None] * len(documents),
        now,
    )


def _instants(metadata: Metadata) -> str | None:
    found = instants(metadata)
    return None if found is None else orjson.dumps(found).decode()
