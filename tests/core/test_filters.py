"""The filter tree and its builder: how it is made and combined, and when two filters are one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from onevec.errors import InvalidFilter
from onevec.filters import (
    ALWAYS,
    MAX_DEPTH,
    NEVER,
    And,
    Condition,
    Filter,
    Not,
    Op,
    Or,
    all_of,
    any_of,
    checked_depth,
    conditions,
    field,
    none_of,
    one_of,
)

a, b, c = field("a") == 1, field("b") == 2, field("c") == 3
x = field("x")
NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("built", "op", "value"),
    [
        (x == 1, Op.EQ, 1),
        (x == [1, "a", None], Op.EQ, (1, "a", None)),
        (x == [], Op.EQ, ()),
        (x != "a", Op.NE, "a"),
        (x < 1, Op.LT, 1),
        (x <= 1.5, Op.LE, 1.5),
        (x > NOON, Op.GT, NOON),
        (x >= "2020-01-01T12:00:00Z", Op.GE, NOON),
        (x.between(1, 2.5), Op.BETWEEN, (1, 2.5)),
        (x.between("2020-01-01", NOON), Op.BETWEEN, (datetime(2020, 1, 1, tzinfo=UTC), NOON)),
        (x.is_in(["a", True]), Op.IN, ("a", True)),
        (x.is_in([]), Op.IN, ()),
        (x.is_in(iter((1, 2))), Op.IN, (1, 2)),
        (x.is_in([[1, [2]]]), Op.IN, ((1, (2,)),)),
        (x.not_in((1, 2)), Op.NOT_IN, (1, 2)),
        (x.exists(), Op.EXISTS, None),
        (x.is_null(), Op.MISSING, None),
        (x.contains("a"), Op.CONTAINS, "a"),
        (x.contains_any(["a", 1]), Op.CONTAINS_ANY, ("a", 1)),
        (x.contains_all([]), Op.CONTAINS_ALL, ()),
        (x.starts_with(""), Op.STARTS_WITH, ""),
        (x.has_text("a"), Op.HAS_TEXT, "a"),
    ],
    ids=str,
)
def test_the_builder_makes_conditions(built: Filter, op: Op, value: Any) -> None:
    """Each method and comparison of `field(...)` makes the condition of its operator, the operand in one form."""
    assert built == Condition("x", op, value)


def test_a_comparison_is_turned_around_where_the_field_is_on_the_right() -> None:
    """`1 < field("x")` is `field("x") > 1`, and so on."""
    one: Any = 1
    assert (one < x) == (x > 1)
    assert (one <= x) == (x >= 1)
    assert (one > x) == (x < 1)
    assert (one >= x) == (x <= 1)
    assert (one == x) == (x == 1)
    assert (one != x) == (x != 1)


def test_equality_with_none_is_about_presence() -> None:
    """A null is the same as no value, so `== None` is `missing`, and a None among several stands for it."""
    assert (x == None) == x.is_null()  # noqa: E711 (a filter)
    assert (x != None) == x.exists()  # noqa: E711
    assert x.is_in([1, None]) == Or((x.is_null(), x.is_in([1])))
    assert x.not_in([None, 1, None]) == And((x.exists(), x.not_in([1])))
    assert one_of("x", [None]) == Or((x.is_null(), x.is_in([])))
    assert none_of("x", [None]) == And((x.exists(), x.not_in([])))


def test_and_or_not_make_flat_trees() -> None:
    """`&` and `|` of more than two are one node; `~` twice is nothing."""
    assert (a & b) == And((a, b))
    assert (a & b & c) == (a & (b & c)) == And((a, b, c))
    assert (a | b | c) == (a | (b | c)) == Or((a, b, c))
    assert (a & b | c) == Or((And((a, b)), c))
    assert ((a | b) & c) == And((Or((a, b)), c))
    assert (~a) == Not(a)
    assert (~~a) == a
    assert (~(a & b)) == Not(And((a, b)))
    assert all_of(a, b & c) == And((a, b, c))
    assert any_of(a, b | c) == Or((a, b, c))
    assert all_of() == ALWAYS
    assert any_of() == NEVER
    assert (ALWAYS & a) == And((a,))


@pytest.mark.parametrize("untested", [a, a & b, a | b, ~a, ALWAYS, x], ids=repr)
def test_a_filter_has_no_truth_value(untested: Any) -> None:
    """`and`, `or`, `not` and `if` would drop a part of a filter, so they are errors."""
    with pytest.raises(TypeError, match="no truth value"):
        bool(untested)
    with pytest.raises(TypeError, match="no truth value"):
        _ = untested and b
    with pytest.raises(TypeError, match="no truth value"):
        _ = not untested


def test_a_chained_comparison_is_an_error() -> None:
    """`1 < field("x") < 5` would be only its second half, so it is an error; `between` is the way to say it."""
    with pytest.raises(TypeError, match="no truth value"):
        _ = 1 < x < 5


@pytest.mark.parametrize("other", [1, None, True, "a == 1", {"a": 1}, [a], x], ids=repr)
def test_only_filters_combine(other: Any) -> None:
    """`filter & something` takes filters only; a forgotten pair of parentheses is an error."""
    for one in (a, a & b, a | b, ~a):
        with pytest.raises(InvalidFilter, match="only filters combine"):
            one & other
        with pytest.raises(InvalidFilter, match="only filters combine"):
            one | other
    with pytest.raises(TypeError):
        _ = field("a") == 1 & field("b")  # type: ignore[operator]  # the test


def test_conditions_come_in_reading_order() -> None:
    """`conditions` gives every condition of a tree, left to right."""
    assert list(conditions(Or((a, Not(And((b, c))), ALWAYS, a)))) == [a, b, c, a]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (x == 1, x == True),  # noqa: E712 (a filter)
        (x == 0, x == False),  # noqa: E712
        (x == 1, x == "1"),
        (x == 2**53, x == 2**53 + 1),
        (x == [1], x == [True]),
        (x == 1, x == [1]),
        (x == [[]], x == []),
        (x == [None], x == [False]),
        (x == NOON, x == "2020-01-01T12:00:00Z"),
        (x.is_in([1]), x.is_in([True])),
        (x.is_in([1, 2]), x.is_in([2, 1])),
        (x.contains(1), x.contains(True)),
        (x.contains_all([0]), x.contains_all([False])),
        (x == 1, x != 1),
        (x == 1, field("y") == 1),
        (x.contains_any([]), x.contains_all([])),
        (And((a, b)), Or((a, b))),
        (And((a, b)), And((b, a))),
        (ALWAYS, NEVER),
        (And((x == 1,)), And((x == True,))),  # noqa: E712
        (Not(x == 1), Not(x == True)),  # noqa: E712
        (a, Not(Not(a))),
    ],
    ids=str,
)
def test_different_filters_are_not_equal(one: Filter, other: Filter) -> None:
    """Filters that say different things are different, also as keys: `True` is not 1, in a list neither."""
    assert one != other
    assert other != one
    assert len({one: 1, other: 2}) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (x == 1, x == 1.0),
        (x == 0.0, x == -0.0),
        (x == [1, (2,)], x == (1.0, [2])),
        (x == NOON, x == NOON.astimezone(timezone(timedelta(hours=-3)))),
        (x >= "2020-01-01T12:00:00Z", x >= NOON),
        (x >= "2020-01-01 13:00:00+01:00", x >= NOON),
        (a & b, And((a, b))),
    ],
    ids=str,
)
def test_filters_that_say_the_same_are_equal(one: Filter, other: Filter) -> None:
    """Equal operands make equal filters, with equal hashes."""
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1


def test_filters_can_not_be_changed() -> None:
    """A filter can be shared: its parts can't be set, and a list that was given isn't kept."""
    values: list[object] = ["a"]
    filter = x == [values]
    values.append("b")
    assert filter == (x == [["a"]])
    for part, name in ((a, "value"), (a & b, "filters"), (~a, "filter")):
        with pytest.raises(AttributeError):
            setattr(part, name, None)


def chain(depth: int) -> Filter:
    filter: Filter = a
    for level in range(depth - 1):
        filter = Not(filter) if level % 2 else And((filter,))
    return filter


def test_deep_trees_are_refused_without_recursion() -> None:
    """A tree of 64 levels is accepted, a deeper one is refused, however deep it is."""
    assert checked_depth(chain(MAX_DEPTH)) == chain(MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidFilter, match=f"deeper than {MAX_DEPTH} levels"):
            checked_depth(chain(depth))


def test_a_filter_shows_as_text() -> None:
    """`str(filter)` is the text form, for logs and messages."""
    assert str((field("year") >= 1958) & ~field("tags").contains("draft")) == (
        'year >= 1958 and not tags contains "draft"'
    )
    assert repr(field("a.b")) == "field('a.b')"
