"""Every filter comes back from its text and from its JSON; no text and no payload harms the parser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onevec.errors import InvalidFilter
from onevec.filter_syntax import parse_filter, parse_text, to_dict, to_text
from onevec.filters import MAX_DEPTH, And, Condition, Filter, Not, Op, Or, checked_depth, condition, field
from onevec.testing.payloads import PAYLOADS
from onevec.testing.strategies import filters

x = field("x")
a = field("a") == True  # noqa: E712 (a filter)

KEYWORDS = (
    *("and", "or", "not", "in", "is", "between", "null", "true", "false", "datetime", "all_of", "any_of"),
    *("exists", "missing", "contains", "contains_any", "contains_all", "starts_with", "has_text", "eq", "gte", "nin"),
)
OPERANDS: dict[Op, Any] = dict.fromkeys(Op, 1) | {
    **dict.fromkeys([Op.IN, Op.NOT_IN, Op.CONTAINS_ANY, Op.CONTAINS_ALL, Op.BETWEEN], (1, 2)),
    **dict.fromkeys([Op.STARTS_WITH, Op.HAS_TEXT], "a"),
    **dict.fromkeys([Op.EXISTS, Op.MISSING]),
}

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,5}(\.[A-Za-z_][A-Za-z0-9_-]{0,5}){0,2}", fullmatch=True)
SCALARS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
)
LISTS = st.recursive(SCALARS | st.none(), lambda part: st.lists(part, max_size=3), max_leaves=8).map(
    lambda part: [part]
)

Through: TypeAlias = Callable[[Filter], Filter | None]


def through_text(filter: Filter) -> Filter | None:
    return parse_text(to_text(filter))


def through_json(filter: Filter) -> Filter | None:
    return parse_filter(json.loads(json.dumps(to_dict(filter))))


both_ways = pytest.mark.parametrize("through", [through_text, through_json])


@both_ways
@given(filter=filters())
def test_every_tree_comes_back(through: Through, filter: Filter) -> None:
    """Written and read again, a filter of any shape is the same one."""
    assert through(filter) == filter


@given(filters())
def test_a_tree_is_written_in_one_way(filter: Filter) -> None:
    """What was read from a text or from JSON is written the same again."""
    text, written = to_text(filter), to_dict(filter)
    assert to_text(parse_text(text)) == text
    read = parse_filter(written)
    assert read is not None
    assert to_dict(read) == written


@both_ways
@given(name=NAMES, op=st.sampled_from([Op.EQ, Op.NE, Op.IN, Op.NOT_IN]), values=LISTS)
@example(name="x", op=Op.EQ, values=[5e-324, -0.0, 1.7976931348623157e308, 2**63 - 1, True, 1, 1.0])
def test_every_operand_comes_back(through: Through, name: str, op: Op, values: list[Any]) -> None:
    """Names and operands of any kind survive, also the types of numbers and what is in lists."""
    if op in {Op.IN, Op.NOT_IN} and None in values:
        values = [values]
    written = condition(name, op, values)
    read = through(written)
    assert isinstance(read, Condition)
    assert read == written
    assert repr(read.value) == repr(written.value)


@both_ways
def test_the_ends_of_time_come_back(through: Through) -> None:
    """Datetimes keep their microseconds, from the year 1 to the year 9999, alone and in lists."""
    for moment in (datetime.min, datetime(99, 12, 31, 23, 59, 59, 1), datetime(2020, 1, 1), datetime.max):  # noqa: DTZ001, DTZ901
        for filter in (x == moment, x < moment, x.between(moment, moment), x.is_in([moment, [moment, [moment]]])):
            assert through(filter) == filter


@both_ways
def test_a_payload_as_a_value_is_that_string_and_nothing_else(through: Through) -> None:
    """Whatever a string has in it, it is read back as that string."""
    for payload in PAYLOADS:
        filter = (x == payload) | x.is_in([payload, [payload]]) | x.starts_with(payload)
        assert through(filter) == filter
        assert to_text(filter).isprintable()


@both_ways
@pytest.mark.parametrize("keyword", KEYWORDS)
@pytest.mark.parametrize("op", Op)
def test_a_field_may_be_named_like_a_keyword(through: Through, op: Op, keyword: str) -> None:
    """A field's name is never taken for a keyword or an operator when a filter is written and read again."""
    for name in (keyword, keyword.upper(), keyword.title(), f"{keyword}.{keyword}"):
        one = condition(name, op, OPERANDS[op])
        for filter in (one, Not(one), And((one, one)), Or((one,))):
            assert through(filter) == filter


