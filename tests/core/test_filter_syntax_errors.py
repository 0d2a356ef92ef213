"""Dicts, triples, lists and hand-made trees that are no filters, and what the error says."""

from __future__ import annotations

from typing import Any

import pytest

from onevec.errors import InvalidFilter
from onevec.filter_syntax import parse_filter
from onevec.filters import And, Condition, Filter, Not, Op, Or, SearchFilter, field

x = field("x")


def nested(depth: int, wrap: Any, inner: Any) -> Any:
    for _ in range(depth):
        inner = wrap(inner)
    return inner


@pytest.mark.parametrize(
    ("form", "parts"),
    [
        (1, ("expected a filter", "got int")),
        (True, ("expected a filter", "got bool")),
        (b"x == 1", ("expected a filter", "got bytes")),
        ({"x"}, ("expected a filter", "got set")),
        (x, ("expected a filter", "got Field")),
        ({1: 2}, ("expected a field", "got int")),
        ({None: 2}, ("expected a field", "got NoneType")),
        ({"": 1}, ("can't be a field",)),
        ({"a b": 1}, ("'a b' can't be a field", "at a b")),
        ({"x": {}}, ("expected an operator", "at x")),
        ({"x": {"gtee": 1}}, ("gtee is no operator", "gte", "at x")),
        ({"x": {"$gtee": 1}}, ("$gtee is no operator", "at x")),
        ({"x": {"$GTE": 1}}, ("$GTE is no operator",)),
        ({"x": {"$$gte": 1}}, ("$$gte is no operator",)),
        ({"x": {"$regex": "a"}}, ("$regex is no operator", "starts_with")),
        ({"x": {1: 2}}, ("int is no operator", "at x")),
        ({"x": {"gte": 1, "name": 2}}, ("name is no operator", "{'x.name': ...}")),
        ({"author": {"name": "Busemann"}}, ("name is no operator", "{'author.name': ...}", "at author")),
        ({"a": {"b": {"c": 1}}}, ("b is no operator", "{'a.b': ...}")),
        ({"x": {"$datetime": "2020-01-01", "gte": 1}}, ("$datetime is no operator",)),
        ({"x": {"$datetime": "noon"}}, ("expected a datetime", "at x")),
        ({"x": {"$gte": {"$datetime": 5}}}, ("expected a datetime", "at x.$gte")),
        ({"x": {"$in": [1, {"$datetime": None}]}}, ("expected a datetime", "at x.$in")),
        ({"x": {"$eq": {"y": 1}}}, ("takes no object", "at x.$eq")),
        ({"x": {"$in": 1}}, ("in on 'x' takes a list", "at x.$in")),
        ({"x": {"$in": "abc"}}, ("in on 'x' takes a list",)),
        ({"x": {"$nin": {"a": 1}}}, ("not_in on 'x' takes a list",)),
        ({"x": {"$in": [[{"y": 1}]]}}, ("takes no object", "at x.$in")),
        ({"x": {"$gte": "abc"}}, ("ge on 'x' takes a number", "got 'abc'", "at x.$gte")),
        ({"x": {"$gte": None}}, ("ge on 'x' takes a number",)),
        ({"x": {"$between": [1]}}, ("two bounds", "at x.$between")),
        ({"x": {"$exists": 1}}, ("exists on 'x' takes true or false", "got int")),
        ({"x": {"$exists": None}}, ("exists on 'x' takes true or false",)),
        ({"x": {"$missing": "false"}}, ("missing on 'x' takes true or false",)),
        ({"x": {"$contains": ["a"]}}, ("takes one element",)),
        ({"x": {"$contains_all": "a"}}, ("contains_all on 'x' takes a list",)),
        ({"x": {"$starts_with": 1}}, ("starts_with on 'x' takes a string",)),
        ({"x": {"$not": {}}}, ("expected an operator", "at x.$not")),
        ({"x": {"not": {"gte": 1}}}, ("not is no operator",)),
        ({"x": frozenset()}, ("eq on 'x' takes", "at x")),
        ({"x": float("nan")}, ("finite numbers",)),
        ({"x": "\ud800"}, ("lone surrogate",)),
        ({"$gte": 1}, ("expected a field, $and, $or, $nor or $not, got $gte",)),
        ({"$where": "1"}, ("got $where",)),
        ({"$AND": []}, ("got $AND",)),
        ({"$or": [{"y": 1}, {"$where": 1}]}, ("got $where", "at $or[1]")),
        ({"$and": {"x": 1}}, ("expected a list of filters, got dict", "at $and")),
        ({"$or": "x == 1"}, ("expected a list of filters, got str", "at $or")),
        ({"$or": [{"x": 1}, "y == 1"]}, ("by itself, a text; got str", "at $or[1]")),
        ({"$or": [{"x": 1}, {"$and": [{"y": {"lt": "abc"}}]}]}, ("lt on 'y'", "at $or[1].$and[0].y.lt")),
        ({"$nor": [None]}, ("got NoneType", "at $nor[0]")),
        ({"$not": "x"}, ("got str", "at $not")),
        ({"$not": None}, ("got NoneType", "at $not")),
        (("x", "eq"), ("got str", "at [0]")),
        (("x", "eq", 1, 2), ("got str", "at [0]")),
        (("x", None, 1), ("got str", "at [0]")),
        (("x", "equals", 1), ("equals is no operator",)),
        (("x", ">=", 1), (">= is no operator", "gte")),
        (("x", "gte", "abc"), ("ge on 'x' takes a number",)),
        (("x y", "eq", 1), ("'x y' can't be a field",)),
        (("x", "exists", 1), ("true or false",)),
        (SearchFilter(1, "eq", 1), ("can't be a field",)),  # type: ignore[arg-type]  # the test
        (SearchFilter("x", 1, 1), ("int is no operator",)),  # type: ignore[arg-type]  # the test
        (["x == 1"], ("got str", "at [0]")),
        (["x == 1", "y == 1", "x"], ("y == 1 is no operator",)),
        ([("x", "eq", 1), ("y", "lt", "abc")], ("lt on 'y'", "at [1]")),
        ([{"x": 1}, None], ("got NoneType", "at [1]")),
        ("x ==", ("column 5", "expected a value")),
        ({"x": {"\x1b[31m": 1}}, (r"\x1b[31m", "is no operator")),
        ({"$\n": 1}, (r"'$\n'",)),
        ({"x": {"a" * 1000: 1}}, ("...", "is no operator")),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_is_malformed_is_refused_at_its_place(form: Any, parts: tuple[str, ...]) -> None:
    """The error names what was expected, what was there, and the place; it stays short and can be printed."""
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(form)
    message = str(caught.value)
    for part in parts:
        assert part in message
    assert message.replace("\n", "").isprintable()
    assert len(message) < 500


@pytest.mark.parametrize(
    "form",
    [
        nested(10_000, lambda inner: {"$not": inner}, {"x": 1}),
        nested(10_000, lambda inner: {"$and": [inner]}, {"x": 1}),
        nested(10_000, lambda inner: [inner], {"x": 1}),
        nested(10_000, lambda inner: {"$not": inner}, {"$lt": 1}) | {"x": 1},
        {"x": nested(10_000, lambda inner: {"$not": inner}, {"$lt": 1})},
        {"x": nested(10_000, lambda inner: [inner], 1)},
        {"x": {"$in": nested(10_000, lambda inner: [inner], 1)}},
        nested(10_000, Not, x == 1),
        nested(10_000, lambda inner: And((inner,)), x == 1),
        nested(64, Not, x == 1),
    ],
    ids=["not", "and", "list", "mixed", "field", "value", "in", "tree", "and tree", "65 levels"],
)
def test_what_is_nested_too_deeply_is_refused(form: Any) -> None:
    """Nesting without end is refused and doesn't exhaust the stack, in every form."""
    with pytest.raises(InvalidFilter, match="nested"):
        parse_filter(form)


def test_a_dict_that_holds_itself_is_refused() -> None:
    """A form that can't be written down is no filter."""
    form: dict[str, Any] = {}
    form["$not"] = form
    with pytest.raises(InvalidFilter, match="nested"):
        parse_filter(form)


@pytest.mark.parametrize(
    "made",
    [
        Condition('x" OR 1=1 --', Op.EQ, 1),
        Condition("x", Op.EQ, frozenset()),  # type: ignore[arg-type]  # the test
        Condition("x", Op.LT, "abc"),
        Condition("x", Op.IN, "abc"),
        Condition("x", Op.BETWEEN, (1,)),
        Condition("x", "like", "a"),  # type: ignore[arg-type]  # the test
        And((Not(Or((Condition("$where", Op.EXISTS),))),)),
        And(("x", 1)),  # type: ignore[arg-type]  # the test
    ],
    ids=repr,
)
def test_a_tree_made_by_hand_is_checked(made: Filter) -> None:
    """A condition that the builder would refuse doesn't come in as a tree either."""
    with pytest.raises(InvalidFilter):
        parse_filter(made)
