"""Filters as questions for facets: the family of the engines that keep `onevec.facets` beside the metadata."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from onevec import facets
from onevec.compile.tree import Compiler, compiles
from onevec.filters import And, Condition, Filter, Not, Op, Or
from onevec.values import microseconds

T = TypeVar("T")

# Of two numbers, `a op b` is false exactly if this is true.
_OTHERWISE = {Op.LT: Op.GE, Op.LE: Op.GT, Op.GT: Op.LE, Op.GE: Op.LT}
_STRICTLY = {Op.LT: Op.LT, Op.LE: Op.LT, Op.GT: Op.GT, Op.GE: Op.GT}


class FacetCompiler(Compiler[T]):
    """Turns a filter into a `T` made of three questions, with the contract's exact meaning.

    An engine's compiler says how it asks them, in `has`, `lacks` and `compare_number`, and how answers combine, in
    `all_of` and `any_of`; none of these gets an empty list. A negation is brought down to the questions, so that an
    engine needs none. One that adds operators, `starts_with` or `has_text`, defines `negate` for them.
    """

    @abstractmethod
    def has(self, some: Sequence[str]) -> T:
        """Return what is true of documents with at least one of these facets."""

    @abstractmethod
    def lacks(self, all: Sequence[str]) -> T:
        """Return what is true of documents with none of these facets."""

    @abstractmethod
    def compare_number(self, key: str, op: Op, bound: float) -> T:
        """Return what is true of documents whose `numbers_of` has the key, with a number that is `op` the bound.

        `op` is `lt`, `le`, `gt` or `ge`.
        """

    def negate(self, part: T) -> T:
        raise NotImplementedError(f"{type(self).__name__} has operators of its own and doesn't say how to negate them")

    def compile(self, filter: Filter) -> T:
        return self._compiled(filter, truth=True)

    @compiles(*set(Op) - {Op.STARTS_WITH, Op.HAS_TEXT})
    def by_facets(self, condition: Condition) -> T:
        return self._condition(condition, truth=True)

    def _compiled(self, filter: Filter, *, truth: bool) -> T:
        match filter:
            case Condition() if filter.op in FacetCompiler.operators:
                return self._condition(filter, truth=truth)
            case Condition():
                return self.compare(filter) if truth else self.negate(self.compare(filter))
            case Not():
                return self._compiled(filter.filter, truth=not truth)
            case And() | Or():
                every = isinstance(filter, And) is truth
                return self._joined([self._compiled(part, truth=truth) for part in filter.filters], every=every)

    def _condition(self, condition: Condition, *, truth: bool) -> T:
        name, op = condition.field, condition.op
        value: Any = condition.value  # Any: of the operator's own type
        match op:
            case Op.EQ | Op.NE:
                return self._any([facets.equal(name, value)], truth=truth is (op is Op.EQ))
            case Op.IN | Op.NOT_IN:
                return self._any([facets.equal(name, item) for item in value], truth=truth is (op is Op.IN))
            case Op.EXISTS | Op.MISSING:
                return self._any([facets.present(name)], truth=truth is (op is Op.EXISTS))
            case Op.CONTAINS:
                return self._any([facets.element(name, value)], truth=truth)
            case Op.CONTAINS_ANY:
                return self._any([facets.element(name, item) for item in value], truth=truth)
            case Op.CONTAINS_ALL:
                wanted = [facets.element(name, item) for item in value] or [facets.listed(name)]
                return self._joined([self._any([facet], truth=truth) for facet in wanted], every=truth)
            case Op.BETWEEN:
                low, high = value
                return self._range(name, {Op.GE: low, Op.LE: high}, truth=truth)
            case _:
                return self._range(name, {op: value}, truth=truth)

    def _any(self, wanted: Sequence[str], *, truth: bool) -> T:
        if not wanted:  # which nothing has
            return self._joined([], every=not truth)
        return self.has(wanted) if truth else self.lacks(wanted)

    def _range(self, name: str, bounds: dict[Op, Any], *, truth: bool) -> T:  # Any: numbers or datetimes
        in_time = isinstance(next(iter(bounds.values())), datetime)
        key = name + facets.TIME if in_time else name
        parts = [
            self._ordered(key, op if truth else _OTHERWISE[op], microseconds(bound) if in_time else bound)
            for op, bound in bounds.items()
        ]
        if truth:
            return self._joined(parts, every=True)
        kind = facets.timed(name) if in_time else facets.numeric(name)
        return self._joined([self.lacks([kind]), *parts], every=False)

    def _ordered(self, key: str, op: Op, number: float) -> T:
        """Compare as (high, low) pairs are compared; a number that needs no `low` is compared at once."""
        high, low = facets.bound(number)
        if low is None:
            return self.compare_number(key, op, high)
        same = [self.compare_number(key, Op.GE, high), self.compare_number(key, Op.LE, high)]
        return self.any_of(
            [
                self.compare_number(key, _STRICTLY[op], high),
                self.all_of([*same, self.compare_number(key + facets.LOW, op, low)]),
            ]
        )

    def _joined(self, parts: Sequence[T], *, every: bool) -> T:
        if not parts:
            return self.has([facets.EVERY]) if every else self.lacks([facets.EVERY])
        if len(parts) == 1:
            return parts[0]
        return self.all_of(parts) if every else self.any_of(parts)
