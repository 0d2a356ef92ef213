"""The rows of the documents table: written and read inside a transaction that the caller holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apsw
import numpy as np
import orjson

from onevec import codec
from onevec.adapter import Batch, Change, Found, Place, Request
from onevec.adapters.sqlite import texts
from onevec.adapters.sqlite.checksums import HEAD, Sums, sums_of, verify
from onevec.adapters.sqlite.collections import collection_number, namespace_number
from onevec.adapters.sqlite.failures import Undecodable
from onevec.adapters.sqlite.recent import RecentDocuments
from onevec.adapters.sqlite.rows import New, columns, document, insert, metadata_of
from onevec.compile import SqliteCompiler
from onevec.documents import Document
from onevec.errors import DocumentNotFound, OnevecError
from onevec.filters import Filter
from onevec.patch import merge_patch

# `gone` keeps at least this many entries for other processes to catch up by; who is further behind compares all rows.
_KEPT_GONE = 10_000

_AMONG = "IN (SELECT value FROM json_each(?))"

# Up to so many rows are asked for one by one in the SQL text, which takes half the time; each number of them is a text
# of its own.
_LISTED = 32


def upsert(connection: apsw.Connection, place: Place, batch: Batch) -> None:
    """Write the batch, replacing whole the documents with the same ids."""
    number = _namespace(connection, place)
    old: list[Any] = connection.execute(
        f"SELECT {HEAD} FROM documents WHERE namespace = ? AND id {_AMONG}", (number, _json(batch.ids))
    ).fetchall()
    _remove(connection, number, [row for row, *_ in old])
    insert(connection, number, _documents(batch, {id: created for *_, created, _, id, _ in old}))


def update(
    connection: apsw.Connection, place: Place, changes: Sequence[Change], now: int
) -> list[tuple[str, OnevecError]]:
    """Change documents; return those that don't exist."""
    number = _namespace(connection, place)
    missing: list[tuple[str, OnevecError]] = []
    for change in changes:
        old = connection.execute(
            f"SELECT {columns(include_vectors=True)} FROM documents WHERE namespace = ? AND id = ?", (number, change.id)
        ).fetchone()
        if not old:
            missing.append((change.id, DocumentNotFound(f"there is no document {change.id!r} to update")))
            continue
        document(old, include_vectors=True)  # which compares it with its checksums
        row, *_, created, _, _, metadata, text, vector = old
        _remove(connection, number, [row])
        text = text if change.text is None else change.text
        metadata = codec.encode(merge_patch(codec.decode(metadata), change.patch))
        vector = vector if change.vector is None else change.vector.astype("<f4").tobytes()
        insert(connection, number, [(change.id, text, metadata, created, now, vector)])
    return missing


def delete(connection: apsw.Connection, number: int, ids: Sequence[str] | None, filter: Filter | None) -> int:
    """Remove documents by ids or by filter; return how many existed."""
    if ids is not None:
        rows = rows_of(connection, number, ids)
    else:
        where, values = _where(number, filter)
        rows = [row for (row,) in connection.execute(f"SELECT row FROM documents WHERE {where}", values)]
    _remove(connection, number, rows)
    return len(rows)


def clear(connection: apsw.Connection, place: Place) -> int:
    """Remove a namespace and its documents; one of that name made later is another one."""
    number = namespace_number(connection, place)
    if number is None:
        return 0
    removed = sums_of(connection, number).documents
    connection.execute("DELETE FROM documents WHERE namespace = ?", (number,))
    texts.drop(connection, number)
    connection.execute("DELETE FROM namespaces WHERE number = ?", (number,))
    return removed


def by_ids(connection: apsw.Connection, number: int, ids: Sequence[str], *, include_vectors: bool) -> list[Document]:
    """Return those of the documents that exist."""
    wanted = columns(include_vectors=include_vectors)
    found = connection.execute(
        f"SELECT {wanted} FROM documents WHERE namespace = ? AND id {_AMONG}", (number, _json(ids))
    )
    return [document(row, include_vectors=include_vectors) for row in found]


def count(connection: apsw.Connection, number: int, filter: Filter | None) -> int:
    """Return how many documents match."""
    if filter is None:
        return sums_of(connection, number).documents
    where, values = _where(number, filter)
    counted: int = connection.execute(f"SELECT count(*) FROM documents WHERE {where}", values).get
    return counted


