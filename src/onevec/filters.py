"""The filter tree: conditions on metadata, and how they combine.

    field("year") >= 1958
    (field("lang") == "en") & ~field("tags").contains("draft")

`onevec.filter_syntax` reads the other written forms into the same tree, `onevec.matching` says what a tree means, and
`onevec.compile` turns it into an engine's own language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn, TypeAlias, assert_never

from onevec.errors import InvalidFilter
from onevec.operands import element, listed, ordered, refused, shown, text
from onevec.values import is_number, value_key

Scalar: TypeAlias = str | int | float | bool | datetime
Operand: TypeAlias = Scalar | tuple[Any, ...] | None  # Any: list equality reaches into nested lists

MAX_DEPTH = 64
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*", re.ASCII)


class Op(StrEnum):
    """The operators a condition can have."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    BETWEEN = "between"
    IN = "in"
    NOT_IN = "not_in"
    EXISTS = "exists"
    MISSING = "missing"
    CONTAINS = "contains"
    CONTAINS_ANY = "contains_any"
    CONTAINS_ALL = "contains_all"
    STARTS_WITH = "starts_with"
    HAS_TEXT = "has_text"


class _Combinable:
    """`&`, `|` and `~`, and no truth value: `a and b` would silently drop `a`."""

    __slots__ = ()

    def __and__(self, other: Filter) -> And:
        return all_of(_checked(self), _checked(other))

    def __or__(self, other: Filter) -> Or:
        return any_of(_checked(self), _checked(other))

    def __invert__(self) -> Filter:
        return self.filter if isinstance(self, Not) else Not(_checked(self))

    def __bool__(self) -> NoReturn:
        raise TypeError("a filter has no truth value; combine filters with & | ~ and put each in parentheses")

    def __str__(self) -> str:
        from onevec.filter_syntax import to_text  # the text form builds on this module

        return to_text(_checked(self))


@dataclass(frozen=True, slots=True, eq=False)
class Condition(_Combinable):
    """One test of one field. Make it with `field(...)` or `condition(...)`, which check the operand.

    Attributes:
        field: The dotted name of the field.
        op: The operator.
        value: A scalar; a tuple for `between` (low, high), `in`, `not_in`, `contains_any`, `contains_all` and for list
            equality; None for `exists` and `missing`. A datetime is in UTC.
    """

    field: str
    op: Op
    value: Operand = None

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.field.split("."))

    def __eq__(self, other: object) -> bool:
        # Not the generated one: for Python, True == 1; for a filter it is another condition.
        return isinstance(other, Condition) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return (self.field, self.op, value_key(self.value))


@dataclass(frozen=True, slots=True)
class And(_Combinable):
    """All of the filters hold. With none, it is always true."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or(_Combinable):
    """One of the filters holds. With none, it is never true."""

    filters: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not(_Combinable):
    """The filter does not hold; plain logical negation."""

    filter: Filter


Filter: TypeAlias = Condition | And | Or | Not

ALWAYS = And(())
NEVER = Or(())


class SearchFilter(NamedTuple):
    """A condition as a triple: `SearchFilter("year", "gte", 1958)`. Operators are spelled as in the dict forms."""

    field: str
    operator: str
    value: Any = None  # Any: checked when it becomes a condition


FilterLike: TypeAlias = (
    Filter
    | Mapping[str, Any]
    | SearchFilter
    | tuple[str, str, Any]
    | Sequence[SearchFilter | Filter | Mapping[str, Any]]
    | str
)


class Field:
    """A field to build conditions on. `field("year") >= 1958` is a condition, not a truth value."""

    __slots__ = ("_name",)
    __hash__ = None  # type: ignore[assignment]  # == builds a condition, so a Field can't be a key

    def __init__(self, name: str) -> None:
        self._name = checked_field(name)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # a builder, as in every query language
        return condition(self._name, Op.EQ, value)

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        return condition(self._name, Op.NE, value)

    def __lt__(self, value: object) -> Condition:
        return condition(self._name, Op.LT, value)

    def __le__(self, value: object) -> Condition:
        return condition(self._name, Op.LE, value)

    def __gt__(self, value: object) -> Condition:
        return condition(self._name, Op.GT, value)

    def __ge__(self, value: object) -> Condition:
        return condition(self._name, Op.GE, value)

    def between(self, low: object, high: object) -> Condition:
        """`low <= value <= high`, both numbers or both datetimes."""
        return condition(self._name, Op.BETWEEN, (low, high))

    def is_in(self, values: Iterable[object]) -> Filter:
        """The value is equal to one of `values`; never true for none."""
        return one_of(self._name, listed(self._name, values, Op.IN))

    def not_in(self, values: Iterable[object]) -> Filter:
        """The value is equal to none of `values`, or isn't there; always true for none."""
        return none_of(self._name, listed(self._name, values, Op.NOT_IN))

    def exists(self) -> Condition:
        """There is a value."""
        return condition(self._name, Op.EXISTS)

    def is_null(self) -> Condition:
        """There is no value."""
        return condition(self._name, Op.MISSING)

    def contains(self, value: object) -> Condition:
        """The value is a list with this element."""
        return condition(self._name, Op.CONTAINS, value)

    def contains_any(self, values: Iterable[object]) -> Condition:
        """The value is a list with at least one of these elements."""
        return condition(self._name, Op.CONTAINS_ANY, listed(self._name, values, Op.CONTAINS_ANY))

    def contains_all(self, values: Iterable[object]) -> Condition:
        """The value is a list with all of these elements."""
        return condition(self._name, Op.CONTAINS_ALL, listed(self._name, values, Op.CONTAINS_ALL))

    def starts_with(self, prefix: str) -> Condition:
        """The value is a string that starts so; case-sensitive."""
        return condition(self._name, Op.STARTS_WITH, prefix)

    def has_text(self, part: str) -> Condition:
        """The value is a string with this substring; case-sensitive."""
        return condition(self._name, Op.HAS_TEXT, part)

    def __bool__(self) -> NoReturn:
        raise TypeError("a field has no truth value; compare it, e.g. field('archived') == True")

    def __repr__(self) -> str:
        return f"field({self._name!r})"


