"""Bringing a file of schema 1, which had no checksums, to the tables of today."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from onevec.adapters.sqlite import seal
from onevec.adapters.sqlite.checksums import Sums
from onevec.adapters.sqlite.rows import with_checksums
from onevec.adapters.sqlite.tables import TABLES

_OLD = ("collections", "namespaces", "documents", "gone", "cut")


def upgrade(connection: apsw.Connection, version: int) -> None:
    """Upgrade the file if it is of schema 1, in one transaction; of several processes that try at once, one does."""
    if connection.pragma("user_version") != 1:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.pragma("user_version") == 1:
            _rebuild(connection)
            connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _rebuild(connection: apsw.Connection) -> None:
    connection.execute("DROP INDEX documents_namespace")
    for table in _OLD:
        connection.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    connection.execute(TABLES)
    seal.begin(connection)
    seal.watch(connection)
    connection.execute(
        "INSERT INTO collections (number, name, dimension, metric, embedder, created) "
        "SELECT number, name, dimension, metric, embedder, created FROM old_collections"
    )
    # Without their marks, so that the full-text indexes, which have no checksums either, are made anew.
    connection.execute(
        "INSERT INTO namespaces (number, collection, name) SELECT number, collection, name FROM old_namespaces"
    )
    numbers: list[Any] = connection.execute("SELECT number FROM namespaces").fetchall()
    for (number,) in numbers:
        sums = Sums()
        old: Iterable[Any] = connection.execute(
            "SELECT row, id, text, metadata, created, updated, vector FROM old_documents WHERE namespace = ?", (number,)
        )
        rows = with_checksums(number, ((row, document) for row, *document in old), sums)
        connection.executemany(f"INSERT INTO documents VALUES ({'?, ' * 10}?)", rows)
        sums.add_to(connection, number)
    connection.execute("INSERT INTO gone SELECT * FROM old_gone; UPDATE cut SET seq = (SELECT seq FROM old_cut)")
    connection.execute(
        "DELETE FROM sqlite_sequence WHERE name NOT LIKE 'old~_%' ESCAPE '~'; "
        "UPDATE sqlite_sequence SET name = substr(name, 5)"
    )
    for table in reversed(_OLD):
        connection.execute(f"DROP TABLE old_{table}")
    seal.seal(connection)
