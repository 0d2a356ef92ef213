"""The evaluator means what the contract says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given

from onevec.documents import Metadata
from onevec.filters import And, Condition, Filter, Not, Op, Or, condition
from onevec.matching import matches
from onevec.testing.strategies import conditions, filters, stored_metadata
from onevec.validate import clean_metadata
from onevec.values import instant

from .filter_cases import CASES, VALUES, Case

KINDS = {"absent", "null", "bool", "int", "float", "str", "ISO 8601", "datetime", "list", "nested list", "dict"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.filter}-{case.metadata}"[:100])
def test_a_filter_means_what_the_contract_says(case: Case) -> None:
    """Every case of the table holds, for metadata as the store keeps it."""
    assert matches(case.filter, clean_metadata(case.metadata, "the document")) is case.expected


@pytest.mark.parametrize("op", Op)
def test_the_table_has_every_operator_on_every_kind_of_value(op: Op) -> None:
    """The table says of each operator what it means for each kind of value, and has both answers of it."""
    cases = [case for case in CASES if isinstance(case.filter, Condition) and case.filter.op is op]
    assert {_kind(case.metadata) for case in cases} >= KINDS
    assert {case.expected for case in cases} == {True, False}


def test_the_table_says_nothing_twice() -> None:
    """No filter of the table has a value both ways, and none has one twice."""
    for filter, yes, no in VALUES:
        shown = [f"{type(value)} {value!r}" for value in (*yes, *no)]
        assert len(shown) == len(set(shown)), str(filter)


def test_negation_turns_every_answer_around() -> None:
    """`~filter` is true exactly where the filter is false, with the field and without it."""
    for case in CASES:
        assert matches(~case.filter, clean_metadata(case.metadata, "the document")) is not case.expected


def test_a_null_is_no_value_where_it_was_not_dropped() -> None:
    """The evaluator takes a null for no value by itself, at the top and in objects."""
    nulls = [case for case in CASES if case.metadata in ({"v": None}, {"a": {"b": None}}, {"a": {"b": {"c": None}}})]
    assert len(nulls) > 50
    for case in nulls:
        assert matches(case.filter, case.metadata) is case.expected


@given(filters(), stored_metadata())
def test_logic_is_the_two_valued_one(filter: Filter, metadata: Metadata) -> None:
    """A filter or its negation holds, never both; and De Morgan's laws hold."""
    assert matches(Not(filter), metadata) is not matches(filter, metadata)
    if isinstance(filter, And | Or):
        other = Or if isinstance(filter, And) else And
        assert matches(Not(other(tuple(map(Not, filter.filters)))), metadata) is matches(filter, metadata)


@given(conditions([Op.NE, Op.NOT_IN, Op.MISSING]), stored_metadata())
def test_the_negative_operators_negate(written: Condition, metadata: Metadata) -> None:
    """`ne`, `not_in` and `missing` are true exactly where `eq`, `in` and `exists` are false."""
    positive = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.MISSING: Op.EXISTS}[written.op]
    assert matches(written, metadata) is not matches(condition(written.field, positive, written.value), metadata)


@given(conditions([Op.BETWEEN, Op.IN, Op.CONTAINS_ANY]), stored_metadata())
def test_the_operators_of_several_values_are_those_of_one_combined(written: Condition, metadata: Metadata) -> None:
    """`between` is `ge` and `le`, `in` is `eq` to one, `contains_any` is `contains` of one."""
    values: Any = written.value
    match written.op:
        case Op.BETWEEN:
            low, high = values
            plain: Filter = And((condition(written.field, Op.GE, low), condition(written.field, Op.LE, high)))
        case Op.IN:
            plain = Or(tuple(condition(written.field, Op.EQ, value) for value in values))
        case _:
            plain = Or(tuple(condition(written.field, Op.CONTAINS, value) for value in values))
    assert matches(written, metadata) is matches(plain, metadata)


def _kind(metadata: Metadata) -> str:
    match metadata.get("v", ...):
        case el if el is ...:
            return "absent"
        case None:
            return "null"
        case list(items) if any(isinstance(item, list) for item in items):
            return "nested list"
        case str(text) if instant(text) is not None:
            return "ISO 8601"
        case datetime():
            return "datetime"
        case value:
            return type(value).__name__
