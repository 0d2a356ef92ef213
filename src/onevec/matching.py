"""What a filter means. Every engine gives the answer that this module gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from onevec.filters import And, Condition, Filter, Not, Op, Or
from onevec.values import instant, is_number, value_key

MISSING = object()


def matches(filter: Filter, metadata: Mapping[str, Any]) -> bool:  # Any: JSON values and datetimes
    """Return whether a document with this metadata matches the filter."""
    match filter:
        case Condition():
            return holds(filter, lookup(metadata, filter.path))
        case And():
            return all(matches(part, metadata) for part in filter.filters)
        case Or():
            return any(matches(part, metadata) for part in filter.filters)
        case Not():
            return not matches(filter.filter, metadata)
        case _:
            assert_never(filter)


def lookup(metadata: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # Any: the value, or MISSING
    """Return the value at the end of the path, or `MISSING`. A path doesn't reach into lists; a null is no value."""
    value: Any = metadata
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return MISSING if value is None else value


def holds(condition: Condition, value: Any) -> bool:  # Any: the value, or MISSING
    """Return whether the condition is true of the field's value."""
    operand: Any = condition.value
    match condition.op:
        case Op.EXISTS:
            return value is not MISSING
        case Op.MISSING:
            return value is MISSING
        case Op.NE:
            return value is MISSING or value_key(value) != value_key(operand)
        case Op.NOT_IN:
            return value is MISSING or value_key(value) not in set(map(value_key, operand))
    if value is MISSING:
        return False
    match condition.op:
        case Op.EQ:
            return value_key(value) == value_key(operand)
        case Op.IN:
            return value_key(value) in set(map(value_key, operand))
        case Op.LT | Op.LE | Op.GT | Op.GE:
            return _compares(condition.op, value, operand)
        case Op.BETWEEN:
            low, high = operand
            return _compares(Op.GE, value, low) and _compares(Op.LE, value, high)
        case Op.CONTAINS:
            return isinstance(value, list) and value_key(operand) in map(value_key, value)
        case Op.CONTAINS_ANY:
            return isinstance(value, list) and not set(map(value_key, value)).isdisjoint(map(value_key, operand))
        case Op.CONTAINS_ALL:
            return isinstance(value, list) and set(map(value_key, value)).issuperset(map(value_key, operand))
        case Op.STARTS_WITH:
            return isinstance(value, str) and value.startswith(operand)
        case Op.HAS_TEXT:
            return isinstance(value, str) and operand in value
        case _:
            assert_never(condition.op)


def _compares(op: Op, value: Any, operand: Any) -> bool:  # Any: any value; a number or a datetime
    """Numbers compare with numbers and instants with instants; nothing else compares."""
    if is_number(operand):
        if not is_number(value):
            return False
    else:
        value, operand = instant(value), instant(operand)
        if value is None:
            return False
    match op:
        case Op.LT:
            return bool(value < operand)
        case Op.LE:
            return bool(value <= operand)
        case Op.GT:
            return bool(value > operand)
        case _:
            return bool(value >= operand)
