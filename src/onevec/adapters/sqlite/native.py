"""Conditions that a caller wrote in SQLite's own SQL, on the columns of one document."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import apsw

from onevec.compile.dialects import SQLITE
from onevec.compile.native import condition
from onevec.errors import InvalidFilter


def shown(native: object) -> dict[str, Any]:  # Any: JSON values
    """Return what SQLite is asked, for `explain`."""
    text, values = condition(native, SQLITE)
    return {"sql": text, "values": list(values)}


def rows_that_match(
    connection: apsw.Connection, number: int, native: object, among: Collection[int] | None
) -> list[int]:
    """Return the rows of a namespace of which the condition is true, and which are among others.

    Raises:
        InvalidFilter: It is no condition, or fails on a document.
    """
    text, values = condition(native, SQLITE)
    statement = f"SELECT row FROM documents WHERE namespace = ? AND {text}"
    try:
        found = [row for (row,) in connection.execute(statement, (number, *values))]
    except apsw.SQLError as error:
        raise InvalidFilter(f"native=: SQLite refuses {text}: {error}") from error
    return found if among is None else sorted(set(found).intersection(among))
