"""Random documents and filters for Hypothesis, drawn from small pools so that they meet.

The values collide across types on purpose (0, 0.0, False, "0", ""; 1, True, "1"), and the names of the fields with the
paths of nested ones: most of the ways in which an engine can misread a filter show up within a few hundred examples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any

from hypothesis import strategies as st

from onevec.documents import Document, Metadata
from onevec.filters import And, Condition, Filter, Not, Op, Or, condition

FIELDS = ("a", "b", "tags", "a.b", "a.b.c", "x-y")

# Keys that no filter can name: a dotted one is not a path, a tag-like one is not a datetime.
_ODD_KEYS = ("a.b", "", "$datetime", "$$datetime", "$.a", "A", 'a"b', "a'b", "é", "0")

_NUMBERS: tuple[int | float, ...] = (
    *(0, 1, -1, 2, 10, 2020, 0.0, -0.0, 1.0, 2.0, 0.5, -0.5, 0.1, 1e-7, 1.5e300),
    *(2**53 - 1, 2**53, 2**53 + 1, float(2**53), -(2**53) - 1, 2**63 - 1, 2**63 - 2, -(2**63), 2.0**63, -(2.0**63)),
)
_STRINGS = (
    *("", "0", "1", "1.0", "true", "null", "a", "A", "b", "ab", "abc", "a b", "[1]", '{"a":1}'),
    *("é", "e\u0301", "日本", "🦩", "a\0b", "\0", "'", '"', "\\", "%", "_", "*", "a'b", "\n", "\u2028", "\ufeff"),
)
_INSTANTS = (
    *("2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2020-01-01 00:00", "2020-01-02T03:04:05.678"),
    *("2020-02-29", "1969-12-31T23:59:59.999999Z", "2020-01-01T00:00:00,000000500-00:30", "0001-01-01", "9999-12-31"),
)
_NEAR_INSTANTS = (
    "2020-02-30",
    "2020-13-01",
    "2020",
    "2020-1-1",
    "20200101",
    "2020-01-01T",
    "2020-01-01\0",
    "x2020-01-01",
)
_MOMENTS = (
    datetime(2020, 1, 1),  # noqa: DTZ001 (one without a zone is UTC)
    datetime(2020, 1, 1, tzinfo=UTC),
    datetime(2020, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    datetime(2020, 1, 2, 3, 4, 5, 678000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
)
# Most values and operands come from here: what meets, and what only looks as if it did.
_FEW = (0, False, "0", 1, True, "1", 1.0, "a", "2020-01-01")
_IDS = ("1", "01", "a", "A", "a ", " ", "é", "e\u0301", "🦩", "../a", "a/b", "%", "_", "'", '"', "\\", "\n", "x" * 512)
_WORDS = (
    "wing",
    "wings",
    "slipstream",
    "boundary",
    "layer",
    "heat",
    "Übergang",
    "日本語",
    "e-mail",
    "3.5",
    "a",
    '"',
    "*",
)

# The characters of an id: any but NUL and lone surrogates.
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_INTEGERS = st.integers(-(2**63), 2**63 - 1)
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def field_names() -> st.SearchStrategy[str]:
    """Names for filters; some are paths into nested objects."""
    return st.sampled_from(("a", "a", "a", "b", "b", "tags", "a.b", *FIELDS))


@st.composite
def metadata(draw: st.DrawFn) -> Metadata:
    """Metadata as users give it: with nulls, tuples, and datetimes of any zone or none."""
    return draw(_given())


@st.composite
def stored_metadata(draw: st.DrawFn) -> Metadata:
    """Metadata as engines get it: no nulls but in lists, no tuples, datetimes in UTC."""
    return draw(_stored())


def filters(operators: Collection[Op] = tuple(Op)) -> st.SearchStrategy[Filter]:
    """Trees of these operators over the names and values of `metadata()`."""

    def extend(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, max_size=4).map(tuple)
        return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, parts))

    return st.recursive(conditions(operators), extend, max_leaves=6)


def conditions(operators: Collection[Op] = tuple(Op)) -> st.SearchStrategy[Condition]:
    """Single conditions with these operators."""
    # In the enumeration's order, not the set's, so that a failure replays.
    return st.one_of([_condition(op) for op in Op if op in operators])


def ids() -> st.SearchStrategy[str]:
    """Ids within the contract, many of them such as a naive engine would confuse."""
    return st.sampled_from(_IDS) | st.text(_CHARACTERS, min_size=1, max_size=8)


def texts() -> st.SearchStrategy[str]:
    """Texts of a few words, the empty one among them."""
    return st.lists(st.sampled_from(_WORDS), max_size=6).map(" ".join) | _UNICODE


def vectors(dimension: int) -> st.SearchStrategy[list[float]]:
    """Vectors that every metric can have, from so few numbers that equal distances are common."""
    coarse = st.lists(st.integers(-2, 2).map(float), min_size=dimension, max_size=dimension)
    fine = st.lists(st.integers(-4096, 4096).map(_fraction), min_size=dimension, max_size=dimension)
    return st.one_of(coarse, coarse, fine).map(_not_zero)


def documents(dimension: int) -> st.SearchStrategy[Document]:
    """Documents with a vector, and with or without a text."""
    return st.builds(Document, id=ids(), text=st.none() | texts(), vector=vectors(dimension), metadata=metadata())


def _fraction(number: int) -> float:
    return number / 1024  # exact in float32


def _not_zero(vector: list[float]) -> list[float]:
    return vector if any(vector) else [1.0, *vector[1:]]


@cache
def _given() -> st.SearchStrategy[Metadata]:
    return _metadata(_scalars(_MOMENTS), nulls=True)


@cache
def _stored() -> st.SearchStrategy[Metadata]:
    return _metadata(_scalars(tuple(moment for moment in _MOMENTS if moment.tzinfo is UTC)), nulls=False)


def _metadata(scalars: st.SearchStrategy[Any], *, nulls: bool) -> st.SearchStrategy[Metadata]:
    odd_objects = st.dictionaries(st.sampled_from(_ODD_KEYS), scalars, max_size=2)
    elements = st.one_of(scalars, st.none(), st.lists(scalars, max_size=2), odd_objects)
    lists: st.SearchStrategy[Any] = st.lists(st.one_of(scalars, scalars, scalars, elements), max_size=4)
    if nulls:
        lists |= lists.map(tuple)
    values = st.one_of(scalars, scalars, scalars, lists, *([st.none()] if nulls else []))
    nested = _objects({"b": values | _objects({"c": values}) | odd_objects}, {"c": values})
    return st.builds(
        _joined,
        _objects({"a": values, "tags": lists}, {"b": values, "x-y": scalars})
        | _objects({"a": nested}, {"b": values, "tags": values})
        | _objects({}, {"a": values, "b": values, "tags": lists}),
        st.one_of(st.just({}), st.just({}), odd_objects),
    )


def _objects(
    always: dict[str, st.SearchStrategy[Any]], sometimes: dict[str, st.SearchStrategy[Any]] | None = None
) -> st.SearchStrategy[Metadata]:
    return st.builds(_joined, st.fixed_dictionaries(always), st.fixed_dictionaries({}, optional=sometimes or {}))


def _joined(one: Metadata, other: Metadata) -> Metadata:
    return one | other


def _scalars(moments: tuple[datetime, ...]) -> st.SearchStrategy[Any]:  # Any: metadata's scalars
    pool = [*(*_FEW, moments[0]) * 20, *_NUMBERS, *_STRINGS, *_INSTANTS, *_NEAR_INSTANTS, *moments]
    usual, rare = st.sampled_from(pool), st.one_of(_INTEGERS, _FLOATS, _UNICODE)

    @st.composite  # it shows as `scalar()` where the pool would fill a page
    def scalar(draw: st.DrawFn) -> Any:  # Any: a scalar of metadata
        return draw(usual if draw(st.integers(0, 7)) else rare)

    return scalar()


def _condition(op: Op) -> st.SearchStrategy[Condition]:
    on_lists = op in {Op.CONTAINS, Op.CONTAINS_ANY, Op.CONTAINS_ALL}
    names = st.sampled_from(("tags", "tags", "tags", "a", "a.b")) if on_lists else field_names()
    return st.builds(condition, names, st.just(op), _OPERANDS[op]())


def _operand() -> st.SearchStrategy[Any]:  # Any: an operand
    scalars = _scalars(_MOMENTS)
    return st.one_of(scalars, scalars, scalars, st.lists(scalars | st.none(), max_size=2))


def _element() -> st.SearchStrategy[Any]:  # Any: an operand
    return _scalars(_MOMENTS)


def _operand_lists() -> st.SearchStrategy[Any]:  # Any: an operand
    return st.lists(_operand(), max_size=4)


def _element_lists() -> st.SearchStrategy[Any]:  # Any: an operand
    return st.lists(_element(), max_size=3)


def _number() -> st.SearchStrategy[Any]:  # Any: an operand
    return st.one_of(st.sampled_from([0, 1, 2, 0.5]), st.sampled_from(_NUMBERS), _INTEGERS, _FLOATS)


def _moment() -> st.SearchStrategy[Any]:  # Any: an operand
    return st.sampled_from([*_INSTANTS, *_MOMENTS])


def _ordered() -> st.SearchStrategy[Any]:  # Any: an operand
    return _number() | _moment()


def _bounds() -> st.SearchStrategy[Any]:  # Any: an operand
    return st.tuples(_number(), _number()) | st.tuples(_moment(), _moment())


def _text() -> st.SearchStrategy[Any]:  # Any: an operand
    return st.sampled_from(["", "a", "b", "A", "2020", "1", "\0", "é", "%", "_", "*", "日"]) | _UNICODE


_OPERANDS: Mapping[Op, Callable[[], st.SearchStrategy[Any]]] = {
    Op.EQ: _operand,
    Op.NE: _operand,
    Op.LT: _ordered,
    Op.LE: _ordered,
    Op.GT: _ordered,
    Op.GE: _ordered,
    Op.BETWEEN: _bounds,
    Op.IN: _operand_lists,
    Op.NOT_IN: _operand_lists,
    Op.EXISTS: st.none,
    Op.MISSING: st.none,
    Op.CONTAINS: _element,
    Op.CONTAINS_ANY: _element_lists,
    Op.CONTAINS_ALL: _element_lists,
    Op.STARTS_WITH: _text,
    Op.HAS_TEXT: _text,
}
