"""Writing documents: many new ones by COPY, all others by a statement that replaces those that are there."""

# ruff: noqa: S608 (the texts are made of constants, checked names and numbers; values are bound)

from __future__ import annotations

import struct
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from onevec.adapter import Batch, Change
from onevec.adapters.pgvector import values
from onevec.adapters.pgvector.documents import COLUMNS, document_of, is_wide, of_namespace
from onevec.batches import in_pieces
from onevec.compile.jsonb import coded, encode, instants
from onevec.documents import Document, Metadata
from onevec.errors import DocumentNotFound, OnevecError
from onevec.patch import merge_patch
from onevec.runtime import Runtime

if TYPE_CHECKING:
    import numpy.typing as npt

    from onevec.adapters.pgvector.collections import Table
    from onevec.adapters.pgvector.link import Link, Session
    from onevec.adapters.pgvector.values import VectorTypes

Insertion: TypeAlias = tuple[str, tuple[object, ...]]  # a statement and its values

# Fewer documents are written sooner in one statement than in the three turns of a COPY.
_MANY = 100
_ASKED = 16
_BLOCK = 64  # psycopg cuts what is longer than 128 KiB
_TURN = 128  # rows that are made in one turn of a thread

_COPY = """
COPY {table} (namespace, created, updated, wide, vector, id, text, metadata, instants) FROM STDIN (FORMAT binary)
"""
_COLUMNS = 9
_NUMBERS = struct.Struct(">iqiqi?").pack  # those of a row, each after its size

# Squares of lengths that float32 has no trouble with; others are taken in float64.
_SMALLEST, _LARGEST = 1e-20, 1e20

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"
_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"

_INSERT = """
INSERT INTO {table} (namespace, id, text, metadata, instants, created, updated, wide, vector)
SELECT %s, unnest(%s), unnest(%s), unnest(%s), unnest(%s), unnest(%s), %s, unnest(%s), unnest(%s)
ON CONFLICT (namespace, id) DO UPDATE SET text = excluded.text, metadata = excluded.metadata,
instants = excluded.instants, updated = excluded.updated, wide = excluded.wide, vector = excluded.vector{more}
"""


async def upsert(link: Link, types: VectorTypes, table: Table, namespace: str, batch: Batch) -> None:
    """Write a batch in one transaction, replacing whole the documents with the same ids."""
    # In one order everywhere, so that two batches with the same ids don't wait for each other in a circle.
    order = sorted(range(len(batch)), key=batch.ids.__getitem__)
    settings = () if batch.wait else ("synchronous_commit = off",)
    if len(batch) >= _MANY and not await _is_there(link, table, namespace, [batch.ids[row] for row in order]):
        async with aclosing(_blocks(link.io, namespace, batch, order)) as blocks:
            if await link.load(_COPY.format(table=table.name), blocks, *settings):
                return
    insertions = await link.io.offload(_insertions, types, table, namespace, batch, order)
    if batch.wait and len(insertions) == 1:
        await link.run(*insertions[0])
        return
    async with link.transaction(*settings) as transaction:
        for insertion in insertions:
            await transaction.run(*insertion)


async def update(
    session: Session, types: VectorTypes, table: Table, namespace: str, changes: Sequence[Change], *, now: int
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
        batch = _batch(list(there.values()), now)
        for insertion in _insertions(types, table, namespace, batch, list(range(len(batch)))):
            await session.run(*insertion)
    return missing


async def _is_there(link: Link, table: Table, namespace: str, ids: list[str]) -> bool:
    """Whether some of a few of the ids is there. A COPY that meets one that is was in vain, but for this."""
    there, bound = of_namespace(namespace)
    asked = values.texts(ids[:: len(ids) // _ASKED])
    rows = await link.fetch(f"SELECT EXISTS (SELECT FROM {table.name} WHERE {there} AND id = ANY(%s))", (*bound, asked))
    return bool(rows[0][0])


async def _blocks(io: Runtime, namespace: str, batch: Batch, order: list[int]) -> AsyncGenerator[bytes]:
    """The rows as a COPY takes them: the server writes some while the next are made."""
    yield _HEAD
    turns = in_pieces(order, _TURN)
    ahead = io.begin(io.offload(_blocks_of, namespace, batch, next(turns)))
    try:
        for rows in turns:
            blocks, ahead = await ahead.result(), io.begin(io.offload(_blocks_of, namespace, batch, rows))
            for block in blocks:
                yield block
        for block in await ahead.result():
            yield block
    finally:
        await ahead.cancel()
    yield _TAIL


def _blocks_of(namespace: str, batch: Batch, rows: Sequence[int]) -> list[bytes]:
    return [_block(namespace, batch, list(some)) for some in in_pieces(rows, _BLOCK)]


def _block(namespace: str, batch: Batch, rows: list[int]) -> bytes:
    vectors = batch.vectors[rows]
    packed = memoryview(values.vector_fields(vectors))
    size = len(packed) // len(rows)
    head = struct.pack(">h", _COLUMNS) + values.text_field(coded(namespace))
    numbers = zip(_created(batch, rows), _are_wide(vectors).tolist(), range(0, len(packed), size), strict=True)
    metadata = [batch.metadata[row] for row in rows]
    fields = zip(
        [values.text_field(batch.ids[row]) for row in rows],
        [values.text_field(None if (text := batch.texts[row]) is None else coded(text)) for row in rows],
        map(values.jsonb_field, map(encode, metadata)),
        map(values.jsonb_field, map(_instants, metadata)),
        strict=True,
    )
    parts: list[bytes | memoryview] = []
    for (created, wide, start), row in zip(numbers, fields, strict=True):
        parts += (head, _NUMBERS(8, created, 8, batch.now, 1, wide), packed[start : start + size], *row)
    return b"".join(parts)


def _insertions(
    types: VectorTypes, table: Table, namespace: str, batch: Batch, order: Sequence[int]
) -> list[Insertion]:
    """The one or two statements that write a batch: a date that is given replaces the one that is there."""
    dated = [row for row in order if batch.created[row] is not None]
    undated = [row for row in order if batch.created[row] is None]
    return [_insertion(types, table, namespace, batch, rows, dated=rows is dated) for rows in (dated, undated) if rows]


def _insertion(
    types: VectorTypes, table: Table, namespace: str, batch: Batch, rows: list[int], *, dated: bool
) -> Insertion:
    metadata = [batch.metadata[row] for row in rows]
    vectors = batch.vectors[rows]
    return _INSERT.format(table=table.name, more=", created = excluded.created" if dated else ""), (
        coded(namespace),
        values.texts([batch.ids[row] for row in rows]),
        values.texts([None if (text := batch.texts[row]) is None else coded(text) for row in rows]),
        values.jsonbs(list(map(encode, metadata))),
        values.jsonbs(list(map(_instants, metadata))),
        values.bigints(_created(batch, rows)),
        batch.now,
        values.booleans(_are_wide(vectors)),
        types.vectors(vectors),
    )


def _created(batch: Batch, rows: list[int]) -> list[int]:
    return [batch.now if (moment := batch.created[row]) is None else moment for row in rows]


def _are_wide(vectors: npt.NDArray[np.float32]) -> Any:  # Any: an array of bool
    with np.errstate(over="ignore", under="ignore"):
        squares = np.vecdot(vectors, vectors)
    if not (squares.min() > _SMALLEST and squares.max() < _LARGEST):
        squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    return is_wide(np.sqrt(squares))


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
