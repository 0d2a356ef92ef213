"""The full-text index of a namespace, in the same file: written when a text is first searched for after a write.

So a write costs no tokenizing, and a namespace that is never searched by words never pays for it. Each has a table of
its own, as BM25 counts how rare a word is: the texts of one tenant must not move the scores of another.
"""

from __future__ import annotations

import apsw

from onevec.local.text import TextIndex


def index_of(connection: apsw.Connection, number: int) -> TextIndex:
    """Return the index of a namespace; its table may not be there yet."""
    return TextIndex(connection, f"texts_{int(number)}")


def is_current(connection: apsw.Connection, number: int) -> bool:
    """Return whether the index has every text that the connection's transaction sees."""
    indexed_row, indexed_gone, last_row, last_gone = _marks(connection, number)
    return indexed_row is not None and indexed_row >= last_row and indexed_gone >= last_gone


def catch_up(connection: apsw.Connection, number: int) -> None:
    """Bring the index up to date, inside a write transaction."""
    indexed_row, indexed_gone, last_row, last_gone = _marks(connection, number)
    index = index_of(connection, number)
    cut: int = connection.execute("SELECT seq FROM cut").get
    if indexed_row is None or indexed_gone < cut:
        index.drop()
        index.create()
        indexed_row = 0
    else:
        removed = connection.execute(
            "SELECT row FROM gone WHERE seq > ? AND namespace = ? AND row <= ?", (indexed_gone, number, indexed_row)
        )
        index.remove([row for (row,) in removed])
    index.copy(
        "SELECT row, text FROM documents WHERE namespace = ? AND row > ? AND text IS NOT NULL", (number, indexed_row)
    )
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
