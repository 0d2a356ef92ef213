"""When two metadata values are equal, and what is a point in time."""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# The extended forms of ISO 8601 / RFC 3339. The basic forms ("20200101") are left out: they look like numbers.
_ISO_8601 = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)


def value_key(value: Any) -> Hashable:  # Any: a JSON value or a datetime
    """Return a key that two values share exactly if the contract calls them equal.

    Numbers are equal as numbers (`1 == 1.0`), `True` is not 1, a datetime is equal to the same instant in any zone,
    a string is equal to nothing but itself; lists and objects compare member by member.
    """
    match value:
        case bool():
            return ("bool", value)
        case str() | int() | float() | None:
            return value
        case datetime():
            return ("datetime", microseconds(value))
        case list() | tuple():
            return ("list", tuple(map(value_key, value)))
        case dict():
            return ("object", frozenset((name, value_key(item)) for name, item in value.items()))
        case _:
            raise TypeError(f"not a metadata value: {type(value).__name__}")


def is_number(value: object) -> bool:
    """Return whether the value is a number; a boolean isn't."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def instant(value: object) -> int | None:
    """Return the microseconds since 1970 of a datetime or an ISO 8601 string, None for anything else."""
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, str) and _ISO_8601.fullmatch(value):
        try:
            return microseconds(datetime.fromisoformat(value.replace(",", ".")))
        except ValueError:  # the shape of a date, but no such day
            return None
    return None


def microseconds(moment: datetime) -> int:
    """Return the microseconds since 1970 of a datetime; one without a zone is UTC."""
    return (as_utc(moment) - EPOCH) // _MICROSECOND


@lru_cache(maxsize=1024)  # documents written together have one time
def moment_at(micros: int) -> datetime:
    """Return the UTC datetime that lies so many microseconds after 1970."""
    return EPOCH + timedelta(microseconds=micros)


def as_utc(moment: datetime) -> datetime:
    """Return the same instant in UTC; a datetime without a zone is taken as UTC.

    Raises:
        ValueError: The instant lies outside the years 1 to 9999 in UTC.
    """
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment} is outside the years 1 to 9999 in UTC") from None