def page(
    connection: apsw.Connection,
    number: int,
    filter: Filter | None,
    after: str | None,
    limit: int,
    *,
    include_vectors: bool,
) -> tuple[list[Document], str | None]:
    """Return up to `limit` matching documents after an id, and the id to go on from."""
    where, values = _where(number, filter)
    found = connection.execute(
        f"SELECT {columns(include_vectors=include_vectors)} FROM documents "
        f"WHERE {where} AND id > ? ORDER BY id LIMIT ?",
        (*values, after or "", min(limit, 2**62) + 1),
    )
    some = [document(row, include_vectors=include_vectors) for row in found]
    return some[:limit], some[limit - 1].id if len(some) > limit else None


def rows_of(connection: apsw.Connection, number: int, ids: Iterable[str]) -> list[int]:
    """Return the rows of those of the ids that exist."""
    found = connection.execute(
        f"SELECT row FROM documents WHERE namespace = ? AND id {_AMONG}", (number, _json(list(ids)))
    )
    return [row for (row,) in found]


def found(
    connection: apsw.Connection, values: Mapping[int, float], request: Request, recent: RecentDocuments
) -> list[Found]:
    """Return the documents of some rows, each with its distance or score."""
    some: list[Found] = []
    unknown = list(values)
    if not request.include_vectors:
        here = [(row, recent.find(row)) for row in unknown]
        some = [(document, values[row]) for row, document in here if document is not None]
        unknown = [row for row, document in here if document is None]
    for row in _read(connection, unknown, columns(include_vectors=request.include_vectors)):
        read = document(row, include_vectors=request.include_vectors)
        if not request.include_vectors:
            recent.keep(row[0], read, metadata_of(row))
        some.append((read, values[row[0]]))
    if len(some) != len(values):
        raise Undecodable(f"{len(values) - len(some)} of {len(values)} rows of documents are missing")
    return some


def extent(connection: apsw.Connection, number: int) -> tuple[int, int | None]:
    """Return how many documents a namespace has and when the newest was written."""
    counted: tuple[int, int | None] = connection.execute(
        "SELECT count(*), max(updated) FROM documents WHERE namespace = ?", (number,)
    ).get
    return counted


def _read(connection: apsw.Connection, rows: Sequence[int], wanted: str) -> Iterable[tuple[Any, ...]]:  # Any: columns
    if not rows:
        return ()
    if len(rows) <= _LISTED:
        each = " UNION ALL ".join([f"SELECT {wanted} FROM documents WHERE row = ?"] * len(rows))
        return connection.execute(each, tuple(rows))
    return connection.execute(f"SELECT {wanted} FROM documents WHERE row {_AMONG}", (_json(rows),))


def _namespace(connection: apsw.Connection, place: Place) -> int:
    """The namespace's number, made if need be."""
    number = namespace_number(connection, place)
    if number is None:
        collection = collection_number(connection, place.collection)
        connection.execute("INSERT INTO namespaces (collection, name) VALUES (?, ?)", (collection, place.namespace))
        number = connection.last_insert_rowid()
    return number


def _remove(connection: apsw.Connection, number: int, rows: Sequence[int]) -> None:
    if not rows:
        return
    listed = _json(rows)
    sums = Sums()
    for head in connection.execute(f"DELETE FROM documents WHERE row {_AMONG} RETURNING {HEAD}", (listed,)):
        verify(head)
        sums.count(head[0], head[-2], head[2], sign=-1)
    sums.add_to(connection, number)
    connection.execute("INSERT INTO gone (namespace, row) SELECT ?, value FROM json_each(?)", (number, listed))
    oldest, newest = connection.execute("SELECT min(seq), max(seq) FROM gone").get
    if newest - oldest >= 2 * _KEPT_GONE:
        connection.execute("DELETE FROM gone WHERE seq <= ?", (newest - _KEPT_GONE,))
        connection.execute("UPDATE cut SET seq = ?", (newest - _KEPT_GONE,))


def _documents(batch: Batch, since: Mapping[str, int]) -> Iterator[New]:
    """The documents of a batch, created when they first were written."""
    width = batch.vectors.shape[1] * 4
    vectors = np.ascontiguousarray(batch.vectors, "<f4").tobytes()
    parts = zip(batch.ids, batch.texts, batch.metadata, batch.created, strict=True)
    for index, (id, text, metadata, created) in enumerate(parts):
        made = since.get(id, batch.now) if created is None else created
        yield id, text, codec.encode(metadata), made, batch.now, vectors[index * width : (index + 1) * width]


def _where(number: int, filter: Filter | None) -> tuple[str, tuple[object, ...]]:
    if filter is None:
        return "namespace = ?", (number,)
    sql = SqliteCompiler().compile(filter)
    return f"namespace = ? AND {sql.text}", (number, *sql.values)


def _json(values: Sequence[str] | Sequence[int]) -> str:
    return orjson.dumps(values).decode()
