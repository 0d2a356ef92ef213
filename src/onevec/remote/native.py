"""Conditions that a caller wrote as an engine's own dicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from onevec.errors import InvalidFilter

_DEEPEST = 32


def checked_dict(native: object, what: str) -> dict[str, Any]:  # Any: JSON values
    """Return a copy of a caller's dict, of plain JSON values.

    Args:
        native: The dict.
        what: What it is to be, for the message, such as `"a filter dict of Pinecone"`.

    Raises:
        InvalidFilter: It is none, is empty, has values that JSON hasn't, or is more than 32 levels deep.
    """
    if not isinstance(native, Mapping) or not native:
        raise InvalidFilter(f"native= is {what}, got {native!r:.80}")
    try:
        copy: dict[str, Any] = orjson.loads(orjson.dumps(dict(native)))
    except (TypeError, ValueError) as error:
        raise InvalidFilter(f"native= is {what}, of JSON values: {error}") from error
    if _depth(copy) > _DEEPEST:
        raise InvalidFilter(f"native= is {what}, up to {_DEEPEST} levels deep")
    return copy


def _depth(value: object) -> int:
    match value:
        case dict():
            return 1 + max(map(_depth, value.values()), default=0)
        case list():
            return 1 + max(map(_depth, value), default=0)
        case _:
            return 0
