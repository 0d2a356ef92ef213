"""What may come in. Everything here returns a clean copy or raises; nothing of the caller's is kept or changed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from numbers import Integral, Real
from typing import Any

from onevec.documents import Metadata
from onevec.errors import ConfigError, InvalidDocument, InvalidName, InvalidQuery
from onevec.values import as_utc

MAX_ID_BYTES = 512
MAX_NAMESPACE = 128
MAX_DEPTH = 32
_COLLECTION = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)


def checked_id(id: object) -> str:
    """Return the id.

    Raises:
        InvalidDocument: It isn't a non-empty string of up to 512 UTF-8 bytes without NUL.
    """
    if type(id) is str and id.isascii():
        size = len(id)
    elif isinstance(id, str):
        id = str.__str__(id)
        size = len(_encoded(id, f"id {_shown(id)}"))
    else:
        raise InvalidDocument(f"an id is a string, got {type(id).__name__}; use str(...)")
    if not 0 < size <= MAX_ID_BYTES or "\0" in id:
        raise InvalidDocument(
            f"an id has 1 to {MAX_ID_BYTES} UTF-8 bytes and no NUL, got {_shown(id)} ({size} bytes); "
            "a hash of it could stand in its place"
        )
    return id


def checked_ids(ids: object) -> list[str]:
    """Return the ids, each checked. One string is one id."""
    if isinstance(ids, str):
        return [checked_id(ids)]
    if not isinstance(ids, Iterable) or isinstance(ids, Mapping | bytes):
        raise InvalidQuery(f"ids is a list of strings, got {type(ids).__name__}")
    return [checked_id(id) for id in ids]


def checked_text(text: object, owner: str) -> str | None:
    """Return the text, or None.

    Raises:
        InvalidDocument: It is neither, or has a lone surrogate.
    """
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidDocument(f"{owner}: text is a string or None, got {type(text).__name__}")
    if not text.isascii():
        _encoded(text, f"{owner}: text")
    return str.__str__(text)


def checked_collection_name(name: object) -> str:
    """Return the name of a collection.

    Raises:
        InvalidName: It isn't 1 to 128 letters, digits, `.`, `_`, `-`.
    """
    if isinstance(name, str) and _COLLECTION.fullmatch(name):
        return str.__str__(name)
    raise InvalidName(f"a collection's name is 1 to 128 characters of A-Z a-z 0-9 . _ -, got {_shown(name)}")


def checked_namespace(name: object) -> str:
    """Return the name of a namespace.

    Raises:
        InvalidName: It isn't a string of up to 128 characters.
    """
    if not isinstance(name, str):
        raise InvalidName(f"a namespace is a string, got {type(name).__name__}")
    if len(name) > MAX_NAMESPACE:
        raise InvalidName(f"a namespace has up to {MAX_NAMESPACE} characters, got {len(name)}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidName(f"a namespace is valid Unicode, got {_shown(name)} with a lone surrogate") from None
    return str.__str__(name)


def checked_count(value: object, name: str, *, least: int = 1) -> int:
    """Return a whole number such as `top_k`.

    Raises:
        InvalidQuery: It isn't an integer, or is below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise InvalidQuery(f"{name} is a whole number of {least} or more, got {_shown(value)}")
    return int(value)


def checked_seconds(value: object, name: str) -> float | None:
    """Return how long something may take; None for no limit, as for infinity.

    Raises:
        ConfigError: It is neither None nor a number above 0.
    """
    if value is None or value == math.inf:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise ConfigError(f"{name} is a number of seconds above 0, or None for no limit, got {value!r}")


def checked_score(value: object, name: str = "min_score") -> float | None:
    """Return a score such as `min_score`.

    Raises:
        InvalidQuery: It is neither None nor a number, or is NaN.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
        raise InvalidQuery(f"{name} is a number or None, got {_shown(value)}")
    return float(value)


def clean_metadata(metadata: object, owner: str, *, keep_nulls: bool = False) -> Metadata:
    """Return a deep copy: nulls dropped, datetimes in UTC, tuples as lists, NumPy scalars as numbers.

    Args:
        metadata: A mapping with string keys, or None for no metadata.
        owner: Whose it is, for messages, e.g. `"document 'a'"`.
        keep_nulls: Keep them, as a patch needs.

    Raises:
        InvalidDocument: It isn't a JSON object of up to 32 levels, or a number is NaN, infinite or beyond 64 bits.
    """
    if metadata is None:
        return {}
    if type(metadata) is not dict and not isinstance(metadata, Mapping):
        raise InvalidDocument(f"{owner}: metadata is a JSON object (a dict), got {type(metadata).__name__}")
    try:
        return _object(metadata, 1, keep_nulls)
    except _Refused as refused:
        raise InvalidDocument(f"{owner}: metadata{refused.path} {refused.why}") from None


class _Refused(Exception):
    """Why a value was refused, and the path to it, put together on the way out."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.path = ""


