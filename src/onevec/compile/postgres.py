"""Filters as PostgreSQL's SQL, on a column of JSONB.

JSONB's own comparison is the contract's: numbers compare as numbers, exactly and whatever their type, true isn't 1,
lists are equal element by element. Equality with a scalar and membership are containment (`@>`), which a GIN index can
serve.
"""

# ruff: noqa: S608 (the text is made of constants and of field names that were checked; values are bound)

from __future__ import annotations

from datetime import datetime
from typing import Any

from onevec.compile.jsonb import coded, encode_at, encode_operand
from onevec.compile.sql import Sql, SqlCompiler
from onevec.compile.tree import compiles
from onevec.filters import Condition, Op, checked_field
from onevec.values import microseconds

_SYMBOLS = {Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">="}

# Up to so many alternatives are tried one by one; more of them are looked up in a table that PostgreSQL makes first.
_FEW = 16


class PostgresCompiler(SqlCompiler):
    """Conditions on a column of JSONB, as `onevec.compile.jsonb.encode` writes it; values stand for `%s`.

    Args:
        column: The column, as SQL.
        instants: The column with the same metadata's `onevec.compile.jsonb.instants`, as SQL.
    """

    def __init__(self, column: str = "metadata", instants: str = "instants") -> None:
        self._column = column
        self._instants = instants

    @compiles(Op.EXISTS)
    def exists(self, condition: Condition) -> Sql:
        return Sql(f"({self._field(condition)} <> 'null')")

    @compiles(Op.EQ)
    def equal(self, condition: Condition) -> Sql:
        if isinstance(condition.value, tuple):
            return Sql(f"({self._field(condition)} = %s::jsonb)", (encode_operand(condition.value),))
        return self._with(condition, condition.value)

    @compiles(Op.IN)
    def one_of(self, condition: Condition) -> Sql:
        values = _items(condition)
        if len(values) <= _FEW:
            return self.any_of([self.equal(Condition(condition.field, Op.EQ, value)) for value in values])
        return _among(self._field(condition), condition)

    @compiles(Op.NE, Op.NOT_IN, Op.MISSING)
    def complement(self, condition: Condition) -> Sql:
        opposite = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.MISSING: Op.EXISTS}[condition.op]
        return self.negate(self.compare(Condition(condition.field, opposite, condition.value)))

    @compiles(*_SYMBOLS)
    def ordered(self, condition: Condition) -> Sql:
        bound: Any = condition.value
        field = self._field(condition)
        if isinstance(bound, datetime):
            field, bound = self._field(condition, self._instants), microseconds(bound)
        return Sql(
            f"({field} {_SYMBOLS[condition.op]} %s::jsonb AND jsonb_typeof({field}) = 'number')",
            (encode_operand(bound),),
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
        return self._with(condition, (condition.value,))

    @compiles(Op.CONTAINS_ALL)
    def contains_all(self, condition: Condition) -> Sql:
        return self._with(condition, _items(condition))

    @compiles(Op.CONTAINS_ANY)
    def contains_any(self, condition: Condition) -> Sql:
        values = _items(condition)
        if len(values) <= _FEW:
            return self.any_of([self._with(condition, (value,)) for value in values])
        field, test = self._field(condition), _among("element", condition)
        elements = f"jsonb_array_elements(CASE jsonb_typeof({field}) WHEN 'array' THEN {field} END)"
        return Sql(f"EXISTS (SELECT 1 FROM {elements} AS element WHERE {test.text})", test.values)

    @compiles(Op.STARTS_WITH)
    def starts_with(self, condition: Condition) -> Sql:
        return self._text(condition, "starts_with({}, %s)")

    @compiles(Op.HAS_TEXT)
    def has_text(self, condition: Condition) -> Sql:
        return self._text(condition, "strpos({}, %s) > 0")

    def _with(
        self, condition: Condition, value: Any
    ) -> Sql:  # Any: an operand, or a tuple of them for a list's elements
        return Sql(f"({self._column} @> %s::jsonb)", (encode_at(_path(condition), value),))

    def _text(self, condition: Condition, test: str) -> Sql:
        field = self._field(condition)
        text = f"({field} #>> '{{}}') COLLATE \"C\""
        return Sql(
            f"({test.format(text)} AND jsonb_typeof({field}) = 'string')",
            (coded(condition.value),),  # type: ignore[arg-type]  # a string, by the operator
        )

    def _field(self, condition: Condition, column: str | None = None) -> str:
        """The field, its names as literals: they were checked, and an index on an expression can serve constants."""
        names = "".join(f" -> '{name}'" for name in _path(condition))
        return f"({column or self._column}{names})"


def _among(field: str, condition: Condition) -> Sql:
    # IS TRUE keeps PostgreSQL from making a join of it, which would lose an index's order by distance.
    values = encode_operand(_items(condition))
    return Sql(f"(({field} IN (SELECT jsonb_array_elements(%s::jsonb))) IS TRUE)", (values,))


def _path(condition: Condition) -> tuple[str, ...]:
    return tuple(checked_field(condition.field).split("."))


def _items(condition: Condition) -> tuple[Any, ...]:  # Any: operands
    items: tuple[Any, ...] = condition.value  # type: ignore[assignment]  # by the operator
    return items
