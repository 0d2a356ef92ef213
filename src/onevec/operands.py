"""What a condition of a filter may compare with: checked, copied, and brought to one form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from onevec.errors import InvalidFilter
from onevec.values import as_utc, instant, is_number, moment_at

_MAX_NESTING = 64


def listed(name: str, values: object, op: str) -> tuple[object, ...]:
    """The members of an operand that is a list."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise refused(name, op, values, "takes a list")
    return tuple(values)


def ordered(name: str, op: str, value: object) -> int | float | datetime:
    """The operand of a comparison: a finite number, or an instant as a UTC datetime."""
    value = _plain(value)
    if is_number(value):
        number: int | float = element(name, op, value, lists=False)
        return number
    try:
        micros = instant(value)
    except ValueError as error:
        raise refused(name, op, value, str(error)) from None
    if micros is None:
        raise refused(name, op, value, "takes a number, a datetime or an ISO 8601 string")
    return moment_at(micros)


def element(name: str, op: str, value: object, *, lists: bool, depth: int = 0) -> Any:  # Any: an Operand
    """A value to be equal to."""
    value = _plain(value)
    match value:
        case bool():
            return value
        case int():
            if not -(2**63) <= value < 2**63:
                raise refused(name, op, value, "takes integers of up to 64 bits")
            return int(value)
        case float():
            if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 (NaN)
                raise refused(name, op, value, "takes finite numbers")
            return float(value)
        case str():
            return text(name, op, value)
        case datetime():
            try:
                return as_utc(value)
            except ValueError as error:
                raise refused(name, op, value, str(error)) from None
        case None if depth:
            return None
        case list() | tuple() if lists:
            if depth > _MAX_NESTING:
                raise refused(name, op, "a list", f"takes lists nested up to {_MAX_NESTING} deep")
            return tuple(element(name, op, item, lists=True, depth=depth + 1) for item in value)
        case list() | tuple():
            raise refused(name, op, value, "takes one element; for several use contains_any or contains_all")
        case dict():
            raise refused(name, op, value, "takes no object; compare its fields by dotted names")
        case _:
            raise refused(name, op, value, "takes a string, number, boolean or datetime")


def _plain(value: Any) -> Any:  # Any: a caller's value
    """The Python number of a NumPy scalar, without importing NumPy; its datetimes have no one Python form."""
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0 and value.dtype.kind in "biuf":
        return value.item()
    return value


def text(name: str, op: str, value: str) -> str:
    """A string, of valid Unicode."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise refused(name, op, value, "takes valid Unicode; this has a lone surrogate") from None
    return str.__str__(value)


def refused(name: str, op: str, value: object, why: str) -> InvalidFilter:
    """The error that names the condition and what it takes."""
    return InvalidFilter(f"{op} on '{name}' {why}, got {shown(value)}")


def shown(value: object) -> str:
    """A short ASCII form of any value, whatever it is."""
    if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004
        return f"an integer of {value.bit_length()} bits"
    if not isinstance(value, str | int | float | datetime):
        return type(value).__name__  # what is in it may be too deep or too long to show
    short = ascii(value)
    return f"{short[:60]}..." if len(short) > 63 else short  # noqa: PLR2004
