"""Pinecone's filters, strictly as they are published: https://docs.pinecone.io/guides/search/filter-by-metadata."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

MOST_VALUES = 10_000
_RANGES: Mapping[str, Callable[[float, float], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


class Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, why: str, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(why)
        self.status = status
        self.code = code


def compiled(filter: Json) -> Callable[[Json], bool]:
    """Return what a filter says of a record's metadata.

    `$eq` and `$in` are true of a list if they are of an element, `$ne` and `$nin` if they are of all; without the
    field, only `$ne`, `$nin` and `{"$exists": false}` are true. Ranges are of numbers.
    """
    parts = [_compiled_part(name, condition) for name, condition in filter.items()]
    return lambda metadata: all(part(metadata) for part in parts)


def check(filter: Json) -> None:
    """Refuse what isn't a filter."""
    if not filter:
        raise Refused(400, "the filter must be a non-empty object")
    for name, condition in filter.items():
        if name in ("$and", "$or"):
            if not isinstance(condition, list) or not condition:
                raise Refused(400, f"{name} must be a non-empty array")
            for part in condition:
                check(part)
        elif name.startswith("$"):
            raise Refused(400, f"unknown operator {name!r}")
        else:
            for op, value in (condition if isinstance(condition, dict) else {"$eq": condition}).items():
                _check_operand(op, value)


def _check_operand(op: str, value: object) -> None:
    match op, value:
        case (("$eq" | "$ne"), (str() | bool() | int() | float())):
            pass
        case (("$gt" | "$gte" | "$lt" | "$lte"), (int() | float())) if not isinstance(value, bool):
            pass
        case (("$in" | "$nin"), list()) if value and all(type(one) in (str, int, float) for one in value):
            if len(value) > MOST_VALUES:
                raise Refused(400, f"{op} takes up to {MOST_VALUES} values, got {len(value)}")
        case "$exists", bool():
            pass
        case _:
            raise Refused(400, f"the operator {op!r} doesn't take {value!r:.60}")


def _compiled_part(name: str, condition: Any) -> Callable[[Json], bool]:
    if name in ("$and", "$or"):
        parts, joined = [compiled(part) for part in condition], all if name == "$and" else any
        return lambda metadata: joined(part(metadata) for part in parts)
    operators = condition if isinstance(condition, dict) else {"$eq": condition}
    tests = [_compiled_operator(op, operand) for op, operand in operators.items()]
    return lambda metadata: all(test(metadata.get(name)) for test in tests)


def _compiled_operator(op: str, operand: Any) -> Callable[[Any], bool]:
    if op == "$exists":
        return lambda value: (value is not None) is operand
    if op in _RANGES:
        holds = _RANGES[op]
        return lambda value: any(kind == "number" and holds(number, operand) for kind, number in _typed(value))
    wanted = _typed(operand)
    if op in ("$eq", "$in"):
        return lambda value: not wanted.isdisjoint(_typed(value))
    return lambda value: wanted.isdisjoint(_typed(value))


def _typed(value: Any) -> set[tuple[str, Any]]:
    """The values that a field has, or an operand, with their types: True is not 1."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return {
        ("number" if isinstance(one, int | float) and not isinstance(one, bool) else type(one).__name__, one)
        for one in values
    }