def field(name: str) -> Field:
    """Return the metadata field of that (dotted) name, to build conditions on.

    Raises:
        InvalidFilter: The name isn't letters, digits, `_` and `-`, dotted, each part starting with a letter or `_`.
    """
    return Field(name)


def all_of(*filters: Filter) -> And:
    """Return the filter that holds if all of these hold; nested `And`s are flattened."""
    return And(tuple(_flattened(And, filters)))


def any_of(*filters: Filter) -> Or:
    """Return the filter that holds if one of these holds; nested `Or`s are flattened."""
    return Or(tuple(_flattened(Or, filters)))


def condition(name: str, op: Op, value: object = None) -> Condition:
    """Return the condition `name op value`, its operand checked and brought to one form.

    Equality with None becomes `missing`, and inequality `exists`: a null is the same as no value.

    Raises:
        InvalidFilter: The operand is of a type that the operator can't have.
    """
    name = checked_field(name)
    match op:
        case Op.EQ | Op.NE if value is None:
            return Condition(name, Op.MISSING if op is Op.EQ else Op.EXISTS)
        case Op.EQ | Op.NE:
            return Condition(name, op, element(name, op, value, lists=True))
        case Op.LT | Op.LE | Op.GT | Op.GE:
            return Condition(name, op, ordered(name, op, value))
        case Op.BETWEEN:
            bounds = listed(name, value, op)
            if len(bounds) != 2:  # noqa: PLR2004
                raise refused(name, op, value, "takes two bounds, low and high")
            low, high = (ordered(name, op, bound) for bound in bounds)
            if is_number(low) != is_number(high):
                raise refused(name, op, value, "takes two numbers or two datetimes, not one of each")
            return Condition(name, op, (low, high))
        case Op.IN | Op.NOT_IN:
            return Condition(name, op, tuple(element(name, op, item, lists=True) for item in listed(name, value, op)))
        case Op.CONTAINS:
            return Condition(name, op, element(name, op, value, lists=False))
        case Op.CONTAINS_ANY | Op.CONTAINS_ALL:
            return Condition(name, op, tuple(element(name, op, item, lists=False) for item in listed(name, value, op)))
        case Op.EXISTS | Op.MISSING:
            if value is not None:
                raise refused(name, op, value, "takes no operand")
            return Condition(name, op)
        case Op.STARTS_WITH | Op.HAS_TEXT:
            if not isinstance(value, str):
                raise refused(name, op, value, "takes a string")
            return Condition(name, op, text(name, op, value))
        case _:
            assert_never(op)


def one_of(name: str, values: Sequence[object]) -> Filter:
    """Return `name in values`; a None among them stands for `missing`."""
    if all(value is not None for value in values):
        return condition(name, Op.IN, values)
    present = [value for value in values if value is not None]
    return any_of(condition(name, Op.MISSING), condition(name, Op.IN, present))


def none_of(name: str, values: Sequence[object]) -> Filter:
    """Return `name not in values`; a None among them stands for `missing`."""
    if all(value is not None for value in values):
        return condition(name, Op.NOT_IN, values)
    present = [value for value in values if value is not None]
    return all_of(condition(name, Op.EXISTS), condition(name, Op.NOT_IN, present))


def conditions(filter: Filter) -> Iterator[Condition]:
    """Yield every condition of the tree, left to right."""
    match filter:
        case Condition():
            yield filter
        case And() | Or():
            for part in filter.filters:
                yield from conditions(part)
        case Not():
            yield from conditions(filter.filter)
        case _:
            assert_never(filter)


def checked_field(name: object) -> str:
    """Return the name if it can be a field's in a filter.

    Raises:
        InvalidFilter: It can't.
    """
    if isinstance(name, str) and _FIELD.fullmatch(name):
        return str.__str__(name)
    raise InvalidFilter(
        f"{shown(name)} can't be a field in a filter: each dotted part is letters, digits, '_' and '-', "
        "and starts with a letter or '_'"
    )


def checked_depth(filter: Filter) -> Filter:
    """Return the tree if it is no deeper than `MAX_DEPTH`; walks without recursion, so that any tree can be checked.

    Raises:
        InvalidFilter: It is deeper.
    """
    level: list[Filter] = [filter]
    for _ in range(MAX_DEPTH):
        below: list[Filter] = []
        for part in level:
            match part:
                case And() | Or():
                    below += part.filters
                case Not():
                    below.append(part.filter)
                case _:
                    pass
        if not below:
            return filter
        level = below
    raise InvalidFilter(f"the filter is nested deeper than {MAX_DEPTH} levels; flatten it, or use is_in([...])")


def _checked(filter: object) -> Filter:
    if isinstance(filter, Condition | And | Or | Not):
        return filter
    raise InvalidFilter(
        f"only filters combine with & | ~, got {type(filter).__name__}; "
        "put each comparison in parentheses: (field('a') == 1) & (field('b') == 2)"
    )


def _flattened(kind: type[And | Or], filters: Iterable[Filter]) -> Iterator[Filter]:
    for part in filters:
        if isinstance(part, kind):
            yield from part.filters
        else:
            yield part
