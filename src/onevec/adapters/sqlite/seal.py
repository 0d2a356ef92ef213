"""The checksum over all collections and namespaces: made by each commit, compared when a store is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import apsw
import orjson

from onevec.adapters.sqlite.failures import Undecodable

_TABLES = ("collections", "namespaces")

# What the seal is over, beside the sum of checksums.
_REST = (
    "(SELECT seq FROM cut), (SELECT json_group_array(name || ' ' || seq ORDER BY name) FROM sqlite_sequence "
    "WHERE name IN ('collections', 'documents', 'gone', 'namespaces'))"
)


def begin(connection: apsw.Connection) -> None:
    """Seal a file whose tables have just been made."""
    connection.execute("INSERT INTO seal VALUES (0, ?)", (_over(0, connection.execute(f"SELECT {_REST}").get),))


def watch(connection: apsw.Connection) -> None:
    """Have the rows of collections and namespaces that this connection changes noted, until `seal`."""
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS changed "
        "(name TEXT, number INTEGER, checksum INTEGER, PRIMARY KEY (name, number))"
    )
    for table in _TABLES:
        for event, number, checksum in (
            ("INSERT", "NEW.number", "0"),
            ("UPDATE", "OLD.number", "OLD.checksum"),
            ("DELETE", "OLD.number", "OLD.checksum"),
        ):
            connection.execute(
                f"CREATE TEMP TRIGGER IF NOT EXISTS {table}_{event.lower()} AFTER {event} ON main.{table} "
                f"BEGIN INSERT OR IGNORE INTO changed VALUES ('{table}', {number}, {checksum}); END"
            )


def seal(connection: apsw.Connection) -> None:
    """Bring the checksums up to date, as the last thing in a write transaction."""
    changed: list[Any] = connection.execute("SELECT name, number, checksum FROM temp.changed").fetchall()
    difference = 0
    for table, number, before in changed:
        row = connection.execute(f"SELECT * FROM {table} WHERE number = ?", (number,)).fetchone()
        if row:
            now = _checksum(table, row)
            connection.execute(f"UPDATE {table} SET checksum = ? WHERE number = ?", (now, number))
            difference += now
        difference -= before
    if changed:
        connection.execute("DELETE FROM temp.changed")
    sums, sealed, *rest = connection.execute(f"SELECT sums, checksum, {_REST} FROM seal").get
    sums += difference
    checksum = _over(sums, rest)
    if changed or checksum != sealed:  # a number can have been given out for a row that was not inserted
        connection.execute("UPDATE seal SET sums = ?, checksum = ?", (sums, checksum))


def verify_seal(connection: apsw.Connection) -> None:
    """Compare the checksums with what is there.

    Raises:
        Undecodable: The collections and namespaces are not those of one commit.
    """
    sums = 0
    for table in _TABLES:
        found = connection.execute(f"PRAGMA integrity_check({table})").get
        if found != "ok":
            raise Undecodable(f"{table}: {found}")
        for row in connection.execute(f"SELECT * FROM {table}"):
            if _checksum(table, row) != row[-1]:
                raise Undecodable(f"row {row[0]} of {table} is not what was written")
            sums += row[-1]
    sealed: list[Any] = connection.execute(f"SELECT sums, checksum, {_REST} FROM seal").fetchall()
    if [one[:2] for one in sealed] != [(sums, _over(sums, sealed[0][2:]))]:
        raise Undecodable("its parts are not of one commit")
    newest, given = connection.execute(
        "SELECT (SELECT max(seq) FROM gone), (SELECT seq FROM sqlite_sequence WHERE name = 'gone')"
    ).get
    if newest is not None and newest > given:
        raise Undecodable("gone has an entry that was not written")


def _checksum(table: str, row: apsw.SQLiteValues) -> int:
    return crc32(orjson.dumps((table, *row[:-1]), default=repr))  # repr: of bytes, which only a damaged file has


def _over(sums: int, rest: Sequence[Any]) -> int:  # Any: the columns of _REST, whatever they are in a damaged file
    return crc32(orjson.dumps((sums, *rest), default=repr))
