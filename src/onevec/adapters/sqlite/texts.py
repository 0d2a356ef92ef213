"""The full-text index of a collection, in the same file: written when a text is first searched for after a write.

So a write costs no tokenizing, and a collection that is never searched by words never pays for it.
"""

from __future__ import annotations

import apsw

from onevec.local.text import TextIndex


def index_of(connection: apsw.Connection, collection: int) -> TextIndex:
    """Return the index of a collection; its table may not be there yet."""
    return TextIndex(connection, f"texts_{int(collection)}")


def is_current(connection: apsw.Connection, collection: int) -> bool:
    """Return whether the index has every text that the connection's transaction sees."""
    indexed_row, indexed_gone, last_row, last_gone = _marks(connection, collection)
    return indexed_row is not None and indexed_row >= last_row and indexed_gone >= last_gone


def catch_up(connection: apsw.Connection, collection: int) -> None:
    """Bring the index up to date, inside a write transaction."""
    indexed_row, indexed_gone, last_row, last_gone = _marks(connection, collection)
    index = index_of(connection, collection)
    cut: int = connection.execute("SELECT seq FROM cut").get
    if indexed_row is None or indexed_gone < cut:
        index.drop()
        index.create()
        indexed_row = 0
    else:
        removed = connection.execute(
            "SELECT row FROM gone JOIN namespaces ON number = namespace WHERE seq > ? AND collection = ? AND row <= ?",
            (indexed_gone, collection, indexed_row),
        )
        index.remove([row for (row,) in removed])
    index.copy(
        "SELECT row, text FROM documents JOIN namespaces ON number = namespace "
        "WHERE collection = ? AND row > ? AND text IS NOT NULL",
        (collection, indexed_row),
    )
    connection.execute(
        "UPDATE collections SET indexed_row = ?, indexed_gone = ? WHERE number = ?", (last_row, last_gone, collection)
    )


def drop(connection: apsw.Connection, collection: int) -> None:
    """Remove the index, inside a write transaction."""
    index_of(connection, collection).drop()


def _marks(connection: apsw.Connection, collection: int) -> tuple[int | None, int, int, int]:
    marks: tuple[int | None, int, int, int] = connection.execute(
        "SELECT indexed_row, indexed_gone, (SELECT coalesce(max(row), 0) FROM documents), "
        "(SELECT coalesce(max(seq), 0) FROM gone) FROM collections WHERE number = ?",
        (collection,),
    ).get
    return marks
