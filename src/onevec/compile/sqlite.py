"""Filters as SQLite's SQL, on a column of JSON text.

A JSON value in SQLite is a type and a value: `json_type` and `json_extract` of a field, `type` and `value` in a row of
`json_each`. The value alone doesn't tell: it is 1 for true, and for a list or an object a text as for a string.
"""

# ruff: noqa: S608 (the text is made of constants and of field names that were checked; values are bound)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from onevec.codec import DATETIME, iso
from onevec.compile.sql import Sql, SqlCompiler, SqlValue
from onevec.compile.tree import compiles
from onevec.filters import Condition, Op, Operand, checked_field
from onevec.values import instant, microseconds, value_key

_SYMBOLS = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}


class SqliteCompiler(SqlCompiler):
    """Conditions on a column of JSON text, as `onevec.codec.encode` writes it.

    The connection must have the `FUNCTIONS`. They are called for list equality, and for strings where a filter compares
    with a datetime; all else is SQLite's own.

    Args:
        column: The column, as SQL.
    """

    def __init__(self, column: str = "metadata") -> None:
        self._column = column

    @compiles(Op.EXISTS)
    def exists(self, condition: Condition) -> Sql:
        return Sql(f"({self._field(condition).value} IS NOT NULL)")

    @compiles(Op.EQ)
    def equal(self, condition: Condition) -> Sql:
        if isinstance(condition.value, tuple):
            return Sql(f"({self._list(condition)} = ?)", (_canonical(condition.value),))
        return _equal(self._field(condition), condition.value)

    @compiles(Op.IN)
    def one_of(self, condition: Condition) -> Sql:
        scalars = [value for value in _items(condition) if not isinstance(value, tuple)]
        lists = [_canonical(value) for value in _items(condition) if isinstance(value, tuple)]
        parts = [_among(self._field(condition), scalars)] if scalars else []
        if lists:
            parts.append(Sql(f"({self._list(condition)} IN (SELECT value FROM json_each(?)))", (_json(lists),)))
        return self.any_of(parts)

    @compiles(Op.NE, Op.NOT_IN, Op.MISSING)
    def complement(self, condition: Condition) -> Sql:
        opposite = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.MISSING: Op.EXISTS}[condition.op]
        return self.negate(self.compare(Condition(condition.field, opposite, condition.value)))

    @compiles(*_SYMBOLS)
    def ordered(self, condition: Condition) -> Sql:
        field, symbol, bound = self._field(condition), _SYMBOLS[condition.op], condition.value
        if not isinstance(bound, datetime):
            return Sql(f"({field.value} {symbol} ? AND {field.type} IN ('integer', 'real'))", (_scalar(bound),))
        return Sql(
            f"CASE {field.type} WHEN 'object' THEN {self._value(condition, DATETIME)} {symbol} ? "
            f"WHEN 'text' THEN onevec_instant({field.value}) {symbol} ? END",
            (iso(bound), microseconds(bound)),
        )

    @compiles(Op.BETWEEN)
    def between(self, condition: Condition) -> Sql:
        low, high = _items(condition)
        return self.all_of(
            [
                self.ordered(Condition(condition.field, Op.GE, low)),
                self.ordered(Condition(condition.field, Op.LE, high)),
            ]
        )

    @compiles(Op.CONTAINS)
    def contains(self, condition: Condition) -> Sql:
        return self._some_element(condition, _equal(_ELEMENT, condition.value))

    @compiles(Op.CONTAINS_ANY)
    def contains_any(self, condition: Condition) -> Sql:
        return self._some_element(condition, _among(_ELEMENT, _items(condition)))

    @compiles(Op.CONTAINS_ALL)
    def contains_all(self, condition: Condition) -> Sql:
        wanted = _among(_ELEMENT, _items(condition))
        return Sql(
            f"({self._field(condition).type} = 'array' AND (SELECT count(*) FROM (SELECT DISTINCT {_ELEMENT.typed} "
            f"FROM {self._elements(condition)} WHERE {wanted.text})) = ?)",
            (*wanted.values, len(set(map(value_key, _items(condition))))),
        )

    @compiles(Op.STARTS_WITH)
    def starts_with(self, condition: Condition) -> Sql:
        return self._text_at(condition, "= 1")

    @compiles(Op.HAS_TEXT)
    def has_text(self, condition: Condition) -> Sql:
        return self._text_at(condition, "> 0")

    def _text_at(self, condition: Condition, position: str) -> Sql:
        field = self._field(condition)
        # instr and not substr, which stops at a NUL.
        return Sql(f"(instr({field.value}, ?) {position} AND {field.type} = 'text')", (_scalar(condition.value),))

    def _some_element(self, condition: Condition, test: Sql) -> Sql:
        return Sql(
            f"({self._field(condition).type} = 'array' AND "
            f"EXISTS (SELECT 1 FROM {self._elements(condition)} WHERE {test.text}))",
            test.values,
        )

    def _elements(self, condition: Condition) -> str:
        return f"json_each({self._column}, {_path(condition)}) AS element"

    def _field(self, condition: Condition) -> _Json:
        return _Json(f"json_type({self._column}, {_path(condition)})", self._value(condition))

    def _value(self, condition: Condition, *below: str) -> str:
        return f"json_extract({self._column}, {_path(condition, *below)})"

    def _list(self, condition: Condition) -> str:
        return f"onevec_list({self._column} -> {_path(condition)})"


