"""Conditions that a caller wrote as Chroma's own."""

from __future__ import annotations

from typing import Any

from onevec.errors import InvalidFilter
from onevec.remote.native import checked_dict


def own_where(native: object) -> dict[str, Any]:  # Any: JSON values
    """Return a caller's `where`.

    Raises:
        InvalidFilter: Chroma's client doesn't take it.
    """
    from chromadb.api.types import validate_where

    where = checked_dict(native, "a where dict of Chroma")
    try:
        validate_where(where)
    except ValueError as error:
        raise InvalidFilter(f"native=: {error}") from error
    return where