def _object(value: Mapping[Any, Any], depth: int, keep_nulls: bool) -> Metadata:  # Any: the caller's
    if depth > MAX_DEPTH:
        raise _Refused(f"is nested deeper than {MAX_DEPTH} levels")
    clean: Metadata = {}
    for name, item in value.items():
        if type(name) is not str:
            if not isinstance(name, str):
                raise _Refused(f"has the key {_shown(name)}; keys are strings")
            name = str.__str__(name)  # noqa: PLW2901 (a subclass, such as a str enum)
        if not name.isascii():
            _valid(name)
        if "\0" in name:  # PostgreSQL can't hold it, and SQLite's JSON functions read only what stands before it
            raise _Refused(f"has the key {_shown(name)}; keys have no NUL")
        kind = type(item)
        # So are most; `_value` would only give them back.
        if (kind is str and item.isascii()) or kind is bool or (kind is int and -(2**63) <= item < 2**63):
            clean[name] = item
            continue
        if item is None:
            if keep_nulls:
                clean[name] = None
            continue
        try:
            clean[name] = _value(item, depth, keep_nulls)
        except _Refused as refused:
            refused.path = f"[{_shown(name)}]{refused.path}"
            raise
    return clean


def _value(value: Any, depth: int, keep_nulls: bool) -> Any:  # Any: the caller's, then JSON
    kind = type(value)  # the common types first: an isinstance on Integral or Mapping takes as long as all of these
    if kind is str and value.isascii():
        return value
    if kind is bool or value is None or (kind is int and -(2**63) <= value < 2**63):
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is list or kind is tuple:
        if depth >= MAX_DEPTH:
            raise _Refused(f"is nested deeper than {MAX_DEPTH} levels")
        return [
            item if type(item) is str and item.isascii() else _value(item, depth + 1, keep_nulls=False)
            for item in value  # a patch replaces lists whole
        ]
    a_duration = getattr(getattr(value, "dtype", None), "kind", None) == "m"  # NumPy's says that it is an integer
    match value:
        case Enum() if not isinstance(value, str | int | float):
            return _value(value.value, depth, keep_nulls)
        case str():
            _valid(value)
            return str.__str__(value)
        case Integral() if not a_duration:
            if not -(2**63) <= int(value) < 2**63:
                raise _Refused(
                    f"is an integer of {int(value).bit_length()} bits; integers have up to 64, as strings more"
                )
            return int(value)
        case Real() if not a_duration:
            number = float(value)
            if not math.isfinite(number):
                raise _Refused(f"is {number}; numbers are finite, leave it out instead")
            return number
        case datetime():
            try:
                return as_utc(value)
            except ValueError as error:
                raise _Refused(str(error)) from None
        case Mapping():
            return _object(value, depth + 1, keep_nulls)
        case list() | tuple():  # of a subclass
            return _value(list(value), depth, keep_nulls)
        case _ if str(getattr(value, "dtype", "")) == "bool" and getattr(value, "ndim", None) == 0:
            return bool(value)
        case _:
            raise _Refused(f"is of type {type(value).__name__}; use a string, number, boolean, datetime, list or dict")


def _valid(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Refused("has a lone surrogate; strings are valid Unicode") from None


def _encoded(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidDocument(f"{what} has a lone surrogate; strings are valid Unicode") from None


def _shown(value: object) -> str:
    """A short ASCII form of any value, whatever it is."""
    if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004
        return f"an integer of {value.bit_length()} bits"
    try:
        text = ascii(value)
    except Exception:  # noqa: BLE001 (a repr of the caller's, or a list with too long an integer)
        text = f"a {type(value).__name__}"
    return f"{text[:40]}..." if len(text) > 44 else text  # noqa: PLR2004
