"""The full-text index of a namespace, in the same file: written when a text is first searched for after a write.

So a write costs no tokenizing, and a namespace that is never searched by words never pays for it. Each has a table of
its own, as BM25 counts how rare a word is: the texts of one tenant must not move the scores of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import apsw
import numpy as np

from onevec.adapters.sqlite.checksums import verify_text
from onevec.local.table import Mask
from onevec.local.text import TextIndex
from onevec.local.vectors import Rows

State: TypeAlias = tuple[Any, ...]  # Any: numbers, which may be missing
Keep: TypeAlias = Callable[[Rows], Mask]

# What FTS5 keeps a contentless table in.
_PARTS = ("data", "idx", "docsize", "config")


def index_of(connection: apsw.Connection, number: int) -> TextIndex:
    """Return the index of a namespace; its table may not be there yet."""
    return TextIndex(connection, f"texts_{int(number)}")


class Kept(NamedTuple):
    """Which rows a text search may find, and the state of the index when that was so."""

    state: State
    keep: Keep


class Ranking(NamedTuple):
    """The best rows of a text search, and the state of the index that gave them."""

    state: State
    scores: dict[int, float]


def ranked(connection: apsw.Connection, number: int, query: str, top_k: int, kept: Kept | None) -> Ranking | None:
    """Return the best rows by the index of a namespace, which has every text that the transaction sees.

    Args:
        connection: In a transaction.
        number: The namespace's.
        query: What to search for.
        top_k: How many rows.
        kept: Which may be found; None for all. If the index has changed since, None is returned.
    """
    now = state(connection, number)
    if kept is not None and kept.state != now:
        return None
    keep = _all if kept is None else kept.keep
    return Ranking(now, dict(index_of(connection, number).search(query, top_k, keep)))


def state(connection: apsw.Connection, number: int) -> State:
    """Return what differs between any two states of the index: its marks, and the sum of its rows' checksums.

    While it is current and in one state, the documents of its namespace are the same.
    """
    sql = "SELECT indexed, indexed_row, indexed_gone FROM namespaces WHERE number = ?"
    return connection.execute(sql, (number,)).fetchone() or ()


def is_current(connection: apsw.Connection, number: int) -> bool:
    """Return whether the index has every text that the connection's transaction sees."""
    indexed_row, indexed_gone, last_row, last_gone = _marks(connection, number)
    return indexed_row is not None and indexed_row >= last_row and indexed_gone >= last_gone


def is_sound(connection: apsw.Connection, number: int) -> bool:
    """Read the index through; return whether it is what was written, and has no texts but those it should have."""
    indexed_row, indexed_gone, _, _ = _marks(connection, number)
    if indexed_row is None:
        return True
    table = f"texts_{number}"
    try:
        sql = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).get
        if sql != index_of(connection, number).sql:
            return False
        for part in _PARTS:
            if connection.execute(f"PRAGMA integrity_check({table}_{part})").get != "ok":
                return False
        if _sum(connection, number) != connection.execute(_INDEXED, (number,)).get:
            return False
        removed = "SELECT row FROM gone WHERE seq > ? AND namespace = ?"
        stray = connection.execute(
            f"SELECT count(*) FROM (SELECT id FROM {table}_docsize "
            f"EXCEPT SELECT row FROM documents WHERE namespace = ? EXCEPT {removed})",
            (number, indexed_gone, number),
        ).get
    except (apsw.CorruptError, apsw.SQLError, UnicodeDecodeError):
        return False
    return bool(stray == 0)


def stored_texts(connection: apsw.Connection, number: int, after: int = 0) -> Iterator[tuple[int, str]]:
    """Yield row and text of the documents that have one and whose row is above another.

    Raises:
        Undecodable: A text is not what was written.
    """
    found = connection.execute(
        "SELECT row, text, text_checksum FROM documents WHERE namespace = ? AND row > ?", (number, after)
    )
    for row, text, checksum in found:
        verify_text(row, text, checksum)
        if text is not None:
            yield row, text


def catch_up(connection: apsw.Connection, number: int, *, anew: bool = False) -> None:
    """Bring the index up to date, or make it anew, inside a write transaction."""
    indexed_row, indexed_gone, last_row, last_gone = _marks(connection, number)
    index = index_of(connection, number)
    cut: int = connection.execute("SELECT seq FROM cut").get
    if anew or indexed_row is None or indexed_gone < cut:
        index.drop()
        index.create()
        indexed_row = 0
        connection.execute("UPDATE namespaces SET indexed = ? WHERE number = ?", (_sum(connection, number), number))
        removed: list[Any] = []
    else:
        removed = connection.execute(
            "SELECT row FROM gone WHERE seq > ? AND namespace = ? AND row <= ?", (indexed_gone, number, indexed_row)
        ).fetchall()
    with _summed(connection, number):
        index.remove([row for (row,) in removed])
        index.add(stored_texts(connection, number, indexed_row))
        index.flush()
    connection.execute(
        "UPDATE namespaces SET indexed_row = ?, indexed_gone = ? WHERE number = ?", (last_row, last_gone, number)
    )


def drop(connection: apsw.Connection, number: int) -> None:
    """Remove the index, inside a write transaction."""
    index_of(connection, number).drop()


def _marks(connection: apsw.Connection, number: int) -> tuple[int | None, int, int, int]:
    """What is in the index, and the last row and the last entry of `gone` that the namespace has."""
    marks: tuple[int | None, int, int, int] = connection.execute(
        "SELECT indexed_row, indexed_gone, (SELECT coalesce(max(row), 0) FROM documents WHERE namespace = number), "
        "(SELECT coalesce(max(seq), 0) FROM gone WHERE namespace = number) FROM namespaces WHERE number = ?",
        (number,),
    ).get
    return marks


def _all(rows: Rows) -> Mask:
    return np.ones(len(rows), np.bool_)


_INDEXED = "SELECT indexed FROM namespaces WHERE number = ?"


def _sum(connection: apsw.Connection, number: int) -> int:
    """The sum of the checksums of the rows that the index consists of."""
    return sum(
        _checksum(f"texts_{number}_{part}", row)
        for part in _PARTS
        for row in connection.execute(f"SELECT * FROM texts_{number}_{part}")
    )


@contextmanager
def _summed(connection: apsw.Connection, number: int) -> Iterator[None]:
    """Keep that sum while the index changes, without reading all of it."""
    parts = {f"texts_{number}_{part}" for part in _PARTS}
    difference = 0

    def note(update: apsw.PreUpdate) -> None:
        nonlocal difference
        if update.table_name in parts:
            if update.old is not None:
                difference -= _checksum(update.table_name, update.old)
            if update.new is not None:
                difference += _checksum(update.table_name, update.new)

    connection.preupdate_hook(note, id=note)
    try:
        yield
    finally:
        connection.preupdate_hook(None, id=note)
    connection.execute("UPDATE namespaces SET indexed = indexed + ? WHERE number = ?", (difference, number))


def _checksum(table: str, row: apsw.SQLiteValues) -> int:
    checksum = crc32(table.encode())
    for value in row:
        checksum = crc32(value if isinstance(value, bytes) else f" {value} ".encode(), checksum)
    return checksum