@both_ways
@pytest.mark.parametrize("wrap", [Not, lambda part: And((part,)), lambda part: Or((part, a))])
def test_the_deepest_tree_comes_back(through: Through, wrap: Callable[[Filter], Filter]) -> None:
    """A tree of 64 levels can be written and read, also with the deepest list in it; a deeper one is refused."""
    deepest: list[Any] = []
    for _ in range(MAX_DEPTH):
        deepest = [deepest]
    filter: Filter = x.is_in([deepest])
    while fits(wrapped := wrap(filter)):
        filter = wrapped
    assert through(filter) == filter
    with pytest.raises(InvalidFilter, match=f"deeper than {MAX_DEPTH} levels"):
        through(wrapped)


def fits(filter: Filter) -> bool:
    try:
        checked_depth(filter)
    except InvalidFilter:
        return False
    return True


def test_a_payload_as_a_text_is_a_filter_or_is_refused() -> None:
    """No string crashes the parser: it is a filter, or an `InvalidFilter` that names a column."""
    for payload in PAYLOADS:
        for text in (payload, f"x == {payload}", f"a and ({payload}", f'x in ["{payload}"]'):
            assert filter_or_refused(text)


@given(st.text(st.sampled_from("ax 01.-\"'`\\()[],=!<>\n\t"), max_size=40) | st.text(max_size=40))
@example("not " * 5)
def test_any_string_is_a_filter_or_refused(text: str) -> None:
    """The parser gives a filter or `InvalidFilter`, and nothing else, for whatever it is given."""
    assert filter_or_refused(text)


def filter_or_refused(text: str) -> bool:
    try:
        filter = parse_text(text)
    except InvalidFilter as error:
        return str(error).startswith("column ")
    return through_text(filter) == filter


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 10_000 + "a" + ")" * 10_000,
        "not " * 10_000 + "a",
        "not(" * 10_000 + "a" + ")" * 10_000,
        "all_of(" * 10_000 + "a" + ")" * 10_000,
        "x == " + "[" * 10_000,
        "x == " + "[" * 10_000 + "]" * 10_000,
        "x in " + "[" * 10_000 + "1" + "]" * 10_000,
    ],
    ids=lambda text: text[:12],
)
def test_deep_nesting_is_refused(text: str) -> None:
    """Text nested without end is refused with its place, and doesn't exhaust the stack."""
    with pytest.raises(InvalidFilter, match=f"^column .*nested at most {MAX_DEPTH}"):
        parse_text(text)


def test_parentheses_may_be_as_deep_as_a_tree() -> None:
    """Parentheses that add no level to the tree are counted as if they did."""
    assert parse_text("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == a


@pytest.mark.parametrize(
    "unit",
    ["a and ", "x == 1 or ", 'x == "' + "\\n" * 50 + '" and ', "x in [" + "1, " * 50 + "1] or ", " " * 50 + "a and "],
    ids=["fields", "conditions", "escapes", "lists", "spaces"],
)
def test_reading_takes_time_linear_in_the_text(unit: str) -> None:
    """Eight times the text takes far less than eight squared times as long."""

    def seconds(count: int) -> float:
        text = unit * count + "a"
        start = time.process_time()
        parse_text(text)
        return time.process_time() - start

    count = 20_000 // len(unit)
    assert min(seconds(8 * count) for _ in range(2)) < 32 * max(seconds(count), 0.001)


@pytest.mark.parametrize(
    "text", ['x == "' + "\\a" * 200_000, "x == '" + "a" * 400_000, "`" + "a" * 400_000, "a." * 200_000]
)
def test_an_unfinished_word_is_found_at_once(text: str) -> None:
    """A quote that is never closed is no work for the machine."""
    start = time.process_time()
    with pytest.raises(InvalidFilter):
        parse_text(text)
    assert time.process_time() - start < 1