class _Json(NamedTuple):
    """Where SQL finds the type and the value."""

    type: str
    value: str

    @property
    def typed(self) -> str:
        """Both, with one type for all numbers, which SQLite compares exactly."""
        return f"iif({self.type} = 'real', 'integer', {self.type}), {self.value}"


_ELEMENT = _Json("element.type", "element.value")
_LISTED = _Json("type", "value")


def _equal(json: _Json, value: Operand) -> Sql:
    match value:
        case bool():
            return Sql(f"({json.type} = '{str(value).lower()}')")
        case str():
            return Sql(f"({json.value} = ? AND {json.type} = 'text')", (value,))
        case int() | float():
            return Sql(f"({json.value} = ? AND {json.type} IN ('integer', 'real'))", (value,))
        case _:
            return Sql(f"({json.value} = ? AND {json.type} = 'object')", (_json(value),))


def _among(json: _Json, values: Sequence[Operand]) -> Sql:
    """One parameter for any number of values, as a statement can have only so many."""
    return Sql(f"(({json.typed}) IN (SELECT {_LISTED.typed} FROM json_each(?)))", (_json(values),))


def _items(condition: Condition) -> tuple[Any, ...]:  # Any: operands
    items: tuple[Any, ...] = condition.value  # type: ignore[assignment]  # by the operator
    return items


def _scalar(value: Operand) -> SqlValue:
    return value  # type: ignore[return-value]  # by the operator


def _path(condition: Condition, *below: str) -> str:
    """The field as a literal: of names that were checked, and constant, so that an index on an expression can serve."""
    names = (*checked_field(condition.field).split("."), *below)
    return "'$." + ".".join(f'"{name}"' for name in names) + "'"


def _json(value: Any) -> str:  # Any: an operand, or several
    return orjson.dumps(_tagged(value)).decode()


def _tagged(value: Any) -> Any:  # Any: an operand, then a JSON value
    match value:
        case datetime():
            return {DATETIME: iso(value)}
        case list() | tuple():
            return [_tagged(item) for item in value]
        case _:
            return value


def _canonical(value: Any) -> str:  # Any: an operand
    return str(canonical_list(_json(value)))


def canonical_list(text: str | None) -> str | None:
    """Return one and the same JSON text for equal lists, None for what isn't a list."""
    if text is None or not text.startswith("["):
        return None
    return orjson.dumps(_numbers_alike(orjson.loads(text)), option=orjson.OPT_SORT_KEYS).decode()


def _numbers_alike(value: Any) -> Any:  # Any: a JSON value
    match value:
        case float() if value.is_integer() and -(2.0**63) <= value < 2.0**63:
            return int(value)
        case list():
            return [_numbers_alike(item) for item in value]
        case dict():
            return {name: _numbers_alike(item) for name, item in value.items()}
        case _:
            return value


FUNCTIONS: Mapping[str, Callable[..., str | int | None]] = {  # ...: SQLite gives any of its values
    "onevec_instant": instant,
    "onevec_list": canonical_list,
}
