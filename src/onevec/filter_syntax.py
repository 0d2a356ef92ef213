"""The other ways to write a filter: dicts, triples, lists and text. All are read into the tree of `onevec.filters`.

    {"year": {"$gte": 1958}, "$or": [{"lang": "en"}, {"tags": {"$contains": "wing"}}]}
    {"confidence": {"gte": 0.8, "lte": 1.0}, "lang": "en"}
    SearchFilter("year", "gte", 1958)
    'year >= 1958 and lang == "en"'

What stands side by side, in a dict or in a list, must hold together. A bare value means equality, with a list too.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, assert_never

from onevec.codec import DATETIME, iso
from onevec.errors import InvalidFilter
from onevec.filter_text import parse_text, to_text
from onevec.filters import (
    MAX_DEPTH,
    And,
    Condition,
    Filter,
    FilterLike,
    Not,
    Op,
    Or,
    SearchFilter,
    all_of,
    checked_depth,
    condition,
    field,
)
from onevec.values import as_utc, instant, moment_at

__all__ = ["parse_filter", "parse_text", "to_dict", "to_text"]

_NAMES: Final = {op.value: op for op in Op} | {"lte": Op.LE, "gte": Op.GE, "nin": Op.NOT_IN}
_SHOWN: Final = 60
_WRITTEN: Final = {Op.LE: "$lte", Op.GE: "$gte", Op.NOT_IN: "$nin"}


def parse_filter(value: FilterLike | None) -> Filter | None:
    """Return the tree of a filter in any of its written forms, its conditions checked; None for None.

    Raises:
        InvalidFilter: It is no filter. The message names the place.
    """
    return None if value is None else checked_depth(_filter(value, "", 0))


def to_dict(filter: Filter) -> dict[str, Any]:  # Any: JSON values
    """Return the filter as a JSON object, datetimes as `{"$datetime": ...}`; `parse_filter` gives back an equal one.

    Raises:
        InvalidFilter: The filter is nested too deeply.
    """
    return _dict(checked_depth(filter))


def _filter(value: object, place: str, depth: int) -> Filter:
    _check_depth(depth)
    match value:
        case Condition():
            return condition(value.field, _operator(value.op, place), value.value)
        case And(filters=parts) | Or(filters=parts):
            return type(value)(tuple(_filter(part, place, depth + 1) for part in parts))
        case Not():
            return Not(_filter(value.filter, place, depth + 1))
        case Mapping():
            return _together(_entry(name, item, place, depth) for name, item in value.items())
        case SearchFilter(name, operator, operand) | [str() as name, str() as operator, operand]:
            op = _operator(operator, place)
            bare = operand is None and op in {Op.EXISTS, Op.MISSING}
            return _condition(name, op, True if bare else operand, place)
        case str() if depth == 0:
            return parse_text(value)
        case list() | tuple():
            return _together(_filter(part, f"{place}[{i}]", depth + 1) for i, part in enumerate(value))
        case _:
            raise _error(
                "expected a filter: a tree of field(...) conditions, a dict, (field, operator, value), a list of these "
                f"or, by itself, a text; got {type(value).__name__}",
                place,
            )


def _together(filters: Iterable[Filter]) -> Filter:
    parts = tuple(filters)
    return parts[0] if len(parts) == 1 else all_of(*parts)


def _entry(name: object, value: object, place: str, depth: int) -> Filter:
    """One entry of a dict: a field and what must hold of it, or a way to combine filters."""
    inside = f"{place}.{_shown(name)}".removeprefix(".")
    match name:
        case "$not":
            return Not(_filter(value, inside, depth + 1))
        case "$and" | "$or" | "$nor":
            if not isinstance(value, list | tuple):
                raise _error(f"expected a list of filters, got {type(value).__name__}", inside)
            parts = tuple(_filter(part, f"{inside}[{i}]", depth + 1) for i, part in enumerate(value))
            return And(parts) if name == "$and" else Or(parts) if name == "$or" else Not(Or(parts))
        case str() if not name.startswith("$"):
            return _tests(name, value, inside, depth)
        case _:
            raise _error(f"expected a field, $and, $or, $nor or $not, got {_shown(name)}", place)


def _tests(name: str, value: object, place: str, depth: int) -> Filter:
    """What a dict says of one field."""
    _check_depth(depth)
    match value:
        case Mapping() if not value:
            raise _error('expected an operator, as in {"gte": 1}, got an empty object', place)
        case Mapping() if value.keys() != {DATETIME}:
            return _together(_test(name, operator, operand, place, depth) for operator, operand in value.items())
        case _:
            return _condition(name, Op.EQ, value, place)


def _test(name: str, operator: object, operand: object, place: str, depth: int) -> Filter:
    if operator == "$not":
        return Not(_tests(name, operand, f"{place}.$not", depth + 1))
    if isinstance(operator, str) and not operator.startswith("$") and operator not in _NAMES:
        hint = f"a field inside another is written with a dot: {{'{_shown(name)}.{_shown(operator)}': ...}}"
        raise _error(f"{_no_operator(operator)}; {hint}", place)
    return _condition(name, _operator(operator, place), operand, f"{place}.{_shown(operator)}")


def _condition(name: str, op: Op, operand: object, place: str) -> Filter:
    value = _operand(operand, place, 0)
    try:
        match op:
            case Op.EXISTS | Op.MISSING:
                if not isinstance(value, bool):
                    raise InvalidFilter(f"{op} on '{_shown(name)}' takes true or false, got {type(value).__name__}")
                return condition(name, Op.EXISTS if value is (op is Op.EXISTS) else Op.MISSING)
            case Op.IN:
                return field(name).is_in(value)  # type: ignore[arg-type]  # it checks that it is a list
            case Op.NOT_IN:
                return field(name).not_in(value)  # type: ignore[arg-type]  # the same
            case _:
                return condition(name, op, value)
    except InvalidFilter as error:
        raise _error(str(error), place) from None


def _operand(value: object, place: str, depth: int) -> object:
    """The value, with the datetimes in it read."""
    match value:
        case list() | tuple() if depth > MAX_DEPTH + 1:
            raise _error(f"lists are nested at most {MAX_DEPTH} deep", place)
        case list() | tuple():
            return [_operand(item, place, depth + 1) for item in value]
        case Mapping() if value.keys() == {DATETIME}:
            text = value[DATETIME]
            micros = instant(text) if isinstance(text, str) else None
            if micros is None:
                raise _error(f'expected a datetime as in {{"{DATETIME}": "2020-01-31T12:00:00Z"}}', place)
            return moment_at(micros)
        case _:
            return value


def _operator(name: object, place: str) -> Op:
    op = _NAMES.get(name.removeprefix("$")) if isinstance(name, str) else None
    if op is None:
        raise _error(_no_operator(name), place)
    return op


def _no_operator(name: object) -> str:
    return f"{_shown(name)} is no operator; there are {', '.join(_NAMES)}, also with a $"


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidFilter(f"the filter is nested deeper than {MAX_DEPTH} levels; flatten it, or use is_in([...])")


def _error(message: str, place: str) -> InvalidFilter:
    return InvalidFilter(f"{message} (at {place})" if place else message)


def _shown(name: object) -> str:
    if not isinstance(name, str):
        return type(name).__name__
    return name if name.isprintable() and 0 < len(name) <= _SHOWN else reprlib.repr(name)


def _dict(filter: Filter) -> dict[str, Any]:  # Any: JSON values
    match filter:
        case Condition(op=Op.EXISTS | Op.MISSING):
            return {filter.field: {"$exists": filter.op is Op.EXISTS}}
        case Condition():
            return {filter.field: {_WRITTEN.get(filter.op, f"${filter.op}"): _json(filter.value)}}
        case And():
            return {"$and": list(map(_dict, filter.filters))}
        case Or():
            return {"$or": list(map(_dict, filter.filters))}
        case Not():
            return {"$not": _dict(filter.filter)}
        case _:
            assert_never(filter)


def _json(value: Any) -> Any:  # Any: an operand, then a JSON value
    match value:
        case datetime():
            return {DATETIME: iso(as_utc(value))}
        case tuple() | list():
            return list(map(_json, value))
        case _:
            return value
